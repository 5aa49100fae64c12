"""From linked requests to routes: arrays for the kernel, the first order, the search, and what its order means.

Called by `linked.improve`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from matcher.linked import kernel
from matcher.linked.kernel import LATE, LATEST, SUMS, WAY
from matcher.linked.linked import Linked, Routes, Work
from matcher.problem import F64, I64


def run(linked: Linked, work: Work, start: Routes | None) -> Routes:
    """Search from `start`, or from nearest first."""
    begin = start or nearest_first(linked)
    order, who = begin.order.copy(), begin.who.copy()
    if not len(order) or not work.iterations:
        return begin
    sizes = np.diff(linked.first)
    group_of = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    random = np.array([(work.seed * 0x9E3779B97F4A7C15 | 1) & (2**63 - 1)], np.int64)
    kernel.search(_arrays(linked), group_of, order, who, random, work.iterations, work.warm, work.cold)
    return told(linked, order, who)


def told(linked: Linked, order: I64, who: I64) -> Routes:
    """Return the routes that an order of the groups and these people mean."""
    arrays = _arrays(linked)
    at, clock, sums, start = linked.home.copy(), linked.since.copy(), np.zeros(SUMS), arrays[15]
    for g in order.tolist():
        kernel.seat(arrays, who, start, g, at, clock, sums)
    kernel.homeward(arrays, at, clock, sums)
    return Routes(
        order=order,
        who=who,
        start=start,
        way=float(sums[WAY]),
        late=float(sums[LATE]),
        latest=float(sums[LATEST]),
        cost=float(kernel.total(arrays[12], sums)),
    )


def nearest_first(linked: Linked) -> Routes:
    """Take groups by when they are due; each visit goes to whoever is there soonest, of equals to the nearest."""
    due = np.minimum.reduceat(linked.due, linked.first[:-1]) if len(linked.first) > 1 else np.zeros(0)
    order = np.argsort(due, kind="stable").astype(np.int64)
    who = np.full(len(linked.place), -1, np.int64)
    arrays = _arrays(linked)
    at, clock, start = linked.home.copy(), linked.since.copy(), arrays[15]
    for g in order.tolist():
        _choose(linked, who, g, at, clock)
        kernel.seat(arrays, who, start, g, at, clock, np.zeros(SUMS))
    return told(linked, order, who)


def _choose(linked: Linked, who: I64, g: int, at: I64, clock: F64) -> None:
    """Give a group its people: each visit the best of those left, and nobody who is the only one for another visit."""
    from scipy.optimize import linear_sum_assignment

    visits = np.arange(linked.first[g], linked.first[g + 1])
    way = linked.ways[at[None, :], linked.place[visits][:, None]]
    begin = np.maximum(linked.earliest[visits][:, None], clock[None, :] + way)
    price = np.where(linked.able[visits], begin + 1e-3 * way, 1e12)
    rows, people = linear_sum_assignment(price)
    who[visits[rows]] = people


def _arrays(linked: Linked) -> tuple[Any, ...]:
    """Return all that the kernel reads, its scratch behind it: places, and sums with clocks, before each group."""
    people, groups = len(linked.home), len(linked.first) - 1
    return (
        linked.ways, linked.first, linked.place, linked.earliest, linked.due, linked.duration, linked.gap_min,
        linked.gap_max, linked.able, linked.home, linked.since, linked.until, np.array(linked.prices, np.float64),
        np.zeros((groups + 1, people), np.int64), np.zeros((groups + 2, SUMS + people)), np.zeros(len(linked.place)),
    )  # fmt: skip
