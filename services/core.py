"""What the log needs of the matching core: pure functions over a dict of zones. `Matching` fills it; tests
fill it with a toy. Nothing here decides anything."""

from __future__ import annotations

from typing import Any, Protocol

from matcher import decisions
from matcher.commands import Command, Tick
from matcher.events import Event
from matcher.problem import Plan, Problem
from matcher.zone import Zone


class ZoneState(Protocol):
    """The folded state of one zone."""

    def encode(self) -> bytes:
        """Return the canonical bytes: equal states give equal bytes."""

    def waiting(self) -> bool:
        """Say whether anything waits for time to pass."""


#: Zone id -> state. The core owns the values' type; the log only carries them.
Zones = dict[str, Any]


class Core(Protocol):
    """Decides and remembers. `decide` and `pose` change nothing; `evolve` decides nothing."""

    def decide(self, zones: Zones, command: Command, plan: Plan | None = None) -> list[Event]:
        """Return what follows from the command; for a Tick with its plan, what follows from the plan."""

    def evolve(self, zones: Zones, event: Event) -> None:
        """Take one event into the state."""

    def pose(self, zones: Zones, tick: Tick) -> Problem | None:
        """Return the zone's problem at this beat, or None when there is nothing to solve."""

    def revive(self, state: bytes) -> ZoneState:
        """Return the zone whose `encode` gave these bytes."""


class Matching:
    """The real core: `matcher.decisions` over `matcher.zone`. Holds nothing."""

    decide = staticmethod(decisions.decide)
    evolve = staticmethod(decisions.evolve)
    pose = staticmethod(decisions.pose)
    revive = staticmethod(Zone.decode)
