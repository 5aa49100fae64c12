"""The road from problem to plan: candidate rows, relaxation as flow, what flow cannot express, reasons, certificate.

Large problems go to the compiled kernel (`paths`) first; where its answer is no plan (visits of one person or a crew
find no start), or it cannot be had, the problem is solved here from the beginning.

Called by `matcher.solvers.solve`, and for its greedy form by the services when a solver process fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher.problem import Plan, Problem
from matcher.solvers import greedy, hall, paths
from matcher.solvers.calendar import Calendar
from matcher.solvers.case import open_case
from matcher.solvers.crews import settle
from matcher.solvers.growth import relax
from matcher.solvers.writing import write

if TYPE_CHECKING:
    from matcher.solvers.paths.keeping import Keeper


def solve(problem: Problem, *, patient: bool = True, keeper: Keeper | None = None) -> Plan:
    """Return the best plan, with the prices that prove it or the gap that is left.

    `patient`: wait until the kernel is compiled; else OR-Tools answers as long as it is not. `keeper`: what the kernel
    remembers of the zone's last beat (the live stream only).
    """
    if paths.wanted(problem) and (patient or paths.ready()):
        plan = paths.solve(problem, keeper)
        if plan is not None:
            return plan
    return by_flow(problem)


def by_flow(problem: Problem) -> Plan:
    """Return the best plan by OR-Tools."""
    case = open_case(problem)
    if case.network is None:
        return write(case, Calendar(problem, case.candidates), "ortools-flow")
    settled = settle(case, relax(case.network, problem.budget))
    gap = settled.gap
    if not case.network.fill_first:
        gap += hall.possible_gain(case.network, settled.relaxed.taken) * case.network.fill_price
    return write(case, settled.calendar, settled.engine, relaxed=settled.relaxed, gap=gap, optimal=gap == 0)


def nearest_first(problem: Problem) -> Plan:
    """Return the greedy plan: every rule kept, nothing proven, `gap` -1 (not known)."""
    case = open_case(problem)
    calendar = Calendar(problem, case.candidates)
    greedy.complete(case, calendar)
    return write(case, calendar, "greedy", gap=-1, optimal=False)
