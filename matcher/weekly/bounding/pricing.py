"""Kernel: the cheapest routes of a shift under prices, exactly: every order of visits is tried or shown to be dearer.

Called by `rounds`. Money here is whole: metres x SCALE, so that a bound is exact arithmetic. A route costs its metres
and points and earns the prices of its visits, less the person's charge for each, and the bonus that they come at all.

Depth first. A route is not made longer where even the best visits left, as many as there is time for, would not make
it one of the cheapest found. Begun as early as possible: people may wait, so a later start never allows more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from matcher.weekly.clockwork import first_start, points_of, seconds_of, way_m
from matcher.weekly.compiling import compiled
from matcher.weekly.tables import (
    DEPART,
    FROM_S,
    LENGTH_S,
    MOST,
    NEVER,
    PERSON,
    REST_S,
    SPOT,
    UNTIL_S,
    shift_at,
    unit_at,
)
from matcher.weekly.week import VISITS_A_SHIFT_MAX

#: Prices are whole parts of a metre.
SCALE = 256
#: Routes kept of each shift.
KEPT = 4
#: The price of a unit that is not asked for.
NEVER_WORTH = -(1 << 50)
#: So many extensions are tried for one shift; then what all its visits could earn at most stands in for the answer.
TRIED_MAX = 2_000_000


@compiled
def price_all(m: Any, spots: Any, which: Any, begin: Any, pairs: Any, terms: Any, price: Any, routes: Any) -> int:
    """Price some shifts; return for how many the answer is only a lower bound.

    `begin`: where each shift's pairs begin. `terms`: bonus and charge of each that is priced. `routes`: value, visits
    and units of the KEPT cheapest of each; the first one's value is 0 where none is below it.
    """
    widest, rough = 1, 0
    for s in which:
        widest = max(widest, begin[s + 1] - begin[s])
    room = new_room(widest)
    for i in range(len(which)):
        s = which[i]
        for k in range(KEPT):
            routes[i, k, 0] = 0
            routes[i, k, 1] = 0
        count = useful(m, spots, s, begin[s], begin[s + 1], pairs, terms[i], price, room)
        if count > 0:
            measure(m, spots, s, count, pairs, room)
            rough += dive(m, s, count, pairs, terms[i], routes[i], room)
    return rough


@compiled
def new_room(widest: int) -> Any:
    """Return what one shift is priced in: pairs, gains, way home, metres and seconds between, and the dive's own."""
    pair, gain, home = np.zeros(widest, np.int64), np.zeros(widest, np.int64), np.zeros(widest, np.int64)
    best, state = np.zeros(VISITS_A_SHIFT_MAX + 1, np.int64), np.zeros((VISITS_A_SHIFT_MAX + 1, 4), np.int64)
    between = np.zeros((widest + 1, widest + 1, 2), np.int64)
    return pair, gain, home, between, best, state, np.zeros(widest, np.bool_)


@compiled
def useful(m: Any, spots: Any, s: int, at: int, end: int, pairs: Any, terms: Any, price: Any, room: Any) -> int:
    """Write down the pairs of a shift that a route worth having could serve; return how many.

    One that earns less than nothing only makes a route dearer (rounding gives back a metre at most), unless it is all
    of it; one so far out that the best others do not pay for the way is in no such route either.
    """
    pair, gain, home, _, best, _, _ = room
    v, most, bonus, count = m[shift_at(m, s) + PERSON], m[shift_at(m, s) + MOST], terms[0], 0
    for n in range(at, end):
        worth = price[pairs[n, 1]] - pairs[n, 3] * SCALE - terms[1]
        away = points_of(way_m(spots, v, m[unit_at(m, pairs[n, 1]) + SPOT])) * SCALE
        if worth > -SCALE or worth + bonus > 2 * away:
            pair[count], gain[count], home[count] = n, worth, away
            count += 1
    for _ in range(3):
        most = min(most, count)
        top_gains(gain, count, most, best)
        kept = 0
        for c in range(count):
            if bonus + gain[c] + best[max(0, most - 1)] + (most + 2) * SCALE > 2 * home[c]:
                pair[kept], gain[kept], home[kept] = pair[c], gain[c], home[c]
                kept += 1
        if kept == count:
            break
        count = kept
    top_gains(gain, count, min(most, count), best)
    return count


@compiled
def top_gains(gain: Any, count: int, most: int, best: Any) -> None:
    """Write what the best 0, 1, ... `most` visits earn together; what earns nothing is left out."""
    for k in range(len(best)):
        best[k] = 0
    size = 0  # best[1..size]: the largest gains, falling
    for c in range(count):
        if gain[c] <= 0 or (size == most and (most == 0 or gain[c] <= best[size])):
            continue
        if size < most:
            size += 1
        at = size
        while at > 1 and best[at - 1] < gain[c]:
            best[at] = best[at - 1]
            at -= 1
        best[at] = gain[c]
    for k in range(1, len(best)):
        best[k] = best[k - 1] + best[k] if k <= size else best[k - 1]


@compiled
def measure(m: Any, spots: Any, s: int, count: int, pairs: Any, room: Any) -> None:
    """Measure metres and seconds between all visits of a shift; the last row and column are home."""
    pair, between = room[0], room[3]
    v = m[shift_at(m, s) + PERSON]
    for i in range(count):
        spot = m[unit_at(m, pairs[pair[i], 1]) + SPOT]
        for j in range(i, count):
            metres = way_m(spots, spot, m[unit_at(m, pairs[pair[j], 1]) + SPOT])
            between[i, j, 0] = between[j, i, 0] = points_of(metres) * SCALE
            between[i, j, 1] = between[j, i, 1] = seconds_of(spots, v, metres)
        metres = way_m(spots, v, spot)
        between[i, count, 0] = between[count, i, 0] = points_of(metres) * SCALE
        between[i, count, 1] = between[count, i, 1] = seconds_of(spots, v, metres)


@compiled
def dive(m: Any, s: int, count: int, pairs: Any, terms: Any, routes: Any, room: Any) -> int:
    """Find the cheapest routes of a shift; return 1 where it gave up and wrote a lower bound, else 0."""
    pair, gain, _, between, best, state, used = room
    shift, rest = shift_at(m, s), m[REST_S]
    until, most, shortest = m[shift + UNTIL_S], min(m[shift + MOST], count), m[shift + UNTIL_S]
    for c in range(count):
        shortest = min(shortest, m[unit_at(m, pairs[pair[c], 1]) + LENGTH_S])
        used[c] = False
    # a row of `state`: visit, next one to try, free from, value so far without the way home
    depth, tried = 0, 0
    state[0, 0], state[0, 1], state[0, 2], state[0, 3] = count, 0, m[shift + FROM_S], -terms[0]
    while depth >= 0:
        here, c = state[depth, 0], state[depth, 1]
        if c == count or depth == most:
            if depth > 0:
                used[here] = False
            depth -= 1
            continue
        state[depth, 1] = c + 1
        if used[c]:
            continue
        tried += 1
        if tried > TRIED_MAX:
            routes[0, 0] = -terms[0] - best[most]
            routes[0, 1] = 0
            return 1
        u = pairs[pair[c], 1]
        unit = unit_at(m, u)
        start = first_start(m, u, max(state[depth, 2], m[unit + DEPART]) + between[here, c, 1])
        end = start + m[unit + LENGTH_S]
        if start == NEVER or start > pairs[pair[c], 2] or end + between[c, count, 1] > until:
            continue
        value = state[depth, 3] + between[here, c, 0] - gain[c]
        keep_route(value + between[c, count, 0], depth + 1, c, pairs, state, routes, pair)
        more = min(most - depth - 1, (until - between[c, count, 1] - end) // max(1, rest + shortest))
        if value + between[c, count, 0] - best[more] - (more + 2) * SCALE < routes[KEPT - 1, 0]:
            depth += 1
            state[depth, 0], state[depth, 1], state[depth, 2], state[depth, 3] = c, 0, end + rest, value
            used[c] = True
    return 0


@compiled
def keep_route(value: int, size: int, c: int, pairs: Any, state: Any, routes: Any, pair: Any) -> None:
    """Put a route among the cheapest, sorted, if it is one of them. Of the same visits in another order both stand."""
    if value >= routes[KEPT - 1, 0]:
        return
    at = KEPT - 1
    while at > 0 and routes[at - 1, 0] > value:
        for n in range(routes[at - 1, 1] + 2):
            routes[at, n] = routes[at - 1, n]
        at -= 1
    routes[at, 0], routes[at, 1] = value, size
    for n in range(1, size):
        routes[at, 1 + n] = pairs[pair[state[n, 0]], 1]
    routes[at, 1 + size] = pairs[pair[c], 1]
