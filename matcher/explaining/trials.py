"""Solving changed problems within a budget, and what a plan fills.

Used by `forcing` and `helping`; the count is part of the explanation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matcher.problem import I64, Plan, Problem
from matcher.solvers import solve

Solve = Callable[[Problem], Plan]


class Spent(Exception):
    """The budget of solves is used up."""


class Trials:
    """A solver with a count. `spent`: somebody asked for more than the budget."""

    def __init__(self, solves_max: int, solver: Solve = solve) -> None:
        self._solve = solver
        self._solves_max = solves_max
        self.solves = 0
        self.spent = False

    def plan(self, problem: Problem) -> Plan:
        """Return the plan of a changed problem. Spent where the budget does not allow it."""
        if self.solves >= self._solves_max:
            self.spent = True
            raise Spent
        self.solves += 1
        return self._solve(problem)


def served(problem: Problem, plan: Plan) -> I64:
    """Return how many places of each requirement the plan fills."""
    placed = [placement.requirement for placement in plan.placements]
    return np.bincount(np.array(placed, np.int64), minlength=len(problem.requirements.ids))
