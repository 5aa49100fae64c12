"""Kernel: whether more (or weightier) places could be filled, over all feasible pairs; if not, prices that prove it.

From the open places alternating paths are followed, the weightiest first. One that ends at free capacity, or at a
served requirement of smaller weight, could fill more. If none does, whatever was reached from weight w may pay w times
any rise of U': its people are all taken, by requirements that weigh as much (MATCHING 4).
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.search import home_cell, pair_cost, safe_m, span, spans_of
from matcher.solvers.paths.values import (
    ASK,
    AT,
    BOUND,
    CLOSED,
    COUNT,
    FAR,
    FIRST,
    FURTHEST_M,
    GRID,
    LENGTH,
    OPEN,
    OTHER,
    PERSON_MASK,
    RING,
    SIZE,
    WEIGHT,
)

#: An ask whose people have all been looked at, in `ask_best`.
LOOKED_AT = -1


@compiled
def reaches_more(work: Any, weights: Any, mark: Any, queue: Any) -> bool:
    """Say whether more could be filled; else leave in `mark` the weight from which each node was reached.

    Void where pairs wait to be judged afterwards.

    `weights`: those of open places, falling; `mark` (people, then requirements): zeros.
    """
    flow = work.flow
    people = len(flow.nodes) - len(flow.needs)
    more = False
    for n in range(len(weights)):
        size = at = 0
        for i in range(len(flow.needs)):
            if flow.needs[i, OPEN] > 0 and flow.needs[i, WEIGHT] == weights[n] and mark[people + i] == 0:
                mark[people + i] = weights[n]
                queue[size] = i
                size += 1
        while at < size and not more:
            size, more = spread(work, queue[at], weights[n], mark, queue, size)
            at += 1
        if more:
            break
    for i in range(len(flow.needs)):
        flow.ask_best[flow.needs[i, ASK]] = FAR
    return more


@compiled
def spread(work: Any, i: int, weight: int, mark: Any, queue: Any, size: int) -> tuple[int, bool]:
    """Follow every feasible pair of one requirement (every listed one, where lists are closed); an ask only once."""
    flow, lists = work.flow, work.lists
    a = flow.needs[i, ASK]
    if flow.ask_best[a] == LOOKED_AT:
        return size, False
    flow.ask_best[a] = LOOKED_AT
    begin = lists.table[a, AT]
    for n in range(begin, begin + lists.table[a, LENGTH]):
        size, more = visit(flow, lists.keys[n] & PERSON_MASK, weight, mark, queue, size)
        if more:
            return size, True
    if lists.table[a, BOUND] >= FAR or lists.top[CLOSED] > 0:
        return size, False
    return spread_unlisted(work, a, weight, mark, queue, size)


@compiled
def visit(flow: Any, v: int, weight: int, mark: Any, queue: Any, size: int) -> tuple[int, bool]:
    """Reach a person, and through them whom they serve."""
    nodes = flow.nodes
    people = len(nodes) - len(flow.needs)
    if mark[v] > 0:
        return size, False
    mark[v] = weight
    if nodes[v, COUNT] < nodes[v, SIZE]:
        return size, True
    for n in range(nodes[v, FIRST], nodes[v, FIRST] + nodes[v, COUNT]):
        node = flow.slots[n, OTHER]
        if flow.needs[node - people, WEIGHT] < weight:
            return size, True
        if mark[node] == 0:
            mark[node] = weight
            queue[size] = node - people
            size += 1
    return size, False


@compiled
def spread_unlisted(work: Any, a: int, weight: int, mark: Any, queue: Any, size: int) -> tuple[int, bool]:
    """Go on where the ask's list ends, to the last feasible person."""
    people, asks, grids = work.people, work.asks, work.grids
    q = asks.facts[a, GRID]
    row, col = home_cell(grids, asks, a)
    ring = work.lists.table[a, RING]
    while True:
        for number in range(spans_of(ring)):
            first, end = span(grids, q, row, col, ring, number)
            for at in range(first, end):
                v = grids.entries[at]
                if mark[v] == 0 and pair_cost(people, asks, work.lists, a, v) >= 0:
                    size, more = visit(work.flow, v, weight, mark, queue, size)
                    if more:
                        return size, True
        if safe_m(grids, asks, a, ring) > grids.frame[q, FURTHEST_M]:
            return size, False
        ring += 1
