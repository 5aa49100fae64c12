"""Kernel: those whom short paths did not serve bid for people, prices kept (Bertsekas' auction, one bidder at a time).

Only where everybody takes one and every requirement is one place. A bid goes `step` points above the second best, so
the outcome is a little off; `tighten` gives up what is not exactly tight, and `forward` and `release` put it right.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.forward import join, part
from matcher.solvers.paths.search import FIRST_LIST, extend
from matcher.solvers.paths.values import (
    ASK,
    AT,
    BOUND,
    COST,
    COUNT,
    FAR,
    FIRST,
    LENGTH,
    OPEN,
    OTHER,
    PAIR_COST,
    PERSON_BITS,
    PERSON_MASK,
    PRICE,
    UNSERVED,
    VIA,
)

#: Pairs kept of each ask.
CACHED = 16


@compiled
def best_two(work: Any, i: int, cache: Any) -> tuple[int, int, bool]:
    """Return the best and the second best value (cost + price) of requirement i over all feasible people.

    Exact as far as the price of staying unserved; the best person and its cost are left in the node's VIA and COST.
    Prices only rise while `cache` (by ask: its best pairs, then what any other is worth at least) is in use. False: the
    list has to grow and cannot.
    """
    flow, lists = work.flow, work.lists
    a = flow.needs[i, ASK]
    most = flow.needs[i, UNSERVED]
    first, second = best_cached(work, i, cache[a])
    while min(second, most) > cache[a, CACHED]:
        if cache[a, CACHED] >= 0 and min(second, most) > lists.table[a, BOUND] and not extend(work, a, FIRST_LIST):
            return first, second, False
        fill_cache(work, a, cache[a], cache[len(cache) - 1])
        first, second = best_cached(work, i, cache[a])
        if cache[a, CACHED] < lists.table[a, BOUND]:
            break
    return first, second, True


@compiled
def best_cached(work: Any, i: int, row: Any) -> tuple[int, int]:
    """Return the best and the second best value of what is in the cache; the best goes to VIA and COST."""
    nodes = work.flow.nodes
    node = len(nodes) - len(work.flow.needs) + i
    first = second = FAR
    for n in range(CACHED):
        if row[n] < 0:
            break
        v, cost = row[n] & PERSON_MASK, row[n] >> PERSON_BITS
        value = cost + nodes[v, PRICE]
        if value < first:
            first, second = value, first
            nodes[node, VIA], nodes[node, COST] = v, cost
        elif value < second:
            second = value
    return first, second


@compiled
def fill_cache(work: Any, a: int, row: Any, values: Any) -> None:
    """Keep the best pairs of an ask's list at the present prices, and what all others are worth at least."""
    nodes, lists = work.flow.nodes, work.lists
    size, other = 0, lists.table[a, BOUND]
    begin = lists.table[a, AT]
    for at in range(begin, begin + lists.table[a, LENGTH]):
        key = lists.keys[at]
        cost = key >> PERSON_BITS
        if size == CACHED and cost >= values[size - 1]:
            other = min(other, values[size - 1])
            break
        value = cost + nodes[key & PERSON_MASK, PRICE]
        if size == CACHED:
            if value >= values[size - 1]:
                other = min(other, value)
                continue
            other = min(other, values[size - 1])
            size -= 1
        n = size
        while n > 0 and values[n - 1] > value:
            values[n], row[n] = values[n - 1], row[n - 1]
            n -= 1
        values[n], row[n] = value, key
        size += 1
    if size < CACHED:
        row[size] = -1
    row[CACHED] = other


@compiled
def auction(work: Any, queue: Any, state: Any, cache: Any, step: int) -> bool:
    """Let the requirements in `queue` (state[0] of them, the last first) bid until all are served or stay out.

    False: the lists have to grow and cannot; nothing is lost, call again.
    """
    flow = work.flow
    nodes = flow.nodes
    people = len(nodes) - len(flow.needs)
    while state[0] > 0:
        i = queue[state[0] - 1]
        first, second, known = best_two(work, i, cache)
        if not known:
            return False
        state[0] -= 1
        most, node = flow.needs[i, UNSERVED], people + i
        if first >= most:
            nodes[node, PRICE] = most
            flow.needs[i, OPEN] = 1
            continue
        v, cost = nodes[node, VIA], nodes[node, COST]
        if nodes[v, COUNT] > 0:
            loser = flow.slots[nodes[v, FIRST], OTHER]
            part(flow, loser, v)
            queue[state[0]] = loser - people
            state[0] += 1
        join(flow, node, v, cost)
        nodes[node, PRICE] = min(second + step, most)
        nodes[v, PRICE] = nodes[node, PRICE] - cost
    return True


@compiled
def tighten(work: Any, again: Any, state: Any, cache: Any) -> bool:
    """Let everybody pay the best there is, from requirement state[0] on, and give up whom that does not reach.

    Who is without anybody goes to `again`, state[1] of them. False: as with `auction`.
    """
    flow = work.flow
    nodes = flow.nodes
    people = len(nodes) - len(flow.needs)
    while state[0] < len(flow.needs):
        i = state[0]
        node = people + i
        first, _, known = best_two(work, i, cache)
        if not known:
            return False
        nodes[node, PRICE] = min(first, flow.needs[i, UNSERVED])
        flow.needs[i, OPEN] = 0
        if nodes[node, COUNT] > 0:
            at = nodes[node, FIRST]
            v = flow.slots[at, OTHER]
            if flow.slots[at, PAIR_COST] + nodes[v, PRICE] > nodes[node, PRICE]:
                part(flow, node, v)
        if nodes[node, COUNT] == 0:
            again[state[1]] = i
            state[1] += 1
        state[0] += 1
    return True
