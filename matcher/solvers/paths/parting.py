"""Kernel: requests close, people leave, and time takes pairs away from a city that is matched already.

Called by `kept`. Whoever is set free, and whatever lost somebody, is handed back: the one may have to be released, the
other served again. Those who left stand in lists until these are tidied; at their price nobody looks at them.
"""

from __future__ import annotations

import math
from typing import Any

from matcher.solvers.paths.cells import leave
from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.forward import part
from matcher.solvers.paths.near import unlink_ask, unlink_need
from matcher.solvers.paths.search import NO_START, last_start_s, metres
from matcher.solvers.paths.values import (
    ASK,
    AT,
    BUSY_AT,
    BUSY_END,
    COUNT,
    DEPART_S,
    DURATION_S,
    EARLIEST_S,
    FAR,
    FIRST,
    FIXED_START_S,
    HOURS_AT,
    HOURS_END,
    LENGTH,
    OPEN,
    OTHER,
    PERSON_MASK,
    PRICE,
    REACH_M,
    ROOM,
    SIZE,
    SPEED_MPS,
    TOP,
)

#: Columns of `holds`: until when all pairs of a list may still depart; how long it was when that was worked out.
UNTIL_S, OF_LENGTH = range(2)
#: Pairs that every list may grow by before it has to move.
SPARE = 4


@compiled
def close_all(work: Any, near: Any, slots: Any, freed: Any) -> int:
    """Take requirements away; leave those who served them in `freed`, and return how many that are."""
    flow = work.flow
    nodes = flow.nodes
    people = len(nodes) - len(flow.needs)
    size = 0
    for n in range(len(slots)):
        i = slots[n]
        node, a = people + i, flow.needs[i, ASK]
        while nodes[node, COUNT] > 0:
            v = flow.slots[nodes[node, FIRST], OTHER]
            part(flow, node, v)
            freed[size] = v
            size += 1
        flow.needs[i, OPEN] = 0
        nodes[node, PRICE] = 0
        unlink_need(near, a, i)
        if near.first_need[a] < 0:
            unlink_ask(near, a)
            work.lists.table[a, LENGTH] = 0
    return size


@compiled
def leave_all(work: Any, near: Any, slots: Any, again: Any, nobody: int) -> int:
    """Take people away; leave whom they served in `again`, once a place. Returns how many, -1: one is not there."""
    flow = work.flow
    nodes = flow.nodes
    people = len(nodes) - len(flow.needs)
    size = 0
    for n in range(len(slots)):
        v = slots[n]
        while nodes[v, COUNT] > 0:
            node = flow.slots[nodes[v, FIRST], OTHER]
            part(flow, node, v)
            again[size] = node - people
            size += 1
        for q in range(len(near.skill)):
            there = near.skill[q] < 0 or work.people.levels[v, near.skill[q]] > 0
            if there and not leave(work.grids, work.people, q, v, nobody):
                return -1
        nodes[v, PRICE], nodes[v, SIZE] = FAR, 0
        work.people.place[v, REACH_M] = -1.0
    return size


@compiled
def last_departure_s(people: Any, asks: Any, a: int, v: int) -> int:
    """Return when this person may depart for this ask at the latest, NO_START where never: `earliest_start_s` mirrored.

    Time alone is looked at, as there.
    """
    ask, facts = asks.facts[a], people.facts[v]
    duration = ask[DURATION_S]
    start = last_start_s(people, asks, a, v)
    travel = math.ceil(metres(people, asks, a, v) / people.place[v, SPEED_MPS])
    first = max(ask[EARLIEST_S], ask[FIXED_START_S])
    window = facts[HOURS_END] - 1
    while window >= facts[HOURS_AT] and start >= first:
        start = min(start, people.hours[window, 1] - duration)
        if start < people.hours[window, 0]:
            window -= 1
            continue
        moved = start
        for b in range(facts[BUSY_AT], facts[BUSY_END]):
            begin, until = people.busy[b, 0], people.busy[b, 1]
            if begin < until and begin < start + duration and until > start - travel:
                moved = min(moved, begin - duration)
        if moved == start:
            return start - travel if start >= first else NO_START
        start = moved
    return NO_START


@compiled
def expire(work: Any, near: Any, holds: Any, lost: Any) -> int:
    """Strike the pairs that could only have departed earlier than their ask's DEPART_S now says.

    Those of them that served are left in `lost` (requirement, person); returns how many that are.
    """
    people, asks, lists, size = work.people, work.asks, work.lists, 0
    for a in range(len(near.cell)):
        own, depart = lists.table[a], asks.facts[a, DEPART_S]
        if near.cell[a] < 0 or (holds[a, OF_LENGTH] == own[LENGTH] and depart <= holds[a, UNTIL_S]):
            continue
        until, kept = FAR, own[AT]
        for at in range(own[AT], own[AT] + own[LENGTH]):
            v = lists.keys[at] & PERSON_MASK
            if work.flow.nodes[v, PRICE] >= FAR:
                continue
            last = last_departure_s(people, asks, a, v)
            if last < depart:
                size = strike(work.flow, near, a, v, lost, size)
                continue
            until = min(until, last)
            lists.keys[kept] = lists.keys[at]
            kept += 1
        own[LENGTH] = kept - own[AT]
        holds[a, UNTIL_S], holds[a, OF_LENGTH] = until, own[LENGTH]
    return size


@compiled
def strike(flow: Any, near: Any, a: int, v: int, lost: Any, size: int) -> int:
    """End that a person serves requirements of this ask."""
    nodes = flow.nodes
    people = len(nodes) - len(flow.needs)
    at = nodes[v, FIRST] + nodes[v, COUNT] - 1
    while at >= nodes[v, FIRST]:
        node = flow.slots[at, OTHER]
        if flow.needs[node - people, ASK] == a:
            part(flow, node, v)
            lost[size, 0], lost[size, 1] = node - people, v
            size += 1
        at -= 1
    return size


@compiled
def tidy(flow: Any, near: Any, lists: Any, keys: Any) -> bool:
    """Write all lists anew into `keys`, without those who left. False: it is too small, nothing is done."""
    needed = 0
    for a in range(len(lists.table)):
        needed += lists.table[a, LENGTH] + SPARE
    if needed > len(keys):
        return False
    top = 0
    for a in range(len(lists.table)):
        own = lists.table[a]
        begin = top
        if near.cell[a] >= 0:
            for at in range(own[AT], own[AT] + own[LENGTH]):
                if flow.nodes[lists.keys[at] & PERSON_MASK, PRICE] < FAR:
                    keys[top] = lists.keys[at]
                    top += 1
        own[AT], own[LENGTH] = begin, top - begin
        top += SPARE
        own[ROOM] = top - begin
    lists.top[TOP] = top
    return True
