"""Kernel: a person who is free although their price says they are wanted goes where they are worth most.

The mirror of `forward`: Dijkstra over what prices may fall before somebody would rather change. It ends where a price
falls to nothing, or at a requirement that was to stay unserved. Who would rather have somebody is looked up
among all asks, by trees of their own: lists do not matter here, nor do they grow.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from matcher.geo import EARTH_RADIUS_M
from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.forward import clean, join, part, reach, serves
from matcher.solvers.paths.heap import pop, push
from matcher.solvers.paths.search import pair_cost
from matcher.solvers.paths.trees import lowest
from matcher.solvers.paths.values import (
    ASK,
    COST,
    COUNT,
    DIST,
    DOUBTS,
    FAR,
    FIRST,
    LEAVES_AT,
    LEAVES_END,
    MARGIN_M,
    NODES_END,
    OPEN,
    OTHER,
    PAIR_COST,
    PRICE,
    REACH_M,
    SEEN,
    SIZE,
    TOUCHED,
    VIA,
    WAITING,
    WORTH,
    X,
    Y,
    Z,
)
from matcher.solvers.paths.worth import box_square


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
def release_all(work: Any, asking: Any, state: Any) -> bool:
    """Release everybody who has room and a price, from person state[0] on; state[1] counts them.

    False: pairs wait to be judged; nothing is lost, call again.
    """
    flow = work.flow
    people = len(flow.nodes) - len(flow.needs)
    while state[0] < people:
        v = state[0]
        while flow.nodes[v, COUNT] < flow.nodes[v, SIZE] and flow.nodes[v, PRICE] > 0:
            if not release(work, asking, v):
                return False
            state[1] += 1
        state[0] += 1
    return True


@compiled
def prices_fell(work: Any) -> None:
    """Take back what lists and trees claim of people whose prices fell meanwhile.

    Every requirement pays at most what any person not its own is worth: that is what can still be claimed.
    """
    flow, table, best = work.flow, work.lists.table, work.flow.ask_best
    people = len(flow.nodes) - len(flow.needs)
    for i in range(len(flow.needs)):
        a = flow.needs[i, ASK]
        best[a] = flow.nodes[people + i, PRICE] if best[a] == FAR else max(best[a], flow.nodes[people + i, PRICE])
    for a in range(len(table)):
        table[a, WORTH] = min(table[a, WORTH], best[a])
        best[a] = FAR
    lowest(work.trees, flow.nodes)


@compiled
def release(work: Any, asking: Any, first: int) -> bool:
    """Release one person with room and a price. False: pairs wait to be judged, nothing is done."""
    flow = work.flow
    nodes = flow.nodes
    reach(flow, first, 0, -1)
    push(flow, first)
    best, end = flow.nodes[first, PRICE], first
    while flow.counts[WAITING] > 0 and flow.nodes[flow.heap[0], DIST] < best:
        v = pop(flow)
        for n in range(asking.leaves.at[v], asking.leaves.at[v + 1]):
            best, end = ask_round(work, asking, asking.leaves.leaf[n], v, best, end)
    if work.lists.top[DOUBTS] > 0:
        clean(flow)
        return False
    for n in range(flow.counts[TOUCHED]):
        node = flow.touched[n]
        if nodes[node, DIST] < best:
            flow.nodes[node, PRICE] -= best - nodes[node, DIST]
    shift_back(flow, first, end)
    clean(flow)
    return True


@compiled
def ask_round(work: Any, asking: Any, leaf: int, v: int, best: int, end: int) -> tuple[int, int]:
    """Find who would rather have v once v is cheap enough, among the asks that look where v stands."""
    flow, trees, shape = work.flow, asking.trees, work.trees.shape
    q = 0
    while leaf >= shape[q, LEAVES_END] or leaf < shape[q, LEAVES_AT]:
        q += 1
    if trees.shape[q, LEAVES_AT] == trees.shape[q, NODES_END]:
        return best, end
    there, frame = work.people.place[v], trees.frame[q]
    x, y, z = there[X] - frame[X], there[Y] - frame[Y], there[Z] - frame[Z]
    furthest = (there[REACH_M] + 2 * frame[MARGIN_M]) / EARTH_RADIUS_M
    furthest *= furthest
    own = float(flow.nodes[v, DIST] + flow.nodes[v, PRICE]) - frame[MARGIN_M] - 0.5
    trees.wait_node[0], top = trees.shape[q, NODES_END] - 1, 1
    while top > 0:
        top -= 1
        node = trees.wait_node[top]
        for kid in range(trees.kids[node, 0], trees.kids[node, 1]):
            if node >= trees.shape[q, LEAVES_END]:
                away = box_square(trees.boxes, kid, x, y, z)
                if away <= furthest and own + EARTH_RADIUS_M * math.sqrt(away) + trees.low[kid] < best:
                    trees.wait_node[top] = kid
                    top += 1
                continue
            spot, a = trees.spots[kid], trees.entries[kid]
            dx, dy, dz = spot[X] - x, spot[Y] - y, spot[Z] - z
            away = dx * dx + dy * dy + dz * dz
            value = own + EARTH_RADIUS_M * math.sqrt(away)
            if away <= furthest and value + asking.worth[a, 0] < best and value < flow.ask_best[a]:
                best, end = ask_members(work, asking, a, v, best, end)
    return best, end


@compiled
def ask_members(work: Any, asking: Any, a: int, v: int, best: int, end: int) -> tuple[int, int]:
    """See which requirements of one ask would rather have v."""
    flow = work.flow
    cost = pair_cost(work.people, work.asks, work.lists, a, v)
    value = flow.nodes[v, DIST] + cost + flow.nodes[v, PRICE]
    if cost < 0 or value >= flow.ask_best[a]:  # all who share the ask were offered somebody as good
        return best, end
    if not serves_unseen(flow, v, a):
        if flow.ask_best[a] == FAR:
            flow.seen[flow.counts[SEEN]] = a
            flow.counts[SEEN] += 1
        flow.ask_best[a] = value
    for m in range(asking.member_at[a], asking.member_at[a + 1]):
        best, end = ask_back(flow, asking.members[m], v, cost, best, end)
    return best, end


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
    way = nodes[v, DIST] + cost + flow.nodes[v, PRICE] - flow.nodes[node, PRICE]
    if way >= best or way >= nodes[node, DIST] or serves(flow, node, v):
        return best, end
    reach(flow, node, way, v)
    nodes[node, COST] = cost
    if flow.needs[i, OPEN] > 0:
        return way, node
    for n in range(nodes[node, FIRST], nodes[node, FIRST] + nodes[node, COUNT]):
        u = flow.slots[n, OTHER]
        further = way + flow.nodes[node, PRICE] - flow.slots[n, PAIR_COST] - flow.nodes[u, PRICE]
        if further < best and further < nodes[u, DIST]:
            reach(flow, u, further, node)
            push(flow, u)
            if further + flow.nodes[u, PRICE] < best:
                best, end = further + flow.nodes[u, PRICE], u
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
