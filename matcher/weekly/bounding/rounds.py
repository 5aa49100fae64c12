"""A week's bound from beginning to end: laid out, posed, the plan's own routes first, one program or windows.

Called by `bounding.travel_bound`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from matcher.weekly import laying, tables
from matcher.weekly.bounding import windows
from matcher.weekly.bounding.generating import generate
from matcher.weekly.bounding.posing import pose
from matcher.weekly.bounding.pricing import SCALE
from matcher.weekly.bounding.relaxing import cost_of
from matcher.weekly.bounding.values import Posed, Route, TravelBound
from matcher.weekly.laying import OPEN_POINTS, Laid
from matcher.weekly.tables import SHIFT_COUNT, UNIT_COUNT
from matcher.weekly.week import Week, WeekPlan


def run(week: Week, plan: WeekPlan, rounds: int, whole_max: int) -> TravelBound:
    """Bound a week's plans by so many rounds at most."""
    laid = laying.lay(week, 1)
    posed = pose(laid, plan)
    value = plan.cost - posed.open_max
    if not laid.work.m[UNIT_COUNT] or not laid.work.m[SHIFT_COUNT]:
        return TravelBound(bound=value, value=value, metres=0, rounds=0, converged=True, rough=0)
    routes, converged = list(_routes_of(laid, posed, plan)), False
    if len(posed.units) <= whole_max:
        best, done, converged = generate(posed, routes, rounds)
    else:
        best, done = windows.bound(posed, routes, (value - posed.apart) * SCALE, rounds)
    return TravelBound(
        bound=-(-best.bound // (SCALE * OPEN_POINTS)) + posed.apart,
        value=value,
        metres=plan.objective["metres"],
        rounds=done,
        converged=converged,
        rough=best.rough,
    )


def _routes_of(laid: Laid, posed: Posed, plan: WeekPlan) -> Iterable[Route]:
    """Return the plan's own routes, without what is pinned: with them the program has a solution."""
    unit, shift = _numbered(laid)
    pinned = _pins(laid)
    columns = (plan.person, plan.shift_from_s, plan.start_s, plan.requirement)
    visits = zip(*(column.tolist() for column in columns), strict=True)
    kept = sorted(visit for visit in visits if visit[1] >= 0 and (visit[3], visit[0]) not in pinned)
    for (p, from_s), own in groupby(kept, key=lambda visit: visit[:2]):
        s, units = shift[p, from_s], tuple(unit[visit[3]] for visit in own)
        yield Route(s, cost_of(posed, s, units), units)


def _numbered(laid: Laid) -> tuple[dict[int, int], dict[tuple[int, int], int]]:
    """Return the solving numbers of requirements, and of shifts by (person of the problem, begin)."""
    shifts = laying.memory_of(laid.work, tables.SHIFTS, tables.SHIFT_WIDE, tables.SHIFT_COUNT)
    who = laid.who[shifts[:, tables.PERSON]].tolist()
    begins = zip(who, shifts[:, tables.FROM_S].tolist(), strict=True)
    return {r: u for u, r in enumerate(laid.order.tolist())}, {key: s for s, key in enumerate(begins)}


def _pins(laid: Laid) -> set[tuple[int, int]]:
    """Return (requirement, person) of what is pinned within shifts."""
    tasks = laying.memory_of(laid.work, tables.TASKS, tables.TASK_WIDE, tables.TASK_COUNT)
    shifts = laying.memory_of(laid.work, tables.SHIFTS, tables.SHIFT_WIDE, tables.SHIFT_COUNT)
    placed = tasks[tasks[:, tables.TASK_WHERE] >= 0]
    who = laid.who[shifts[placed[:, tables.TASK_WHERE], tables.PERSON]]
    return set(zip(laid.order[placed[:, tables.TASK_UNIT]].tolist(), who.tolist(), strict=True))
