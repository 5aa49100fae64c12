"""Kernel: people enter and leave the cells of a grid that stands already.

Called by `kept`. A cell's entries follow each other, with a few that hold nobody (their CHORD is below 0, so that no
search looks at them). Who leaves becomes such an entry; who comes takes one, if need be from a cell near by: everybody
between moves up by one, each within their own cell.
"""

from __future__ import annotations

import math
from typing import Any

from matcher.geo import EARTH_RADIUS_M
from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.values import (
    CELLS_AT,
    CHORD,
    CHORD_UNITS,
    COLS,
    HIGH,
    REACH_M,
    ROWS,
    SOUTH,
    WEST,
    WIDE,
    X,
    Y,
    Z,
)

#: Metres by which a reach is taken longer when people are sieved by the square of the chord (as in `grids`).
MARGIN_M = 1e-2
#: The CHORD of an entry that holds nobody.
NOBODY = -1.0
#: How many cells away an empty entry may be.
FURTHEST = 4096


@compiled
def where(people: Any, v: int) -> tuple[float, float]:
    """Return latitude and longitude of a person (radians)."""
    here = people.place[v]
    return math.atan2(here[Z], math.hypot(here[X], here[Y])), math.atan2(here[Y], here[X])


@compiled
def cell_at(grids: Any, q: int, lat: float, lon: float) -> tuple[int, int]:
    """Return row and column of a place in grid q; outside it the nearest."""
    row = math.floor((lat - grids.frame[q, SOUTH]) / grids.frame[q, HIGH])
    col = math.floor((lon - grids.frame[q, WEST]) / grids.frame[q, WIDE])
    return min(max(row, 0), grids.shape[q, ROWS] - 1), min(max(col, 0), grids.shape[q, COLS] - 1)


@compiled
def empty_in(grids: Any, cell: int) -> int:
    """Return an entry of the cell that holds nobody, or -1."""
    for n in range(grids.starts[cell], grids.starts[cell + 1]):
        if grids.spots[n, CHORD] < 0:
            return n
    return -1


@compiled
def move(grids: Any, source: int, target: int) -> None:
    """Put who is at one entry at another one."""
    grids.entries[target] = grids.entries[source]
    for k in range(4):
        grids.spots[target, k] = grids.spots[source, k]


@compiled
def bring(grids: Any, at: int, source: int, cell: int) -> int:
    """Bring the empty entry `at` from one cell to another one; returns where it is then."""
    starts = grids.starts
    while source > cell:
        move(grids, starts[source], at)
        at = starts[source]
        starts[source] += 1
        source -= 1
    while source < cell:
        last = starts[source + 1] - 1
        move(grids, last, at)
        at = last
        starts[source + 1] -= 1
        source += 1
    return at


@compiled
def empty_for(grids: Any, q: int, cell: int) -> int:
    """Return an empty entry that now belongs to this cell of grid q, or -1 where there is none near by."""
    first = grids.shape[q, CELLS_AT]
    last = first + grids.shape[q, ROWS] * grids.shape[q, COLS] - 1
    for away in range(FURTHEST):
        for source in (cell + away, cell - away):
            if first <= source <= last:
                at = empty_in(grids, source)
                if at >= 0:
                    return bring(grids, at, source, cell)
    return -1


@compiled
def enter(grids: Any, people: Any, q: int, v: int) -> bool:
    """Put a person into grid q. False: it is full about there."""
    lat, lon = where(people, v)
    row, col = cell_at(grids, q, lat, lon)
    at = empty_for(grids, q, grids.shape[q, CELLS_AT] + row * grids.shape[q, COLS] + col)
    if at < 0:
        return False
    half = min(people.place[v, REACH_M] + MARGIN_M, math.pi * EARTH_RADIUS_M) / (2.0 * EARTH_RADIUS_M)
    grids.entries[at] = v
    for k in range(3):
        grids.spots[at, k] = people.place[v, k]
    grids.spots[at, CHORD] = (2.0 * math.sin(half)) ** 2 * CHORD_UNITS
    return True


@compiled
def leave(grids: Any, people: Any, q: int, v: int, nobody: int) -> bool:
    """Take a person out of grid q. False: they are not there."""
    lat, lon = where(people, v)
    row, col = cell_at(grids, q, lat, lon)
    if vacate(grids, q, row, col, v, nobody):
        return True
    for y in range(row - 1, row + 2):  # a place at the edge of a cell, rounded the other way
        for x in range(col - 1, col + 2):
            if 0 <= y < grids.shape[q, ROWS] and 0 <= x < grids.shape[q, COLS] and vacate(grids, q, y, x, v, nobody):
                return True
    return False


@compiled
def vacate(grids: Any, q: int, row: int, col: int, v: int, nobody: int) -> bool:
    """Empty the entry of a person in one cell. False: there is none."""
    cell = grids.shape[q, CELLS_AT] + row * grids.shape[q, COLS] + col
    for n in range(grids.starts[cell], grids.starts[cell + 1]):
        if grids.entries[n] == v and grids.spots[n, CHORD] >= 0:
            grids.entries[n] = nobody
            grids.spots[n, CHORD] = NOBODY
            return True
    return False
