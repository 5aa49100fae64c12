"""Kernel: ways, starts and the two clocks of a route: how early each visit can begin, and how late it may.

Starting earlier never makes the rest of a route impossible (people may wait), so a visit fits between two others if it
fits when begun as early as possible. A crew's visit, a told and a pinned one have one start only.
"""

from __future__ import annotations

import math
from typing import Any

from matcher.geo import EARTH_RADIUS_M
from matcher.solvers.paths.search import last_start_s
from matcher.solvers.paths.values import DEPART_S, SPEED_MPS, X, Y, Z
from matcher.weekly.compiling import compiled
from matcher.weekly.tables import (
    ASK,
    FROM_S,
    HOME_ASK,
    LENGTH_S,
    NEVER,
    PERSON,
    REST_S,
    UNTIL_S,
    WINDOW_AT,
    WINDOW_END,
)

#: Half a chord of the unit sphere up to which three terms of the arc sine are exact enough (38 km).
SHORT = 0.003


@compiled
def way_m(work: Any, v: int, a: int, b: int) -> float:
    """Return great-circle metres between two asks, HOME_ASK being the person's home."""
    homes, asks = work.people.place, work.asks.place
    if a == HOME_ASK:
        x, y, z = homes[v, X], homes[v, Y], homes[v, Z]
    else:
        x, y, z = asks[a, X], asks[a, Y], asks[a, Z]
    if b == HOME_ASK:
        dx, dy, dz = x - homes[v, X], y - homes[v, Y], z - homes[v, Z]
    else:
        dx, dy, dz = x - asks[b, X], y - asks[b, Y], z - asks[b, Z]
    half = 0.5 * math.sqrt(dx * dx + dy * dy + dz * dz)
    if half < SHORT:
        square = half * half
        return 2.0 * EARTH_RADIUS_M * half * (1.0 + square * (1.0 / 6.0 + square * 0.075))
    return 2.0 * EARTH_RADIUS_M * math.asin(min(1.0, half))


@compiled
def points_of(metres: float) -> int:
    """Return whole metres, half up."""
    return math.floor(metres + 0.5)


@compiled
def seconds_of(work: Any, v: int, metres: float) -> int:
    """Return whole seconds of travel, rounded up."""
    return math.ceil(metres / work.people.place[v, SPEED_MPS])


@compiled
def first_start(work: Any, u: int, not_before: int) -> int:
    """Return the first start of a unit from a moment on, NEVER where there is none."""
    units = work.units
    for n in range(units.rows[u, WINDOW_AT], units.rows[u, WINDOW_END]):
        if not_before <= units.windows[n, 1]:
            return max(not_before, units.windows[n, 0])
    return NEVER


@compiled
def last_start(work: Any, u: int, not_after: int) -> int:
    """Return the last start of a unit up to a moment, NEVER where there is none."""
    units = work.units
    for n in range(units.rows[u, WINDOW_END] - 1, units.rows[u, WINDOW_AT] - 1, -1):
        if not_after >= units.windows[n, 0]:
            return min(not_after, units.windows[n, 1])
    return NEVER


@compiled
def arrival(work: Any, v: int, free: int, a: int, b: int, metres: float) -> int:
    """Return when somebody free at `free` at ask `a` can be at ask `b`: nobody departs before its DEPART_S."""
    return max(free, work.asks.facts[b, DEPART_S]) + seconds_of(work, v, metres)


@compiled
def schedule(work: Any, s: int) -> bool:
    """Work out both clocks of a shift's route; False where it cannot be kept."""
    shifts, units, routes, rest = work.shifts.rows, work.units, work.routes, work.terms[REST_S]
    v, size = shifts[s, PERSON], routes.size[s]
    free, at = shifts[s, FROM_S], HOME_ASK
    for i in range(size):
        t = routes.task[s, i]
        u = units.unit_of[t]
        a = units.rows[u, ASK]
        come = arrival(work, v, free, at, a, way_m(work, v, at, a))
        begin = routes.fixed[t]
        if begin == NEVER:
            begin = first_start(work, u, come)
        if begin < come:
            return False
        routes.begin[s, i] = begin
        free, at = begin + units.rows[u, LENGTH_S] + rest, a
    leave, at = shifts[s, UNTIL_S], HOME_ASK
    for i in range(size - 1, -1, -1):
        t = routes.task[s, i]
        u = units.unit_of[t]
        a = units.rows[u, ASK]
        by = leave - seconds_of(work, v, way_m(work, v, a, at)) - units.rows[u, LENGTH_S]
        last = routes.fixed[t]
        if last == NEVER:
            last = last_start(work, u, min(by, last_start_s(work.people, work.asks, a, v)))
        elif last > by:
            return False
        if last < routes.begin[s, i]:
            return False
        routes.last[s, i] = last
        leave, at = last - rest, a
    return True
