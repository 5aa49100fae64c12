"""Kernel: which people an ask can have, ring by ring of its grid, and what surely lies beyond.

A person outside the rings looked at differs in latitude or in longitude by at least the way to their edge. The
distance is then at least R * (difference in latitude), or R * asin(cos(latitude) * sin(difference in longitude)): the
way to that meridian. Both hold on the sphere, nothing is projected; a millimetre and 1e-9 are taken off for rounding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from matcher.geo import EARTH_RADIUS_M
from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.values import (
    ASK,
    AT,
    BARRED_AT,
    BARRED_END,
    BOUND,
    BUSY_AT,
    BUSY_END,
    CELLS_AT,
    CERT_AT,
    CERT_END,
    CHOOSY,
    CHORD,
    CHORD_UNITS,
    CIRCLE_S,
    COLS,
    CUT,
    CUT_AT,
    DEPART_S,
    DOUBTFUL,
    DOUBTS,
    DURATION_S,
    EARLIEST_S,
    FAR,
    FAR_M,
    FAR_MOST,
    FAR_POINTS,
    FIXED_START_S,
    FLOOR_POINTS,
    FORBIDDEN,
    FURTHEST_M,
    GRID,
    HIGH,
    HOME,
    HOURS_AT,
    HOURS_END,
    IN_RING,
    LAT,
    LATEST_S,
    LENGTH,
    LON,
    NEAR_M,
    NEAR_POINTS,
    NEED_AT,
    NEED_END,
    PERSON_BITS,
    POINTS,
    PRICE,
    REACH_M,
    RING,
    ROOM,
    ROWS,
    SOUTH,
    SPARED_AT,
    SPARED_END,
    SPEED_MPS,
    SQUARE,
    TOP,
    TRIED,
    WEST,
    WHO,
    WIDE,
    WISH_AT,
    WISH_END,
    ZONE,
    X,
    Y,
    Z,
)

QUARTER_TURN = math.pi / 2
NO_START = -1
NOWHERE = 1e9
#: Metres and seconds within which two ways to compute a distance may round differently.
HAIR = 1e-6
#: People that a list looks at first.
FIRST_LIST = 6
#: Metres taken off a way that a square stands for.
SLACK_M = 1e-3


@compiled
def metres(people: Any, asks: Any, a: int, v: int) -> float:
    """Return great-circle metres by the chord."""
    here, there = asks.place, people.place
    dx, dy, dz = there[v, X] - here[a, X], there[v, Y] - here[a, Y], there[v, Z] - here[a, Z]
    return 2.0 * EARTH_RADIUS_M * math.asin(min(1.0, 0.5 * math.sqrt(dx * dx + dy * dy + dz * dz)))


@compiled
def last_start_s(people: Any, asks: Any, a: int, v: int) -> int:
    """Return the last start that window, fixed start and certificates allow; NO_START where a skill is missing."""
    ask = asks.facts[a]
    last = ask[LATEST_S] - ask[DURATION_S]
    if ask[FIXED_START_S] >= 0:
        last = min(last, ask[FIXED_START_S])
    for n in range(ask[NEED_AT], ask[NEED_END]):
        skill = asks.needs[n, 0]
        if people.levels[v, skill] < asks.needs[n, 1]:
            return NO_START
        for c in range(people.facts[v, CERT_AT], people.facts[v, CERT_END]):
            if people.certs[c, 0] == skill:
                last = min(last, people.certs[c, 1] - ask[DURATION_S])
    return last


@compiled
def earliest_start_s(people: Any, asks: Any, a: int, v: int, away_m: float) -> int:
    """Return the earliest start that skills, hours, travel and busy time leave, NO_START where there is none."""
    last = last_start_s(people, asks, a, v)
    ask, facts = asks.facts[a], people.facts[v]
    travel = math.ceil(away_m / people.place[v, SPEED_MPS])
    start = max(ask[DEPART_S] + travel, ask[EARLIEST_S], ask[FIXED_START_S])
    duration = ask[DURATION_S]
    window = facts[HOURS_AT]
    while window < facts[HOURS_END] and start <= last:
        start = max(start, people.hours[window, 0])
        if start + duration > people.hours[window, 1]:
            window += 1
            continue
        moved = start
        for b in range(facts[BUSY_AT], facts[BUSY_END]):
            begin, until = people.busy[b, 0], people.busy[b, 1]
            if begin < until and begin < start + duration and until > start - travel:
                moved = max(moved, until + travel)
        if moved == start:
            return start if start <= last else NO_START
        start = moved
    return NO_START


@compiled
def pair_cost(people: Any, asks: Any, lists: Any, a: int, v: int) -> int:
    """Return the points of a pair, FORBIDDEN by a hard rule, or DOUBTFUL until the rules have judged it."""
    zone, home = asks.facts[a, ZONE], people.facts[v, HOME]
    if zone >= 0 and home >= 0 and zone != home:
        return FORBIDDEN
    away = metres(people, asks, a, v)
    if away > people.place[v, REACH_M] + HAIR:
        return FORBIDDEN
    if named(asks, a, v) != (asks.facts[a, CHOOSY] > 0):
        return FORBIDDEN
    points = math.floor(away + 0.5)
    way_s = away / people.place[v, SPEED_MPS]
    if (
        away > people.place[v, REACH_M] - HAIR
        or abs(away - math.floor(away) - 0.5) < HAIR
        or abs(way_s - math.floor(way_s + 0.5)) < HAIR
    ):
        return judged(lists, a, v)
    circle = asks.facts[a, CIRCLE_S]
    if 0 <= circle < way_s or earliest_start_s(people, asks, a, v, away) == NO_START:
        return FORBIDDEN
    return (
        points
        + far(asks, a, points)
        + people.facts[v, POINTS]
        + asks.facts[a, FLOOR_POINTS]
        - spared(asks, a, v)
        + lacking(people, asks, a, v)
    )


@compiled
def far(asks: Any, a: int, metres_away: int) -> int:
    """Return what whole metres cost beyond the preferred and the acceptable distance."""
    ask = asks.facts[a]
    beyond = ask[NEAR_POINTS] * max(metres_away - ask[NEAR_M], 0) + ask[FAR_POINTS] * max(metres_away - ask[FAR_M], 0)
    return min(beyond, ask[FAR_MOST])


@compiled
def named(asks: Any, a: int, v: int) -> bool:
    """Say whether an ask names this person: to be barred, or to be one of few."""
    for b in range(asks.facts[a, BARRED_AT], asks.facts[a, BARRED_END]):  # noqa: SIM110 - compiled
        if asks.barred[b] == v:
            return True
    return False


@compiled
def spared(asks: Any, a: int, v: int) -> int:
    """Return the points of the floor that this person does not pay."""
    for n in range(asks.facts[a, SPARED_AT], asks.facts[a, SPARED_END]):
        if asks.spared[n, 0] == v:
            return asks.spared[n, 1]
    return 0


@compiled
def lacking(people: Any, asks: Any, a: int, v: int) -> int:
    """Return the points of the wished skills that this person lacks."""
    points = 0
    for n in range(asks.facts[a, WISH_AT], asks.facts[a, WISH_END]):
        if people.levels[v, asks.wishes[n, 0]] < asks.wishes[n, 1]:
            points += asks.wishes[n, 2]
    return points


@compiled
def judged(lists: Any, a: int, v: int) -> int:
    """Return what the rules said of a pair where rounding decides; note it where they were not asked yet."""
    key = (a << PERSON_BITS) | v
    low, high = 0, len(lists.judged)
    while low < high:
        middle = (low + high) >> 1
        if lists.judged[middle, 0] < key:
            low = middle + 1
        else:
            high = middle
    if low < len(lists.judged) and lists.judged[low, 0] == key:
        return lists.judged[low, 1]
    if lists.top[DOUBTS] < len(lists.doubts):
        lists.doubts[lists.top[DOUBTS]] = key
        lists.top[DOUBTS] += 1
    return DOUBTFUL


@compiled
def home_cell(grids: Any, asks: Any, a: int) -> tuple[int, int]:
    """Return row and column of the ask's cell; outside the grid the nearest one."""
    q = asks.facts[a, GRID]
    row = math.floor((asks.place[a, LAT] - grids.frame[q, SOUTH]) / grids.frame[q, HIGH])
    col = math.floor((asks.place[a, LON] - grids.frame[q, WEST]) / grids.frame[q, WIDE])
    return min(max(row, 0), grids.shape[q, ROWS] - 1), min(max(col, 0), grids.shape[q, COLS] - 1)


@compiled
def safe_m(grids: Any, asks: Any, a: int, ring: int) -> float:
    """Return metres that everybody outside these rings is surely away; FAR where nobody is outside."""
    q, lat, lon = asks.facts[a, GRID], asks.place[a, LAT], asks.place[a, LON]
    row, col = home_cell(grids, asks, a)
    south, west, high, wide = grids.frame[q, SOUTH], grids.frame[q, WEST], grids.frame[q, HIGH], grids.frame[q, WIDE]
    up = across = NOWHERE
    if row - ring > 0:
        up = min(up, lat - (south + (row - ring) * high))
    if row + ring + 1 < grids.shape[q, ROWS]:
        up = min(up, south + (row + ring + 1) * high - lat)
    if col - ring > 0:
        across = min(across, lon - (west + (col - ring) * wide))
    if col + ring + 1 < grids.shape[q, COLS]:
        across = min(across, west + (col + ring + 1) * wide - lon)
    if across < NOWHERE:
        across = math.asin(math.cos(lat) * math.sin(min(across, QUARTER_TURN)))
    angle = min(up, across)
    return float(FAR) if angle >= NOWHERE else EARTH_RADIUS_M * angle * (1.0 - 1e-9) - 1e-3


@compiled
def spans_of(ring: int) -> int:
    """Return how many spans a ring has: bottom, top, then the cells of both sides."""
    return 1 if ring == 0 else 4 * ring


@compiled
def span(grids: Any, q: int, row: int, col: int, ring: int, number: int) -> tuple[int, int]:
    """Return where the people of a ring's span begin and end in `entries`; the cells of a row follow each other."""
    y, left, right = row, col - ring, col + ring
    if number == 0:
        y = row - ring
    elif number == 1:
        y = row + ring
    else:
        y = row - ring + number // 2
        left = right = col + ring if number % 2 else col - ring
    left, right = max(left, 0), min(right, grids.shape[q, COLS] - 1)
    if y < 0 or y >= grids.shape[q, ROWS] or left > right:
        return 0, 0
    first = grids.shape[q, CELLS_AT] + y * grids.shape[q, COLS]
    return grids.starts[first + left], grids.starts[first + right + 1]


@compiled
def square(here: Any, there: Any) -> int:
    """Return the square of the chord between two points, in whole CHORD_UNITS."""
    dx, dy, dz = there[X] - here[X], there[Y] - here[Y], there[Z] - here[Z]
    return int((dx * dx + dy * dy + dz * dz) * CHORD_UNITS)


@compiled
def cost_from(asks: Any, a: int, chord: int) -> int:
    """Return points that everybody costs whose squared chord is at least this."""
    away = 2.0 * EARTH_RADIUS_M * math.asin(min(1.0, 0.5 * math.sqrt(chord / CHORD_UNITS)))
    least = math.floor(max(away - SLACK_M, 0.0) + 0.5)
    return least + far(asks, a, least) + asks.facts[a, FLOOR_POINTS]


@compiled
def square_of(metres: float) -> int:
    """Return the square of the chord of a way."""
    chord = 2.0 * math.sin(min(metres / (2.0 * EARTH_RADIUS_M), QUARTER_TURN))
    return int(chord * chord * CHORD_UNITS)


@compiled
def extend(work: Any, a: int, want: int) -> bool:
    """Look at `want` more people of an ask (and as many as were looked at), the nearest first, or at all there are.

    False: nothing is done, for want of room or because pairs wait to be judged.
    """
    people, asks, grids, lists = work.people, work.asks, work.grids, work.lists
    q = asks.facts[a, GRID]
    row, col = home_cell(grids, asks, a)
    own = lists.table[a]
    want = min(max(want, own[TRIED]), len(lists.near))
    first, ring, size, out, rings = own[CUT] < 0, own[RING], 0, FAR, FAR
    bound = FAR
    while True:
        for number in range(spans_of(ring)):
            at, end = span(grids, q, row, col, ring, number)
            size, out, rings = sieve(grids, asks, lists, a, ring, at, end, want, size, out, rings)
        safe = safe_m(grids, asks, a, ring)
        if safe > grids.frame[q, FURTHEST_M]:
            break
        ring += 1
        beyond = square_of(max(safe, 0.0))
        if size == want and lists.near[0, SQUARE] < beyond:
            out = min(out, beyond)
            break
    if out < FAR:
        bound = max(own[BOUND], cost_from(asks, a, out))
    found = list_spared(work, a) if first else 0
    for n in range(size):
        v = lists.near[n, WHO]
        cost = pair_cost(people, asks, lists, a, v)
        if cost >= 0:
            lists.fresh[found] = (cost << PERSON_BITS) | v
            found += 1
    if lists.top[DOUBTS] > 0 or not put(lists, a, found):
        return False
    own[BOUND], own[RING] = bound, min(ring, rings)
    own[TRIED] += size
    own[CUT] = 0
    if size > 0:
        own[CUT], own[CUT_AT] = lists.near[0, SQUARE], lists.near[0, WHO]
    return True


@compiled
def first_lists(work: Any, order: Any, state: Any, want: int) -> bool:
    """Begin the lists of these asks, `want` people each, from position state[0]. False: as `extend`; call again."""
    while state[0] < len(order):
        if not extend(work, order[state[0]], want):
            return False
        state[0] += 1
    return True


@compiled
def list_all(work: Any, state: Any) -> bool:
    """List everybody who costs less than a requirement pays, from requirement state[0] on. False: as with `extend`."""
    flow = work.flow
    while state[0] < len(flow.needs):
        a, node = flow.needs[state[0], ASK], len(flow.nodes) - len(flow.needs) + state[0]
        while work.lists.table[a, BOUND] < flow.nodes[node, PRICE]:
            if not extend(work, a, FIRST_LIST):
                return False
        state[0] += 1
    return True


@compiled
def sieve(
    grids: Any, asks: Any, lists: Any, a: int, ring: int, at: int, end: int, want: int, size: int, out: int, rings: int
) -> tuple[int, int, int]:
    """Keep the nearest `want` of these people beyond the list's cut.

    Returns how many are kept, and of those who are not the least square and the first ring.
    """
    here, near = asks.place[a], lists.near
    cut, cut_at = lists.table[a, CUT], lists.table[a, CUT_AT]
    for n in range(at, end):
        chord = square(here, grids.spots[n])
        if chord > grids.spots[n, CHORD] or chord < cut:
            continue
        v = grids.entries[n]
        if (chord == cut and v <= cut_at) or spared(asks, a, v) > 0:
            continue
        if size < want:
            keep(near, size, chord, v, ring)
            size += 1
        elif chord > near[0, SQUARE] or (chord == near[0, SQUARE] and v > near[0, WHO]):
            out, rings = min(out, chord), min(rings, ring)
        else:
            out, rings = min(out, near[0, SQUARE]), min(rings, near[0, IN_RING])
            replace_last(near, size, chord, v, ring)
    return size, out, rings


@compiled
def keep(near: Any, size: int, chord: int, v: int, ring: int) -> None:
    """Put one more into the heap of the nearest."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if near[above, SQUARE] > chord or (near[above, SQUARE] == chord and near[above, WHO] > v):
            break
        near[at, SQUARE], near[at, WHO], near[at, IN_RING] = near[above, SQUARE], near[above, WHO], near[above, IN_RING]
        at = above
    near[at, SQUARE], near[at, WHO], near[at, IN_RING] = chord, v, ring


@compiled
def replace_last(near: Any, size: int, chord: int, v: int, ring: int) -> None:
    """Put one into the heap of the nearest instead of the furthest."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and (
            near[child + 1, SQUARE] > near[child, SQUARE]
            or (near[child + 1, SQUARE] == near[child, SQUARE] and near[child + 1, WHO] > near[child, WHO])
        ):
            child += 1
        if near[child, SQUARE] < chord or (near[child, SQUARE] == chord and near[child, WHO] < v):
            break
        near[at, SQUARE], near[at, WHO], near[at, IN_RING] = near[child, SQUARE], near[child, WHO], near[child, IN_RING]
        at = child
    near[at, SQUARE], near[at, WHO], near[at, IN_RING] = chord, v, ring


@compiled
def list_spared(work: Any, a: int) -> int:
    """Begin a list with those who are spared a part of the floor, so that it is a bound for all others."""
    people, asks, lists = work.people, work.asks, work.lists
    found = 0
    for n in range(asks.facts[a, SPARED_AT], asks.facts[a, SPARED_END]):
        v = asks.spared[n, 0]
        cost = pair_cost(people, asks, lists, a, v)
        if cost >= 0:
            lists.fresh[found] = (cost << PERSON_BITS) | v
            found += 1
    return found


@compiled
def put(lists: Any, a: int, found: int) -> bool:
    """Merge the first `found` fresh keys into the ask's list. False: no room left, nothing done."""
    keys, fresh, own = lists.keys, lists.fresh, lists.table[a]
    length = own[LENGTH]
    if length + found > own[ROOM]:
        room = max(2 * own[ROOM], length + found + 8)
        top = lists.top[TOP]
        if top + room > len(keys):
            return False
        for n in range(length):
            keys[top + n] = keys[own[AT] + n]
        own[AT], own[ROOM], lists.top[TOP] = top, room, top + room
    sort(fresh, found)
    found = unlisted(lists, a, found)
    begin = own[AT]
    left, right, out = begin + length - 1, found - 1, begin + length + found - 1
    while right >= 0:
        if left >= begin and keys[left] > fresh[right]:
            keys[out] = keys[left]
            left -= 1
        else:
            keys[out] = fresh[right]
            right -= 1
        out -= 1
    own[LENGTH] = length + found
    return True


@compiled
def unlisted(lists: Any, a: int, found: int) -> int:
    """Strike those of the first `found` fresh keys (sorted) that the ask lists already. Returns how many are left."""
    at, end, kept = lists.table[a, AT], lists.table[a, AT] + lists.table[a, LENGTH], 0
    for n in range(found):
        while at < end and lists.keys[at] < lists.fresh[n]:
            at += 1
        if at == end or lists.keys[at] != lists.fresh[n]:
            lists.fresh[kept] = lists.fresh[n]
            kept += 1
    return kept


@compiled
def sort(keys: Any, size: int) -> None:
    """Sort the first `size` keys in place (Shell's sort: the lists are short, and it compiles in no time)."""
    gap = 1
    while gap < size // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, size):
            key, at = keys[i], i
            while at >= gap and keys[at - gap] > key:
                keys[at] = keys[at - gap]
                at -= gap
            keys[at] = key
        gap //= 3


@compiled
def starts_of(people: Any, asks: Any, ask: Any, person: Any, away_m: Any) -> Any:
    """Return the earliest start of each of these pairs."""
    out = np.empty(len(person), np.int64)
    for n in range(len(person)):
        out[n] = earliest_start_s(people, asks, ask[n], person[n], away_m[n])
    return out
