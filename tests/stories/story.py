"""given / when / then over the pure core: commands in, events out, each story one zone.

People and requests are placed in metres east of one point, times are minutes after the story's beginning. The solver is
the real one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from matcher import commands as c
from matcher.decisions import decide, evolve, pose
from matcher.events import Event
from matcher.policy import TRAVEL_ONLY, Policy
from matcher.solvers import solve
from matcher.terms import HeldSkill, Hours, NeededSkill, PlaceLevel, Point, Requirement, WeeklyWindow
from matcher.zone import Zone

BEGIN = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)  # a Monday
ALWAYS = Hours(weekly=tuple(WeeklyWindow(weekday=day, from_minute=0, until_minute=1440) for day in range(7)))
ZONE = "town"


def east(metres: float) -> Point:
    """Return the point so many metres east of the story's centre, on the equator."""
    return Point(lat=0.0, lon=math.degrees(metres / 6_371_008.8))


class Story:
    """One zone and everything that has happened in it. Commands get ids of their own unless given one."""

    def __init__(self, policy: Policy = TRAVEL_ONLY, skills: Sequence[str] = ("help", "nursing")) -> None:
        self.zones: dict[str, Zone] = {}
        self.events: list[Event] = []
        self.minute = 0
        self.beat = 0
        self._commands = 0
        self.send(c.DefinePlace, place=ZONE, level=PlaceLevel.DISTRICT, name="Town")
        policy = msgspec.structs.replace(policy, timezone="UTC", notify=False)
        self.send(c.SetPolicy, policy=policy)
        for skill in skills:
            self.send(c.DefineSkill, skill=skill)

    @property
    def zone(self) -> Zone:
        """The zone's state now."""
        return self.zones[ZONE]

    def send(self, kind: type[c.Command], /, **fields: Any) -> list[Event]:
        """Decide one command and apply what follows; return it."""
        self._commands += 1
        fields = {"id": f"c{self._commands}", "zone": ZONE, "at": self.now(), **fields}
        return self._apply(decide(self.zones, command := kind(**fields)), command)

    def now(self, after: int = 0) -> datetime:
        """Return the story's time, or so many minutes after it."""
        return BEGIN + timedelta(minutes=self.minute + after)

    def volunteer(self, name: str, at: float = 0, **fields: Any) -> list[Event]:
        """Register a person who is always free, can help, and drives far, unless said otherwise."""
        fields = {"skills": (HeldSkill(skill="help"),), "hours": ALWAYS, "reach_m": 50_000, **fields}
        return self.send(c.RegisterVolunteer, volunteer=name, point=east(at), **fields)

    def request(
        self, name: str, at: float = 0, people: int = 1, minimum: int | None = None, **fields: Any
    ) -> list[Event]:
        """Submit a request for people who can help, for an hour within a day."""
        need = Requirement(people=people, minimum_people=minimum, skills=(NeededSkill(skill="help"),))
        fields = {"requirements": (need,), "latest": self.now(1440), "duration_minutes": 60, **fields}
        return self.send(c.SubmitRequest, request=name, point=east(at), **fields)

    def tick(self, minutes: int = 1) -> list[Event]:
        """Let time pass and run the beat."""
        self.minute += minutes
        self.beat += 1
        tick = c.Tick(id=f"t{self.beat}", zone=ZONE, at=self.now(), beat=self.beat)
        happened = self._apply(decide(self.zones, tick), tick)
        problem = pose(self.zones, tick) if happened else None
        if problem is None:
            return happened
        return happened + self._apply(decide(self.zones, tick, solve(problem)), tick)

    def accept(self, offer: str) -> list[Event]:
        return self.send(c.AcceptOffer, offer=offer)

    def decline(self, offer: str) -> list[Event]:
        return self.send(c.DeclineOffer, offer=offer)

    def visit(self, assignment: str) -> list[Event]:
        """Depart, arrive and finish."""
        steps = (c.Depart, c.Arrive, c.Finish)
        return [event for kind in steps for event in self.send(kind, assignment=assignment)]

    def state(self, request: str) -> str:
        """Return the request's state."""
        return self.zone.request(request).state.value

    def offers(self) -> dict[str, str]:
        """Return offer -> its state, for every offer that the zone remembers."""
        return {name: a.offer.value for name, a in self.zone.assignments.items()}

    def _apply(self, events: list[Event], _: c.Command) -> list[Event]:
        for event in events:
            evolve(self.zones, event)
        self.events += events
        return events


def names(events: Sequence[Event]) -> list[str]:
    """Return the kinds of the events, in order."""
    return [type(event).__name__ for event in events]


def only(events: Sequence[Event], kind: type[Any]) -> list[Any]:
    """Return the events of one kind."""
    return [event for event in events if type(event) is kind]
