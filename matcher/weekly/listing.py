"""Kernel: the nearest shifts that could serve a unit, found ring by ring of the grid of its rarest skill."""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.search import home_cell, safe_m, span, spans_of, square
from matcher.solvers.paths.values import CHORD, FAR, FURTHEST_M, GRID
from matcher.weekly.clockwork import points_of, seconds_of, way_m
from matcher.weekly.compiling import compiled
from matcher.weekly.pairs import last_able, leaves_time
from matcher.weekly.tables import (
    ASK,
    AWAY,
    COUNT,
    FIRST_SHIFT,
    LIMITS,
    LISTED,
    NEAREST,
    NEVER,
    PERSON_WIDE,
    SPOT,
    UNKNOWN,
    person_at,
    unit_at,
)

#: Once a list is full, so many people looked at are enough (everybody may live at one point).
LOOKED_MAX = 4096


@compiled
def list_all(work: Any) -> None:
    """Fill every unit's list, one after the other as they lie, so that what is read stays near the processor."""
    for u in work.along:
        list_nearest(work.m, work.spots, work.rules, work.grids, u)


@compiled
def list_nearest(m: Any, spots: Any, rules: Any, grids: Any, u: int) -> None:
    """Fill a unit's list with the nearest capable shifts; beyond the first full ring nobody nearer is left out."""
    row, asks = unit_at(m, u), rules.asks
    a = m[row + ASK]
    q = asks.facts[a, GRID]
    y, x = home_cell(grids, asks, a)
    furthest = m[AWAY] + u * NEAREST + NEAREST - 1
    ring, looked = 0, 0
    while True:
        for number in range(spans_of(ring)):
            at, end = span(grids, q, y, x, ring, number)
            for n in range(at, end):
                if square(asks.place[a], grids.spots[n]) > grids.spots[n, CHORD]:
                    continue
                looked += 1
                keep_shifts(m, spots, rules, u, grids.entries[n])
                if m[row + COUNT] == NEAREST and looked > LOOKED_MAX:
                    return
        safe = safe_m(grids, asks, a, ring)
        if safe > grids.frame[q, FURTHEST_M] or (m[row + COUNT] == NEAREST and m[furthest] <= safe):
            return
        ring += 1


@compiled
def keep_shifts(m: Any, spots: Any, rules: Any, u: int, v: int) -> None:
    """Put those of a person's shifts that could serve the unit into its list, while they are among the nearest."""
    row, person = unit_at(m, u), person_at(m, v)
    away = way_m(spots, v, m[row + SPOT])
    metres = points_of(away)
    if m[row + COUNT] == NEAREST and m[m[AWAY] + u * NEAREST + NEAREST - 1] <= metres:
        return
    limit, way_s = UNKNOWN, seconds_of(spots, v, away)
    for s in range(m[person + FIRST_SHIFT], m[person + PERSON_WIDE + FIRST_SHIFT]):
        if not leaves_time(m, u, s, way_s, FAR):  # most fail here: the rules need not be asked
            continue
        if limit == UNKNOWN:
            limit = last_able(m, spots, rules, u, v)
            if limit == NEVER:
                return
        if leaves_time(m, u, s, way_s, limit):
            put(m, u, s, metres, limit)


@compiled
def put(m: Any, u: int, s: int, metres: int, limit: int) -> None:
    """Insert one shift into a list sorted by metres; of equals the first found stays before."""
    row = unit_at(m, u)
    shifts, limits, away = m[LISTED] + u * NEAREST, m[LIMITS] + u * NEAREST, m[AWAY] + u * NEAREST
    at = m[row + COUNT]
    if at == NEAREST:
        if m[away + at - 1] <= metres:
            return
        at -= 1
    else:
        m[row + COUNT] += 1
    while at > 0 and m[away + at - 1] > metres:
        m[shifts + at], m[limits + at], m[away + at] = m[shifts + at - 1], m[limits + at - 1], m[away + at - 1]
        at -= 1
    m[shifts + at], m[limits + at], m[away + at] = s, limit, metres
