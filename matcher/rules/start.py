"""Rule: some start lets the person travel there from now on and finish inside window, hours and certificates.

Starts are whole seconds; with a fixed start only that one. Other commitments are the rule `free`.
"""

from __future__ import annotations

import math

import numpy as np

from matcher.problem import I32, I64, Bool, Problem
from matcher.reasons import NoStartPossible
from matcher.rules.certificate import expiry_s
from matcher.rules.facts import LINE_BITS, NONE, Busy, Facts
from matcher.rules.reach import pair_distance_m

#: Closed intervals [first, last] of starts.
Starts = list[tuple[int, int]]
#: Intervals by person: CSR row starts, from, until.
Spans = tuple[I64, I64, I64]


def earliest(facts: Facts, r: int, who: I32, travel_s: I64, not_before_s: I64 | None = None) -> I64:
    """Return each person's earliest start (not before the time given), NONE where there is none."""
    needs = facts.problem.requirements
    fixed_s, duration_s = int(needs.fixed_start_s[r]), int(needs.duration_s[r])
    first = np.maximum(travel_s + int(needs.depart_s[r]), max(int(needs.earliest_s[r]), fixed_s))
    if not_before_s is not None:
        first = np.maximum(first, not_before_s)
    start = facts.windows(duration_s).first_start(facts.hours_key[who], first)
    last_s = min(int(needs.latest_s[r]), 1 << LINE_BITS) - duration_s
    late = start > (min(last_s, fixed_s) if fixed_s >= 0 else last_s)
    expires = facts.expires_s(r, who)
    if expires is not None:
        late |= start > expires - duration_s
    start[late] = NONE
    return start


def mask(facts: Facts, r: int, who: I32, travel_s: I64) -> Bool:
    """Say for each person whether any start is possible."""
    possible: Bool = earliest(facts, r, who, travel_s) != NONE
    return possible


def objection(problem: Problem, r: int, person: int) -> NoStartPossible | None:
    """Return between which times no start fits."""
    if starts(problem, r, person):
        return None
    first_s, end_s = _bounds(problem, r, person)
    return NoStartPossible(from_s=first_s, until_s=end_s, duration_s=int(problem.requirements.duration_s[r]))


def starts(problem: Problem, r: int, person: int) -> Starts:
    """Return all possible starts of one pair, other commitments left aside. Scalar form."""
    people, needs = problem.people, problem.requirements
    first_s, end_s = _bounds(problem, r, person)
    duration_s, row = int(needs.duration_s[r]), int(people.hours[person])
    part = slice(int(people.hours_indptr[row]), int(people.hours_indptr[row + 1]))
    possible = []
    for from_s, until_s in zip(people.hours_from_s[part].tolist(), people.hours_until_s[part].tolist(), strict=True):
        a, b = max(first_s, from_s), min(end_s, until_s) - duration_s
        if a <= b:
            possible.append((a, b))
    return possible


def clear_of(facts: Facts, r: int, who: I32, travel_s: I64, start_s: I64, taken: Busy | None) -> I64:
    """Return each person's earliest start that meets no time taken, NONE where there is none.

    `start_s`: their earliest start with time taken left aside. A visit takes [start - travel, end).
    """
    if taken is None:
        return start_s
    duration_s = int(facts.problem.requirements.duration_s[r])
    clear = taken.clear_at(who, start_s - travel_s, start_s + duration_s)
    todo = ((clear != NONE) & (start_s != NONE)).nonzero()[0]
    if todo.size == 0:
        return start_s
    moved, clear = start_s.copy(), clear[todo]
    while todo.size:
        some, travel = who[todo], travel_s[todo]
        begin = earliest(facts, r, some, travel, clear + travel)
        moved[todo] = begin
        clear = taken.clear_at(some, begin - travel, begin + duration_s)
        met = (clear != NONE) & (begin != NONE)
        todo, clear = todo[met], clear[met]
    return moved


def spared(problem: Problem, r: int, person: int, possible: Starts, spans: Spans) -> Starts:
    """Return what the person's time taken (rows of intervals by person) leaves of the possible starts. Scalar form."""
    indptr, all_from_s, all_until_s = spans
    part = slice(int(indptr[person]), int(indptr[person + 1]))
    if not possible or part.start == part.stop:
        return possible
    travel_s, duration_s = pair_travel_s(problem, r, person), int(problem.requirements.duration_s[r])
    for from_s, until_s in zip(all_from_s[part].tolist(), all_until_s[part].tolist(), strict=True):
        if until_s > from_s:
            possible = _without(possible, from_s - duration_s + 1, until_s + travel_s - 1)
    return possible


def _without(possible: Starts, first_s: int, last_s: int) -> Starts:
    """Take the starts `first_s` to `last_s` (both included) out."""
    pieces = [piece for a, b in possible for piece in ((a, min(b, first_s - 1)), (max(a, last_s + 1), b))]
    return [(a, b) for a, b in pieces if a <= b]


def pair_travel_s(problem: Problem, r: int, person: int) -> int:
    """Return the travel seconds of one pair, rounded up. Scalar form."""
    return math.ceil(pair_distance_m(problem, r, person) / float(problem.people.speed_mps[person]))


def _bounds(problem: Problem, r: int, person: int) -> tuple[int, int]:
    """Return the earliest start and the latest end that travel, window, fixed start and certificates leave."""
    needs = problem.requirements
    first_s = max(int(needs.depart_s[r]) + pair_travel_s(problem, r, person), int(needs.earliest_s[r]))
    end_s = int(needs.latest_s[r])
    fixed_s = int(needs.fixed_start_s[r])
    if fixed_s >= 0:
        first_s, end_s = max(first_s, fixed_s), min(end_s, fixed_s + int(needs.duration_s[r]))
    for at in range(int(needs.need_indptr[r]), int(needs.need_indptr[r + 1])):
        expires_s = expiry_s(problem, int(needs.need_skill[at]), person)
        if expires_s is not None:
            end_s = min(end_s, expires_s)
    return first_s, end_s
