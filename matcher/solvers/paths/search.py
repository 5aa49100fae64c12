"""Kernel: which people an ask can have, ring by ring of its grid, and what surely lies beyond.

A person outside the rings looked at differs in latitude or in longitude by at least the way to the rings' edge. The
distance is then at least R * (difference in latitude), or R * asin(cos(latitude) * sin(difference in longitude)): the
way to that meridian. Both hold on the sphere, so nothing is projected; a millimetre and 1e-9 are taken off for rounding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from matcher.geo import EARTH_RADIUS_M
from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.values import FAR, PERSON_BITS

HALF_TURN = math.pi / 2
NO_START = -1


@compiled
def metres(people: Any, asks: Any, a: int, v: int) -> float:
    """Return great-circle metres by the chord."""
    dx, dy, dz = people.x[v] - asks.x[a], people.y[v] - asks.y[a], people.z[v] - asks.z[a]
    return 2.0 * EARTH_RADIUS_M * math.asin(min(1.0, 0.5 * math.sqrt(dx * dx + dy * dy + dz * dz)))


@compiled
def last_start_s(people: Any, asks: Any, a: int, v: int) -> int:
    """Return the last start that window, fixed start and certificates allow; NO_START where a skill is missing."""
    duration = asks.duration_s[a]
    last = asks.latest_s[a] - duration
    if asks.fixed_start_s[a] >= 0:
        last = min(last, asks.fixed_start_s[a])
    for n in range(asks.need_at[a], asks.need_at[a + 1]):
        skill = asks.need_skill[n]
        if people.levels[v, skill] < asks.need_level[n]:
            return NO_START
        for c in range(people.cert_at[v], people.cert_at[v + 1]):
            if people.cert_skill[c] == skill:
                last = min(last, people.cert_expires_s[c] - duration)
    return last


@compiled
def earliest_start_s(people: Any, asks: Any, a: int, v: int, away_m: float) -> int:
    """Return the earliest start that skills, hours, travel and busy time leave, NO_START where there is none."""
    last = last_start_s(people, asks, a, v)
    travel = int(math.ceil(away_m / people.speed_mps[v]))
    start = max(asks.now_s[0] + travel, asks.earliest_s[a], asks.fixed_start_s[a])
    if start > last:
        return NO_START
    duration = asks.duration_s[a]
    window, end = people.hours_at[people.hours[v]], people.hours_at[people.hours[v] + 1]
    while window < end:
        start = max(start, people.hours_from_s[window])
        if start > last:
            return NO_START
        if start + duration > people.hours_until_s[window]:
            window += 1
            continue
        moved = start
        for b in range(people.busy_at[v], people.busy_at[v + 1]):
            begin, until = people.busy_from_s[b], people.busy_until_s[b]
            if begin < until and begin < start + duration and until > start - travel:
                moved = max(moved, until + travel)
        if moved == start:
            return start
        start = moved
    return NO_START


@compiled
def pair_cost(people: Any, asks: Any, a: int, v: int) -> int:
    """Return the points of a pair, -1 where a hard rule forbids it."""
    away = metres(people, asks, a, v)
    if away > people.reach_m[v]:
        return -1
    if asks.zone[a] >= 0 and people.zone[v] >= 0 and asks.zone[a] != people.zone[v]:
        return -1
    for b in range(asks.barred_at[a], asks.barred_at[a + 1]):
        if asks.barred[b] == v:
            return -1
    if earliest_start_s(people, asks, a, v, away) == NO_START:
        return -1
    return int(math.floor(away + 0.5)) + people.points[v]


@compiled
def home_cell(grids: Any, asks: Any, a: int) -> tuple[int, int]:
    """Return row and column of the ask's cell; outside the grid the nearest one."""
    q = asks.grid[a]
    row = int(math.floor((asks.lat[a] - grids.south[q]) / grids.high[q]))
    col = int(math.floor((asks.lon[a] - grids.west[q]) / grids.wide[q]))
    return min(max(row, 0), grids.rows[q] - 1), min(max(col, 0), grids.cols[q] - 1)


@compiled
def cell_in_ring(ring: int, step: int) -> tuple[int, int]:
    """Return (rows up, columns right) of the step-th cell of a ring: top, bottom, then both sides."""
    side = 2 * ring + 1
    if ring == 0:
        return 0, 0
    if step < side:
        return -ring, step - ring
    if step < 2 * side:
        return ring, step - side - ring
    rest = step - 2 * side
    return rest // 2 - ring + 1, ring if rest % 2 else -ring


@compiled
def safe_m(grids: Any, asks: Any, a: int, row: int, col: int, ring: int) -> float:
    """Return metres that everybody outside these rings is surely away; FAR where nobody is outside."""
    q, lat, lon = asks.grid[a], asks.lat[a], asks.lon[a]
    north = west = 1e9
    if row - ring > 0:
        north = min(north, lat - (grids.south[q] + (row - ring) * grids.high[q]))
    if row + ring + 1 < grids.rows[q]:
        north = min(north, grids.south[q] + (row + ring + 1) * grids.high[q] - lat)
    if col - ring > 0:
        west = min(west, lon - (grids.west[q] + (col - ring) * grids.wide[q]))
    if col + ring + 1 < grids.cols[q]:
        west = min(west, grids.west[q] + (col + ring + 1) * grids.wide[q] - lon)
    if west < 1e9:
        west = math.asin(math.cos(lat) * math.sin(min(west, HALF_TURN)))
    angle = min(north, west)
    return float(FAR) if angle >= 1e9 else EARTH_RADIUS_M * angle * (1.0 - 1e-9) - 1e-3


@compiled
def extend(work: Any, a: int, want: int) -> bool:
    """List at least `want` more pairs of an ask (and as many as it has), or all there are. False: no room left."""
    people, asks, grids, lists = work.people, work.asks, work.grids, work.lists
    q = asks.grid[a]
    row, col = home_cell(grids, asks, a)
    ring, step, entry, bound = lists.ring[a], lists.step[a], lists.entry[a], lists.bound[a]
    fresh, found = lists.fresh, 0
    want = max(want, lists.length[a])
    full = False
    while not full:
        cells = 8 * ring if ring else 1
        while step < cells:
            up, right = cell_in_ring(ring, step)
            y, x = row + up, col + right
            if 0 <= y < grids.rows[q] and 0 <= x < grids.cols[q]:
                cell = grids.cells_at[q] + y * grids.cols[q] + x
                at, end = grids.starts[cell] + entry, grids.starts[cell + 1]
                while at < end and found < len(fresh):
                    v = grids.entries[at]
                    at += 1
                    cost = pair_cost(people, asks, a, v)
                    if cost >= 0:
                        fresh[found] = (np.int64(cost) << PERSON_BITS) | v
                        found += 1
                if found == len(fresh) and at < end:
                    entry, full = at - grids.starts[cell], True
                    break
            entry = 0
            step += 1
        if full:
            break
        safe = safe_m(grids, asks, a, row, col, ring)
        ring, step = ring + 1, 0
        if safe > grids.reach_m[q]:
            bound = FAR
            break
        bound = max(bound, int(math.floor(safe + 0.5)))
        if found >= want:
            break
    if not put(lists, a, found):
        return False
    lists.ring[a], lists.step[a], lists.entry[a], lists.bound[a] = ring, step, entry, bound
    return True


@compiled
def put(lists: Any, a: int, found: int) -> bool:
    """Merge the first `found` fresh keys into the ask's list. False: no room left, nothing done."""
    keys, length = lists.keys, lists.length[a]
    if length + found > lists.room[a]:
        room = max(2 * lists.room[a], length + found + 8)
        top = lists.top[0]
        if top + room > len(keys):
            return False
        keys[top : top + length] = keys[lists.at[a] : lists.at[a] + length]
        lists.at[a], lists.room[a], lists.top[0] = top, room, top + room
    fresh = np.sort(lists.fresh[:found])
    begin = lists.at[a]
    left, right, out = begin + length - 1, found - 1, begin + length + found - 1
    while right >= 0:
        if left >= begin and keys[left] > fresh[right]:
            keys[out] = keys[left]
            left -= 1
        else:
            keys[out] = fresh[right]
            right -= 1
        out -= 1
    lists.length[a] = length + found
    return True


@compiled
def starts_of(people: Any, asks: Any, ask: Any, person: Any, away_m: Any) -> Any:
    """Return the earliest start of each of these pairs."""
    out = np.empty(len(person), np.int64)
    for n in range(len(person)):
        out[n] = earliest_start_s(people, asks, ask[n], person[n], away_m[n])
    return out
