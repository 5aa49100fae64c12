"""Five ways to the same optimum: OR-Tools' flow, the kernel, CP-SAT, SciPy, and trying everything.

The last three get their pairs and prices from the enumerator of the tests, which shares nothing with any solver.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from ortools.sat.python import cp_model
from scipy.optimize import linear_sum_assignment

from matcher.costs import TERMS
from matcher.problem import Plan, Problem
from matcher.solvers import exact, paths, proof
from tests.enumerator import all_pairs, metres, points, stage_of
from tests.problems import Mix, random_problem

#: One place a requirement and one visit a person; every rule and every cost term.
MIX = Mix(
    crews=0, capacity_max=1, shared_requests=0, wishes=0.6, posts=0.6, lists=0.1, points_max=2000, skills=2, levels=2,
    hours=0.3, busy=0.2, pairs=0.03, zones=0.1, certificates=0.1, circles=0.1, full=0.1, idle=0.03,
)  # fmt: skip
#: Beyond any cost: one place more is worth it.
PLACE = 10**9

Value = tuple[int, int]
Costs = dict[tuple[int, int], int]


def drawn(seed: int) -> Problem:
    return random_problem(seed, people=9, requirements=7, mix=MIX)


def enumerated(case: Problem) -> Costs:
    """Every feasible pair and what it costs."""
    feasible = [pair for pair in all_pairs(case) if not stage_of(case, *pair)]
    return {(r, v): int(np.floor(metres(case, r, v) + 0.5)) + points(case, r, v) for r, v in feasible}


def unserved(case: Problem) -> list[int]:
    asked = case.requirements
    return [int(weight) * PLACE + int(waiting) for weight, waiting in zip(asked.weight, asked.waiting, strict=True)]


def value_of(case: Problem, total: int) -> Value:
    """Split a sum into weighted places filled and points."""
    lost, cost = divmod(total, PLACE)
    return int(case.requirements.weight.sum()) - lost, cost


def by_plan(case: Problem, plan: Plan | None) -> Value:
    assert plan is not None
    proof.check(case, plan)
    assert plan.optimal
    return plan.objective["filled"], sum(cost for term, cost in plan.objective.items() if term != "filled")


def by_cpsat(case: Problem, costs: Costs) -> Value:
    model = cp_model.CpModel()
    takes = {pair: model.new_bool_var(f"{pair}") for pair in costs}
    open_ = [model.new_bool_var(f"open {r}") for r in range(len(case.requirements.ids))]
    for r, left in enumerate(open_):
        model.add_exactly_one([left, *(take for (q, _), take in takes.items() if q == r)])
    for v in range(len(case.people.ids)):
        model.add_at_most_one(take for (_, p), take in takes.items() if p == v)
    price = zip(unserved(case), open_, strict=True)
    model.minimize(sum(costs[pair] * take for pair, take in takes.items()) + sum(u * left for u, left in price))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(model) == cp_model.OPTIMAL
    return value_of(case, round(solver.objective_value))


def by_scipy(case: Problem, costs: Costs) -> Value:
    requirements, people = len(case.requirements.ids), len(case.people.ids)
    table = np.full((requirements, people + requirements), 1e13)
    for pair, cost in costs.items():
        table[pair] = cost
    for r, price in enumerate(unserved(case)):
        table[r, people + r] = price
    return value_of(case, round(table[linear_sum_assignment(table)].sum()))


def by_trying(case: Problem, costs: Costs) -> Value:
    prices = unserved(case)

    @cache
    def least(r: int, taken: int) -> int:
        if r == len(prices):
            return 0
        served = [
            cost + least(r + 1, taken | 1 << v) for (q, v), cost in costs.items() if q == r and not taken >> v & 1
        ]
        return min([prices[r] + least(r + 1, taken), *served])

    return value_of(case, least(0, 0))


@pytest.mark.parametrize("seed", range(60))
def test_five_ways_end_at_the_same_optimum(seed: int) -> None:
    case = drawn(seed)
    costs = enumerated(case)
    found = {
        "ortools": by_plan(case, exact.by_flow(case)),
        "paths": by_plan(case, paths.solve(case)),
        "cp-sat": by_cpsat(case, costs),
        "scipy": by_scipy(case, costs),
        "trying": by_trying(case, costs),
    }
    assert len(set(found.values())) == 1, found


def test_the_drawn_problems_have_every_term_and_leave_places_open() -> None:
    plans = [exact.by_flow(drawn(seed)) for seed in range(60)]
    assert {name for plan in plans for name in plan.objective} == {"filled", "waiting", *TERMS}
    assert any(plan.shortfalls for plan in plans)
    assert any(len(plan.placements) >= 5 for plan in plans)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("engine", [exact.by_flow, paths.solve], ids=["ortools", "paths"])
def test_somebody_more_never_makes_a_plan_worse_whatever_the_engine(seed: int, engine) -> None:
    case = drawn(seed)
    active = case.people.active.copy()
    values = []
    for there in (False, True):
        active[seed % 9] = there
        now = replace(case, people=replace(case.people, active=active.copy()))
        filled, cost = by_plan(now, engine(now))
        values.append((filled, -cost))
    assert values[0] <= values[1]
