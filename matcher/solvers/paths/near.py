"""Kernel: which asks are near a person, so that whoever comes, or is freed, finds those who want them.

Called by `kept`. Asks stand in cells, linked to each other; so do the requirements of an ask. A cell knows how far its
asks have looked (`far_m`), so that a person passes by those that know of nobody so far away.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from matcher.geo import EARTH_RADIUS_M
from matcher.problem import F64, I64
from matcher.solvers.paths.cells import where
from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.search import NOWHERE, QUARTER_TURN, square, square_of
from matcher.solvers.paths.values import (
    BOUND,
    COLS,
    FAR,
    FLOOR_POINTS,
    GRID,
    HIGH,
    LAT,
    LON,
    REACH_M,
    ROWS,
    SOUTH,
    SPARED_AT,
    SPARED_END,
    WEST,
    WIDE,
)

NONE = -1


class Near(NamedTuple):
    """Asks by grid and cell, requirements by ask, as linked lists; `shape`: ROWS and COLS of every grid's cells."""

    frame: F64  # SOUTH, WEST, HIGH, WIDE (radians)
    shape: I64
    skill: I64  # [Q] that everybody in the grid of people holds, -1: everybody
    first_ask: I64  # [Q * cells]
    far_m: F64  # [Q * cells] beyond it nobody matters to any ask of the cell
    furthest_m: F64  # [Q] the most of them
    next_ask: I64  # [A]
    prev_ask: I64
    cell: I64  # [A], NONE where the ask is gone
    bound: I64  # [A] the list's BOUND when CHORD and METRES were worked out
    chord: I64  # [A] square of the chord beyond which nobody matters
    metres: F64  # [A] the same in metres
    first_need: I64  # [A]
    next_need: I64  # [R]
    prev_need: I64
    found: I64  # [A] working memory


@compiled
def spot(near: Near, lat: float, lon: float) -> tuple[int, int]:
    """Return row and column of a place; outside the nearest."""
    row = math.floor((lat - near.frame[SOUTH]) / near.frame[HIGH])
    col = math.floor((lon - near.frame[WEST]) / near.frame[WIDE])
    return min(max(row, 0), near.shape[ROWS] - 1), min(max(col, 0), near.shape[COLS] - 1)


@compiled
def link_ask(near: Any, asks: Any, a: int) -> None:
    """Put an ask, still without requirements, into its cell."""
    row, col = spot(near, asks.place[a, LAT], asks.place[a, LON])
    cell = (asks.facts[a, GRID] * near.shape[ROWS] + row) * near.shape[COLS] + col
    other = near.first_ask[cell]
    near.cell[a], near.next_ask[a], near.prev_ask[a], near.first_need[a] = cell, other, NONE, NONE
    near.bound[a] = NONE
    if other >= 0:
        near.prev_ask[other] = a
    near.first_ask[cell] = a


@compiled
def unlink_ask(near: Any, a: int) -> None:
    """Take an ask out of its cell."""
    before, after = near.prev_ask[a], near.next_ask[a]
    if before >= 0:
        near.next_ask[before] = after
    else:
        near.first_ask[near.cell[a]] = after
    if after >= 0:
        near.prev_ask[after] = before
    near.cell[a] = NONE


@compiled
def link_need(near: Any, a: int, i: int) -> None:
    """Let a requirement share an ask."""
    other = near.first_need[a]
    near.next_need[i], near.prev_need[i] = other, NONE
    if other >= 0:
        near.prev_need[other] = i
    near.first_need[a] = i


@compiled
def unlink_need(near: Any, a: int, i: int) -> None:
    """Take a requirement from its ask."""
    before, after = near.prev_need[i], near.next_need[i]
    if before >= 0:
        near.next_need[before] = after
    else:
        near.first_need[a] = after
    if after >= 0:
        near.prev_need[after] = before


@compiled
def listed_m(work: Any, a: int) -> float:
    """Return metres beyond which nobody matters to this ask: all are listed, or none as near as its bound."""
    bound, floor = work.lists.table[a, BOUND], work.asks.facts[a, FLOOR_POINTS]
    return NOWHERE if bound >= FAR else float(max(bound - floor + spared_most(work.asks, a), 0)) + 2.0


@compiled
def spared_most(asks: Any, a: int) -> int:
    """Return the most of the floor that anybody is spared."""
    most = 0
    for n in range(asks.facts[a, SPARED_AT], asks.facts[a, SPARED_END]):
        most = max(most, asks.spared[n, 1])
    return most


@compiled
def note(work: Any, near: Any, a: int) -> None:
    """Note how far an ask has looked."""
    bound = work.lists.table[a, BOUND]
    if bound != near.bound[a]:
        near.bound[a] = bound
        near.metres[a] = listed_m(work, a)
        near.chord[a] = square_of(near.metres[a])
    cell, q = near.cell[a], work.asks.facts[a, GRID]
    near.far_m[cell] = max(near.far_m[cell], near.metres[a])
    near.furthest_m[q] = max(near.furthest_m[q], near.metres[a])


@compiled
def measure(work: Any, near: Any) -> None:
    """Note how far all asks have looked."""
    near.far_m[:] = -1.0
    near.furthest_m[:] = -1.0
    for a in range(len(near.cell)):
        if near.cell[a] >= 0:
            note(work, near, a)


@compiled
def columns(near: Any, lat: float, lon: float, radius_m: float) -> tuple[int, int]:
    """Return first and last column that hold a place within this radius (as `search` bounds what is beyond a ring)."""
    angle, cos = radius_m / EARTH_RADIUS_M, math.cos(lat)
    if angle >= QUARTER_TURN or math.sin(angle) >= cos:
        return 0, near.shape[COLS] - 1
    across = math.asin(math.sin(angle) / cos) * (1.0 + 1e-9) + 1e-12
    return spot(near, lat, lon - across)[1], spot(near, lat, lon + across)[1]


@compiled
def asks_near(work: Any, near: Any, v: int) -> int:
    """Leave in `found` the asks to which this person may matter, by place and skill. Returns how many."""
    people, size = work.people, 0
    lat, lon = where(people, v)
    own_row, own_col = spot(near, lat, lon)
    cos = math.cos(lat)
    for q in range(len(near.skill)):
        if near.skill[q] >= 0 and people.levels[v, near.skill[q]] == 0:
            continue
        radius_m = min(people.place[v, REACH_M], near.furthest_m[q]) + 1.0
        if radius_m < 1.0:
            continue
        angle = radius_m / EARTH_RADIUS_M
        left, right = columns(near, lat, lon, radius_m)
        for row in range(spot(near, lat - angle, lon)[0], spot(near, lat + angle, lon)[0] + 1):
            up_m = (abs(row - own_row) - 1) * near.frame[HIGH] * EARTH_RADIUS_M
            first = (q * near.shape[ROWS] + row) * near.shape[COLS]
            for col in range(left, right + 1):
                far_m = near.far_m[first + col]
                if far_m < 0.0 or far_m < up_m:
                    continue
                wide = min((abs(col - own_col) - 1) * near.frame[WIDE], 1.4)
                if far_m < EARTH_RADIUS_M * cos * (wide - wide * wide * wide / 6.0) * (1.0 - 1e-9) - 1e-3:
                    continue
                size = gather(work.asks, people, near, first + col, v, size)
    return size


@compiled
def gather(asks: Any, people: Any, near: Any, cell: int, v: int, size: int) -> int:
    """Add the asks of one cell that have looked as far as this person."""
    a = near.first_ask[cell]
    while a >= 0:
        if square(asks.place[a], people.place[v]) <= near.chord[a]:
            near.found[size] = a
            size += 1
        a = near.next_ask[a]
    return size
