"""Kernel: what an order of groups costs, and the search for a better one.

A plan is an order of the groups and a person for each visit. Groups are taken in that order; each visit is put behind
what its person does already, and starts as early as its group allows. So every order is a plan, and no two people ever
wait for each other in a ring. A step takes a group out and puts it beside a visit of somebody who could serve it.
"""

from __future__ import annotations

import math
from typing import Any

from matcher.linked.compiling import compiled

# Sums that a snapshot holds beside each person's place and clock
WAY, LATE, LATEST, SUMS = 0, 1, 2, 3


@compiled
def roll(state: Any, below: int) -> int:
    """Return a whole number from 0 on below this one (xorshift)."""
    x = state[0]
    x ^= (x << 13) & 0x7FFFFFFFFFFFFFFF
    x ^= x >> 7
    x ^= (x << 17) & 0x7FFFFFFFFFFFFFFF
    state[0] = x
    return int((x >> 11) % below)


@compiled
def seat(linked: Any, who: Any, start: Any, g: int, at: Any, clock: Any, sums: Any) -> None:
    """Put one group behind what its people do already."""
    ways, first, place, earliest, due, duration, gap_min, gap_max = linked[:8]
    a, b = first[g], first[g + 1]
    for v in range(a, b):
        p = who[v]
        way = ways[at[p], place[v]]
        sums[WAY] += way
        begin = max(earliest[v], clock[p] + way)
        if v > a:
            begin = max(begin, start[v - 1] + gap_min[v])
        start[v] = begin
    for v in range(b - 2, a - 1, -1):
        start[v] = max(start[v], start[v + 1] - gap_max[v + 1])
    for v in range(a, b):
        late = start[v] - due[v]
        if late > 0.0:
            sums[LATE] += late
            sums[LATEST] = max(sums[LATEST], late)
        at[who[v]], clock[who[v]] = place[v], start[v] + duration[v]


@compiled
def homeward(linked: Any, at: Any, clock: Any, sums: Any) -> None:
    """Add the ways home, and who comes home late."""
    ways, home, until = linked[0], linked[9], linked[11]
    for p in range(len(home)):
        way = ways[at[p], home[p]]
        sums[WAY] += way
        late = clock[p] + way - until[p]
        if late > 0.0:
            sums[LATE] += late
            sums[LATEST] = max(sums[LATEST], late)


@compiled
def total(prices: Any, sums: Any) -> float:
    """Return the price of these sums."""
    return float(prices[0] * sums[WAY] + prices[1] * sums[LATE] + prices[2] * sums[LATEST])


@compiled
def lay(linked: Any, order: Any, who: Any, start: Any, begin: int, limit: float, shots: Any, clocks: Any) -> float:
    """Seat the groups from place `begin` of the order on, with what is kept of those before; return the cost.

    Keeps what stands before each place. Stops, with a cost above `limit`, as soon as that is sure.
    """
    people, groups = len(linked[9]), len(order)
    prices = linked[12]
    for i in range(begin, groups):
        shots[i + 1, :] = shots[i, :]
        clocks[i + 1, :] = clocks[i, :]
        seat(linked, who, start, order[i], shots[i + 1], clocks[i + 1, SUMS:], clocks[i + 1, :SUMS])
        if total(prices, clocks[i + 1]) > limit:
            return math.inf
    sums = clocks[groups + 1]
    sums[:SUMS] = clocks[groups, :SUMS]
    homeward(linked, shots[groups, :people], clocks[groups, SUMS:], sums)
    return total(prices, sums)


@compiled
def shift(order: Any, i: int, j: int) -> None:
    """Move what stands at place i of the order to place j."""
    g = order[i]
    if i < j:
        for k in range(i, j):
            order[k] = order[k + 1]
    else:
        for k in range(i, j, -1):
            order[k] = order[k - 1]
    order[j] = g


@compiled
def taken(first: Any, who: Any, g: int, v: int, p: int) -> bool:
    """Say whether a person makes another visit of this group."""
    for w in range(first[g], first[g + 1]):  # noqa: SIM110 (the compiler knows no generators)
        if w != v and who[w] == p:
            return True
    return False


@compiled
def another(linked: Any, who: Any, g: int, v: int, random: Any) -> int:
    """Return somebody for a visit, whoever has it now where nobody else is found."""
    able = linked[8]
    for _ in range(8):
        p = roll(random, able.shape[1])
        if able[v, p] and not taken(linked[1], who, g, v, p):
            return p
    return int(who[v])


@compiled
def step(linked: Any, group_of: Any, order: Any, rank: Any, who: Any, random: Any) -> tuple[int, int]:
    """Change `order` and `who` at random; return the places between which something changed."""
    first, able = linked[1], linked[8]
    visits, groups = len(who), len(order)
    kind = roll(random, 8)
    v = roll(random, visits)
    g = group_of[v]
    i = rank[g]
    if kind == 0:
        who[v] = another(linked, who, g, v, random)
        return i, i
    if kind == 1:
        w = roll(random, visits)
        h = group_of[w]
        if h != g:
            j = rank[h]
            order[i], order[j] = h, g
            p, q = who[v], who[w]
            if able[v, q] and able[w, p] and not taken(first, who, g, v, q) and not taken(first, who, h, w, p):
                who[v], who[w] = q, p
            return min(i, j), max(i, j)
        return i, i
    for _ in range(8):
        w = roll(random, visits)
        h = group_of[w]
        if h != g and able[v, who[w]] and not taken(first, who, g, v, who[w]):
            who[v] = who[w]
            for x in range(first[g], first[g + 1]):
                if x != v and roll(random, 2) == 0:
                    who[x] = another(linked, who, g, x, random)
            j = rank[h]
            if i < j:
                j -= roll(random, 2)
            else:
                j += roll(random, 2)
            j = min(max(j, 0), groups - 1)
            shift(order, i, j)
            return min(i, j), max(i, j)
    return i, i


@compiled
def search(
    linked: Any, group_of: Any, order: Any, who: Any, random: Any, steps: int, warm: float, cold: float
) -> float:
    """Anneal in place; leaves the best order and people in `order` and `who` and returns their cost."""
    groups, people = len(order), len(linked[9])
    shots, clocks, start = linked[13], linked[14], linked[15]
    rank = order.copy()
    for i in range(groups):
        rank[order[i]] = i
    shots[0, :people] = linked[9]
    clocks[0, SUMS:] = linked[10]
    clocks[0, :SUMS] = 0.0
    cost = best = lay(linked, order, who, start, 0, math.inf, shots, clocks)
    best_order, best_who, old_order, old_who = order.copy(), who.copy(), order.copy(), who.copy()
    # where what is kept is that of a change not taken
    stale = groups
    for n in range(steps):
        heat = warm * (cold / warm) ** (n / steps)
        low, high = step(linked, group_of, order, rank, who, random)
        limit = cost - heat * math.log((roll(random, 1 << 30) + 1) / (1 << 30))
        found = lay(linked, order, who, start, min(low, stale), limit, shots, clocks)
        if found <= limit:
            cost, stale = found, groups
            for i in range(low, high + 1):
                rank[order[i]] = i
                for v in range(linked[1][order[i]], linked[1][order[i] + 1]):
                    old_who[v] = who[v]
                old_order[i] = order[i]
            if cost < best - 1e-9:
                best = cost
                best_order[:], best_who[:] = order, who
        else:
            stale = min(low, stale)
            for i in range(low, high + 1):
                order[i] = old_order[i]
                for v in range(linked[1][order[i]], linked[1][order[i] + 1]):
                    who[v] = old_who[v]
    order[:], who[:] = best_order, best_who
    return float(best)
