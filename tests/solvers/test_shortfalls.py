"""Every open place has one reason, and it is the right one."""

from __future__ import annotations

from matcher.reasons import Unassigned
from matcher.solvers import proof, solve
from tests.problems import HOUR, NOW, Need, Person, problem


def test_whoever_took_the_person_is_named() -> None:
    case = problem([Person(id="p")], [Need(id="far", at=(2000, 0)), Need(id="near", at=(10, 0))])
    plan = solve(case)
    proof.check(case, plan)
    (short,) = plan.shortfalls
    assert (short.requirement, short.reason, short.rival) == (0, Unassigned.OUTBID, 1)
    assert short.funnel["free"] == 1


def test_the_first_empty_stage_of_the_funnel_is_the_reason() -> None:
    case = problem([Person(id="p", reach_m=100)], [Need(id="a", at=(2000, 0)), Need(id="b", skills={"rare": 2})])
    assert [s.reason for s in solve(case).shortfalls] == [Unassigned.TRAVEL_TOO_FAR, Unassigned.MISSING_SKILL]


def test_a_crew_with_too_few_people_is_incomplete() -> None:
    case = problem([Person(id="a"), Person(id="b")], [Need(id="crew", people=3)])
    assert [s.reason for s in solve(case).shortfalls] == [Unassigned.CREW_INCOMPLETE]


def test_a_crew_whose_people_never_meet_is_incomplete() -> None:
    early, late = [(NOW, NOW + 2 * HOUR)], [(NOW + 3 * HOUR, NOW + 5 * HOUR)]
    case = problem([Person(id="a", hours=early), Person(id="b", hours=late)], [Need(id="crew", people=2)])
    plan = solve(case)
    proof.check(case, plan)
    assert [s.reason for s in plan.shortfalls] == [Unassigned.CREW_INCOMPLETE]
    assert plan.engine == "ortools-flow"
    assert plan.optimal


def test_a_crew_above_its_minimum_still_says_why_places_stay_open() -> None:
    case = problem([Person(id="a"), Person(id="b")], [Need(id="crew", people=3, minimum=2)])
    plan = solve(case)
    proof.check(case, plan)
    assert len(plan.placements) == 2
    assert [(s.requirement, s.reason) for s in plan.shortfalls] == [(0, Unassigned.CREW_INCOMPLETE)]


def test_what_is_filled_has_no_reason() -> None:
    assert solve(problem([Person(id="a")], [Need(id="r")])).shortfalls == []
