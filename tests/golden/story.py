"""Commands of a few zones under different policies, by seed: every word there is, and what nobody should send.

Played by `recording` through real writers. The zones are decided here at once, so that answers fit what was offered.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec

from matcher import commands as c
from matcher.calendar import YearDays
from matcher.city_days import Weeks
from matcher.decisions import decide, evolve, pose
from matcher.events import Event
from matcher.policy import DEFAULT, EMERGENCY, FAIR, TRAVEL_ONLY, Coverage, Limits, Policy
from matcher.solvers import solve
from matcher.terms import HeldSkill, Hours, NeededSkill, PlaceLevel, Requirement, WeeklyWindow
from matcher.weeks import Shift
from matcher.zone import OfferState, RequestState, Status, Zone
from services.wire import encode
from tests.stories.story import ALWAYS, BEGIN, east

POLICIES = (DEFAULT, TRAVEL_ONLY, FAIR, EMERGENCY)
STEPS = 110
URGENCIES = ("urgent", "normal", "low")


class Told:
    """One zone: says what is asked next, and decides it to know what can be asked after that."""

    def __init__(self, name: str, policy: Policy, seed: int) -> None:
        self.name = name
        self.asked: list[c.Command] = []
        self._draw = random.Random(f"{seed} {name}")
        self._zones: dict[str, Zone] = {}
        self._minute = 0
        self._opening(policy)
        for step in range(STEPS):
            self._step(step)
        self._certainly()
        self._beats([5, 30, 200, 1500, 12_000])

    @property
    def zone(self) -> Zone:
        return self._zones[self.name]

    def _opening(self, policy: Policy) -> None:
        self._ask(c.DefinePlace, place=self.name, level=PlaceLevel.DISTRICT, name="Town")
        for place in ("north", "south"):
            self._ask(c.DefinePlace, place=place, level=PlaceLevel.COMPOUND, parent=self.name, point=east(700))
        window = 4 if policy is FAIR else msgspec.UNSET
        own = msgspec.structs.replace(
            policy, timezone="UTC", notify=policy is DEFAULT, window_working_days=window
        )  # fmt: skip
        self._ask(c.SetPolicy, policy=own)
        self._ask(c.DefineUnit, unit="library", name="Library")
        for skill in ("help", "nursing"):
            self._ask(c.DefineSkill, skill=skill)
        self._ask(c.DefineSkill, skill="bus", circle_minutes=10)
        self._ask(c.SetCalendarYear, days=_year(2))

    def _step(self, step: int) -> None:
        what = self._draw.random()
        if what < 0.2 or step < 6:
            self._person()
        elif what < 0.42:
            self._request(step)
        elif what < 0.7:
            self._beats([self._draw.choice([1, 20, 45, 200])])
        elif what < 0.9:
            self._answers()
        else:
            self._other(step)

    def _person(self) -> None:
        draw = self._draw
        skills = [HeldSkill(skill="help", level=draw.randint(1, 3))]
        skills += [HeldSkill(skill=draw.choice(["nursing", "bus"]), level=2)] * draw.randint(0, 1)
        days = Hours(weekly=tuple(WeeklyWindow(weekday=day, from_minute=480, until_minute=1200) for day in range(6)))
        self._ask(
            c.RegisterVolunteer, volunteer=f"p{draw.randrange(14)}", point=east(draw.randrange(0, 6000, 300)),
            skills=tuple(skills), hours=draw.choice([ALWAYS, ALWAYS, days]), reach_m=draw.choice([2000, 50_000]),
            unit=draw.choice([None, "library"]), places=draw.choice([(), ("north", "south")]),
            visits_per_day=draw.choice([msgspec.UNSET, 1]), posts=draw.choice([msgspec.UNSET, ("post",)]),
        )  # fmt: skip

    def _request(self, step: int) -> None:
        draw = self._draw
        crew = draw.choice([1, 1, 1, 2, 3])
        need = Requirement(
            people=crew, minimum_people=draw.choice([None, 1]),
            skills=(NeededSkill(skill=draw.choice(["help", "help", "nursing", "bus"])),),
            nice=draw.choice([msgspec.UNSET, (NeededSkill(skill="nursing"),)]),
        )  # fmt: skip
        self._ask(
            c.SubmitRequest, request=f"r{step}", point=east(draw.randrange(0, 6000, 300)), requirements=(need,),
            latest=draw.choice([None, self._at(240), self._at(1440)]), urgency=draw.choice(URGENCIES),
            requester=draw.choice([None, "zhao", "qian"]), excluded=draw.choice([(), ("p1",)]),
            preferred=draw.choice([msgspec.UNSET, ("p2",)]), post=draw.choice([msgspec.UNSET, "post"]),
            place=draw.choice([None, "north"]), must_have=draw.choice([msgspec.UNSET] * 5 + [("p3", "p4")]),
        )  # fmt: skip

    def _answers(self) -> None:
        for name, assignment in list(self.zone.assignments.items())[-8:]:
            if assignment.offer is OfferState.SENT and assignment.status is Status.TENTATIVE:
                kind = c.AcceptOffer if self._draw.random() < 0.75 else c.DeclineOffer
                self._ask(kind, offer=name)
            elif assignment.status is Status.COMMITTED and self._draw.random() < 0.6:
                for step in (c.Depart, c.Arrive, c.Finish)[self._draw.randint(0, 1) :]:
                    self._ask(step, assignment=name)
        for name, request in list(self.zone.requests.items()):
            if request.state is RequestState.COMPLETED and self._draw.random() < 0.5:
                solved = self._draw.random() < 0.7
                self._ask(c.RateRequest, request=name, effect=4, conduct=5, solved=solved)

    def _other(self, step: int) -> None:
        """Ask something rare: a change, a withdrawal, another rule, a repeat, a contradiction."""
        draw, person = self._draw, f"p{self._draw.randrange(14)}"
        request = draw.choice([*self.zone.requests, *self.zone.ended, "nobody's"])
        rare: list[tuple[type[c.Command], dict[str, Any]]] = [
            (c.CancelRequest, {"request": request}),
            (c.ChangeRequest, {"request": request, "latest": self._at(2000)}),
            (c.ReopenRequest, {"request": request}),
            (c.ChangeAvailability, {"volunteer": person, "hours": ALWAYS}),
            (c.PauseVolunteer, {"volunteer": person, "until": self._at(300)}),
            (c.RemoveVolunteer, {"volunteer": person}),
            (c.SetCalendarDay, {"day": self._at(2880).date(), "working": False, "name": "flood"}),
            (c.SetCalendarYear, {"days": _year(2, 3)}),
            (c.SetPolicy, {"policy": self._other_policy()}),
            (c.ReportJob, {"job": next(iter(self.zone.jobs), "none"), "attempt": 1, "outcome": c.JobOutcome.SENT}),
        ]
        kind, fields = rare[step % len(rare)]
        self._ask(kind, **fields)
        if step % 4 == 0:
            self.asked.append(self.asked[-1])  # a repeat
        if step % 5 == 0:
            again = msgspec.structs.replace(self.asked[-1], actor="somebody else")
            self._decided(again)  # another body under the same id

    def _certainly(self) -> None:
        """Ask what chance may have left out."""
        self._request(STEPS)
        self._ask(c.ChangeRequest, request=f"r{STEPS}", duration_minutes=45)
        self._person()
        self._beats([1])
        asked = [a for a in self.zone.assignments.values() if a.status is Status.TENTATIVE]
        for assignment in asked[:1]:
            self._ask(c.PauseVolunteer, volunteer=self.zone.people.ids[assignment.volunteer], until=self._at(60))
        self._ask(c.ChangeAvailability, volunteer=self.zone.people.ids[0], hours=ALWAYS)

    def _other_policy(self) -> Policy:
        limits = Limits(visits_per_day=self._draw.choice([0, 2]))
        reserve = Coverage(points=200, people=1)
        return msgspec.structs.replace(
            self.zone.policy, limits=limits, coverage=reserve, weeks=Weeks(shift=Shift.NEXT_WORKING_WEEK)
        )

    def _beats(self, minutes: list[int]) -> None:
        for each in minutes:
            self._minute += each
            beat = self._minute
            self._decided(c.Tick(id=f"t{self.name}.{beat}", zone=self.name, at=self._at(), beat=beat))

    def _at(self, after: int = 0) -> Any:
        return BEGIN + timedelta(minutes=self._minute + after)

    def _ask(self, kind: type[c.Command], **fields: Any) -> None:
        name = f"{self.name}.{len(self.asked)}"
        self._decided(kind(id=name, zone=self.name, at=self._at(), **fields))

    def _decided(self, command: c.Command) -> None:
        self.asked.append(command)
        self._evolve(decide(self._zones, command))
        if isinstance(command, c.Tick) and (problem := pose(self._zones, command)) is not None:
            self._evolve(decide(self._zones, command, solve(problem)))

    def _evolve(self, events: list[Event]) -> None:
        for event in events:
            evolve(self._zones, event)


def _year(*days: int) -> YearDays:
    """Return a year in which nobody works on these days after the story's beginning."""
    holidays = tuple((BEGIN + timedelta(days=day)).date() for day in days)
    return YearDays(year=BEGIN.year, holidays=holidays, sources=("a", "b"))


def asked(seed: int) -> Iterator[bytes]:
    """Yield every zone's commands in turns, as bytes, with poison and strangers among them."""
    zones = [Told(f"zone-{policy.name}", policy, seed).asked for policy in POLICIES]
    yield encode(zones[0][3])  # before its zone is there
    for step in range(max(map(len, zones))):
        for commands in zones:
            if step < len(commands):
                yield encode(commands[step])
        if step % 60 == 30:
            yield from (b"{", b"\xff\xfe", b'{"type":"Praise","id":"x"}', b"null")
