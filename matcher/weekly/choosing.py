"""Kernel: where a unit fits, and the cheapest place for one that needs one person and no hour of the crowd."""

from __future__ import annotations

from typing import Any

import numpy as np

from matcher.solvers.paths.values import DEPART_S, FAR
from matcher.weekly.clockwork import arrival, first_start, last_start, seconds_of, way_m
from matcher.weekly.compiling import compiled
from matcher.weekly.pairs import duty_saved, has_room, last_able, pair_points, told_start
from matcher.weekly.steps import ask_at, detour, put_in
from matcher.weekly.tables import (
    ASK,
    CANDIDATES,
    DISTURBANCE,
    FIRST,
    FROM_S,
    HOME_ASK,
    LENGTH_S,
    NEVER,
    PERSON,
    PRICE,
    REST_S,
    UNTIL_S,
)

#: Of 1024: how often a place is passed over by chance, so that the search sees others (Christiaens, Vanden Berghe 2020).
BLINK = 10


@compiled
def draw(random: Any, below: int) -> int:
    """Return a number from 0 up to one less than `below` (xorshift64*, Marsaglia 2003, Vigna 2014)."""
    x = random[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    random[0] = x
    return np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33)) % below


@compiled
def fit(work: Any, u: int, s: int, at: int, last: int, only: int) -> tuple[int, int]:
    """Return first and last start of a unit put before place `at`, NEVER where there is none.

    `last`: the latest that the pair's rules allow. `only`: the one start asked for, NEVER = any.
    """
    routes, shifts, rest = work.routes, work.shifts.rows, work.terms[REST_S]
    v, a, length = shifts[s, PERSON], work.units.rows[u, ASK], work.units.rows[u, LENGTH_S]
    before, after = ask_at(work, s, at - 1), ask_at(work, s, at)
    if before == HOME_ASK:
        free = shifts[s, FROM_S]
    else:
        free = routes.begin[s, at - 1] + work.units.rows[work.units.unit_of[routes.task[s, at - 1]], LENGTH_S] + rest
    come = arrival(work, v, free, before, a, way_m(work, v, before, a))
    low = first_start(work, u, come)
    if low == NEVER or low > last:
        return NEVER, NEVER
    way_s = seconds_of(work, v, way_m(work, v, a, after))
    if after == HOME_ASK:
        by = shifts[s, UNTIL_S] - way_s - length
    else:
        if work.asks.facts[after, DEPART_S] + way_s > routes.last[s, at]:
            return NEVER, NEVER
        by = routes.last[s, at] - way_s - rest - length
    high = last_start(work, u, min(by, last))
    if high == NEVER or high < low:
        return NEVER, NEVER
    if only != NEVER:
        return (only, only) if low <= only <= high and first_start(work, u, only) == only else (NEVER, NEVER)
    return low, high


@compiled
def cheapest_at(work: Any, u: int, s: int, limit: int, only: int) -> tuple[int, int]:
    """Return the cheapest place of a unit in a route below a limit of metres and points, and that cost; else NEVER."""
    v, a = work.shifts.rows[s, PERSON], work.units.rows[u, ASK]
    best, place, last, points = limit, NEVER, NEVER, 0
    for at in range(work.routes.size[s] + 1):
        more = detour(work, v, ask_at(work, s, at - 1), a, ask_at(work, s, at))
        if more + points >= best:
            continue
        if last == NEVER:
            last = last_able(work, u, v)
            if last == NEVER:
                return NEVER, FAR
            points = pair_points(work, u, v)
            if more + points >= best:
                continue
        if fit(work, u, s, at, last, only)[0] != NEVER:
            best, place = more + points, at
    return place, best


@compiled
def place_single(work: Any, u: int, blink: int) -> int:
    """Put a unit for one person where it costs least among the candidates; return the change of cost, 0 if nowhere."""
    scratch = work.scratch
    best, shift, place, start = FAR, NEVER, NEVER, NEVER
    for c in range(scratch.counts[CANDIDATES]):
        s = scratch.candidates[c]
        if blink > 0 and draw(scratch.random, 1024) < blink:
            continue
        if not has_room(work, u, s):
            continue
        v = work.shifts.rows[s, PERSON]
        saved, told = duty_saved(work, v), told_start(work, u, v)
        if told != NEVER:
            spared = saved + work.terms[DISTURBANCE]
            at, cost = cheapest_at(work, u, s, best + spared, told)
            if at != NEVER:
                best, shift, place, start = cost - spared, s, at, told
        at, cost = cheapest_at(work, u, s, best + saved, NEVER)
        if at != NEVER:
            best, shift, place, start = cost - saved, s, at, NEVER
    if shift == NEVER or best >= work.units.rows[u, PRICE]:
        return 0
    return put_in(work, work.units.rows[u, FIRST], shift, place, start)
