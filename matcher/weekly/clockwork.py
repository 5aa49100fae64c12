"""Kernel: ways, starts and the two clocks of a route: how early each visit can begin, and how late it may.

Starting earlier never makes the rest of a route impossible (people may wait), so a visit fits between two others if it
fits when begun as early as possible. A crew's visit, a told and a pinned one have one start only.
"""

from __future__ import annotations

import math
from typing import Any

from matcher.geo import EARTH_RADIUS_M
from matcher.weekly.compiling import compiled
from matcher.weekly.tables import (
    BACK,
    BEGIN,
    DEPART,
    FROM_S,
    LAST,
    LENGTH_S,
    LIMIT,
    NEVER,
    PERSON,
    REST_S,
    SIZE,
    SPEED,
    SPOT,
    TASK,
    TASK_FIXED,
    UNTIL_S,
    WAY,
    WINDOW_AT,
    WINDOW_END,
    X,
    Y,
    Z,
    shift_at,
    stop_at,
    task_at,
    unit_at,
    unit_of_stop,
)

#: Half a chord of the unit sphere up to which three terms of the arc sine are exact enough (38 km).
SHORT = 0.003


@compiled
def way_m(spots: Any, a: int, b: int) -> float:
    """Return great-circle metres between two spots."""
    dx, dy, dz = spots[a, X] - spots[b, X], spots[a, Y] - spots[b, Y], spots[a, Z] - spots[b, Z]
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
def seconds_of(spots: Any, v: int, metres: float) -> int:
    """Return whole seconds of travel, rounded up."""
    return math.ceil(metres / spots[v, SPEED])


@compiled
def first_start(m: Any, u: int, not_before: int) -> int:
    """Return the first start of a unit from a moment on, NEVER where there is none."""
    row = unit_at(m, u)
    for n in range(m[row + WINDOW_AT], m[row + WINDOW_END], 2):
        if not_before <= m[n + 1]:
            return max(not_before, m[n])
    return NEVER


@compiled
def last_start(m: Any, u: int, not_after: int) -> int:
    """Return the last start of a unit up to a moment, NEVER where there is none."""
    row = unit_at(m, u)
    for n in range(m[row + WINDOW_END] - 2, m[row + WINDOW_AT] - 2, -2):
        if not_after >= m[n]:
            return min(not_after, m[n + 1])
    return NEVER


@compiled
def schedule(m: Any, spots: Any, s: int) -> bool:
    """Work out both clocks of a shift's route; False where it cannot be kept."""
    shift, rest = shift_at(m, s), m[REST_S]
    v, size = m[shift + PERSON], m[shift + SIZE]
    free, at = m[shift + FROM_S], v
    for i in range(size):
        stop, row = stop_at(m, s, i), unit_of_stop(m, s, i)
        metres = way_m(spots, at, m[row + SPOT])
        m[stop + WAY] = points_of(metres)
        come = max(free, m[row + DEPART]) + seconds_of(spots, v, metres)
        begin = m[task_at(m, m[stop + TASK]) + TASK_FIXED]
        if begin == NEVER:
            begin = first_start(m, unit_number(m, s, i), come)
        if begin < come:
            return False
        m[stop + BEGIN] = begin
        free, at = begin + m[row + LENGTH_S] + rest, m[row + SPOT]
    m[shift + BACK] = points_of(way_m(spots, at, v))
    leave, at = m[shift + UNTIL_S], v
    for i in range(size - 1, -1, -1):
        stop, row = stop_at(m, s, i), unit_of_stop(m, s, i)
        by = leave - seconds_of(spots, v, way_m(spots, m[row + SPOT], at)) - m[row + LENGTH_S]
        last = m[task_at(m, m[stop + TASK]) + TASK_FIXED]
        if last == NEVER:
            last = last_start(m, unit_number(m, s, i), min(by, m[stop + LIMIT]))
        elif last > by:
            return False
        if last < m[stop + BEGIN]:
            return False
        m[stop + LAST] = last
        leave, at = last - rest, m[row + SPOT]
    return True


@compiled
def unit_number(m: Any, s: int, i: int) -> int:
    """Return the unit that a stop serves."""
    return m[task_at(m, m[stop_at(m, s, i) + TASK])]
