"""Kernel: which people an ask can have, the best by way and price first, and what all others are worth at least.

Where prices are high everywhere, the nearest people are not the best ones, and whoever is cheap is far. A way is at
least its chord, and the chord to whoever is in a box at least that to the box. What spots and boxes were rounded by
(MARGIN_M) is taken off whatever is claimed of people not looked at.
"""

from __future__ import annotations

import math
from typing import Any

from matcher.geo import EARTH_RADIUS_M
from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.search import list_spared, pair_cost, put
from matcher.solvers.paths.values import (
    AT,
    DOUBTS,
    FAR,
    FLOOR_POINTS,
    FURTHEST_M,
    GRID,
    LEAVES_AT,
    LEAVES_END,
    LENGTH,
    LOOK,
    MARGIN_M,
    NODES_END,
    PERSON_BITS,
    PERSON_MASK,
    PRICE,
    SPARED_AT,
    SPARED_END,
    TOKEN,
    TRIED,
    WORTH,
    X,
    Y,
    Z,
)


@compiled
def box_square(boxes: Any, node: int, x: float, y: float, z: float) -> float:
    """Return the square of the chord from a spot (relative to the tree's frame) to a box."""
    dx = max(boxes[node, 0] - x, x - boxes[node, 3], 0.0)
    dy = max(boxes[node, 1] - y, y - boxes[node, 4], 0.0)
    dz = max(boxes[node, 2] - z, z - boxes[node, 5], 0.0)
    return float(dx * dx + dy * dy + dz * dz)


@compiled
def gather(  # noqa: PLR0912, PLR0915 - compiled: the innermost loop
    work: Any, a: int, want: int, token: int, worst: float
) -> tuple[int, float]:
    """Find the `want` people with the least metres + price below `worst` for an ask, but those whose `seen` is `token`.

    They are left in `best`. Returns how many, and what metres + price of everybody else is at least, but for MARGIN_M.
    """
    trees, lists, nodes = work.trees, work.lists, work.flow.nodes
    q, here, frame = work.asks.facts[a, GRID], work.asks.place, trees.frame
    x, y, z = here[a, X] - frame[q, X], here[a, Y] - frame[q, Y], here[a, Z] - frame[q, Z]
    furthest = frame[q, FURTHEST_M] / EARTH_RADIUS_M
    furthest *= furthest
    near_value, near, seen = lists.best_value, lists.best, lists.seen
    entries, spots, kids, boxes, low = trees.entries, trees.spots, trees.kids, trees.boxes, trees.low
    wait_node, wait_value = trees.wait_node, trees.wait_value
    leaves_end, size, beyond, top = trees.shape[q, LEAVES_END], 0, math.inf, 0
    if trees.shape[q, LEAVES_AT] < trees.shape[q, NODES_END]:
        wait_node[0], wait_value[0], top = trees.shape[q, NODES_END] - 1, 0.0, 1
    while top > 0:
        top -= 1
        node, value = wait_node[top], wait_value[top]
        if value >= worst:
            beyond = min(beyond, value)
            continue
        begin, end = kids[node, 0], kids[node, 1]
        if node >= leaves_end:
            base = top
            for kid in range(begin, end):
                away = box_square(boxes, kid, x, y, z)
                if away > furthest:
                    continue
                value = EARTH_RADIUS_M * math.sqrt(away) + low[kid]
                if value >= worst:
                    beyond = min(beyond, value)
                    continue
                at = top
                while at > base and wait_value[at - 1] < value:
                    wait_value[at], wait_node[at] = wait_value[at - 1], wait_node[at - 1]
                    at -= 1
                wait_value[at], wait_node[at] = value, kid
                top += 1
            continue
        for n in range(begin, end):
            dx, dy, dz = spots[n, 0] - x, spots[n, 1] - y, spots[n, 2] - z
            away = dx * dx + dy * dy + dz * dz
            if away > spots[n, 3]:
                continue
            v = entries[n]
            value = EARTH_RADIUS_M * math.sqrt(away) + nodes[v, PRICE]
            if value > worst or (value == worst and (size < want or v > near[0])):
                if seen[v] != token:
                    beyond = min(beyond, value)
            elif seen[v] != token:
                if size < want:
                    keep_best_of(near_value, near, size, value, v)
                    size += 1
                else:
                    beyond = min(beyond, near_value[0])
                    replace_worst(near_value, near, size, value, v)
                if size == want:
                    worst = near_value[0]
    return size, beyond


@compiled
def at_least(work: Any, a: int, value: float) -> int:
    """Return points that stand for metres + price at least; FAR where there is nobody."""
    if value >= FAR:
        return FAR
    return int(
        math.floor(max(value - work.trees.frame[work.asks.facts[a, GRID], MARGIN_M], 0.0) + 0.5)
        + work.asks.facts[a, FLOOR_POINTS]
    )


@compiled
def extend_by_worth(work: Any, a: int, want: int, limit: int) -> bool:
    """List `want` more people of an ask (and as many as were looked at), the best by way and price.

    Fewer only if all others are worth `limit` at least. False: nothing is done, for want of room or because pairs wait
    to be judged.
    """
    lists, own = work.lists, work.lists.table[a]
    want = max(want, own[TRIED])
    if want > len(lists.best):
        lists.top[LOOK] = want
        return False
    lists.top[TOKEN] += 1
    token = lists.top[TOKEN]
    found = list_spared(work, a)
    for n in range(work.asks.facts[a, SPARED_AT], work.asks.facts[a, SPARED_END]):
        lists.seen[work.asks.spared[n, 0]] = token
    for at in range(own[AT], own[AT] + own[LENGTH]):
        lists.seen[lists.keys[at] & PERSON_MASK] = token
    worst = float(limit - work.asks.facts[a, FLOOR_POINTS]) + work.trees.frame[work.asks.facts[a, GRID], MARGIN_M]
    size, beyond = gather(work, a, want, token, worst)
    for n in range(size):
        v = lists.best[n]
        cost = pair_cost(work.people, work.asks, lists, a, v)
        if cost >= 0:
            lists.fresh[found] = (cost << PERSON_BITS) | v
            found += 1
    if lists.top[DOUBTS] > 0 or not put(lists, a, found):
        return False
    own[WORTH] = max(own[WORTH], at_least(work, a, beyond))
    own[TRIED] += size
    return True


@compiled
def keep_best_of(near_value: Any, near: Any, size: int, value: float, v: int) -> None:
    """Put one more into the heap of the best."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if near_value[above] > value or (near_value[above] == value and near[above] > v):
            break
        near_value[at], near[at] = near_value[above], near[above]
        at = above
    near_value[at], near[at] = value, v


@compiled
def replace_worst(near_value: Any, near: Any, size: int, value: float, v: int) -> None:
    """Put one into the heap of the best instead of the last."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and (
            near_value[child + 1] > near_value[child]
            or (near_value[child + 1] == near_value[child] and near[child + 1] > near[child])
        ):
            child += 1
        if near_value[child] < value or (near_value[child] == value and near[child] < v):
            break
        near_value[at], near[at] = near_value[child], near[child]
        at = child
    near_value[at], near[at] = value, v
