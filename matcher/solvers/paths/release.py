"""Kernel: a person who is free although their price says they are wanted goes where they are worth most.

The mirror of `forward`: Dijkstra over what prices may fall before somebody would rather change. It ends where a price
falls to nothing, or at a requirement that was to stay unserved. Lists do not grow here: prices only fall.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.forward import clean, join, part, reach, serves
from matcher.solvers.paths.heap import pop, push
from matcher.solvers.paths.values import (
    ASK,
    AT,
    COST,
    COUNT,
    DIST,
    FAR,
    FIRST,
    LENGTH,
    OPEN,
    OTHER,
    PAIR_COST,
    PERSON_BITS,
    PERSON_MASK,
    PRICE,
    SEEN,
    SIZE,
    TOUCHED,
    VIA,
    WAITING,
)


@compiled
def listed_by(lists: Any, people: int) -> Any:
    """Return who lists each person: row starts, and (ask, cost) by person."""
    at = np.zeros(people + 1, np.int64)
    for a in range(len(lists.table)):
        for n in range(lists.table[a, AT], lists.table[a, AT] + lists.table[a, LENGTH]):
            at[(lists.keys[n] & PERSON_MASK) + 1] += 1
    for v in range(people):
        at[v + 1] += at[v]
    pairs, filled = np.empty((at[people], 2), np.int64), at.copy()
    for a in range(len(lists.table)):
        for n in range(lists.table[a, AT], lists.table[a, AT] + lists.table[a, LENGTH]):
            v = lists.keys[n] & PERSON_MASK
            pairs[filled[v], 0], pairs[filled[v], 1] = a, lists.keys[n] >> PERSON_BITS
            filled[v] += 1
    return at, pairs


@compiled
def members_of(needs: Any, asks: int) -> Any:
    """Return which requirements share each ask: row starts, and requirements by ask."""
    at = np.zeros(asks + 1, np.int64)
    for i in range(len(needs)):
        at[needs[i, ASK] + 1] += 1
    for a in range(asks):
        at[a + 1] += at[a]
    members, filled = np.empty(len(needs), np.int64), at.copy()
    for i in range(len(needs)):
        members[filled[needs[i, ASK]]] = i
        filled[needs[i, ASK]] += 1
    return at, members


@compiled
def release_all(work: Any) -> int:
    """Release everybody who has room and a price. Returns how often."""
    flow = work.flow
    people, times = len(flow.nodes) - len(flow.needs), 0
    at, pairs = listed_by(work.lists, people)
    member_at, members = members_of(flow.needs, len(work.lists.table))
    for v in range(people):
        while flow.nodes[v, COUNT] < flow.nodes[v, SIZE] and flow.nodes[v, PRICE] > 0:
            release(flow, at, pairs, member_at, members, v)
            times += 1
    return times


@compiled
def release(flow: Any, at: Any, pairs: Any, member_at: Any, members: Any, first: int) -> None:
    """Release one person with room and a price."""
    nodes = flow.nodes
    reach(flow, first, 0, -1)
    push(flow, first)
    best, end = nodes[first, PRICE], first
    while flow.counts[WAITING] > 0 and nodes[flow.heap[0], DIST] < best:
        v = pop(flow)
        for n in range(at[v], at[v + 1]):
            a = pairs[n, 0]
            value = nodes[v, DIST] + pairs[n, 1] + nodes[v, PRICE]
            if value >= flow.ask_best[a]:  # all who share the ask were offered somebody as good
                continue
            if not serves_unseen(flow, v, a):
                if flow.ask_best[a] == FAR:
                    flow.seen[flow.counts[SEEN]] = a
                    flow.counts[SEEN] += 1
                flow.ask_best[a] = value
            for m in range(member_at[a], member_at[a + 1]):
                best, end = ask_back(flow, members[m], v, pairs[n, 1], best, end)
    for n in range(flow.counts[TOUCHED]):
        node = flow.touched[n]
        if nodes[node, DIST] < best:
            nodes[node, PRICE] -= best - nodes[node, DIST]
    shift_back(flow, first, end)
    clean(flow)


@compiled
def serves_unseen(flow: Any, v: int, a: int) -> bool:
    """Say whether v serves a requirement of this ask to which the search has not come: v is no news to it alone."""
    nodes = flow.nodes
    people = len(nodes) - len(flow.needs)
    for n in range(nodes[v, FIRST], nodes[v, FIRST] + nodes[v, COUNT]):
        node = flow.slots[n, OTHER]
        if flow.needs[node - people, ASK] == a and nodes[node, DIST] == FAR:
            return True
    return False


@compiled
def ask_back(flow: Any, i: int, v: int, cost: int, best: int, end: int) -> tuple[int, int]:
    """See how far v's price may fall before requirement i would rather have v, and whom i would set free."""
    nodes = flow.nodes
    node = len(nodes) - len(flow.needs) + i
    way = nodes[v, DIST] + cost + nodes[v, PRICE] - nodes[node, PRICE]
    if way >= best or way >= nodes[node, DIST] or serves(flow, node, v):
        return best, end
    reach(flow, node, way, v)
    nodes[node, COST] = cost
    if flow.needs[i, OPEN] > 0:
        return way, node
    for n in range(nodes[node, FIRST], nodes[node, FIRST] + nodes[node, COUNT]):
        u = flow.slots[n, OTHER]
        further = way + nodes[node, PRICE] - flow.slots[n, PAIR_COST] - nodes[u, PRICE]
        if further < best and further < nodes[u, DIST]:
            reach(flow, u, further, node)
            push(flow, u)
            if further + nodes[u, PRICE] < best:
                best, end = further + nodes[u, PRICE], u
    return best, end


@compiled
def shift_back(flow: Any, first: int, end: int) -> None:
    """Let every requirement on the path take the person before it, from the end back to the released one."""
    nodes = flow.nodes
    if end == first:
        return
    if end < len(nodes) - len(flow.needs):
        node = nodes[end, VIA]
        part(flow, node, end)
    else:
        node = end
        flow.needs[node - (len(nodes) - len(flow.needs)), OPEN] -= 1
    while True:
        v = nodes[node, VIA]
        giver = nodes[v, VIA]
        if v != first:
            part(flow, giver, v)
        join(flow, node, v, nodes[node, COST])
        if v == first:
            return
        node = giver
