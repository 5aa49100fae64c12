"""Places packed into boxes of boxes, one tree for each skill that is searched by.

Called by `batch`, for people and for asks. Boxes are halved along their longer side until few are left; a tree says
where to look first, never who is feasible.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from matcher.geo import EARTH_RADIUS_M
from matcher.problem import F64, I64
from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.values import FAR, LEAVES_AT, LEAVES_END, NODES_END, Trees

#: How many share a box, and how many boxes share the next.
LEAF, FAN = 8, 8
#: Nodes that one look may still have to open: FAN a level.
WAITING = 256
#: Entries that say how far a box reaches along an axis.
SAMPLE = 64
#: Metres by which a reach is taken longer when people are sieved by the square of the chord.
MARGIN = 1e-2
#: A rounded spot is off by at most this share of how far it is from the middle of its tree (three axes, both ends).
ROUNDING = 2.0**-21


def none() -> Trees:
    """Return no tree at all."""
    return build(np.empty((0, 3)), np.empty(0), [])


def build(points: F64, reach_m: F64, members: list[I64]) -> Trees:
    """Return one tree for each array of members; `points` [., 3] on the unit sphere, `reach_m` as far as they go."""
    sizes = [_levels(len(who)) for who in members]
    total = sum(sum(levels) for levels in sizes)
    entry = np.concatenate((*members, np.empty(0, np.int64))).astype(np.int32)
    trees = Trees(
        frame=np.zeros((len(members), 5)),
        shape=np.zeros((len(members), 3), np.int64),
        entries=entry,
        spots=np.empty((len(entry), 4), np.float32),
        kids=np.empty((total, 2), np.int32),
        parents=np.full(total, -1, np.int32),
        boxes=np.empty((total, 6), np.float32),
        low=np.zeros(total, np.int64),
        wait_node=np.empty(WAITING, np.int64),
        wait_value=np.empty(WAITING, np.float64),
    )
    begin = node = 0
    for q, (who, levels) in enumerate(zip(members, sizes, strict=True)):
        trees.shape[q] = node, node + sum(levels[:1]), node + sum(levels)
        if len(who):
            middle = points[who[:: max(1, len(who) // 1024)]].mean(axis=0)
            off = place(trees, points, middle, begin, begin + len(who))
            halve(trees.spots, trees.entries, trees.wait_node, begin, begin + len(who))
            pack(trees, begin, begin + len(who), node, np.array(levels, np.int64))
            margin = EARTH_RADIUS_M * off * ROUNDING + MARGIN
            trees.frame[q] = (*middle, margin, float(reach_m[who].max()) + 2 * margin)
            _reaches(trees, begin, begin + len(who), reach_m, margin)
        begin, node = begin + len(who), node + sum(levels)
    return trees


def _levels(size: int) -> list[int]:
    """Return how many nodes each level has, from the leaves to the root."""
    levels = [-(-size // LEAF)] if size else []
    while levels and levels[-1] > 1:
        levels.append(-(-levels[-1] // FAN))
    return levels


def _reaches(trees: Trees, begin: int, end: int, reach_m: F64, margin: float) -> None:
    half = np.minimum((reach_m[trees.entries[begin:end]] + margin) / (2.0 * EARTH_RADIUS_M), np.pi / 2)
    square = ((2.0 * np.sin(half)) ** 2).astype(np.float32)
    trees.spots[begin:end, 3] = np.nextafter(square, np.float32(np.inf))


@compiled
def place(trees: Any, points: Any, middle: Any, begin: int, end: int) -> float:
    """Put everybody where they stand. Returns how far anybody is from the middle, along an axis."""
    off = 0.0
    for n in range(begin, end):
        for axis in range(3):
            away = points[trees.entries[n], axis] - middle[axis]
            trees.spots[n, axis] = away
            off = max(off, abs(away))
    return off


@compiled
def halve(spots: Any, entries: Any, stack: Any, begin: int, end: int) -> None:
    """Order entries so that whole leaves, and whole boxes of boxes, are neighbours."""
    stack[0], stack[1], top = begin, end, 2
    while top > 0:
        top -= 2
        first, last = stack[top], stack[top + 1]
        if last - first <= LEAF:
            continue
        half = LEAF
        while 2 * half < last - first:
            half *= 2
        longest, axis, step = -1.0, 0, max(1, (last - first) // SAMPLE)
        for other in range(3):
            least = most = spots[first, other]
            for n in range(first, last, step):
                least, most = min(least, spots[n, other]), max(most, spots[n, other])
            if most - least > longest:
                longest, axis = most - least, other
        part_at(spots, entries, spots[:, axis], first, last - 1, first + half)
        stack[top], stack[top + 1], stack[top + 2], stack[top + 3] = first, first + half, first + half, last
        top += 4


@compiled
def part_at(spots: Any, entries: Any, along: Any, left: int, right: int, middle: int) -> None:
    """Put the least of left ... right `along` an axis (ties by number) before `middle`, the others there (Hoare)."""
    while left < right:
        pivot = (left + right) >> 1
        away, who = along[pivot], entries[pivot]
        low, high = left, right
        while low <= high:
            while along[low] < away or (along[low] == away and entries[low] < who):
                low += 1
            while along[high] > away or (along[high] == away and entries[high] > who):
                high -= 1
            if low <= high:
                x, y, z, other = spots[low, 0], spots[low, 1], spots[low, 2], entries[low]
                spots[low, 0], spots[low, 1], spots[low, 2] = spots[high, 0], spots[high, 1], spots[high, 2]
                entries[low] = entries[high]
                spots[high, 0], spots[high, 1], spots[high, 2], entries[high] = x, y, z, other
                low += 1
                high -= 1
        if middle <= high:
            right = high
        elif middle >= low:
            left = low
        else:
            return


@compiled
def pack(trees: Any, begin: int, end: int, node: int, levels: Any) -> None:
    """Box the entries of one tree, level by level."""
    spots, boxes, kids = trees.spots, trees.boxes, trees.kids
    for n in range(levels[0]):
        first, last = begin + n * LEAF, min(begin + (n + 1) * LEAF, end)
        kids[node + n, 0], kids[node + n, 1] = first, last
        for axis in range(3):
            boxes[node + n, axis] = boxes[node + n, 3 + axis] = spots[first, axis]
            for m in range(first + 1, last):
                boxes[node + n, axis] = min(boxes[node + n, axis], spots[m, axis])
                boxes[node + n, 3 + axis] = max(boxes[node + n, 3 + axis], spots[m, axis])
    below = node
    for level in range(1, len(levels)):
        at = below + levels[level - 1]
        for n in range(levels[level]):
            first, last = below + n * FAN, min(below + (n + 1) * FAN, at)
            kids[at + n, 0], kids[at + n, 1] = first, last
            for axis in range(3):
                boxes[at + n, axis], boxes[at + n, 3 + axis] = boxes[first, axis], boxes[first, 3 + axis]
                for m in range(first, last):
                    trees.parents[m] = at + n
                    boxes[at + n, axis] = min(boxes[at + n, axis], boxes[m, axis])
                    boxes[at + n, 3 + axis] = max(boxes[at + n, 3 + axis], boxes[m, 3 + axis])
        below = at


@compiled
def lowest(trees: Any, worth: Any) -> None:
    """Take anew what everybody below each node is worth at least: `worth[., 0]` of those who stand there."""
    for q in range(len(trees.shape)):
        for node in range(trees.shape[q, LEAVES_AT], trees.shape[q, NODES_END]):
            low = FAR
            for n in range(trees.kids[node, 0], trees.kids[node, 1]):
                low = min(low, worth[trees.entries[n], 0] if node < trees.shape[q, LEAVES_END] else trees.low[n])
            trees.low[node] = low


@compiled
def raised(trees: Any, worth: Any, leaf: int) -> None:
    """Take anew what a leaf is worth at least, and the nodes above it, after somebody there rose (as `lowest`)."""
    low = FAR
    for n in range(trees.kids[leaf, 0], trees.kids[leaf, 1]):
        low = min(low, worth[trees.entries[n], 0])
    node = leaf
    while low != trees.low[node]:
        trees.low[node] = low
        node = trees.parents[node]
        if node < 0:
            return
        low = FAR
        for n in range(trees.kids[node, 0], trees.kids[node, 1]):
            low = min(low, trees.low[n])


@compiled
def leaves_of(trees: Any, size: int) -> Any:
    """Return in which leaves each of the `size` stands: row starts, and leaves."""
    at = np.zeros(size + 1, np.int64)
    for v in trees.entries:
        at[v + 1] += 1
    for v in range(size):
        at[v + 1] += at[v]
    leaves, filled = np.empty(len(trees.entries), np.int32), at.copy()
    for q in range(len(trees.shape)):
        for node in range(trees.shape[q, LEAVES_AT], trees.shape[q, LEAVES_END]):
            for n in range(trees.kids[node, 0], trees.kids[node, 1]):
                v = trees.entries[n]
                leaves[filled[v]] = node
                filled[v] += 1
    return at, leaves
