"""Kernel: nodes by (key, number), the least first, with keys that may fall while they wait.

A person's key is the distance; a requirement's is that from which on its list may be too short.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.values import COST, DIST, PLACE, WAITING


@compiled
def key_of(flow: Any, node: int) -> int:
    """Return by what a node waits."""
    return flow.nodes[node, DIST if node < len(flow.nodes) - len(flow.needs) else COST]


@compiled
def push(flow: Any, v: int) -> None:
    """Put a node in, or move it up after its key fell."""
    nodes, heap = flow.nodes, flow.heap
    at, near = nodes[v, PLACE], key_of(flow, v)
    if at < 0:
        at = flow.counts[WAITING]
        flow.counts[WAITING] += 1
    while at > 0:
        above = heap[(at - 1) >> 1]
        far = key_of(flow, above)
        if far < near or (far == near and above < v):
            break
        heap[at] = above
        nodes[above, PLACE] = at
        at = (at - 1) >> 1
    heap[at] = v
    nodes[v, PLACE] = at


@compiled
def pop(flow: Any) -> int:
    """Take the first one out."""
    nodes, heap = flow.nodes, flow.heap
    first = heap[0]
    nodes[first, PLACE] = -1
    flow.counts[WAITING] -= 1
    size = flow.counts[WAITING]
    if size == 0:
        return first
    last = heap[size]
    far = key_of(flow, last)
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        near = key_of(flow, heap[child])
        if child + 1 < size:
            other = key_of(flow, heap[child + 1])
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
