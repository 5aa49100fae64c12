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
from matcher.weekly.pairs import alone, has_room, last_able
from matcher.weekly.steps import begin_step, take_out, undo
from matcher.weekly.tables import (
    ASK,
    CANDIDATE_WIDE,
    CANDIDATES,
    CANDIDATES_AT,
    CHOSEN_AT,
    CHOSEN_MAX,
    COMPOUND,
    COUNT,
    FIRST,
    FIRST_SHIFT,
    LIMITS,
    LISTED,
    NEAR,
    NEAREST,
    NEARS,
    NEVER,
    PERSON_WIDE,
    PLACES,
    SEEN,
    SEEN_AT,
    TASK_PINNED,
    TASK_WHERE,
    TOLD_AT,
    TOLD_END,
    UNIT_COUNT,
    UNKNOWN,
    person_at,
    task_at,
    unit_at,
)

#: Units taken out at most in one step.
RUIN_MAX = 12
#: Candidates that a search through all rings holds at once.
WIDE_MAX = 4096


@compiled
def is_open(m: Any, u: int) -> bool:
    """Say whether a unit has an open place."""
    first = m[unit_at(m, u) + FIRST]
    for t in range(first, first + m[unit_at(m, u) + PLACES]):  # noqa: SIM110 - compiled
        if m[task_at(m, t) + TASK_WHERE] == NEVER:
            return True
    return False


@compiled
def place(m: Any, spots: Any, rules: Any, u: int, blink: int, listed: bool) -> int:
    """Fill a unit's open places from the candidates, and from its list; return the change of cost."""
    if m[unit_at(m, u) + PLACES] == 1 and m[unit_at(m, u) + COMPOUND] < 0:
        return place_single(m, spots, rules, u, blink, listed)
    if listed:
        add_listed(m, u)
    return place_crew(m, spots, rules, u, blink)


@compiled
def begin_candidates(m: Any) -> None:
    """Empty the candidates."""
    m[CANDIDATES] = 0
    m[SEEN] += 1


@compiled
def add_candidate(m: Any, s: int, limit: int) -> None:
    """Add a shift to the candidates, once. `limit`: the last start that the pair's rules allow, or UNKNOWN."""
    if m[m[SEEN_AT] + s] != m[SEEN]:
        m[m[SEEN_AT] + s] = m[SEEN]
        at = m[CANDIDATES_AT] + m[CANDIDATES] * CANDIDATE_WIDE
        m[at], m[at + 1] = s, limit
        m[CANDIDATES] += 1


@compiled
def add_told(m: Any, u: int) -> None:
    """Add the shifts of those who were told."""
    row = unit_at(m, u)
    for n in range(m[row + TOLD_AT], m[row + TOLD_END], 2):
        person = person_at(m, m[n])
        for s in range(m[person + FIRST_SHIFT], m[person + PERSON_WIDE + FIRST_SHIFT]):
            add_candidate(m, s, UNKNOWN)


@compiled
def gather(m: Any, u: int) -> None:
    """Make the candidates of a unit: the shifts that serve near units, those told."""
    begin_candidates(m)
    for n in range(NEAR):
        other = m[m[NEARS] + u * NEAR + n]
        if other < 0:
            break
        first = m[unit_at(m, other) + FIRST]
        for t in range(first, first + m[unit_at(m, other) + PLACES]):
            if m[task_at(m, t) + TASK_WHERE] >= 0:
                add_candidate(m, m[task_at(m, t) + TASK_WHERE], UNKNOWN)
    add_told(m, u)


@compiled
def add_listed(m: Any, u: int) -> None:
    """Add a unit's nearest capable shifts."""
    listed, limits = m[LISTED] + u * NEAREST, m[LIMITS] + u * NEAREST
    for n in range(m[unit_at(m, u) + COUNT]):
        add_candidate(m, m[listed + n], m[limits + n])


@compiled
def construct(work: Any) -> int:
    """Make the first plan: what was told first, then the hardest windows first; return the change of cost."""
    m, spots, rules, change = work.m, work.spots, work.rules, 0
    for u in work.hard:
        if m[unit_at(m, u) + TOLD_AT] < m[unit_at(m, u) + TOLD_END] and is_open(m, u):
            begin_step(m)
            begin_candidates(m)
            add_told(m, u)
            change += place(m, spots, rules, u, 0, False)
    for u in work.hard:
        if is_open(m, u):
            begin_step(m)
            gather(m, u)
            change += place(m, spots, rules, u, 0, True)
    return change + widen(work)


@compiled
def widen(work: Any) -> int:
    """Try every capable shift for what is still open, the nearest rings first; return the change of cost."""
    change = 0
    for u in work.hard:
        if is_open(work.m, u):
            begin_step(work.m)
            change += place_anywhere(work.m, work.spots, work.rules, work.grids, u)
    return change


@compiled
def place_anywhere(m: Any, spots: Any, rules: Any, grids: Any, u: int) -> int:
    """Fill a unit from the nearest rings that hold somebody who can; return the change of cost."""
    a, asks = m[unit_at(m, u) + ASK], rules.asks
    q = asks.facts[a, GRID]
    y, x = home_cell(grids, asks, a)
    ring, tried = 0, 0
    begin_candidates(m)
    while True:
        for number in range(spans_of(ring)):
            at, end = span(grids, q, y, x, ring, number)
            for n in range(at, end):
                if square(asks.place[a], grids.spots[n]) > grids.spots[n, CHORD]:
                    continue
                add_capable(m, spots, rules, u, grids.entries[n])
                if m[CANDIDATES] >= WIDE_MAX:
                    change = place(m, spots, rules, u, 0, False)
                    if change != 0:
                        return change
                    begin_candidates(m)
                    tried = 0
        if m[CANDIDATES] > tried:
            tried = m[CANDIDATES]
            change = place(m, spots, rules, u, 0, False)
            if change != 0:
                return change
        if safe_m(grids, asks, a, ring) > grids.frame[q, FURTHEST_M]:
            return 0
        ring += 1


@compiled
def add_capable(m: Any, spots: Any, rules: Any, u: int, v: int) -> None:
    """Add those of a person's shifts that could serve the unit and have room."""
    limit, person = last_able(m, spots, rules, u, v), person_at(m, v)
    if limit == NEVER:
        return
    for s in range(m[person + FIRST_SHIFT], m[person + PERSON_WIDE + FIRST_SHIFT]):
        if has_room(m, u, s) and alone(m, spots, u, s, limit):
            add_candidate(m, s, limit)


@compiled
def ruin(m: Any, spots: Any, u: int, most: int) -> tuple[int, int]:
    """Open up to `most` units around one, which are written down with the open ones among them.

    Returns how many are written down, and the change of cost.
    """
    size, taken, change = 0, 0, 0
    for n in range(-1, NEAR):
        other = u if n < 0 else m[m[NEARS] + u * NEAR + n]
        if other < 0 or taken == most or size == m[CHOSEN_MAX]:
            break
        removed, first = False, m[unit_at(m, other) + FIRST]
        for t in range(first, first + m[unit_at(m, other) + PLACES]):
            if m[task_at(m, t) + TASK_WHERE] >= 0 and m[task_at(m, t) + TASK_PINNED] == 0:
                change += take_out(m, spots, t)
                removed = True
        if removed:
            taken += 1
        if removed or is_open(m, other):
            m[m[CHOSEN_AT] + size] = other
            size += 1
    return size, change


@compiled
def shuffle(m: Any, size: int, hardest: bool) -> None:
    """Bring the units of a step into an order by chance, or the fewest shifts at hand first."""
    first = m[CHOSEN_AT]
    for n in range(size - 1, 0, -1):
        other = draw(m, n + 1)
        m[first + n], m[first + other] = m[first + other], m[first + n]
    if hardest:
        for i in range(1, size):
            at = i
            while at > 0 and m[unit_at(m, m[first + at - 1]) + COUNT] > m[unit_at(m, m[first + at]) + COUNT]:
                m[first + at - 1], m[first + at] = m[first + at], m[first + at - 1]
                at -= 1


@compiled
def step(m: Any, spots: Any, rules: Any, warmth: float) -> int:
    """Ruin and recreate once; return the change of cost, 0 where it was not taken."""
    begin_step(m)
    size, change = ruin(m, spots, draw(m, m[UNIT_COUNT]), 1 + draw(m, RUIN_MAX))
    shuffle(m, size, draw(m, 2) == 0)
    for n in range(size):
        u = m[m[CHOSEN_AT] + n]
        gather(m, u)
        change += place(m, spots, rules, u, BLINK, True)
    if change <= 0:
        return change
    chance = (draw(m, 1 << 30) + 1) / (1 << 30)
    if change < -warmth * math.log(chance):
        return change
    undo(m)
    return 0


@compiled
def search(work: Any, done: int, until: int, all_steps: int, warm: float, cold: float) -> int:
    """Do steps `done` to `until` of `all_steps`, growing colder; return the change of cost."""
    change = 0
    for n in range(done, until):
        warmth = warm * math.exp(math.log(cold / warm) * n / all_steps)
        change += step(work.m, work.spots, work.rules, warmth)
    return change
