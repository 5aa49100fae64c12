"""Kernel: every pair of a unit and a shift that could serve it alone, with its last start and its points.

Called by `posing`. Nothing is left out: a bound must know every route that there is.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.search import home_cell, safe_m, span, spans_of, square
from matcher.solvers.paths.values import CHORD, FAR, FURTHEST_M, GRID
from matcher.weekly.clockwork import seconds_of, way_m
from matcher.weekly.compiling import compiled
from matcher.weekly.pairs import last_able, leaves_time, pair_points, told_start
from matcher.weekly.tables import ASK, DISTURBANCE, FIRST_SHIFT, NEVER, PERSON_WIDE, SPOT, person_at, unit_at

#: A row of the answer: shift, unit, last start that the pair's rules allow, points.
PAIR_WIDE = 4


@compiled
def gather_pairs(work: Any, out: Any) -> int:
    """Write all pairs, as far as there is room; return how many there are.

    Somebody who was told may keep their start, so the price of a change is taken off their points.
    """
    found = 0
    for u in work.along:
        found = pairs_of_unit(work.m, work.spots, work.rules, work.grids, u, out, found)
    return found


@compiled
def pairs_of_unit(m: Any, spots: Any, rules: Any, grids: Any, u: int, out: Any, found: int) -> int:
    """Write the pairs of one unit behind those found; return how many there are now."""
    a, asks = m[unit_at(m, u) + ASK], rules.asks
    q = asks.facts[a, GRID]
    y, x = home_cell(grids, asks, a)
    ring = 0
    while True:
        for number in range(spans_of(ring)):
            at, end = span(grids, q, y, x, ring, number)
            for n in range(at, end):
                if square(asks.place[a], grids.spots[n]) <= grids.spots[n, CHORD]:
                    found = pairs_with(m, spots, rules, u, grids.entries[n], out, found)
        if safe_m(grids, asks, a, ring) > grids.frame[q, FURTHEST_M]:
            return found
        ring += 1


@compiled
def pairs_with(m: Any, spots: Any, rules: Any, u: int, v: int, out: Any, found: int) -> int:
    """Write the pairs of a unit and one person's shifts."""
    way_s, limit, person = seconds_of(spots, v, way_m(spots, v, m[unit_at(m, u) + SPOT])), FAR, person_at(m, v)
    for s in range(m[person + FIRST_SHIFT], m[person + PERSON_WIDE + FIRST_SHIFT]):
        if not leaves_time(m, u, s, way_s, FAR):
            continue
        if limit == FAR:
            limit = last_able(m, spots, rules, u, v)
            if limit == NEVER:
                return found
        if leaves_time(m, u, s, way_s, limit):
            if found < len(out):
                points = pair_points(m, rules, u, v)
                if told_start(m, u, v) != NEVER:
                    points -= m[DISTURBANCE]
                out[found, 0], out[found, 1], out[found, 2], out[found, 3] = s, u, limit, points
            found += 1
    return found
