"""Kernel: one more place served on the cheapest alternating path, prices kept (successive shortest paths).

Dijkstra over people in reduced costs; lists grow while an unlisted pair could still shorten the way. Ends at a person
with free capacity, or where some requirement on the way stays unserved at its price.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.heap import key_of, pop, push
from matcher.solvers.paths.search import FIRST_LIST, extend
from matcher.solvers.paths.values import (
    ASK,
    AT,
    BOUND,
    CLOSED,
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
    PLACE,
    PRICE,
    SEEN,
    SIZE,
    TOUCHED,
    UNSERVED,
    VIA,
    WAITING,
    WORTH,
)
from matcher.solvers.paths.worth import extend_by_worth

DONE, NO_ROOM, GAVE_UP = 0, 1, 2


@compiled
def reach(flow: Any, node: int, dist: int, via: int) -> None:
    """Note a shorter way to a node."""
    if flow.nodes[node, DIST] == FAR:
        flow.touched[flow.counts[TOUCHED]] = node
        flow.counts[TOUCHED] += 1
    flow.nodes[node, DIST] = dist
    flow.nodes[node, VIA] = via


@compiled
def clean(flow: Any) -> None:
    """Forget a search."""
    for n in range(flow.counts[TOUCHED]):
        flow.nodes[flow.touched[n], DIST] = FAR
        flow.nodes[flow.touched[n], PLACE] = -1
    for n in range(flow.counts[SEEN]):
        flow.ask_best[flow.seen[n]] = FAR
    flow.counts[:] = 0


@compiled
def serves(flow: Any, node: int, v: int) -> bool:
    """Say whether this person serves this requirement (a node)."""
    first = flow.nodes[node, FIRST]
    for n in range(first, first + flow.nodes[node, COUNT]):  # noqa: SIM110 - compiled
        if flow.slots[n, OTHER] == v:
            return True
    return False


@compiled
def scan(flow: Any, lists: Any, i: int, best: int, end: int) -> tuple[int, int]:
    """Look at everybody listed whom requirement i could have instead. Returns best and end.

    Where its list may be too short, i waits until the search has come as far as that.
    """
    nodes = flow.nodes
    node = len(nodes) - len(flow.needs) + i
    start, a = nodes[node, DIST] - nodes[node, PRICE], flow.needs[i, ASK]
    begin = lists.table[a, AT]
    for at in range(begin, begin + lists.table[a, LENGTH]):
        key = lists.keys[at]
        cost = key >> PERSON_BITS
        if start + cost >= best:
            break
        v = key & PERSON_MASK
        way = start + cost + nodes[v, PRICE]
        if way >= best or way >= nodes[v, DIST] or serves(flow, node, v):
            continue
        reach(flow, v, way, node)
        nodes[v, COST] = cost
        if nodes[v, COUNT] < nodes[v, SIZE]:
            best, end = way, v
        else:
            push(flow, v)
    known = start + max(lists.table[a, BOUND], lists.table[a, WORTH])
    if known < best:
        nodes[node, COST] = known
        push(flow, node)
    return best, end


@compiled
def look(flow: Any, lists: Any, i: int, best: int, end: int) -> tuple[int, int]:
    """See what requirement i, just reached, could have instead. Returns best and end.

    Of requirements that share an ask only the first one looks: a later one could come to nobody sooner.
    """
    node = len(flow.nodes) - len(flow.needs) + i
    start, a = flow.nodes[node, DIST] - flow.nodes[node, PRICE], flow.needs[i, ASK]
    if start + flow.needs[i, UNSERVED] < best:
        best, end = start + flow.needs[i, UNSERVED], node
    if start >= flow.ask_best[a]:
        return best, end
    if flow.ask_best[a] == FAR:
        flow.seen[flow.counts[SEEN]] = a
        flow.counts[SEEN] += 1
    flow.ask_best[a] = start
    return scan(flow, lists, i, best, end)


@compiled
def widen(work: Any, node: int, best: int, end: int) -> tuple[int, int, bool]:
    """Let the list of a requirement grow, now that the search has come as far. False: it cannot."""
    flow = work.flow
    i = node - (len(flow.nodes) - len(flow.needs))
    a = flow.needs[i, ASK]
    if flow.nodes[node, DIST] - flow.nodes[node, PRICE] > flow.ask_best[a] or work.lists.top[CLOSED] > 0:
        return best, end, True
    if len(work.trees.low) > 0:
        grown = extend_by_worth(work, a, FIRST_LIST, min(best - flow.nodes[node, DIST] + flow.nodes[node, PRICE], FAR))
    else:
        grown = extend(work, a, FIRST_LIST)
    if not grown:
        return best, end, False
    best, end = scan(flow, work.lists, i, best, end)
    return best, end, True


@compiled
def forward(work: Any, first: int, pops_max: int) -> int:
    """Serve one more place of a requirement, or leave it (or a cheaper one on the way) unserved."""
    flow = work.flow
    nodes, slots = flow.nodes, flow.slots
    people = len(nodes) - len(flow.needs)
    reach(flow, people + first, 0, -1)
    best, end = look(flow, work.lists, first, FAR, -1)
    pops, room = 0, True
    while flow.counts[WAITING] > 0 and key_of(flow, flow.heap[0]) < best:
        v = pop(flow)
        if v >= people:
            best, end, room = widen(work, v, best, end)
            if not room:
                clean(flow)
                return NO_ROOM
            continue
        pops += 1
        if pops > pops_max:
            clean(flow)
            return GAVE_UP
        for n in range(nodes[v, FIRST], nodes[v, FIRST] + nodes[v, COUNT]):
            node = slots[n, OTHER]
            # what it pays above the cost of this person: 0 unless it asks for several
            way = nodes[v, DIST] + nodes[node, PRICE] - slots[n, PAIR_COST] - nodes[v, PRICE]
            if way < best and way < nodes[node, DIST]:
                reach(flow, node, way, v)
                best, end = look(flow, work.lists, node - people, best, end)
    raise_prices(flow, best)
    shift(flow, people + first, end)
    clean(flow)
    return DONE


@compiled
def raise_prices(flow: Any, best: int) -> None:
    """Raise whatever the search came to before the path's end."""
    for n in range(flow.counts[TOUCHED]):
        node = flow.touched[n]
        if flow.nodes[node, DIST] < best:
            flow.nodes[node, PRICE] += best - flow.nodes[node, DIST]


@compiled
def shift(flow: Any, first: int, end: int) -> None:
    """Give everybody on the path to the requirement that came to them, from the end back to the first."""
    nodes = flow.nodes
    people = len(nodes) - len(flow.needs)
    v = end
    if end >= people:
        flow.needs[end - people, OPEN] += 1
        if end == first:
            return
        v = nodes[end, VIA]
        part(flow, end, v)
    while True:
        node = nodes[v, VIA]
        if node == first:
            join(flow, node, v, nodes[v, COST])
            return
        given = nodes[node, VIA]
        part(flow, node, given)
        join(flow, node, v, nodes[v, COST])
        v = given


@compiled
def join(flow: Any, node: int, v: int, cost: int) -> None:
    """Let a person serve a requirement."""
    fill(flow, node, v, cost)
    fill(flow, v, node, cost)


@compiled
def fill(flow: Any, node: int, other: int, cost: int) -> None:
    """Take the next slot of one side."""
    at = flow.nodes[node, FIRST] + flow.nodes[node, COUNT]
    flow.slots[at, OTHER], flow.slots[at, PAIR_COST] = other, cost
    flow.nodes[node, COUNT] += 1


@compiled
def part(flow: Any, node: int, v: int) -> None:
    """End that a person serves a requirement."""
    free(flow, node, v)
    free(flow, v, node)


@compiled
def free(flow: Any, node: int, other: int) -> None:
    """Give the slot of one side back; the last one takes its place."""
    slots, first = flow.slots, flow.nodes[node, FIRST]
    flow.nodes[node, COUNT] -= 1
    last = first + flow.nodes[node, COUNT]
    for at in range(first, last):
        if slots[at, OTHER] == other:
            slots[at, OTHER], slots[at, PAIR_COST] = slots[last, OTHER], slots[last, PAIR_COST]
            return


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
