"""From a week to the linear program whose value bounds its plans; what is relaxed is said in docs/report-week.md.

Called by `rounds`.
"""

from __future__ import annotations

import numpy as np

from matcher.problem import I64
from matcher.weekly import tables
from matcher.weekly.bounding import gathering
from matcher.weekly.bounding.pricing import SCALE
from matcher.weekly.bounding.values import Posed
from matcher.weekly.laying import Laid, memory_of
from matcher.weekly.steps import told_at
from matcher.weekly.tables import NEVER, Work
from matcher.weekly.week import WeekPlan


def pose(laid: Laid, plan: WeekPlan) -> Posed:
    """Pose the program of a week that is laid out and not yet planned. The plan says how much may stay open."""
    work = laid.work
    units = memory_of(work, tables.UNITS, tables.UNIT_WIDE, tables.UNIT_COUNT)
    tasks = memory_of(work, tables.TASKS, tables.TASK_WIDE, tables.TASK_COUNT)
    shifts = memory_of(work, tables.SHIFTS, tables.SHIFT_WIDE, tables.SHIFT_COUNT)
    people = memory_of(work, tables.PERSONS, tables.PERSON_WIDE, tables.PERSON_COUNT)
    free = tasks[:, tables.TASK_WHERE] == NEVER
    pairs = _pairs(work)
    agreed = people[:, tables.VISITS] > 0
    owing = np.where(agreed, 0, people[:, tables.OWING])
    come = int((agreed & (people[:, tables.OWING] > 0)).sum())
    return Posed(
        m=work.m,
        spots=work.spots,
        units=np.arange(len(units)),
        shifts=np.arange(len(shifts)),
        people=np.arange(len(people)),
        begin=np.searchsorted(pairs[:, 0], np.arange(len(shifts) + 1)).astype(np.int64),
        pairs=pairs,
        places=np.bincount(tasks[free, tables.TASK_UNIT], minlength=len(units)).astype(np.int64),
        open_price=units[:, tables.PRICE].copy(),
        open_max=open_price(laid, plan),
        person=shifts[:, tables.PERSON].copy(),
        owing=owing.astype(np.int64),
        duty=int(work.m[tables.DUTY]) * SCALE,
        capacity=people[:, tables.CAPACITY] - people[:, tables.VISITS],
        apart=-come * int(work.m[tables.DUTY]) - sum(_pin_spares(work, row) for row in tasks[~free].tolist()),
    )


def open_price(laid: Laid, plan: WeekPlan) -> int:
    """Return the price of the places that a plan leaves open."""
    units = memory_of(laid.work, tables.UNITS, tables.UNIT_WIDE, tables.UNIT_COUNT)
    price = dict(zip(laid.order.tolist(), units[:, tables.PRICE].tolist(), strict=True))
    return sum(short.places * price[short.requirement] for short in plan.unfilled)


def _pin_spares(work: Work, task: list[int]) -> int:
    """Return what a plan could cost less by a pinned visit: its promise, and a metre of rounding by the way."""
    s, fixed, u = task[tables.TASK_WHERE], task[tables.TASK_FIXED], task[tables.TASK_UNIT]
    if s < 0:
        return 0
    kept = told_at(work.m, s, u) == fixed
    return 1 + (int(work.m[tables.DISTURBANCE]) if kept else 0)


def _pairs(work: Work) -> I64:
    """Return all pairs, by shift."""
    out = np.empty((1 << 16, gathering.PAIR_WIDE), np.int64)
    found = int(gathering.gather_pairs(work, out))
    if found > len(out):
        out = np.empty((found, gathering.PAIR_WIDE), np.int64)
        gathering.gather_pairs(work, out)
    pairs = out[:found]
    return np.ascontiguousarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])
