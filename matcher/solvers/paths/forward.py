"""Kernel: one more place served on the cheapest alternating path, prices kept (successive shortest paths).

Dijkstra over people in reduced costs; lists grow while an unlisted pair could still shorten the way. Ends at a person
with free capacity, or where some requirement on the way stays unserved at its price.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.heap import pop, push
from matcher.solvers.paths.search import extend
from matcher.solvers.paths.values import FAR, PERSON_BITS, PERSON_MASK

DONE, NO_ROOM, GAVE_UP = 0, 1, 2
FIRST_LIST = 6


@compiled
def reach(scratch: Any, node: int, dist: int, via: int) -> None:
    """Note a shorter way to a node."""
    if scratch.dist[node] == FAR:
        scratch.touched[scratch.count[0]] = node
        scratch.count[0] += 1
    scratch.dist[node] = dist
    scratch.via[node] = via


@compiled
def clean(scratch: Any) -> None:
    """Forget a search."""
    for n in range(scratch.count[0]):
        node = scratch.touched[n]
        scratch.dist[node] = FAR
        scratch.place[node] = -1
    for n in range(scratch.count[1]):
        scratch.ask_best[scratch.asks[n]] = FAR
    scratch.count[:] = 0


@compiled
def serves(flow: Any, i: int, v: int) -> bool:
    """Say whether this person serves this requirement."""
    for n in range(flow.serve_at[i], flow.serve_at[i] + flow.serve_count[i]):
        if flow.served_by[n] == v:
            return True
    return False


@compiled
def scan(work: Any, i: int, dist: int, best: int, end: int) -> tuple[int, int, bool]:
    """Look at everybody requirement i could have instead. Returns best, end, and False where lists have no room.

    Of requirements that share an ask only the first one looks: a later one could come to nobody sooner.
    """
    flow, scratch, lists = work.flow, work.scratch, work.lists
    people = len(flow.price)
    start = dist - flow.pays[i]
    if start + flow.unserved[i] < best:
        best, end = start + flow.unserved[i], people + i
    a = flow.ask[i]
    if start >= scratch.ask_best[a]:
        return best, end, True
    if scratch.ask_best[a] == FAR:
        scratch.asks[scratch.count[1]] = a
        scratch.count[1] += 1
    scratch.ask_best[a] = start
    at = 0
    while True:
        begin = lists.at[a]
        while at < lists.length[a]:
            key = lists.keys[begin + at]
            at += 1
            cost = key >> PERSON_BITS
            if start + cost >= best:
                break
            v = key & PERSON_MASK
            way = start + cost + flow.price[v]
            if way >= best or way >= scratch.dist[v] or serves(flow, i, v):
                continue
            reach(scratch, v, way, i)
            scratch.cost[v] = cost
            if flow.hold_count[v] < flow.hold_at[v + 1] - flow.hold_at[v]:
                best, end = way, v
            else:
                push(scratch, v)
        if start + lists.bound[a] >= best:
            return best, end, True
        if not extend(work, a, FIRST_LIST):
            return best, end, False
        at = 0


@compiled
def forward(work: Any, first: int, pops_max: int) -> int:
    """Serve one more place of a requirement, or leave it (or a cheaper one on the way) unserved."""
    flow, scratch = work.flow, work.scratch
    people = len(flow.price)
    reach(scratch, people + first, 0, -1)
    best, end, room = scan(work, first, 0, FAR, -1)
    pops = 0
    while room and scratch.count[2] > 0 and scratch.dist[scratch.heap[0]] < best:
        v = pop(scratch)
        pops += 1
        if pops > pops_max:
            clean(scratch)
            return GAVE_UP
        for n in range(flow.hold_at[v], flow.hold_at[v] + flow.hold_count[v]):
            i = flow.holder[n]
            way = scratch.dist[v] + spare(flow, i, v)
            if way < best and way < scratch.dist[people + i]:
                reach(scratch, people + i, way, v)
                best, end, room = scan(work, i, way, best, end)
                if not room:
                    break
    if not room:
        clean(scratch)
        return NO_ROOM
    raise_prices(flow, scratch, best)
    shift(flow, scratch, first, end)
    clean(scratch)
    return DONE


@compiled
def spare(flow: Any, i: int, v: int) -> int:
    """Return what requirement i pays above what this person of its costs; 0 unless it asks for several people."""
    for n in range(flow.serve_at[i], flow.serve_at[i] + flow.serve_count[i]):
        if flow.served_by[n] == v:
            return int(flow.pays[i] - flow.served_cost[n] - flow.price[v])
    return 0


@compiled
def raise_prices(flow: Any, scratch: Any, best: int) -> None:
    """Raise whatever the path came past sooner than its end."""
    people = len(flow.price)
    for n in range(scratch.count[0]):
        node = scratch.touched[n]
        if scratch.dist[node] < best:
            rise = best - scratch.dist[node]
            if node < people:
                flow.price[node] += rise
            else:
                flow.pays[node - people] += rise


@compiled
def shift(flow: Any, scratch: Any, first: int, end: int) -> None:
    """Give everybody on the path to the requirement that came to them, from the end back to the first."""
    people = len(flow.price)
    if end >= people:
        i = end - people
        flow.open[i] += 1
        if i == first:
            return
        v = scratch.via[end]
        leave(flow, i, v)
    else:
        v = end
    while True:
        i = scratch.via[v]
        if i == first:
            join(flow, i, v, scratch.cost[v])
            return
        given = scratch.via[people + i]
        leave(flow, i, given)
        join(flow, i, v, scratch.cost[v])
        v = given


@compiled
def join(flow: Any, i: int, v: int, cost: int) -> None:
    """Let a person serve a requirement."""
    n = flow.serve_at[i] + flow.serve_count[i]
    flow.served_by[n] = v
    flow.served_cost[n] = cost
    flow.serve_count[i] += 1
    flow.holder[flow.hold_at[v] + flow.hold_count[v]] = i
    flow.hold_count[v] += 1


@compiled
def leave(flow: Any, i: int, v: int) -> None:
    """End that a person serves a requirement."""
    last = flow.serve_at[i] + flow.serve_count[i] - 1
    for n in range(flow.serve_at[i], last + 1):
        if flow.served_by[n] == v:
            flow.served_by[n] = flow.served_by[last]
            flow.served_cost[n] = flow.served_cost[last]
            break
    flow.serve_count[i] -= 1
    last = flow.hold_at[v] + flow.hold_count[v] - 1
    for n in range(flow.hold_at[v], last + 1):
        if flow.holder[n] == i:
            flow.holder[n] = flow.holder[last]
            break
    flow.hold_count[v] -= 1


@compiled
def serve_all(work: Any, order: Any, state: Any, hard: Any, pops_max: int) -> bool:
    """Serve these requirements, one place each, from position state[0]; who takes too long goes to `hard`.

    state[1] counts them. False: the lists have no room; nothing is lost, call again.
    """
    while state[0] < len(order):
        outcome = forward(work, order[state[0]], pops_max)
        if outcome == NO_ROOM:
            return False
        if outcome == GAVE_UP:
            hard[state[1]] = order[state[0]]
            state[1] += 1
        state[0] += 1
    return True
