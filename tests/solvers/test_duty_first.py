"""In the quarter's last report week: most weighted fill, then most people who owe a visit, then the least cost.

Problems are posed as a zone poses them; the best is found by trying everything, with the feasible pairs of the
enumerator of the tests.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import combinations

import numpy as np
import pytest

from matcher.candidates import Candidates
from matcher.commands import RegisterVolunteer
from matcher.history import quarter_of
from matcher.people import People
from matcher.policy import COST_MAX, FAIR, Costs, Policy
from matcher.posing import OpenRequirement, Standing, problem_of
from matcher.problem import Plan, Problem
from matcher.solvers import exact, paths, proof
from matcher.terms import REACH_M_MAX, HeldSkill, NeededSkill
from tests.enumerator import all_pairs, metres, points, stage_of
from tests.stories.story import ALWAYS, east

#: A Tuesday in the last report week of the second quarter.
AT = datetime(2026, 6, 9, 8, tzinfo=UTC)
Value = tuple[int, int, int]


def posed(seed: int, *, policy: Policy = FAIR, crews: bool = False, spread_m: int = 4000, at: datetime = AT) -> Problem:
    """Some people of units, some without; some have served; places of one or, with `crews`, of two people."""
    draw = random.Random(seed)
    people, at_s = People(), int(at.timestamp())
    for skill in ("help", "care"):
        people.add_skill(skill)
    for n in range(7):
        people.register(
            RegisterVolunteer(
                id="-",
                zone="z",
                at=at,
                volunteer=f"p{n}",
                point=east(draw.randrange(0, spread_m, 100)),
                skills=tuple(HeldSkill(skill=skill) for skill in ("help", "care") if draw.random() < 0.7),
                hours=ALWAYS,
                reach_m=min(REACH_M_MAX, draw.choice([spread_m / 4, spread_m])),
                unit=draw.choice([None, "u"]),
            )
        )
    asked = [
        OpenRequirement(
            request=f"r{n}", requirement="1", point=east(draw.randrange(0, spread_m, 100)), earliest_s=at_s,
            latest_s=at_s + 86_400, duration_s=3600, people=(size := draw.choice([1, 2]) if crews else 1), minimum=size,
            skills=tuple(NeededSkill(skill=skill) for skill in ("help", "care") if draw.random() < 0.4),
            urgency=draw.choice(["urgent", "normal", "low"]), waiting_since_s=at_s - draw.randrange(0, 90_000),
            preferred=[draw.randrange(7)] if draw.random() < 0.3 else [],
        )
        for n in range(4 if crews else 5)
    ]  # fmt: skip
    visits = {n: draw.choice([0, 0, 1, 3]) for n in range(7)}
    standing = Standing(visits=visits, quarter=quarter_of(at, policy.timezone), capacity_max=1, at_s=at_s)
    return problem_of(zone="z", beat=seed, now=at, policy=policy, people=people, requirements=asked, standing=standing)


def owing(case: Problem) -> set[int]:
    return set(np.flatnonzero(case.people.points["duty"] == 0).tolist())


def best(case: Problem) -> Value:
    """Try everything. The last figure is the cost without the duty, waiting included."""
    asked, owe = case.requirements, owing(case)
    duty = case.people.points["duty"]
    feasible = {
        (r, v): int(np.floor(metres(case, r, v) + 0.5)) + points(case, r, v) - int(duty[v])
        for r, v in all_pairs(case)
        if not stage_of(case, r, v)
    }

    def walk(r: int, taken: frozenset[int]) -> Value:
        if r == len(asked.ids):
            return 0, 0, 0
        size, weight = int(asked.people[r]), int(asked.weight[r])
        rest = walk(r + 1, taken)
        found = [(rest[0], rest[1], rest[2] - size * int(asked.waiting[r]))]
        able = [v for (q, v) in feasible if q == r and v not in taken]
        for crew in combinations(able, size):
            filled, served, cost = walk(r + 1, taken | set(crew))
            spent = sum(feasible[r, v] for v in crew)
            found.append((filled + weight * size, served + len(owe & set(crew)), cost - spent))
        return max(found)

    return walk(0, frozenset())


def value(case: Problem, plan: Plan | None) -> Value:
    assert plan is not None
    proof.check(case, plan)
    assert plan.optimal
    owe = owing(case)
    spent = sum(points for term, points in plan.objective.items() if term not in ("filled", "duty"))
    return plan.objective["filled"], len({p.person for p in plan.placements} & owe), -spent


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("engine", [exact.by_flow, paths.solve], ids=["ortools", "paths"])
def test_fill_comes_first_then_who_owes_a_visit_then_cost(seed: int, engine) -> None:
    case = posed(seed)
    assert value(case, engine(case)) == best(case)


@pytest.mark.parametrize("seed", range(12))
def test_so_it_is_with_crews(seed: int) -> None:
    case = posed(seed, crews=True)
    assert value(case, exact.by_flow(case)) == best(case)


@pytest.mark.parametrize("seed", range(12))
def test_no_favour_is_dearer_than_the_duty(seed: int) -> None:
    """Prices as high as a policy may set them."""
    costs = Costs(preferred_points=20_000, fairness_points=9_000, fairness_points_max=15_000, duty_last_week_first=True)
    case = posed(seed, policy=Policy(costs=costs))
    assert value(case, exact.by_flow(case)) == best(case)


def test_the_drawn_problems_make_a_difference() -> None:
    """With the rising price alone the same problems end otherwise, so the tests above can fail."""
    soft = Policy(costs=Costs(continuity_points=1000, fairness_points=300, duty_points=1500))
    other = 0
    for seed in range(40):
        case, first = posed(seed, policy=soft), best(posed(seed))
        other += value(case, exact.by_flow(case))[:2] != first[:2]
    assert other >= 3


def test_before_the_last_report_week_the_duty_is_a_price_among_others() -> None:
    case = posed(1, at=datetime(2026, 6, 7, 15, tzinfo=UTC))  # 23:00 of the Sunday before, in Shanghai
    assert 0 < int(case.people.points["duty"].max()) < 1500
    assert int(posed(1, at=datetime(2026, 6, 7, 16, tzinfo=UTC)).people.points["duty"].max()) > 10_000


@pytest.mark.parametrize("spread_m", [400, 40_000, 4_000_000, 20_000_000])
def test_however_far_people_are_apart_no_pair_leaves_the_range_of_costs(spread_m: int) -> None:
    for seed in range(5):
        case = posed(seed, spread_m=spread_m, policy=FAIR)
        candidates = Candidates(case)
        costs = [candidates.row(r).cost for r in range(len(case.requirements.ids))]
        assert all(int(cost.min(initial=0)) >= 0 and int(cost.max(initial=0)) <= COST_MAX for cost in costs)
