"""Kernel: `release`, one person at a time, in a city whose lists nobody has turned round.

Called by `kept`. Whole solves know who lists each person (`release.listed_by`); here those who could want a person are
found by place.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.arriving import dearest
from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.forward import clean, reach
from matcher.solvers.paths.heap import pop, push
from matcher.solvers.paths.near import asks_near, spared_most
from matcher.solvers.paths.release import ask_back, serves_unseen, shift_back
from matcher.solvers.paths.search import cost_from, pair_cost, square
from matcher.solvers.paths.values import (
    COUNT,
    DIST,
    DOUBTS,
    FAR,
    FIRST,
    OTHER,
    PAIR_COST,
    PRICE,
    SEEN,
    SIZE,
    TOUCHED,
    WAITING,
)


@compiled
def free_all(work: Any, near: Any, slots: Any) -> int:
    """Release those of these people who have room and a price. Returns how often."""
    nodes, times = work.flow.nodes, 0
    for n in range(len(slots)):
        v = slots[n]
        while nodes[v, COUNT] < nodes[v, SIZE] and 0 < nodes[v, PRICE] < FAR:
            release_near(work, near, v)
            times += 1
    # a pair that nobody has judged is not listed: it costs more than anybody pays
    work.lists.top[DOUBTS] = 0
    return times


@compiled
def release_near(work: Any, near: Any, first: int) -> None:
    """Release one person with room and a price."""
    flow = work.flow
    nodes = flow.nodes
    reach(flow, first, 0, -1)
    push(flow, first)
    best, end = nodes[first, PRICE], first
    while flow.counts[WAITING] > 0 and nodes[flow.heap[0], DIST] < best:
        v = pop(flow)
        for n in range(asks_near(work, near, v)):
            best, end = offer(work, near, v, near.found[n], best, end)
    for n in range(flow.counts[TOUCHED]):
        node = flow.touched[n]
        if nodes[node, DIST] < best:
            nodes[node, PRICE] -= best - nodes[node, DIST]
    shift_back(flow, first, end)
    for n in range(flow.counts[TOUCHED]):
        if flow.touched[n] < len(nodes) - len(flow.needs):
            lower_held(flow, flow.touched[n])
    clean(flow)


@compiled
def lower_held(flow: Any, v: int) -> None:
    """Let whoever asks for one place only pay what this person costs, now that their price fell."""
    nodes = flow.nodes
    for n in range(nodes[v, FIRST], nodes[v, FIRST] + nodes[v, COUNT]):
        node = flow.slots[n, OTHER]
        if nodes[node, SIZE] == 1:
            nodes[node, PRICE] = min(nodes[node, PRICE], flow.slots[n, PAIR_COST] + nodes[v, PRICE])


@compiled
def offer(work: Any, near: Any, v: int, a: int, best: int, end: int) -> tuple[int, int]:
    """See how far the price of v may fall before a requirement of this ask would rather have v."""
    flow, people, asks = work.flow, work.people, work.asks
    start = flow.nodes[v, DIST] + flow.nodes[v, PRICE]
    chord = square(asks.place[a], people.place[v])
    if start + cost_from(asks, a, chord) - spared_most(asks, a) - dearest(flow, near, a) >= best:
        return best, end
    cost = pair_cost(people, asks, work.lists, a, v)
    if cost < 0 or start + cost >= flow.ask_best[a]:  # all who share the ask were offered somebody as good
        return best, end
    if not serves_unseen(flow, v, a):
        if flow.ask_best[a] == FAR:
            flow.seen[flow.counts[SEEN]] = a
            flow.counts[SEEN] += 1
        flow.ask_best[a] = start + cost
    i = near.first_need[a]
    while i >= 0:
        best, end = ask_back(flow, i, v, cost, best, end)
        i = near.next_need[i]
    return best, end
