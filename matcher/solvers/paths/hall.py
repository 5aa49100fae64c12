"""Kernel: whether more (or weightier) places could be filled, over all feasible pairs; if not, the prices that prove it.

From the open places alternating paths are followed, the weightiest first. One that ends at free capacity, or at a served
requirement of smaller weight, could fill more. If none does, whatever was reached from weight w may pay w times any
rise of U': its people are all taken, by requirements that weigh as much (MATCHING 4).
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.compiling import compiled
from matcher.solvers.paths.search import cell_in_ring, home_cell, pair_cost, safe_m
from matcher.solvers.paths.values import FAR, PERSON_MASK


@compiled
def reaches_more(work: Any, weights: Any, mark: Any, queue: Any) -> bool:
    """Say whether more could be filled. `weights`: of open places, falling; `mark` (people, then requirements): 0."""
    flow = work.flow
    people = len(flow.price)
    seen = work.scratch.ask_best  # clean between searches: FAR; a negative number marks an ask as looked at
    more = False
    for n in range(len(weights)):
        weight, size, at = weights[n], 0, 0
        for i in range(len(flow.open)):
            if flow.open[i] > 0 and flow.weight[i] == weight and mark[people + i] == 0:
                mark[people + i] = weight
                queue[size] = i
                size += 1
        while at < size and not more:
            i = queue[at]
            at += 1
            size, more = spread(work, i, weight, mark, queue, size)
        if more:
            break
    for i in range(len(flow.open)):
        if seen[flow.ask[i]] < 0:
            seen[flow.ask[i]] = FAR
    return more


@compiled
def spread(work: Any, i: int, weight: int, mark: Any, queue: Any, size: int) -> tuple[int, bool]:
    """Follow every feasible pair of one requirement; its ask is looked at once only."""
    a = work.flow.ask[i]
    if work.scratch.ask_best[a] < 0:
        return size, False
    work.scratch.ask_best[a] = -1
    lists = work.lists
    for n in range(lists.at[a], lists.at[a] + lists.length[a]):
        size, more = visit(work, lists.keys[n] & PERSON_MASK, weight, mark, queue, size)
        if more:
            return size, True
    return spread_unlisted(work, a, weight, mark, queue, size)


@compiled
def visit(work: Any, v: int, weight: int, mark: Any, queue: Any, size: int) -> tuple[int, bool]:
    """Reach a person, and through them whom they serve."""
    flow = work.flow
    people = len(flow.price)
    if mark[v] > 0:
        return size, False
    mark[v] = weight
    if flow.hold_count[v] < flow.hold_at[v + 1] - flow.hold_at[v]:
        return size, True
    for n in range(flow.hold_at[v], flow.hold_at[v] + flow.hold_count[v]):
        i = flow.holder[n]
        if flow.weight[i] < weight:
            return size, True
        if mark[people + i] == 0:
            mark[people + i] = weight
            queue[size] = i
            size += 1
    return size, False


@compiled
def spread_unlisted(work: Any, a: int, weight: int, mark: Any, queue: Any, size: int) -> tuple[int, bool]:
    """Go on where the ask's list ends, to the last feasible person."""
    people, asks, grids, lists = work.people, work.asks, work.grids, work.lists
    if lists.bound[a] >= FAR:
        return size, False
    q = asks.grid[a]
    row, col = home_cell(grids, asks, a)
    ring, step, entry = lists.ring[a], lists.step[a], lists.entry[a]
    while True:
        cells = 8 * ring if ring else 1
        while step < cells:
            up, right = cell_in_ring(ring, step)
            y, x = row + up, col + right
            if 0 <= y < grids.rows[q] and 0 <= x < grids.cols[q]:
                cell = grids.cells_at[q] + y * grids.cols[q] + x
                for at in range(grids.starts[cell] + entry, grids.starts[cell + 1]):
                    v = grids.entries[at]
                    if mark[v] == 0 and pair_cost(people, asks, a, v) >= 0:
                        size, more = visit(work, v, weight, mark, queue, size)
                        if more:
                            return size, True
            entry = 0
            step += 1
        if safe_m(grids, asks, a, row, col, ring) > grids.reach_m[q]:
            return size, False
        ring, step = ring + 1, 0
