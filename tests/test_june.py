"""A real month: Boston's requests of June 2015 with an invented roster, through the whole chain in lock-step.

On every beat's own problem a nearest-first dispatcher that shares nothing with the matcher is asked what it would do.
The log is in memory here; `test_kill9.py` plays on disk.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from matcher.commands import RegisterVolunteer
from matcher.events import Outcome
from matcher.policy import TRAVEL_ONLY
from producers import mapping, rows, tables
from services.adapters.memory import MemoryLog
from services.core import Matching
from services.demo import scenario
from services.demo.playing import Audience, play
from services.demo.receipts import Receipts
from services.demo.summary import summarise
from services.demo.tally import CANCELLED, Tally
from services.solving import InlineSolver
from services.verify import Verdict, read_receipts, verify
from tests.nearest_first import all_trips, metres_between, nearest_first, objections

pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.skipif("PAIDAN_DATA" not in os.environ, reason="$PAIDAN_DATA does not say where the real files are"),
]
SEED = 1
PEOPLE = 2000
#: A part of the month for a quick look; the promise is about all of it.
ROWS = int(os.environ.get("PAIDAN_JUNE_REQUESTS", "10332"))


@dataclass
class Doubter:
    """A solver whose every plan is compared with what walking nearest-first would do."""

    solver: InlineSolver = field(default_factory=InlineSolver)
    problems: int = 0
    objections: list[str] = field(default_factory=list)
    filled: dict[str, int] = field(default_factory=lambda: {"plan": 0, "nearest_first": 0})
    metres: dict[str, int] = field(default_factory=lambda: {"plan": 0, "nearest_first": 0})

    async def solve(self, problem):
        plan = await self.solver.solve(problem)
        trips = all_trips(problem)
        mine = nearest_first(problem, trips)
        self.problems += 1
        self.objections += objections(problem, plan, trips, mine)
        self.filled["plan"] += len(plan.placements)
        self.filled["nearest_first"] += mine.filled
        self.metres["plan"] += sum(int(placed.distance_m + 0.5) for placed in plan.placements)
        self.metres["nearest_first"] += mine.metres
        return plan


@dataclass
class Month:
    input: scenario.Scenario
    audience: Audience
    doubter: Doubter
    verdict: Verdict


def june(count: int = ROWS) -> scenario.Scenario:
    how = mapping.zoned_by(mapping.load("boston311"), "neighborhood")
    file = Path(os.environ["PAIDAN_DATA"]) / "boston-311-2015" / "boston-311-2015-06.csv.gz"
    asked = rows.read_requests(tables.read(file), how).rows[:count]
    people = scenario.invented_people(asked, PEOPLE * len(asked) // 10332 or 1, SEED)
    rules = msgspec.structs.replace(TRAVEL_ONLY, timezone="America/New_York")
    return scenario.of_rows(asked, people, SEED, timedelta(minutes=10), rules, zone="boston")


@pytest.fixture(scope="module")
def month(tmp_path_factory) -> Month:
    given, audience, doubter, log = june(), Audience(), Doubter(), MemoryLog()
    file = tmp_path_factory.mktemp("june") / "receipts.jsonl"

    async def whole() -> Verdict:
        with Receipts(file) as receipts:
            await play(given, log, Matching(), doubter, receipts, audience, partitions=16)
        return await verify(log, 16, read_receipts(file))

    return Month(given, audience, doubter, asyncio.run(whole()))


def test_every_request_has_its_end_and_the_checker_counts_the_same(month):
    verdict, tally = month.verdict, month.audience.tally
    assert verdict.requests == ROWS
    assert verdict.requests == verdict.closed + verdict.expired + verdict.cancelled + verdict.open
    assert verdict.open == 0
    counted = (len(tally.requests), tally.closed, tally.expired, tally.cancelled, tally.open)
    assert counted == (verdict.requests, verdict.closed, verdict.expired, verdict.cancelled, verdict.open)


def test_nothing_is_lost_and_nobody_is_booked_twice(month):
    assert (month.verdict.lost, month.verdict.double_bookings) == (0, 0), month.verdict.findings
    assert month.verdict.receipts


@pytest.mark.skipif(ROWS < 10332, reason="a part of the month leaves some zones two or three requests")
def test_something_is_closed_in_every_zone_that_has_requests_and_people_who_could(month):
    closed = {zone for (zone, _), outcome in month.audience.tally.ended.items() if outcome not in _NOT_DONE}
    could = _zones_with_capable_people(month.input, _turned_down(month.audience.tally))
    assert len(could) > 15
    assert could <= closed


_NOT_DONE = {CANCELLED, Outcome.EXPIRED.value}


def _turned_down(tally: Tally) -> set[tuple[str, str]]:
    """Requests that were cancelled, or that everybody who could was asked for and said no to."""
    cancelled = {request for request, outcome in tally.ended.items() if outcome == CANCELLED}
    return cancelled | {r for r, reasons in tally.unfilled.items() if "PREVIOUSLY_REFUSED" in reasons.values()}


def _zones_with_capable_people(given: scenario.Scenario, but: set[tuple[str, str]]) -> set[str]:
    """Zones in which some person has the skills of some request (but these) and agreed to travel that far."""
    people: dict[str, list[RegisterVolunteer]] = {}
    for command in given.opening:
        if isinstance(command, RegisterVolunteer):
            people.setdefault(command.zone, []).append(command)
    return {
        request.zone
        for request in given.requests
        if (request.zone, request.request) not in but
        for person in people.get(request.zone, [])
        if {need.skill for need in request.requirements[0].skills} <= {held.skill for held in person.skills}
        and _metres(request.point, person.point) <= person.reach_m
    }


def _metres(a, b) -> float:
    return float(metres_between(*(np.array([x]) for x in (a.lat, a.lon, b.lat, b.lon)))[0, 0])


def test_on_no_beat_does_nearest_first_fill_more_or_as_many_with_fewer_metres_and_every_reason_is_its_own(month):
    doubter = month.doubter
    print(f"{doubter.problems} problems, filled {doubter.filled}, metres {doubter.metres}")
    assert doubter.problems > ROWS // 10
    assert not doubter.objections, doubter.objections[:20]


def test_the_summary_of_the_month_is_complete(month):
    summary = summarise(
        month.audience.tally,
        month.audience.figures,
        lost=month.verdict.lost,
        double_bookings=month.verdict.double_bookings,
    )
    print(msgspec.json.encode(summary).decode())
    assert summary.requests == summary.closed + summary.expired + summary.cancelled + summary.open
    assert summary.accepted <= summary.assigned <= summary.requests
    assert summary.rated <= summary.completed <= summary.accepted
    assert sum(summary.unassigned_by_reason.values()) == summary.expired
