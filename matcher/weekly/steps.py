"""Kernel: one place filled or opened, the hours of the crowd counted, and what a step did undone.

Costs are what changes in: metres + points of pairs + price of open places - duty met - promises kept.
"""

from __future__ import annotations

from typing import Any

from matcher.weekly.clockwork import points_of, schedule, way_m
from matcher.weekly.compiling import compiled
from matcher.weekly.pairs import duty_saved, told_start
from matcher.weekly.tables import (
    BACK,
    COMPOUND,
    CROWD,
    DISTURBANCE,
    DUTY,
    HOURS,
    LENGTH_S,
    LIMIT,
    LONGEST,
    MOVE_WIDE,
    MOVED,
    MOVED_AT,
    NEVER,
    ORIGIN_S,
    OWING,
    PERSON,
    PERSON_COUNT,
    POINTS,
    PRICE,
    SHIFT_COUNT,
    SIZE,
    SPOT,
    STAMP,
    STAMP_AT,
    STOP_WIDE,
    TASK,
    TASK_COUNT,
    TASK_FIXED,
    TASK_UNIT,
    TASK_WHERE,
    TOUCHED,
    TOUCHED_AT,
    VISITS,
    person_at,
    shift_at,
    spot_of,
    stop_at,
    task_at,
    unit_at,
)

HOUR_S = 3600
#: A saved route begins with so many numbers.
SAVED = 3


@compiled
def detour(spots: Any, a: int, b: int, c: int) -> int:
    """Return the metres that going from a to c by way of b costs more."""
    return points_of(way_m(spots, a, b)) + points_of(way_m(spots, b, c)) - points_of(way_m(spots, a, c))


@compiled
def begin_step(m: Any) -> None:
    """From here on, everything can be undone."""
    m[STAMP] += 1
    m[TOUCHED] = 0
    m[MOVED] = 0


@compiled
def saved_at(m: Any, n: int) -> int:
    """Return where a saved route begins: its shift, its size, the way home, its stops."""
    return m[TOUCHED_AT] + n * (SAVED + m[LONGEST] * STOP_WIDE)


@compiled
def touch(m: Any, s: int) -> None:
    """Keep a route as it was before the step."""
    if m[m[STAMP_AT] + s] == m[STAMP]:
        return
    m[m[STAMP_AT] + s] = m[STAMP]
    at, size, first = saved_at(m, m[TOUCHED]), m[shift_at(m, s) + SIZE], stop_at(m, s, 0)
    m[at], m[at + 1], m[at + 2] = s, size, m[shift_at(m, s) + BACK]
    for n in range(size * STOP_WIDE):
        m[at + SAVED + n] = m[first + n]
    m[TOUCHED] += 1


@compiled
def note(m: Any, t: int) -> None:
    """Keep where a task was."""
    at, row = m[MOVED_AT] + m[MOVED] * MOVE_WIDE, task_at(m, t)
    m[at], m[at + 1], m[at + 2] = t, m[row + TASK_WHERE], m[row + TASK_FIXED]
    m[MOVED] += 1


@compiled
def count(m: Any, t: int, by: int) -> None:
    """Count a placed task, or count it no more: the person's visits, the compound's hours."""
    row = task_at(m, t)
    if m[row + TASK_WHERE] < 0:
        return
    m[person_at(m, m[shift_at(m, m[row + TASK_WHERE]) + PERSON]) + VISITS] += by
    crowd(m, m[row + TASK_UNIT], m[row + TASK_FIXED], by)


@compiled
def crowd(m: Any, u: int, start: int, by: int) -> None:
    """Add to the visits of a compound in each hour that this one touches."""
    row = unit_at(m, u)
    if m[row + COMPOUND] < 0:
        return
    begin, first = start - m[ORIGIN_S], m[CROWD] + m[row + COMPOUND] * m[HOURS]
    for hour in range(begin // HOUR_S, (begin + m[row + LENGTH_S] - 1) // HOUR_S + 1):
        if 0 <= hour < m[HOURS]:  # pinned work may lie outside the week
            m[first + hour] += by


@compiled
def put_in(m: Any, spots: Any, t: int, s: int, at: int, fixed: int, limit: int, points: int) -> int:
    """Put an open task into a route before place `at`; return the change of cost.

    `limit`, `points`: the last start that the pair's rules allow, and what the pair costs beyond the way.
    """
    touch(m, s)
    note(m, t)
    row, shift = task_at(m, t), shift_at(m, s)
    u, v = m[row + TASK_UNIT], m[shift + PERSON]
    unit = unit_at(m, u)
    change = detour(spots, spot_of(m, s, at - 1), m[unit + SPOT], spot_of(m, s, at))
    change += points - m[unit + PRICE] - duty_saved(m, v)
    if fixed != NEVER and told_start(m, u, v) == fixed:
        change -= m[DISTURBANCE]
    first = stop_at(m, s, at)
    for n in range((m[shift + SIZE] - at) * STOP_WIDE - 1, -1, -1):
        m[first + STOP_WIDE + n] = m[first + n]
    m[first + TASK], m[first + LIMIT], m[first + POINTS] = t, limit, points
    m[shift + SIZE] += 1
    m[row + TASK_WHERE], m[row + TASK_FIXED] = s, fixed
    count(m, t, 1)
    schedule(m, spots, s)
    return change


@compiled
def take_out(m: Any, spots: Any, t: int) -> int:
    """Open a filled task; return the change of cost."""
    row = task_at(m, t)
    u, s = m[row + TASK_UNIT], m[row + TASK_WHERE]
    shift, unit = shift_at(m, s), unit_at(m, u)
    v = m[shift + PERSON]
    touch(m, s)
    note(m, t)
    at = 0
    while m[stop_at(m, s, at) + TASK] != t:
        at += 1
    first = stop_at(m, s, at)
    change = m[unit + PRICE] - m[first + POINTS]
    change -= detour(spots, spot_of(m, s, at - 1), m[unit + SPOT], spot_of(m, s, at + 1))
    if m[row + TASK_FIXED] != NEVER and told_start(m, u, v) == m[row + TASK_FIXED]:
        change += m[DISTURBANCE]
    count(m, t, -1)
    for n in range((m[shift + SIZE] - at - 1) * STOP_WIDE):
        m[first + n] = m[first + STOP_WIDE + n]
    m[shift + SIZE] -= 1
    m[row + TASK_WHERE], m[row + TASK_FIXED] = NEVER, NEVER
    schedule(m, spots, s)
    return change + duty_saved(m, v)


@compiled
def undo(m: Any) -> None:
    """Put everything back to where it was before the step."""
    for n in range(m[MOVED] - 1, -1, -1):
        at = m[MOVED_AT] + n * MOVE_WIDE
        t, row = m[at], task_at(m, m[at])
        count(m, t, -1)
        m[row + TASK_WHERE], m[row + TASK_FIXED] = m[at + 1], m[at + 2]
        count(m, t, 1)
    for n in range(m[TOUCHED]):
        at = saved_at(m, n)
        s, size = m[at], m[at + 1]
        m[shift_at(m, s) + SIZE], m[shift_at(m, s) + BACK] = size, m[at + 2]
        first = stop_at(m, s, 0)
        for i in range(size * STOP_WIDE):
            m[first + i] = m[at + SAVED + i]


@compiled
def route_metres(m: Any, spots: Any) -> int:
    """Return the metres of all routes, the ways home included."""
    metres = 0
    for s in range(m[SHIFT_COUNT]):
        for i in range(m[shift_at(m, s) + SIZE] + 1):
            metres += points_of(way_m(spots, spot_of(m, s, i - 1), spot_of(m, s, i)))
    return metres


@compiled
def route_points(m: Any) -> int:
    """Return the points of all pairs beyond their ways."""
    points = 0
    for s in range(m[SHIFT_COUNT]):
        for i in range(m[shift_at(m, s) + SIZE]):
            points += m[stop_at(m, s, i) + POINTS]
    return points


@compiled
def told_at(m: Any, s: int, u: int) -> int:
    """Return the start at which the person of a shift was told to come, NEVER where they were not."""
    return told_start(m, u, m[shift_at(m, s) + PERSON])


@compiled
def total(m: Any, spots: Any) -> int:
    """Return the cost of the plan as it stands, worked out from the routes alone."""
    cost = route_metres(m, spots) + route_points(m)
    for t in range(m[TASK_COUNT]):
        row = task_at(m, t)
        s, u = m[row + TASK_WHERE], m[row + TASK_UNIT]
        if s == NEVER:
            cost += m[unit_at(m, u) + PRICE]
        elif s >= 0 and m[row + TASK_FIXED] != NEVER and told_at(m, s, u) == m[row + TASK_FIXED]:
            cost -= m[DISTURBANCE]
    for v in range(m[PERSON_COUNT]):
        if m[person_at(m, v) + OWING] > 0 and m[person_at(m, v) + VISITS] > 0:
            cost -= m[DUTY]
    return cost
