"""Why this person for this requirement, or why not: the rules' objections, or the cost and what forcing would cost."""

from __future__ import annotations

from typing import cast

import numpy as np

from matcher.candidates import Candidates, Row
from matcher.explaining.answers import Pair, Selected
from matcher.explaining.forcing import forced
from matcher.explaining.trials import Solve, Trials
from matcher.problem import Plan, Problem
from matcher.reasons import AnyPairReason
from matcher.rules import objections
from matcher.rules.reach import pair_distance_m
from matcher.solvers import solve


def why(problem: Problem, plan: Plan, r: int, person: int, *, solver: Solve = solve) -> Pair:
    """Explain one pair (numbers in the problem); at most one solve. `plan` must be the answer to `problem`."""
    request, requirement = problem.requirements.ids[r]
    name, distance_m = problem.people.ids[person], pair_distance_m(problem, r, person)
    against = objections(problem, r, person)
    if against:
        return Pair(
            request=request, requirement=requirement, person=name, objections=cast(list[AnyPairReason], against),
            in_plan=False, because=None, cost={}, distance_m=distance_m, start_s=None, forced=None,
        )  # fmt: skip
    candidates = Candidates(problem)
    row = candidates.row(r)
    at = int(np.flatnonzero(row.person == person)[0])
    placed = next((p for p in plan.placements if p.requirement == r and p.person == person), None)
    return Pair(
        request=request,
        requirement=requirement,
        person=name,
        objections=[],
        in_plan=placed is not None,
        because=None if placed is None else _because(plan, row),
        cost=candidates.costs.of_pair(r, person, distance_m),
        distance_m=distance_m,
        start_s=int(row.start_s[at]) if placed is None else placed.start_s,
        forced=forced(problem, plan, r, person, int(row.cost[at]), Trials(1, solver)),
    )


def _because(plan: Plan, row: Row) -> Selected | None:
    if row.person.size == 1:
        return Selected.ONLY_FEASIBLE
    return Selected.BEST_TOTAL_COST if plan.optimal else None
