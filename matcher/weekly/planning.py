"""One plan of a week, from problem to plan: lay out, first plan, search in stretches, keep the best.

Called by `weekly.plan`. The compiled kernel does the work; here only whole stretches of it are called.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from matcher.problem import I64
from matcher.weekly import laying, searching, seating, steps, telling
from matcher.weekly.laying import Laid
from matcher.weekly.seating import Start
from matcher.weekly.tables import NEARS, SHIFT_COUNT, UNIT_COUNT
from matcher.weekly.week import Effort, Week, WeekPlan

#: The best plan is looked for after each of so many stretches of the search.
STRETCHES = 32


def run(week: Week, effort: Effort, start: Start | None = None) -> WeekPlan:
    """Plan a week, from a given plan (requirement, person, start) on where there is one."""
    for plan in stages(week, effort, start):
        last = plan
    return last()


class Stage:
    """A plan on the way, feasible and complete. Call it for the plan; `cost`, `iterations` say how far it is."""

    def __init__(self, week: Week, laid: Laid, routes: I64, first_cost: int, cost: int, iterations: int) -> None:
        self._week, self._laid, self._routes = week, laid, routes
        self.first_cost, self.cost, self.iterations = first_cost, cost, iterations

    def __call__(self) -> WeekPlan:
        """Return the plan of this stage."""
        return telling.plan_of(self._week, self._laid, self._routes, self.first_cost, self.cost, self.iterations)


def stages(week: Week, effort: Effort, start: Start | None = None) -> Iterator[Stage]:
    """Yield the first plan, then the best so far after each stretch of the search; whoever has enough stops asking."""
    laid = laying.lay(week, effort.seed)
    work = laid.work
    if not work.m[UNIT_COUNT] or not work.m[SHIFT_COUNT]:
        yield Stage(week, laid, work.m.copy(), 0, 0, 0)
        return
    if start is not None:
        seating.seat(laid, start)
    searching.construct(work)
    first = cost = best = int(steps.total(work.m, work.spots))
    kept = _routes(work.m)
    yield Stage(week, laid, kept, first, best, 0)
    marks = [effort.iterations * n // STRETCHES for n in range(STRETCHES + 1)]
    for done, until in pairwise(marks):
        cost += searching.search(
            work, done, until, effort.iterations, effort.warm_points, effort.cold_points
        ) + searching.widen(work)
        if cost < best:
            best, kept = cost, _routes(work.m)
        yield Stage(week, laid, kept, first, best, until)


def _routes(m: I64) -> I64:
    """Return a copy of the memory up to the lists, which no plan is told from: two thirds of a city's."""
    return m[: m[NEARS]].copy()
