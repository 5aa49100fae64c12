"""Kernel: those whom short paths did not serve bid for people, prices kept (Bertsekas' auction, one bidder at a time).

Only where everybody takes one and every requirement is one place. A bid goes `step` points above the second best, so
the outcome is a little off; `tighten` gives up what is not exactly tight, and `forward` and `release` put it right.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.forward import join
from matcher.solvers.paths.search import list_spared, pair_cost, put
from matcher.solvers.paths.trees import raised
from matcher.solvers.paths.values import (
    ASK,
    COUNT,
    DOUBTS,
    FAR,
    FIRST,
    FLOOR_POINTS,
    GRID,
    LOOK,
    MARGIN_M,
    OPEN,
    OTHER,
    PAIR_COST,
    PERSON_BITS,
    PERSON_MASK,
    PRICE,
    SPARED_AT,
    SPARED_END,
    TOKEN,
    UNSERVED,
    WORTH,
)
from matcher.solvers.paths.worth import at_least, gather

#: Pairs kept of each ask.
CACHED = 16


@compiled
def best_two(work: Any, market: Any, i: int) -> tuple[int, int, int, bool]:
    """Return the best and the second best value (cost + price) of requirement i over all feasible people, and whose.

    Exact as far as the price of staying unserved; the best pair comes as it stands in lists. Prices only rise while
    the cache (by ask: its best pairs, then what any other is worth at least) is in use. False: as with `extend`.
    """
    a, most = work.flow.needs[i, ASK], work.flow.needs[i, UNSERVED]
    row, nodes = market.cache[a], work.flow.nodes
    first, second, pair = best_cached(row, nodes)
    known = True
    if min(second, most) > row[CACHED]:
        known = fill_cache(work, a, most, row, market.cache[len(market.cache) - 1])
        first, second, pair = best_cached(row, nodes)
    return first, second, pair, known


@compiled
def best_cached(row: Any, nodes: Any) -> tuple[int, int, int]:
    """Return the best and the second best value of what is in the cache, and the best pair."""
    first = second = FAR
    pair = -1
    for n in range(CACHED):
        key = row[n]
        if key < 0:
            break
        value = (key >> PERSON_BITS) + nodes[key & PERSON_MASK, PRICE]
        if value < first:
            first, second, pair = value, first, key
        elif value < second:
            second = value
    return first, second, pair


@compiled
def fill_cache(work: Any, a: int, most: int, row: Any, values: Any) -> bool:
    """Keep the best pairs of an ask at the present prices, and what all others are worth at least.

    The two best are among them, or no other is worth less than `most`. False: as with `extend`.
    """
    lists, nodes = work.lists, work.flow.nodes
    want = CACHED
    worst = float(most - work.asks.facts[a, FLOOR_POINTS]) + work.trees.frame[work.asks.facts[a, GRID], MARGIN_M]
    while True:
        if want > len(lists.best):
            lists.top[LOOK] = want
            return False
        lists.top[TOKEN] += 1
        found = list_spared(work, a)
        for n in range(work.asks.facts[a, SPARED_AT], work.asks.facts[a, SPARED_END]):
            lists.seen[work.asks.spared[n, 0]] = lists.top[TOKEN]
        near, beyond = gather(work, a, want, lists.top[TOKEN], worst)
        for n in range(near):
            cost = pair_cost(work.people, work.asks, lists, a, lists.best[n])
            if cost >= 0:
                lists.fresh[found] = (cost << PERSON_BITS) | lists.best[n]
                found += 1
        if lists.top[DOUBTS] > 0:
            return False
        other = keep_best(lists.fresh, found, nodes, row, values, at_least(work, a, beyond))
        if other >= most or (found > 1 and values[1] <= other):
            row[CACHED] = other
            return True
        want *= 2


@compiled
def keep_best(pairs: Any, found: int, nodes: Any, row: Any, values: Any, other: int) -> int:
    """Keep the best of these pairs by value. Returns what the rest is worth at least."""
    size = 0
    for at in range(found):
        value = (pairs[at] >> PERSON_BITS) + nodes[pairs[at] & PERSON_MASK, PRICE]
        if size == CACHED:
            other = min(other, max(value, values[size - 1]))
            if value >= values[size - 1]:
                continue
            size -= 1
        n = size
        while n > 0 and values[n - 1] > value:
            values[n], row[n] = values[n - 1], row[n - 1]
            n -= 1
        values[n], row[n] = value, pairs[at]
        size += 1
    if size < CACHED:
        row[size] = -1
    return other


@compiled
def open_market(flow: Any, market: Any) -> None:
    """Begin with who serves whom."""
    people = len(market.holder)
    market.holder[:] = -1
    for i in range(len(market.pair)):
        node = people + i
        market.pair[i] = -1
        if flow.nodes[node, COUNT] > 0:
            at = flow.nodes[node, FIRST]
            v = flow.slots[at, OTHER]
            market.pair[i] = (flow.slots[at, PAIR_COST] << PERSON_BITS) | v
            market.holder[v] = i


@compiled
def close_market(work: Any, market: Any, state: Any) -> bool:
    """List what the caches hold (from ask state[0] on), and every pair bid for (state[1]); note who serves whom.

    False: as with `extend`.
    """
    flow, lists = work.flow, work.lists
    people = len(market.holder)
    while state[0] < len(lists.table):
        row, found = market.cache[state[0]], 0
        while found < CACHED and row[found] >= 0:
            lists.fresh[found] = row[found]
            found += 1
        if not put(lists, state[0], found):
            return False
        lists.table[state[0], WORTH] = row[CACHED]
        state[0] += 1
    while state[1] < len(market.pair):
        lists.fresh[0] = market.pair[state[1]]
        if lists.fresh[0] >= 0 and not put(lists, flow.needs[state[1], ASK], 1):
            return False
        state[1] += 1
    flow.nodes[:, COUNT] = 0
    for i in range(len(market.pair)):
        flow.needs[i, OPEN] = 0
        if market.pair[i] >= 0:
            join(flow, people + i, market.pair[i] & PERSON_MASK, market.pair[i] >> PERSON_BITS)
    return True


@compiled
def list_taken(work: Any, state: Any) -> bool:
    """List every pair that serves, from requirement state[0] on: releases look beyond lists. False: as `extend`."""
    flow, lists = work.flow, work.lists
    while state[0] < len(flow.needs):
        node = len(flow.nodes) - len(flow.needs) + state[0]
        for at in range(flow.nodes[node, FIRST], flow.nodes[node, FIRST] + flow.nodes[node, COUNT]):
            lists.fresh[0] = (flow.slots[at, PAIR_COST] << PERSON_BITS) | flow.slots[at, OTHER]
            if not put(lists, flow.needs[state[0], ASK], 1):
                return False
        state[0] += 1
    return True


@compiled
def auction(work: Any, market: Any, queue: Any, state: Any, step: int) -> bool:
    """Let the requirements in `queue` (state[0] of them, the last first) bid until all are served or stay out.

    False: the lists have to grow and cannot; nothing is lost, call again.
    """
    nodes, needs, holder, held = work.flow.nodes, work.flow.needs, market.holder, market.pair
    while state[0] > 0:
        i = queue[state[0] - 1]
        first, second, pair, known = best_two(work, market, i)
        if not known:
            return False
        state[0] -= 1
        most = needs[i, UNSERVED]
        if first >= most:
            continue
        v = pair & PERSON_MASK
        loser = holder[v]
        if loser >= 0:
            held[loser] = -1
            queue[state[0]] = loser
            state[0] += 1
        holder[v], held[i] = i, pair
        nodes[v, PRICE] = min(second + step, most) - (pair >> PERSON_BITS)
        for n in range(market.leaves.at[v], market.leaves.at[v + 1]):
            raised(work.trees, nodes, market.leaves.leaf[n])
    return True


@compiled
def loosen(work: Any, market: Any, queue: Any, state: Any, slack: int) -> bool:
    """Give up, from requirement state[1] on, whatever is more than `slack` points worse than the best there is.

    Who is without anybody goes to `queue`, state[0] of them. With no slack every requirement then pays the best there
    is. False: as with `auction`.
    """
    nodes, needs, held = work.flow.nodes, work.flow.needs, market.pair
    people = len(market.holder)
    while state[1] < len(held):
        i = state[1]
        first, _, _, known = best_two(work, market, i)
        if not known:
            return False
        pays = min(first, needs[i, UNSERVED])
        nodes[people + i, PRICE] = pays
        pair = held[i]
        if pair >= 0:
            v = pair & PERSON_MASK
            if (pair >> PERSON_BITS) + nodes[v, PRICE] > pays + slack:
                held[i] = market.holder[v] = pair = -1
        if pair < 0:
            queue[state[0]] = i
            state[0] += 1
        state[1] += 1
    return True
