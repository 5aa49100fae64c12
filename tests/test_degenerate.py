"""Where clocks jump, days and weeks wrap, intervals touch, and everybody stands at one point."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from matcher.commands import RegisterVolunteer
from matcher.people import People
from matcher.policy import TRAVEL_ONLY
from matcher.posing import OpenRequirement, problem_of
from matcher.problem import Plan, Problem
from matcher.solvers import exact, paths, proof, solve
from matcher.terms import Hours, HoursException, WeeklyWindow
from tests.problems import DAY, HOUR, NOW, Need, Person, problem
from tests.stories.story import east

MONDAY, SATURDAY, SUNDAY = 0, 5, 6
BOSTON, BERLIN, CHINA, KATHMANDU = "America/New_York", "Europe/Berlin", "Asia/Shanghai", "Asia/Kathmandu"


def proven(case: Problem) -> Plan:
    plan = solve(case)
    proof.check(case, plan)
    assert plan.optimal
    return plan


def starts(timezone: str, hours: Hours, earliest: str, latest: str, minutes: int) -> list[str]:
    """Pose one person at the door of one request; return the local start, empty where there is none."""
    zone = ZoneInfo(timezone)
    begin, end = (datetime.fromisoformat(text).replace(tzinfo=zone) for text in (earliest, latest))
    people = People()
    people.register(RegisterVolunteer(id="c", zone="z", at=begin, volunteer="p", point=east(0), hours=hours))
    asked = OpenRequirement(
        request="r", requirement="1", point=east(0), earliest_s=int(begin.timestamp()), latest_s=int(end.timestamp()),
        duration_s=60 * minutes, people=1, minimum=1, skills=(), urgency="normal", waiting_since_s=0,
    )  # fmt: skip
    case = problem_of(
        zone="z", beat=0, now=begin - timedelta(days=1), policy=msgspec.structs.replace(TRAVEL_ONLY, timezone=timezone),
        people=people, requirements=[asked],
    )  # fmt: skip
    return [datetime.fromtimestamp(p.start_s, zone).isoformat() for p in proven(case).placements]


def window(day: int, begin: int, end: int, *exceptions: HoursException) -> Hours:
    return Hours(weekly=(WeeklyWindow(weekday=day, from_minute=begin, until_minute=end),), exceptions=exceptions)


NIGHT = window(SUNDAY, 60, 240)  # 01:00-04:00


@pytest.mark.parametrize(
    ("timezone", "day", "minutes", "fits"),
    [
        (BOSTON, "2026-03-08", 121, False),  # clocks go forward at two: the window lasts two hours
        (BOSTON, "2026-03-08", 120, True),
        (BOSTON, "2026-11-01", 240, True),  # clocks go back: four hours
        (BOSTON, "2026-11-01", 241, False),
        (BERLIN, "2026-03-29", 121, False),
        (BERLIN, "2026-10-25", 240, True),
        (CHINA, "2026-03-29", 180, True),  # no clock changes
        (CHINA, "2026-03-29", 181, False),
        (KATHMANDU, "2026-03-29", 180, True),  # 5:45 ahead
    ],
)
def test_a_night_is_as_long_as_it_really_is(timezone: str, day: str, minutes: int, fits: bool) -> None:
    found = starts(timezone, NIGHT, f"{day}T00:00:00", f"{day}T12:00:00", minutes)
    assert [start[:16] for start in found] == ([f"{day}T01:00"] if fits else [])


@pytest.mark.parametrize("timezone", [BOSTON, BERLIN, CHINA, KATHMANDU, "UTC", "Pacific/Kiritimati"])
def test_hours_are_local_wherever_the_zone_is(timezone: str) -> None:
    hours = window(MONDAY, 18 * 60, 21 * 60)
    [start] = starts(timezone, hours, "2026-06-01T00:00:00", "2026-06-01T23:00:00", 60)
    assert start.startswith("2026-06-01T18:00:00")
    assert starts(timezone, hours, "2026-06-02T00:00:00", "2026-06-07T23:00:00", 60) == []


@pytest.mark.parametrize(
    ("hours", "earliest", "start"),
    [
        (window(MONDAY, 22 * 60, 26 * 60), "2026-06-01T23:30:00", "2026-06-01T23:30:00"),  # over midnight
        (
            window(MONDAY, 22 * 60, 26 * 60),
            "2026-06-02T00:30:00",
            "2026-06-02T00:30:00",
        ),  # the day after, the same window
        (window(SUNDAY, 23 * 60, 25 * 60), "2026-06-07T23:30:00", "2026-06-07T23:30:00"),  # over the end of the week
        (window(SUNDAY, 24 * 60 - 1, 30 * 60), "2026-06-08T03:00:00", "2026-06-08T03:00:00"),
        (window(SATURDAY, 0, 2880), "2026-06-07T22:00:00", "2026-06-07T22:00:00"),  # two whole days
    ],
)
def test_windows_run_over_midnight_and_over_the_end_of_the_week(hours: Hours, earliest: str, start: str) -> None:
    found = starts(CHINA, hours, earliest, "2026-06-08T12:00:00", 60)
    assert [one[:19] for one in found] == [start]


def test_a_window_over_midnight_from_two_days_touching_there_is_one() -> None:
    both = Hours(weekly=(*window(SUNDAY, 1380, 1440).weekly, *window(MONDAY, 0, 60).weekly))
    assert starts(CHINA, both, "2026-06-07T20:00:00", "2026-06-08T12:00:00", 120)[0].startswith("2026-06-07T23:00")
    apart = Hours(weekly=(*window(SUNDAY, 1380, 1440).weekly, *window(MONDAY, 1, 60).weekly))
    assert starts(CHINA, apart, "2026-06-07T20:00:00", "2026-06-08T12:00:00", 120) == []


def test_released_time_counts_on_its_day_alone_and_time_taken_away_ends_where_it_says() -> None:
    day = datetime(2026, 6, 3).date()
    released = Hours(exceptions=(HoursException(day=day, from_minute=540, until_minute=720, available=True),))
    assert starts(CHINA, released, "2026-06-01T00:00:00", "2026-06-07T00:00:00", 180)[0].startswith("2026-06-03T09:00")
    assert starts(CHINA, released, "2026-06-10T00:00:00", "2026-06-14T00:00:00", 180) == []
    away = window(2, 540, 720, HoursException(day=day, from_minute=540, until_minute=600))
    assert starts(CHINA, away, "2026-06-03T00:00:00", "2026-06-04T00:00:00", 120)[0].startswith("2026-06-03T10:00")
    assert starts(CHINA, away, "2026-06-03T00:00:00", "2026-06-04T00:00:00", 121) == []


@pytest.mark.parametrize(("gap_s", "served"), [(0, 2), (-1, 1), (1, 2)])
def test_back_to_back_is_no_clash_and_a_second_of_overlap_is_one(gap_s: int, served: int) -> None:
    person = Person(id="p", capacity=2)
    first = Need(id="a", earliest_s=NOW, latest_s=NOW + HOUR)
    after = NOW + HOUR + gap_s
    second = Need(id="b", earliest_s=after, latest_s=after + HOUR)
    assert len(proven(problem([person], [first, second])).placements) == served


@pytest.mark.parametrize(("shift_s", "served"), [(0, 1), (1, 0)])
def test_a_visit_may_touch_what_the_person_already_has_on_both_sides(shift_s: int, served: int) -> None:
    busy = [(NOW - HOUR, NOW + shift_s), (NOW + HOUR, NOW + 2 * HOUR)]
    case = problem([Person(id="p", busy=busy)], [Need(id="r", latest_s=NOW + HOUR)])
    assert len(proven(case).placements) == served


@pytest.mark.parametrize("shift_s", [0, 1])
def test_a_visit_may_fill_hours_and_window_to_the_second(shift_s: int) -> None:
    case = problem([Person(id="p", hours=[(NOW, NOW + HOUR - shift_s)])], [Need(id="r", latest_s=NOW + HOUR)])
    assert len(proven(case).placements) == 1 - shift_s


@pytest.mark.parametrize("shift_s", [0, 1])
def test_a_certificate_that_ends_with_the_visit_is_enough(shift_s: int) -> None:
    person = Person(id="p", expires={"help": NOW + HOUR - shift_s})
    case = problem([person], [Need(id="r", latest_s=NOW + DAY)])
    assert len(proven(case).placements) == 1 - shift_s


def test_nobody_and_nothing() -> None:
    plan = proven(problem([], [Need(id="r", people=3)]))
    assert (plan.placements, len(plan.shortfalls), plan.objective["filled"]) == ([], 1, 0)
    assert proven(problem([Person(id="p")], [])).placements == []


@pytest.mark.slow
def test_17000_requests_at_one_point_are_filled_as_far_as_people_go() -> None:
    """Everybody is as near as anybody: the longest waiting are served, by both engines at the same cost."""
    crowd = [Person(id=f"p{n}", at=(float(n), 0.0), capacity=1) for n in range(40)]
    needs = [Need(id=f"r{n}", waiting=n) for n in range(17_000)]
    case = problem(crowd, needs)
    found = []
    for engine in (exact.by_flow, paths.solve):
        plan = engine(case)
        proof.check(case, plan)
        assert plan.optimal
        assert sorted(p.requirement for p in plan.placements) == list(range(17_000 - 40, 17_000))
        found.append(plan.objective)
    assert found[0] == found[1]
    assert found[0]["travel"] == sum(range(40))


@pytest.mark.parametrize("engine", [exact.by_flow, paths.solve], ids=["ortools", "paths"])
def test_everybody_at_one_point_with_one_skill(engine) -> None:
    plan = engine(problem([Person(id=f"p{n}") for n in range(80)], [Need(id=f"r{n}") for n in range(60)]))
    assert plan.objective == {"filled": 60, "travel": 0, "waiting": 0}
    assert len({p.person for p in plan.placements}) == 60


@pytest.mark.parametrize("engine", [exact.by_flow, paths.solve], ids=["ortools", "paths"])
def test_a_person_with_64_skills_serves_the_one_that_nobody_else_can(engine) -> None:
    every = {f"s{n}": 5 for n in range(64)}
    crowd = [
        Person(id="all", skills=every),
        *(Person(id=f"p{n}", at=(9.0, 0.0), skills={f"s{n}": 1}) for n in range(63)),
    ]
    plan = engine(problem(crowd, [Need(id=f"r{n}", skills={f"s{n}": 1}) for n in range(64)]))
    assert plan.objective["filled"] == 64
    assert [p.requirement for p in plan.placements if crowd[p.person].id == "all"] == [63]


@pytest.mark.parametrize("engine", [exact.by_flow, paths.solve], ids=["ortools", "paths"])
def test_zero_reach_serves_at_the_door_and_nowhere_else(engine) -> None:
    crowd = [Person(id=f"p{n}", at=(50.0 * n, 0.0), reach_m=0.0) for n in range(8)]
    needs = [Need(id=f"r{n}", at=(100.0 * n, 0.0)) for n in range(8)]
    plan = engine(problem(crowd, needs))
    assert sorted((p.requirement, p.person) for p in plan.placements) == [(n, 2 * n) for n in range(4)]
    assert all(p.distance_m == 0 for p in plan.placements)


def test_visits_of_one_plan_wrap_over_midnight_one_after_the_other() -> None:
    """Ten hours of visits from ten in the evening, one person, one place: no gap and no overlap."""
    person = Person(id="p", capacity=10, hours=[(NOW, NOW + 10 * HOUR)])
    plan = proven(problem([person], [Need(id=f"r{n}", latest_s=NOW + 10 * HOUR) for n in range(5)]))
    begun = sorted(p.start_s for p in plan.placements)
    assert len(begun) == 5
    assert all(b - a >= HOUR for a, b in pairwise(begun))
    assert np.all(np.array(begun) + HOUR <= NOW + 10 * HOUR)
