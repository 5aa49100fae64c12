"""Kernel: many places served in one search, from all of them at once (trees that share no person, one path of each).

Dijkstra as in `forward`, from every source together. The first free person that a tree comes to is its path's end; the
search goes on for the other trees until one that has its end already comes to a second one: that person stays free, so
prices may rise no further. All paths found are then exactly tight, and as the trees are apart, all are flipped. Only
where everybody takes one and every requirement is one place.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.forward import clean, look, raise_prices, reach, shift
from matcher.solvers.paths.heap import pop
from matcher.solvers.paths.values import (
    ASK,
    BOUND,
    COUNT,
    DIST,
    FAR,
    FIRST,
    OTHER,
    PAIR_COST,
    PRICE,
    SIZE,
    VIA,
    WAITING,
)


@compiled
def root_of(flow: Any, node: int) -> int:
    """Return the source of the tree in which a node is."""
    while flow.nodes[node, VIA] >= 0:
        node = flow.nodes[node, VIA]
    return node


@compiled
def grow(work: Any, i: int, best: int, end: int, state: Any) -> tuple[int, int]:
    """Look at everybody whom requirement i could have instead; where its list cannot grow, stop before it matters.

    state[1]: whether some list could not grow.
    """
    flow = work.flow
    node = len(flow.nodes) - len(flow.needs) + i
    dist = flow.nodes[node, DIST]
    best, end, room = look(work, i, dist, best, end, True)
    if not room:
        state[1] = 1
        known = dist - flow.nodes[node, PRICE] + work.lists.table[flow.needs[i, ASK], BOUND]
        if known < best:
            return known, -1
    return best, end


@compiled
def serve_many(work: Any, sources: Any, ends: Any, state: Any) -> None:
    """Serve some of these requirements, or leave one unserved; who is left stays in `sources`.

    state: how many are left, and whether a list could not grow (then the search ended early). `ends`: -1 a requirement.
    """
    flow = work.flow
    nodes, size = flow.nodes, state[0]
    people = len(nodes) - len(flow.needs)
    best, end, done = FAR, -1, 0
    state[1] = 0
    for n in range(size):
        reach(flow, people + sources[n], 0, -1)
    for n in range(size):
        best, end = grow(work, sources[n], best, end, state)
    while flow.counts[WAITING] > 0 and nodes[flow.heap[0], DIST] < best:
        v = flow.heap[0]
        if nodes[v, COUNT] < nodes[v, SIZE]:
            root = root_of(flow, v) - people
            if ends[root] >= 0:
                best, end = nodes[v, DIST], -1
                break
            pop(flow)
            ends[root] = v
            done += 1
            if done == size:
                best, end = nodes[v, DIST], -1
            continue
        pop(flow)
        slot = nodes[v, FIRST]
        node = flow.slots[slot, OTHER]
        way = nodes[v, DIST] + nodes[node, PRICE] - flow.slots[slot, PAIR_COST] - nodes[v, PRICE]
        if way < best and way < nodes[node, DIST]:
            reach(flow, node, way, v)
            best, end = grow(work, node - people, best, end, state)
    raise_prices(flow, best)
    if end >= 0:
        root = root_of(flow, end) - people
        if ends[root] < 0:
            ends[root] = end
    left = 0
    for n in range(size):
        i = sources[n]
        if ends[i] >= 0:
            shift(flow, people + i, ends[i])
            ends[i] = -1
        else:
            sources[left] = i
            left += 1
    state[0] = left
    clean(flow)
