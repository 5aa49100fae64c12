"""A kernel that may look at so many people only: a plan within every rule, and by how much it could be off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matcher.policy import Budget
from matcher.problem import Plan, Problem
from matcher.solvers import exact, paths, proof
from tests.problems import EASY, Mix, random_problem

TIGHT = replace(EASY, capacity_max=1, skills=2, weights=(1, 3))
RICH = Mix(crews=0, capacity_max=1, shared_requests=0, skills=2, levels=2, points_max=3000, hours=0.3, areas=0)


def looked(case: Problem, most: int) -> Plan:
    plan = paths.solve(replace(case, budget=Budget(list_max=most, engine="paths")))
    assert plan is not None
    proof.check(case, plan)
    assert plan.engine == "paths"
    return plan


def value(case: Problem, plan: Plan) -> int:
    """Points, with every open place at the certificate's price."""
    assert plan.certificate is not None
    cost = sum(sum(p.cost.values()) for p in plan.placements)
    served = [0] * len(case.requirements.ids)
    for p in plan.placements:
        served[p.requirement] += 1
    left = case.requirements.people - served
    return cost + int((plan.certificate.unserved * left).sum())


@pytest.mark.parametrize("mix", [TIGHT, RICH], ids=["tight", "rich"])
@pytest.mark.parametrize("seed", range(12))
def test_the_optimum_lies_within_the_gap_and_a_longer_look_is_no_worse_off(seed: int, mix: Mix) -> None:
    case = random_problem(seed, people=60, requirements=70, mix=mix)
    best = exact.by_flow(case)
    for most in (1, 4, 16, 1000):
        plan = looked(case, most)
        off = value(case, plan) - value(case, best)
        assert 0 <= off <= plan.gap
        assert plan.optimal == (plan.gap == 0)
    assert plan.optimal


def test_somewhere_a_short_look_is_worse_and_says_so() -> None:
    """Else the tests above could not fail."""
    plans = [
        (looked(case, 1), exact.by_flow(case), case)
        for seed in range(6)
        for case in [random_problem(seed, people=60, requirements=70, mix=TIGHT)]
    ]
    assert any(value(case, plan) > value(case, best) and not plan.optimal for plan, best, case in plans)


def test_the_same_look_gives_the_same_plan() -> None:
    case = random_problem(3, people=60, requirements=70, mix=TIGHT)
    one, other = looked(case, 3), looked(case, 3)
    assert (one.placements, one.gap, one.shortfalls) == (other.placements, other.gap, other.shortfalls)


def test_a_large_contest_is_cut_short() -> None:
    """With four people each, fewer pairs are listed than the proof of the optimum needs."""
    case = random_problem(1, people=300, requirements=300, mix=TIGHT)
    short, whole = looked(case, 4), looked(case, 0)
    assert whole.optimal
    assert short.listed_pairs < whole.listed_pairs
    assert 0 <= value(case, short) - value(case, whole) <= short.gap
