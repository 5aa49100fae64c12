"""Kernel: people by (distance, rank), the nearest first, with distances that may fall while they wait."""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.values import DIST, PLACE, WAITING


@compiled
def push(flow: Any, v: int) -> None:
    """Put a person in, or move them up after their distance fell."""
    nodes, heap = flow.nodes, flow.heap
    at, near = nodes[v, PLACE], nodes[v, DIST]
    if at < 0:
        at = flow.counts[WAITING]
        flow.counts[WAITING] += 1
    while at > 0:
        above = heap[(at - 1) >> 1]
        far = nodes[above, DIST]
        if far < near or (far == near and above < v):
            break
        heap[at] = above
        nodes[above, PLACE] = at
        at = (at - 1) >> 1
    heap[at] = v
    nodes[v, PLACE] = at


@compiled
def pop(flow: Any) -> int:
    """Take the nearest person out."""
    nodes, heap = flow.nodes, flow.heap
    first = heap[0]
    nodes[first, PLACE] = -1
    flow.counts[WAITING] -= 1
    size = flow.counts[WAITING]
    if size == 0:
        return first
    last = heap[size]
    far = nodes[last, DIST]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        near = nodes[heap[child], DIST]
        if child + 1 < size:
            other = nodes[heap[child + 1], DIST]
            if other < near or (other == near and heap[child + 1] < heap[child]):
                child += 1
                near = other
        if far < near or (far == near and last < heap[child]):
            break
        heap[at] = heap[child]
        nodes[heap[at], PLACE] = at
        at = child
    heap[at] = last
    nodes[last, PLACE] = at
    return first
