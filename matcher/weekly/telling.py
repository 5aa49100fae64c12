"""From the kernel's routes to a plan: columns by visit, figures, what stays open and who stays at home.

Called by `planning`.
"""

from __future__ import annotations

import numpy as np

from matcher.problem import I64
from matcher.weekly import reasons
from matcher.weekly.laying import OUTSIDE, Laid
from matcher.weekly.steps import route_metres, route_points
from matcher.weekly.tables import Routes
from matcher.weekly.week import Week, WeekPlan


def plan_of(week: Week, laid: Laid, routes: Routes, first_cost: int, cost: int, iterations: int) -> WeekPlan:
    """Return the plan of these routes."""
    work = laid.work._replace(routes=routes)
    requirement, person, start_s, shift_from_s, shift_until_s = _visits(laid, routes)
    plan = WeekPlan(
        requirement=requirement.astype(np.int32),
        person=person.astype(np.int32),
        start_s=start_s,
        shift_from_s=shift_from_s,
        shift_until_s=shift_until_s,
        unfilled=reasons.unfilled(week, laid, work),
        idle=reasons.idle(week, laid, work),
        objective={
            "filled": len(requirement),
            "metres": int(route_metres(work)),
            "points": int(route_points(work)),
            "duty": _come(week, person),
            "disturbed": _disturbed(week, requirement, person, start_s),
        },
        first_cost=first_cost,
        cost=cost,
        iterations=iterations,
    )
    return plan


def _visits(laid: Laid, routes: Routes) -> tuple[I64, I64, I64, I64, I64]:
    """Return requirement, person, start and shift of every visit, by person and time."""
    s, i = np.nonzero(np.arange(routes.task.shape[1])[None, :] < routes.size[:, None])
    task, rows = routes.task[s, i], laid.work.shifts.rows[s]
    outside = np.array(laid.outside, np.int64).reshape(-1, 3)
    nowhere = np.full(len(outside), -1, np.int64)
    columns = (
        np.concatenate((laid.order[laid.work.units.unit_of[task]], outside[:, 0])),
        np.concatenate((laid.who[rows[:, 0]], outside[:, 1])),
        np.concatenate((routes.begin[s, i], outside[:, 2])),
        np.concatenate((rows[:, 1], nowhere)),
        np.concatenate((rows[:, 2], nowhere)),
    )
    order = np.lexsort((columns[2], columns[1]))
    requirement, person, start_s, from_s, until_s = (column[order].astype(np.int64) for column in columns)
    assert int((routes.where == OUTSIDE).sum()) == len(outside)
    return requirement, person, start_s, from_s, until_s


def _come(week: Week, person: I64) -> int:
    """Return how many people who owe the quarter a visit come."""
    return 0 if week.owing is None else int(week.owing[np.unique(person)].sum())


def _disturbed(week: Week, requirement: I64, person: I64, start_s: I64) -> int:
    """Return how many promises the plan breaks: another person, another time, or none at all."""
    planned = set(zip(requirement.tolist(), person.tolist(), start_s.tolist(), strict=True))
    promised = set(zip(*(column.tolist() for column in week.told), strict=True))
    return len(promised - planned)
