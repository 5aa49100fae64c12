"""Kernel: where a unit fits, and the cheapest place for one that needs one person and no hour of the crowd."""

from __future__ import annotations

from typing import Any

import numpy as np

from matcher.solvers.paths.values import FAR
from matcher.weekly.clockwork import first_start, last_start, points_of, seconds_of, way_m
from matcher.weekly.compiling import compiled
from matcher.weekly.pairs import duty_saved, has_room, last_able, pair_points, told_start
from matcher.weekly.steps import put_in
from matcher.weekly.tables import (
    AWAY,
    BACK,
    BEGIN,
    CANDIDATE_WIDE,
    CANDIDATES,
    CANDIDATES_AT,
    COUNT,
    DEPART,
    DISTURBANCE,
    DUTY,
    FIRST,
    FROM_S,
    LAST,
    LENGTH_S,
    LIMITS,
    LISTED,
    NEAREST,
    NEVER,
    PERSON,
    PRICE,
    RANDOM,
    REST_S,
    SEEN,
    SEEN_AT,
    SIZE,
    SPOT,
    UNKNOWN,
    UNTIL_S,
    WAY,
    shift_at,
    spot_of,
    stop_at,
    unit_at,
    unit_of_stop,
)

#: Of 1024: how often a shift is passed over by chance, so that the search sees others (Christiaens and others 2020).
BLINK = 10


@compiled
def draw(m: Any, below: int) -> int:
    """Return a number from 0 up to one less than `below` (xorshift64*, Marsaglia 2003, Vigna 2014)."""
    x = np.uint64(m[RANDOM])
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    m[RANDOM] = np.int64(x)
    drawn: Any = np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33))
    return drawn % below


@compiled
def fit(m: Any, spots: Any, u: int, s: int, at: int, limit: int) -> tuple[int, int]:
    """Return first and last start of a unit put before place `at`, NEVER where there is none.

    `limit`: the latest start that the pair's rules allow.
    """
    shift, unit, rest = shift_at(m, s), unit_at(m, u), m[REST_S]
    v, spot, size = m[shift + PERSON], m[unit + SPOT], m[shift + SIZE]
    if at == 0:
        free = m[shift + FROM_S]
    else:
        free = m[stop_at(m, s, at - 1) + BEGIN] + m[unit_of_stop(m, s, at - 1) + LENGTH_S] + rest
    come = max(free, m[unit + DEPART]) + seconds_of(spots, v, way_m(spots, spot_of(m, s, at - 1), spot))
    low = first_start(m, u, come)
    if low == NEVER or low > limit:
        return NEVER, NEVER
    way_s = seconds_of(spots, v, way_m(spots, spot, spot_of(m, s, at)))
    if at == size:
        by = m[shift + UNTIL_S] - way_s - m[unit + LENGTH_S]
    else:
        last = m[stop_at(m, s, at) + LAST]
        if m[unit_of_stop(m, s, at) + DEPART] + way_s > last:
            return NEVER, NEVER
        by = last - way_s - rest - m[unit + LENGTH_S]
    high = last_start(m, u, min(by, limit))
    if high == NEVER or high < low:
        return NEVER, NEVER
    return low, high


@compiled
def direct(m: Any, s: int, at: int) -> int:
    """Return the metres of the way that leads to place `at` of a route as it is."""
    return m[stop_at(m, s, at) + WAY] if at < m[shift_at(m, s) + SIZE] else m[shift_at(m, s) + BACK]


@compiled
def allows(m: Any, u: int, low: int, high: int, start: int) -> bool:
    """Say whether one start lies between two, in the unit's windows."""
    return low <= start <= high and first_start(m, u, start) == start


@compiled
def cheapest_at(
    m: Any, spots: Any, rules: Any, u: int, s: int, below: int, only: int, limit: int
) -> tuple[int, int, int, int]:
    """Return the cheapest place of a unit in a route that costs less than `below`, its metres and points, and the
    pair's limit and points; place NEVER where there is none. `only`: the one start asked for, NEVER = any.
    """
    v, spot, size = m[shift_at(m, s) + PERSON], m[unit_at(m, u) + SPOT], m[shift_at(m, s) + SIZE]
    best, place, points, asked = below, NEVER, 0, False
    home = points_of(way_m(spots, v, spot))
    here = home
    for at in range(size + 1):
        there = points_of(way_m(spots, spot, spot_of(m, s, at))) if at < size else home
        more = here + there - direct(m, s, at)
        here = there
        if more + points >= best:
            continue
        if not asked:
            asked = True
            if limit == UNKNOWN:
                limit = last_able(m, spots, rules, u, v)
            if limit == NEVER:
                return NEVER, FAR, limit, points
            points = pair_points(m, rules, u, v)
            if more + points >= best:
                continue
        low, high = fit(m, spots, u, s, at, limit)
        if low != NEVER and (only == NEVER or allows(m, u, low, high, only)):
            best, place = more + points, at
    return place, best, limit, points


@compiled
def least_detour(m: Any, spots: Any, u: int, s: int) -> int:
    """Return the metres that a unit costs more in a route at its cheapest place, time left aside."""
    size, spot, home = m[shift_at(m, s) + SIZE], m[unit_at(m, u) + SPOT], m[shift_at(m, s) + PERSON]
    home_m = points_of(way_m(spots, home, spot))
    here, least = home_m, FAR
    for at in range(size + 1):
        there = points_of(way_m(spots, spot, spot_of(m, s, at))) if at < size else home_m
        least = min(least, here + there - direct(m, s, at))
        here = there
    return least


@compiled
def place_single(m: Any, spots: Any, rules: Any, u: int, blink: int, listed: bool) -> int:
    """Put a unit for one person where it costs least among the candidates; return the change of cost, 0 if nowhere.

    `listed`: look at the unit's list, too; those who do not go out yet only as far as they could still be the cheapest.
    """
    best, shift, place, start, pair_limit, pair_cost = FAR, NEVER, NEVER, NEVER, NEVER, 0
    gathered, row = m[CANDIDATES], u * NEAREST
    for c in range(gathered + (m[unit_at(m, u) + COUNT] if listed else 0)):
        if c < gathered:
            s, known = m[m[CANDIDATES_AT] + c * CANDIDATE_WIDE], m[m[CANDIDATES_AT] + c * CANDIDATE_WIDE + 1]
        else:
            n = row + c - gathered
            s, known = m[m[LISTED] + n], m[m[LIMITS] + n]
            if 2 * m[m[AWAY] + n] - m[DUTY] >= best and m[shift_at(m, s) + SIZE] == 0:
                continue
            if m[m[SEEN_AT] + s] == m[SEEN]:
                continue
        if (blink > 0 and draw(m, 1024) < blink) or not has_room(m, u, s):
            continue
        v = m[shift_at(m, s) + PERSON]
        saved, told = duty_saved(m, v), told_start(m, u, v)
        spared = saved + (m[DISTURBANCE] if told != NEVER else 0)
        if least_detour(m, spots, u, s) >= best + spared:
            continue
        if told != NEVER:
            at, cost, limit, points = cheapest_at(m, spots, rules, u, s, best + spared, told, known)
            if at != NEVER:
                best, shift, place, start, pair_limit, pair_cost = cost - spared, s, at, told, limit, points
        at, cost, limit, points = cheapest_at(m, spots, rules, u, s, best + saved, NEVER, known)
        if at != NEVER:
            best, shift, place, start, pair_limit, pair_cost = cost - saved, s, at, NEVER, limit, points
    if shift == NEVER or best >= m[unit_at(m, u) + PRICE]:
        return 0
    return put_in(m, spots, m[unit_at(m, u) + FIRST], shift, place, start, pair_limit, pair_cost)
