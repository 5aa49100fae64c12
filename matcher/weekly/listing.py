"""Kernel: the nearest shifts that could serve a unit, found ring by ring of the grid of its rarest skill."""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.search import home_cell, safe_m, span, spans_of, square
from matcher.solvers.paths.values import CHORD, FURTHEST_M, GRID
from matcher.weekly.clockwork import points_of, way_m
from matcher.weekly.compiling import compiled
from matcher.weekly.pairs import alone
from matcher.weekly.tables import ASK, HOME_ASK, NEVER

#: Once a list is full, so many people looked at are enough (everybody may live at one point).
LOOKED_MAX = 4096


@compiled
def list_all(work: Any) -> None:
    """Fill every unit's list."""
    for u in range(len(work.units.rows)):
        list_nearest(work, u)


@compiled
def list_nearest(work: Any, u: int) -> None:
    """Fill a unit's list with the nearest capable shifts; beyond the first full ring nobody nearer is left out."""
    grids, asks, lists = work.grids, work.asks, work.lists
    a = work.units.rows[u, ASK]
    q = asks.facts[a, GRID]
    row, col = home_cell(grids, asks, a)
    want, ring, looked = lists.shift.shape[1], 0, 0
    lists.count[u] = 0
    while True:
        for number in range(spans_of(ring)):
            at, end = span(grids, q, row, col, ring, number)
            for n in range(at, end):
                if square(asks.place[a], grids.spots[n]) > grids.spots[n, CHORD]:
                    continue
                looked += 1
                keep_shifts(work, u, grids.entries[n])
                if lists.count[u] == want and looked > LOOKED_MAX:
                    return
        safe = safe_m(grids, asks, a, ring)
        if safe > grids.frame[q, FURTHEST_M]:
            return
        if lists.count[u] == want and lists.metres[u, want - 1] <= safe:
            return
        ring += 1


@compiled
def keep_shifts(work: Any, u: int, v: int) -> None:
    """Put those of a person's shifts that could serve the unit into its list, while they are among the nearest."""
    lists = work.lists
    want = lists.shift.shape[1]
    metres = points_of(way_m(work, v, HOME_ASK, work.units.rows[u, ASK]))
    if lists.count[u] == want and lists.metres[u, want - 1] <= metres:
        return
    for s in range(work.shifts.of_person[v], work.shifts.of_person[v + 1]):
        if alone(work, u, s)[0] != NEVER:
            put(lists, u, s, metres)


@compiled
def put(lists: Any, u: int, s: int, metres: int) -> None:
    """Insert one shift into a list sorted by metres; of equals the first found stays before."""
    want = lists.shift.shape[1]
    at = lists.count[u]
    if at == want:
        if lists.metres[u, want - 1] <= metres:
            return
        at = want - 1
    else:
        lists.count[u] += 1
    while at > 0 and lists.metres[u, at - 1] > metres:
        lists.shift[u, at], lists.metres[u, at] = lists.shift[u, at - 1], lists.metres[u, at - 1]
        at -= 1
    lists.shift[u, at], lists.metres[u, at] = s, metres
