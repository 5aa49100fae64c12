"""What a person could do next, and what differs between two plans."""

from __future__ import annotations

import pytest

from matcher.explaining import bookings, difference, for_person
from matcher.explaining.answers import Booking, Idle
from matcher.rules import objections
from matcher.solvers import solve
from tests.problems import Need, Person, problem, random_problem


def test_the_best_fits_come_first_and_none_is_what_the_person_already_does() -> None:
    crowd = [Person(id="ana", at=(0, 0)), Person(id="ben", at=(1000, 0))]
    needs = [Need(id="far", at=(2000, 0)), Need(id="near", at=(10, 0)), Need(id="middle", at=(300, 0))]
    case = problem(crowd, needs)
    said = for_person(case, solve(case), 0)
    assert said.serving == [("near", "1")]
    assert said.nothing_because is None
    assert [fit.request for fit in said.fits] == ["middle", "far"]
    assert said.fits[0].reduced_points <= said.fits[1].reduced_points
    assert (said.feasible, said.barred) == (3, {})


def test_the_limit_is_kept() -> None:
    case = problem([Person(id="ana")], [Need(id=f"q{i}", at=(i, 0)) for i in range(5)])
    assert len(for_person(case, solve(case), 0, limit=2).fits) == 2


def test_a_person_who_gets_nothing_is_told_why() -> None:
    crowd = [Person(id="near"), Person(id="far", at=(900, 0)), Person(id="other", skills={"rare": 1})]
    case = problem(crowd, [Need(id="q")])
    plan = solve(case)
    assert for_person(case, plan, 1).nothing_because is Idle.OTHERS_BETTER
    assert for_person(case, plan, 1).fits[0].reduced_points == 900
    other = for_person(case, plan, 2)
    assert (other.nothing_because, other.barred) == (Idle.NOTHING_FEASIBLE, {"MISSING_SKILL": 1})
    crew = problem(crowd, [Need(id="q", people=3)])
    assert for_person(crew, solve(crew), 1).nothing_because is Idle.CREWS_INCOMPLETE
    nothing = problem(crowd, [])
    assert for_person(nothing, solve(nothing), 0).nothing_because is Idle.NOTHING_OPEN


@pytest.mark.parametrize("seed", range(8))
def test_fits_are_exactly_the_feasible_requirements_that_others_serve_or_nobody(seed: int) -> None:
    case = random_problem(seed, people=8, requirements=6)
    plan = solve(case)
    ids = case.requirements.ids
    for person in range(8):
        said = for_person(case, plan, person)
        feasible = {ids[r] for r in range(len(ids)) if not objections(case, r, person)}
        assert {(fit.request, fit.requirement) for fit in said.fits} == feasible - set(said.serving)
        assert sum(said.barred.values()) == len(ids) - len(feasible)
        order = [fit.reduced_points for fit in said.fits]
        assert order == sorted(order)


def _booked(request: str, person: str, start_s: int = 0, travel: int = 10) -> Booking:
    return Booking(request=request, requirement="1", person=person, start_s=start_s, cost={"travel": travel})


def test_two_plans_differ_by_what_is_kept_moved_new_and_dropped() -> None:
    before = [_booked("a", "x"), _booked("b", "x"), _booked("c", "x"), _booked("d", "x")]
    after = [
        _booked("a", "x"),
        _booked("b", "y", travel=30),
        _booked("c", "x", start_s=60),
        _booked("e", "x", travel=7),
    ]
    said = difference(before, after)
    assert [b.request for b in said.kept] == ["a"]
    assert [(m.before.request, m.before.person, m.after.person) for m in said.moved] == [
        ("b", "x", "y"),
        ("c", "x", "x"),
    ]
    assert [b.request for b in said.new] == ["e"]
    assert [b.request for b in said.dropped] == ["d"]
    assert said.change == {"travel": 17}


@pytest.mark.parametrize("seed", range(5))
def test_every_booking_of_both_plans_is_in_the_difference_once(seed: int) -> None:
    one, two = (random_problem(s, people=8, requirements=6) for s in (seed, seed + 50))
    before, after = bookings(one, solve(one)), bookings(two, solve(two))
    said = difference(before, after)
    olds = [m.before for m in said.moved] + said.dropped
    news = said.kept + [m.after for m in said.moved] + said.new
    key = lambda b: (b.request, b.requirement, b.person)  # noqa: E731
    assert len(olds) + len(said.kept) == len(before)
    assert sorted(map(key, news)) == sorted(map(key, after))


def test_a_plan_does_not_differ_from_itself() -> None:
    case = random_problem(3, people=8, requirements=6)
    booked = bookings(case, solve(case))
    said = difference(booked, booked)
    assert (said.moved, said.new, said.dropped) == ([], [], [])
    assert set(said.change.values()) <= {0}
