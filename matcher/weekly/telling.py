"""From the kernel's routes to a plan: columns by visit, figures, what stays open and who stays at home.

Called by `planning`.
"""

from __future__ import annotations

import numpy as np

from matcher.problem import I64
from matcher.weekly import reasons, tables
from matcher.weekly.laying import Laid, memory_of
from matcher.weekly.steps import route_metres, route_points
from matcher.weekly.tables import Work
from matcher.weekly.week import Week, WeekPlan


def plan_of(week: Week, laid: Laid, m: I64, first_cost: int, cost: int, iterations: int) -> WeekPlan:
    """Return the plan of these routes."""
    work = laid.work._replace(m=m)
    requirement, person, start_s, shift_from_s, shift_until_s = _visits(laid, work)
    why = reasons.Reasons(week, laid, work)
    return WeekPlan(
        requirement=requirement.astype(np.int32),
        person=person.astype(np.int32),
        start_s=start_s,
        shift_from_s=shift_from_s,
        shift_until_s=shift_until_s,
        unfilled=why.unfilled,
        bound=why.bound,
        idle=reasons.idle(week, laid, work, person),
        objective={
            "filled": len(requirement),
            "metres": int(route_metres(m, work.spots)),
            "points": int(route_points(m)),
            "duty": _come(week, person),
            "disturbed": _disturbed(week, requirement, person, start_s),
        },
        first_cost=first_cost,
        cost=cost,
        iterations=iterations,
    )


def _visits(laid: Laid, work: Work) -> tuple[I64, I64, I64, I64, I64]:
    """Return requirement, person, start and shift of every visit, by person and time."""
    shifts = memory_of(work, tables.SHIFTS, tables.SHIFT_WIDE, tables.SHIFT_COUNT)
    stops = memory_of(work, tables.STOPS, int(work.m[tables.LONGEST]) * tables.STOP_WIDE, tables.SHIFT_COUNT)
    stops = stops.reshape(len(shifts), int(work.m[tables.LONGEST]), tables.STOP_WIDE)
    tasks = memory_of(work, tables.TASKS, tables.TASK_WIDE, tables.TASK_COUNT)
    s, i = np.nonzero(np.arange(stops.shape[1])[None, :] < shifts[:, tables.SIZE, None])
    unit = tasks[stops[s, i, tables.TASK], tables.TASK_UNIT]
    outside = np.array(laid.outside, np.int64).reshape(-1, 3)
    nowhere = np.full(len(outside), -1, np.int64)
    columns = (
        np.concatenate((laid.order[unit], outside[:, 0])),
        np.concatenate((laid.who[shifts[s, tables.PERSON]], outside[:, 1])),
        np.concatenate((stops[s, i, tables.BEGIN], outside[:, 2])),
        np.concatenate((shifts[s, tables.FROM_S], nowhere)),
        np.concatenate((shifts[s, tables.UNTIL_S], nowhere)),
    )
    order = np.lexsort((columns[2], columns[1]))
    requirement, person, start_s, from_s, until_s = (column[order].astype(np.int64) for column in columns)
    return requirement, person, start_s, from_s, until_s


def _come(week: Week, person: I64) -> int:
    """Return how many people who owe the quarter a visit come."""
    return 0 if week.owing is None else int(week.owing[np.unique(person)].sum())


def _disturbed(week: Week, requirement: I64, person: I64, start_s: I64) -> int:
    """Return how many promises the plan breaks: another person, another time, or none at all."""
    planned = set(zip(requirement.tolist(), person.tolist(), start_s.tolist(), strict=True))
    promised = set(zip(*(column.tolist() for column in week.told), strict=True))
    return len(promised - planned)
