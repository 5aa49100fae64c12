"""The matcher as the core that the log's writers drive (`services.core.Core`). Called by entry points and tests."""

from __future__ import annotations

from matcher import decisions
from matcher.commands import Command, Tick
from matcher.events import Event
from matcher.problem import Plan, Problem
from matcher.zone import Zone
from services.core import Zones


class Matcher:
    """`matcher.decisions` and `Zone.decode`; holds nothing."""

    def decide(self, zones: Zones, command: Command, plan: Plan | None = None) -> list[Event]:
        """Return what follows from the command; for a Tick with its plan, what follows from the plan."""
        return decisions.decide(zones, command, plan)

    def evolve(self, zones: Zones, event: Event) -> None:
        """Take one event into the state."""
        decisions.evolve(zones, event)

    def pose(self, zones: Zones, tick: Tick) -> Problem | None:
        """Return the zone's problem at this beat, or None when there is nothing to solve."""
        return decisions.pose(zones, tick)

    def revive(self, state: bytes) -> Zone:
        """Return the zone whose `encode` gave these bytes."""
        return Zone.decode(state)
