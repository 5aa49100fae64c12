"""What a pair costs: never negative, the same by two ways to compute it, and bounded as engines are promised."""

from __future__ import annotations

import random

import numpy as np
import pytest

from matcher.candidates import Candidates
from matcher.costs import TERMS, PairCosts, plain, travel
from matcher.policy import COST_MAX, DEFAULT, PRESETS, dearest_points, objection
from matcher.problem import Problem
from matcher.solvers import proof, recount, solve
from matcher.terms import REACH_M_MAX
from tests.problems import (
    CLAIMED,
    CONTINUITY,
    DISTURBANCE,
    NICE,
    NOW,
    PREFERRED,
    SHOULD,
    Mix,
    Need,
    Person,
    problem,
    random_problem,
)

WISHFUL = Mix(wishes=0.6, posts=0.6, lists=0.3, pairs=0.0, idle=0.0, zones=0.0)
DRAWN = [random_problem(seed, people=10, mix=WISHFUL) for seed in range(40)]


def chosen(case: Problem) -> list[tuple[int, str]]:
    """Solve, prove, and say who serves which requirement."""
    plan = solve(case)
    proof.check(case, plan)
    assert plan.optimal
    return [(p.requirement, case.people.ids[p.person]) for p in plan.placements]


@pytest.mark.parametrize("part", range(4))
def test_every_term_is_at_least_zero_and_recounted_alike(part: int) -> None:
    for case in DRAWN[part::4]:
        found, names = Candidates(case), recount.term_names(case)
        assert list(found.costs.names) == names
        assert names == [name for name in TERMS if name in names]
        for r in range(len(case.requirements.ids)):
            row = found.row(r)
            terms = found.costs.terms(r, row.person, row.distance_m)
            assert list(terms) == names
            assert all((points >= 0).all() for points in terms.values())
            assert np.array_equal(sum(terms.values()), row.cost)
            for at, person in enumerate(row.person.tolist()):
                pair = found.costs.of_pair(r, person, float(row.distance_m[at]))
                assert pair == {name: int(points[at]) for name, points in terms.items()}
                assert pair == recount.terms_of(case, r, person, float(row.distance_m[at]))
            again = recount.costs_of(case, np.full(row.person.size, r), row.person.astype(np.int64))
            assert np.array_equal(again, row.cost)


@pytest.mark.parametrize("part", range(4))
def test_a_pair_that_is_not_explicit_costs_at_least_travel_person_and_floor(part: int) -> None:
    """The contract with the engines (`matcher.costs`): this bounds every pair that they never list."""
    explicit = 0
    for case in DRAWN[part::4]:
        found = Candidates(case)
        for r in range(len(case.requirements.ids)):
            row, few = found.row(r), found.costs.explicit(r)
            alone = travel(row.distance_m) + found.costs.person[row.person]
            assert (row.cost >= alone).all()
            others = ~np.isin(row.person, list(few))
            assert (row.cost[others] >= alone[others] + found.costs.floor(r)).all()
            explicit += int((~others).sum())
    assert explicit > 0


def test_the_drawn_problems_have_every_term() -> None:
    assert {name for case in DRAWN for name in PairCosts(case).names} == set(TERMS)


@pytest.mark.parametrize(
    ("wish", "points", "spared"),
    [
        ({"should": {"nursing": 2}}, SHOULD, {"skills": {"help": 1, "nursing": 2}}),
        ({"nice": {"nursing": 1}}, NICE, {"skills": {"help": 1, "nursing": 1}}),
        ({"preferred": ["far"]}, PREFERRED, {}),
        ({"helpers": ["far"]}, CONTINUITY, {}),
        ({"claimed_by": ["far"]}, CLAIMED, {}),
        ({"told": ["far"]}, DISTURBANCE, {}),
    ],
)
def test_a_wish_is_worth_its_points_of_travel_and_not_one_more(wish: dict, points: int, spared: dict) -> None:
    for metres, who in ((points - 2, "far"), (points + 2, "near")):
        crowd = [Person(id="near"), Person(id="far", at=(float(metres), 0.0), **spared)]
        assert chosen(problem(crowd, [Need(id="r", **wish)])) == [(0, who)]


def test_a_level_below_the_one_wished_for_is_lacking() -> None:
    crowd = [Person(id="some", skills={"help": 1, "nursing": 2}), Person(id="much", at=(SHOULD - 2.0, 0.0))]
    crowd[1] = Person(id="much", at=(SHOULD - 2.0, 0.0), skills={"help": 1, "nursing": 3})
    assert chosen(problem(crowd, [Need(id="r", should={"nursing": 3})])) == [(0, "much")]


def test_wishing_for_something_puts_no_request_behind_one_that_wishes_for_nothing() -> None:
    plain, wishing = Need(id="plain", at=(101.0, 0.0)), Need(id="wishing", at=(0.0, 99.0), should={"nursing": 1})
    assert chosen(problem([Person(id="p")], [plain, wishing])) == [(1, "p")]


def test_of_two_requests_the_one_whose_wish_can_be_granted_is_served() -> None:
    plain, wishing = Need(id="plain"), Need(id="wishing", at=(600.0, 0.0), should={"nursing": 1})
    nurse = Person(id="p", skills={"help": 1, "nursing": 1})
    assert chosen(problem([nurse], [plain, wishing])) == [(1, "p")]


def test_no_wish_is_worth_an_unfilled_place() -> None:
    crowd = [Person(id="a", skills={"help": 1, "nursing": 1}), Person(id="b", reach_m=10)]
    needs = [Need(id="x", at=(5.0, 0.0), should={"nursing": 1}, preferred=["a"]), Need(id="y", at=(4000.0, 0.0))]
    assert sorted(chosen(problem(crowd, needs))) == [(0, "b"), (1, "a")]


def test_people_with_a_price_of_their_own_serve_after_those_without() -> None:
    for metres, who in ((290.0, "rested"), (310.0, "tired")):
        crowd = [Person(id="tired", points={"fairness": 300}), Person(id="rested", at=(metres, 0.0))]
        assert chosen(problem(crowd, [Need(id="r")])) == [(0, who)]


@pytest.mark.parametrize(
    ("person", "need"),
    [
        (Person(id="p", points={"fairness": 1}), Need(id="r")),
        (Person(id="p", full=[(NOW, NOW + 1)]), Need(id="r")),
        *(
            (Person(id="p"), Need(id="r", **{name: ["p"]}))
            for name in ("preferred", "helpers", "claimed_by", "told", "restricted", "must_have")
        ),
        *((Person(id="p"), Need(id="r", **{name: {"help": 1}})) for name in ("should", "nice")),
        (Person(id="p"), Need(id="r", circle_s=600)),
        (Person(id="p"), Need(id="r", depart_s=NOW - 1)),
    ],
)
def test_a_problem_with_anything_optional_is_not_plain(person: Person, need: Need) -> None:
    assert plain(problem([Person(id="p")], [Need(id="r", refused=["p"], excluded=["p"], people=2, minimum=1)]))
    assert not plain(problem([person], [need]))
    assert not plain(problem([Person(id="p")], [Need(id="r")], rest_s=60))


@pytest.mark.parametrize("policy", PRESETS.values(), ids=PRESETS)
def test_no_pair_of_a_preset_can_leave_the_range_of_costs(policy) -> None:
    assert objection(policy) is None
    assert dearest_points(policy) + REACH_M_MAX <= COST_MAX


def test_the_default_prices_are_those_of_the_policy_file() -> None:
    assert (DEFAULT.points.should_points, DEFAULT.points.nice_points, DEFAULT.points.preferred_points) == (
        2000,
        500,
        2000,
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_pays_once_for_every_person_told_who_does_not_come_after_all(seed: int) -> None:
    """Moved elsewhere, replaced, or left open: told is told."""
    draw = random.Random(seed)
    crowd = [Person(id=f"p{n}", at=(float(draw.randrange(3000)), 0.0), reach_m=2000) for n in range(6)]
    told = draw.sample([person.id for person in crowd], 4)
    told[0] = "nobody here" if seed % 5 == 0 else told[0]
    crowd = [person for person in crowd if person.id != told[1] or seed % 3]  # sometimes one of them has gone
    known = {person.id for person in crowd}
    needs = [
        Need(id=f"r{n}", at=(float(draw.randrange(3000)), 0.0), told=[name] if name in known else [])
        for n, name in enumerate(told)
    ]
    case = problem(crowd, needs)
    plan = solve(case)
    proof.check(case, plan)
    assert plan.optimal
    came = {p.requirement: case.people.ids[p.person] for p in plan.placements}
    asked = [(r, need.told[0]) for r, need in enumerate(needs) if need.told]
    changed = sum(came.get(r) != name for r, name in asked)
    still_open = sum(r not in came for r, _ in asked)
    assert plan.objective["disturbance"] + DISTURBANCE * still_open == DISTURBANCE * changed


def test_nobody_told_is_moved_for_less_than_the_disturbance_is_worth() -> None:
    for metres, who in ((DISTURBANCE - 2.0, "told"), (DISTURBANCE + 2.0, "near")):
        crowd = [Person(id="near"), Person(id="told", at=(metres, 0.0))]
        assert chosen(problem(crowd, [Need(id="r", told=["told"])])) == [(0, who)]
