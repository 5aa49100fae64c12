"""Kernel: people by (distance, rank), the nearest first, with distances that may fall while they wait."""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.compiling import compiled


@compiled
def before(scratch: Any, a: int, b: int) -> bool:
    """Say whether a comes first."""
    near, far = scratch.dist[a], scratch.dist[b]
    return near < far or (near == far and a < b)


@compiled
def push(scratch: Any, v: int) -> None:
    """Put a person in, or move them up after their distance fell."""
    heap, place = scratch.heap, scratch.place
    at = place[v]
    if at < 0:
        at = scratch.count[2]
        scratch.count[2] += 1
    while at > 0:
        parent = (at - 1) >> 1
        above = heap[parent]
        if not before(scratch, v, above):
            break
        heap[at] = above
        place[above] = at
        at = parent
    heap[at] = v
    place[v] = at


@compiled
def pop(scratch: Any) -> int:
    """Take the nearest person out."""
    heap, place = scratch.heap, scratch.place
    first = heap[0]
    place[first] = -1
    scratch.count[2] -= 1
    size = scratch.count[2]
    if size == 0:
        return int(first)
    last = heap[size]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and before(scratch, heap[child + 1], heap[child]):
            child += 1
        if not before(scratch, heap[child], last):
            break
        heap[at] = heap[child]
        place[heap[at]] = at
        at = child
    heap[at] = last
    place[last] = at
    return int(first)
