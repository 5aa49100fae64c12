"""Kernel: those whom short paths did not serve bid for people, prices kept (Bertsekas' auction, one bidder at a time).

Only where everybody takes one and every requirement is one place. A bid goes `step` points above the second best, so
the outcome is a little off; `tighten` gives up what is not exactly tight, and `forward` and `release` put it right.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.forward import FIRST_LIST, join, part
from matcher.solvers.paths.search import extend
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


@compiled
def best_two(work: Any, i: int) -> tuple[int, int, bool]:
    """Return the best and the second best value (cost + price) of requirement i over all feasible people.

    Exact as far as the price of staying unserved; the best person and its cost are left in the node's VIA and COST.
    False: the list has to grow and cannot.
    """
    flow, lists = work.flow, work.lists
    nodes, a = flow.nodes, flow.needs[i, ASK]
    node = len(nodes) - len(flow.needs) + i
    while True:
        first = second = FAR
        begin = lists.table[a, AT]
        for at in range(begin, begin + lists.table[a, LENGTH]):
            key = lists.keys[at]
            cost = key >> PERSON_BITS
            if cost >= second:
                break
            value = cost + nodes[key & PERSON_MASK, PRICE]
            if value < first:
                first, second = value, first
                nodes[node, VIA], nodes[node, COST] = key & PERSON_MASK, cost
            elif value < second:
                second = value
        if min(second, flow.needs[i, UNSERVED]) <= lists.table[a, BOUND]:
            return first, second, True
        if not extend(work, a, FIRST_LIST):
            return first, second, False


@compiled
def auction(work: Any, queue: Any, state: Any, step: int) -> bool:
    """Let the requirements in `queue` (state[0] of them, the last first) bid until all are served or stay out.

    False: the lists have to grow and cannot; nothing is lost, call again.
    """
    flow = work.flow
    nodes = flow.nodes
    people = len(nodes) - len(flow.needs)
    while state[0] > 0:
        i = queue[state[0] - 1]
        first, second, known = best_two(work, i)
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
def tighten(work: Any, again: Any, state: Any) -> bool:
    """Let everybody pay the best there is, from requirement state[0] on, and give up whom that does not reach.

    Who is without anybody goes to `again`, state[1] of them. False: as with `auction`.
    """
    flow = work.flow
    nodes = flow.nodes
    people = len(nodes) - len(flow.needs)
    while state[0] < len(flow.needs):
        i = state[0]
        node = people + i
        first, _, known = best_two(work, i)
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
