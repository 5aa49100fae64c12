"""Kernel: the first plan by cheapest insertion, then ruin and recreate with annealing; feasible at every moment.

Ruin takes 1 to 12 units that lie together out; recreate puts them, and open ones among them, back where they cost
least (Shaw 1998; Schrimpf and others 2000; Christiaens and Vanden Berghe 2020).
"""

from __future__ import annotations

import math
from typing import Any

from matcher.solvers.paths.search import home_cell, safe_m, span, spans_of, square
from matcher.solvers.paths.values import CHORD, FURTHEST_M, GRID
from matcher.weekly.choosing import BLINK, draw, place_single
from matcher.weekly.compiling import compiled
from matcher.weekly.crewing import place_crew
from matcher.weekly.pairs import alone, has_room
from matcher.weekly.steps import begin_step, take_out, undo
from matcher.weekly.tables import (
    ASK,
    CANDIDATES,
    COMPOUND,
    FIRST,
    NEVER,
    PLACES,
    SEEN,
    TOLD_AT,
    TOLD_END,
)

#: Units taken out at most in one step.
RUIN_MAX = 12
#: Candidates that a search through all rings holds at once.
WIDE_MAX = 4096


@compiled
def is_open(work: Any, u: int) -> bool:
    """Say whether a unit has an open place."""
    first = work.units.rows[u, FIRST]
    for t in range(first, first + work.units.rows[u, PLACES]):  # noqa: SIM110 - compiled
        if work.routes.where[t] == NEVER:
            return True
    return False


@compiled
def place(work: Any, u: int, blink: int) -> int:
    """Fill a unit's open places from the candidates; return the change of cost."""
    if work.units.rows[u, PLACES] == 1 and work.units.rows[u, COMPOUND] < 0:
        return place_single(work, u, blink)
    return place_crew(work, u, blink)


@compiled
def begin_candidates(work: Any) -> None:
    """Empty the candidates."""
    work.scratch.counts[CANDIDATES] = 0
    work.scratch.counts[SEEN] += 1


@compiled
def add_candidate(work: Any, s: int) -> None:
    """Add a shift to the candidates, once."""
    scratch = work.scratch
    if scratch.seen[s] != scratch.counts[SEEN]:
        scratch.seen[s] = scratch.counts[SEEN]
        scratch.candidates[scratch.counts[CANDIDATES]] = s
        scratch.counts[CANDIDATES] += 1


@compiled
def add_told(work: Any, u: int) -> None:
    """Add the shifts of those who were told."""
    for n in range(work.units.rows[u, TOLD_AT], work.units.rows[u, TOLD_END]):
        v = work.units.told[n, 0]
        for s in range(work.shifts.of_person[v], work.shifts.of_person[v + 1]):
            add_candidate(work, s)


@compiled
def gather(work: Any, u: int) -> None:
    """Make the candidates of a unit: its nearest capable shifts, those that serve near units, those told."""
    lists, units, routes = work.lists, work.units, work.routes
    begin_candidates(work)
    for n in range(lists.count[u]):
        add_candidate(work, lists.shift[u, n])
    for n in range(units.near.shape[1]):
        other = units.near[u, n]
        if other < 0:
            break
        for t in range(units.rows[other, FIRST], units.rows[other, FIRST] + units.rows[other, PLACES]):
            if routes.where[t] >= 0:
                add_candidate(work, routes.where[t])
    add_told(work, u)


@compiled
def construct(work: Any) -> int:
    """Make the first plan: what was told first, then the hardest windows first; return the change of cost."""
    change = 0
    for u in work.units.hard:
        if work.units.rows[u, TOLD_AT] < work.units.rows[u, TOLD_END] and is_open(work, u):
            begin_step(work)
            begin_candidates(work)
            add_told(work, u)
            change += place(work, u, 0)
    for u in work.units.hard:
        if is_open(work, u):
            begin_step(work)
            gather(work, u)
            change += place(work, u, 0)
    return change + widen(work)


@compiled
def widen(work: Any) -> int:
    """Try every capable shift for what is still open, the nearest rings first; return the change of cost."""
    change = 0
    for u in work.units.hard:
        if is_open(work, u):
            begin_step(work)
            change += place_anywhere(work, u)
    return change


@compiled
def place_anywhere(work: Any, u: int) -> int:
    """Fill a unit from the nearest rings that hold somebody who can; return the change of cost."""
    grids, asks, scratch = work.grids, work.asks, work.scratch
    a = work.units.rows[u, ASK]
    q = asks.facts[a, GRID]
    row, col = home_cell(grids, asks, a)
    ring, tried = 0, 0
    begin_candidates(work)
    while True:
        for number in range(spans_of(ring)):
            at, end = span(grids, q, row, col, ring, number)
            for n in range(at, end):
                if square(asks.place[a], grids.spots[n]) > grids.spots[n, CHORD]:
                    continue
                add_capable(work, u, grids.entries[n])
                if scratch.counts[CANDIDATES] >= WIDE_MAX:
                    change = place(work, u, 0)
                    if change != 0:
                        return change
                    begin_candidates(work)
                    tried = 0
        if scratch.counts[CANDIDATES] > tried:
            tried = scratch.counts[CANDIDATES]
            change = place(work, u, 0)
            if change != 0:
                return change
        if safe_m(grids, asks, a, ring) > grids.frame[q, FURTHEST_M]:
            return 0
        ring += 1


@compiled
def add_capable(work: Any, u: int, v: int) -> None:
    """Add those of a person's shifts that could serve the unit and have room."""
    for s in range(work.shifts.of_person[v], work.shifts.of_person[v + 1]):
        if has_room(work, u, s) and alone(work, u, s)[0] != NEVER:
            add_candidate(work, s)


@compiled
def ruin(work: Any, u: int, most: int) -> tuple[int, int]:
    """Open up to `most` units around one, which are written down with the open ones among them.

    Returns how many are written down, and the change of cost.
    """
    units, scratch = work.units, work.scratch
    size, taken, change = 0, 0, 0
    for n in range(-1, units.near.shape[1]):
        other = u if n < 0 else units.near[u, n]
        if other < 0 or taken == most or size == len(scratch.units):
            break
        removed = False
        first = units.rows[other, FIRST]
        for t in range(first, first + units.rows[other, PLACES]):
            if work.routes.where[t] >= 0 and work.routes.pinned[t] == 0:
                change += take_out(work, t)
                removed = True
        if removed:
            taken += 1
        if removed or is_open(work, other):
            scratch.units[size] = other
            size += 1
    return size, change


@compiled
def shuffle(work: Any, size: int, hardest: bool) -> None:
    """Bring the units of a step into an order by chance, or the fewest people at hand first."""
    chosen, lists = work.scratch.units, work.lists
    for n in range(size - 1, 0, -1):
        other = draw(work.scratch.random, n + 1)
        chosen[n], chosen[other] = chosen[other], chosen[n]
    if hardest:
        for i in range(1, size):
            at = i
            while at > 0 and lists.count[chosen[at - 1]] > lists.count[chosen[at]]:
                chosen[at - 1], chosen[at] = chosen[at], chosen[at - 1]
                at -= 1


@compiled
def step(work: Any, warmth: float) -> int:
    """Ruin and recreate once; return the change of cost, 0 where it was not taken."""
    random, units = work.scratch.random, work.units
    begin_step(work)
    size, change = ruin(work, draw(random, len(units.rows)), 1 + draw(random, RUIN_MAX))
    shuffle(work, size, draw(random, 2) == 0)
    for n in range(size):
        u = work.scratch.units[n]
        gather(work, u)
        change += place(work, u, BLINK)
    if change <= 0:
        return change
    chance = (draw(random, 1 << 30) + 1) / (1 << 30)
    if change < -warmth * math.log(chance):
        return change
    undo(work)
    return 0


@compiled
def search(work: Any, done: int, until: int, all_steps: int, warm: float, cold: float) -> int:
    """Do steps `done` to `until` of `all_steps`, growing colder; return the change of cost."""
    change = 0
    for n in range(done, until):
        warmth = warm * math.exp(math.log(cold / warm) * n / all_steps)
        change += step(work, warmth)
    return change
