"""Kernel: people come into a city that is matched already, and get the least price at which nobody would rather change.

Called by `kept`. After it every pair that a search may need is listed, as if they had always been there: a list that
has looked beyond the newcomer takes them in; one that has not is bounded by them, and grows where that is too little.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.cells import MARGIN_M, enter
from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.near import asks_near, link_ask, link_need, note
from matcher.solvers.paths.search import FIRST_LIST, cost_from, extend, pair_cost, put, square, square_of
from matcher.solvers.paths.values import (
    ASK,
    AT,
    BOUND,
    CUT,
    CUT_AT,
    DOUBTFUL,
    FAR,
    FURTHEST_M,
    LENGTH,
    PERSON_BITS,
    PRICE,
    REACH_M,
)


@compiled
def enter_all(work: Any, near: Any, slots: Any) -> bool:
    """Put people into the grids of their skills. False: a grid is full."""
    people, grids = work.people, work.grids
    for n in range(len(slots)):
        v = slots[n]
        for q in range(len(near.skill)):
            if near.skill[q] < 0 or people.levels[v, near.skill[q]] > 0:
                grids.frame[q, FURTHEST_M] = max(grids.frame[q, FURTHEST_M], people.place[v, REACH_M])
                if not enter(grids, people, q, v):
                    return False
    return True


@compiled
def come_all(work: Any, near: Any, slots: Any, state: Any) -> bool:
    """List and price these people, from position state[0]. False: as with `extend`; call again."""
    while state[0] < len(slots):
        if not come(work, near, slots[state[0]]):
            return False
        state[0] += 1
    return True


@compiled
def come(work: Any, near: Any, v: int) -> bool:
    """List and price one person. May be called again after it stopped halfway."""
    people, asks, lists = work.people, work.asks, work.lists
    furthest = square_of(people.place[v, REACH_M] + MARGIN_M)
    price = 0
    for n in range(asks_near(work, near, v)):
        a = near.found[n]
        own = lists.table[a]
        chord = square(asks.place[a], people.place[v])
        if chord > furthest or own[CUT] < 0:
            continue
        most = dearest(work.flow, near, a)
        if not passed(own, chord, v):
            if not look_out(work, near, a, cost_from(asks, a, chord), most):
                return False
            if not passed(own, chord, v):
                continue
        cost = pair_cost(people, asks, lists, a, v)
        if cost == DOUBTFUL:
            return False
        if cost >= 0:
            if not include(lists, a, (cost << PERSON_BITS) | v):
                return False
            price = max(price, most - cost)
    work.flow.nodes[v, PRICE] = price
    return True


@compiled
def passed(own: Any, chord: int, v: int) -> bool:
    """Say whether a list has looked beyond a person so far away."""
    return own[BOUND] >= FAR or chord < own[CUT] or (chord == own[CUT] and v <= own[CUT_AT])


@compiled
def look_out(work: Any, near: Any, a: int, least: int, most: int) -> bool:
    """Bound a list by somebody whom it has not come to; let it grow to what its requirements pay. False: it cannot."""
    own = work.lists.table[a]
    own[BOUND] = min(own[BOUND], least)
    grown = False
    while own[BOUND] < most:
        if not extend(work, a, FIRST_LIST):
            return False
        grown = True
    if grown:
        note(work, near, a)
    return True


@compiled
def dearest(flow: Any, near: Any, a: int) -> int:
    """Return the most that a requirement of this ask pays."""
    people = len(flow.nodes) - len(flow.needs)
    most, i = 0, near.first_need[a]
    while i >= 0:
        most = max(most, flow.nodes[people + i, PRICE])
        i = near.next_need[i]
    return most


@compiled
def include(lists: Any, a: int, key: int) -> bool:
    """Make sure that a pair is listed. False: no room."""
    low = lists.table[a, AT]
    end = low + lists.table[a, LENGTH]
    high = end
    while low < high:
        middle = (low + high) >> 1
        if lists.keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    if low < end and lists.keys[low] == key:
        return True
    lists.fresh[0] = key
    return put(lists, a, 1)


@compiled
def open_all(work: Any, near: Any, asks: Any, needs: Any) -> None:
    """Put new asks into their cells, and new requirements to their asks."""
    for n in range(len(asks)):
        link_ask(near, work.asks, asks[n])
    for n in range(len(needs)):
        link_need(near, work.flow.needs[needs[n], ASK], needs[n])
