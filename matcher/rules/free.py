"""Rule: the person is not committed then, travel and rest included, and has room for one more.

An open offer, this very request, or no capacity left rule a person out at any time. Else a visit takes
[start - travel, end) and may meet no busy time.
"""

from __future__ import annotations

import numpy as np

from matcher.problem import I32, I64, Bool, Problem
from matcher.reasons import Committed
from matcher.rules import start
from matcher.rules.facts import NONE, Busy, Facts


def open_mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether they could be asked at any time at all."""
    people = facts.problem.people
    keep = (people.capacity[who] >= 1) & ~people.engaged[who]
    for person in facts.serving.get(r, ()):
        keep &= who != person
    return keep


def earliest(facts: Facts, r: int, who: I32, travel_s: I64, start_s: I64) -> I64:
    """Return each person's earliest start that meets no busy time, NONE where there is none.

    `start_s`: their earliest start with busy time left aside, as the rule `start` found it.
    """
    if facts.busy is None:
        return start_s
    indptr = facts.problem.people.busy_indptr
    todo = np.flatnonzero((indptr[who + 1] > indptr[who]) & (start_s != NONE))
    return start_s if todo.size == 0 else _stepped(facts, facts.busy, r, who, travel_s, start_s.copy(), todo)


def _stepped(facts: Facts, busy: Busy, r: int, who: I32, travel_s: I64, start_s: I64, todo: I64) -> I64:
    """Move each start past the busy time that it meets, until it meets none or there is none."""
    duration_s = int(facts.problem.requirements.duration_s[r])
    while todo.size:
        begin = start_s[todo]
        clear = busy.clear_at(who[todo], begin - travel_s[todo], begin + duration_s)
        met = clear != NONE
        todo, clear = todo[met], clear[met]
        if todo.size:
            travel = travel_s[todo]
            start_s[todo] = start.earliest(facts, r, who[todo], travel, clear + travel)
            todo = todo[start_s[todo] != NONE]
    return start_s


def mask(facts: Facts, r: int, who: I32, travel_s: I64) -> Bool:
    """Say for each person whether they are free for some possible start; who has none at all is not judged."""
    possible = start.earliest(facts, r, who, travel_s)
    free = earliest(facts, r, who, travel_s, possible) != NONE
    passes: Bool = open_mask(facts, r, who) & (free | (possible == NONE))
    return passes


def objection(problem: Problem, r: int, person: int) -> Committed | None:
    """Return that the person has other commitments; who has no possible start at all is not judged by time."""
    people = problem.people
    requirements, servers = problem.requirements.serving
    if people.engaged[person] or people.capacity[person] < 1:
        return Committed()
    if bool(((requirements == r) & (servers == person)).any()):
        return Committed()
    return Committed() if start.starts(problem, r, person) and not starts(problem, r, person) else None


def starts(problem: Problem, r: int, person: int) -> start.Starts:
    """Return all starts of one pair that meet no busy time, as closed intervals. Scalar form."""
    people = problem.people
    possible = start.starts(problem, r, person)
    part = slice(int(people.busy_indptr[person]), int(people.busy_indptr[person + 1]))
    if not possible or part.start == part.stop:
        return possible
    travel_s, duration_s = start.pair_travel_s(problem, r, person), int(problem.requirements.duration_s[r])
    for from_s, until_s in zip(people.busy_from_s[part].tolist(), people.busy_until_s[part].tolist(), strict=True):
        if until_s > from_s:
            possible = _without(possible, from_s - duration_s + 1, until_s + travel_s - 1)
    return possible


def _without(possible: start.Starts, first_s: int, last_s: int) -> start.Starts:
    """Take the starts `first_s` to `last_s` (both included) out."""
    pieces = [piece for a, b in possible for piece in ((a, min(b, first_s - 1)), (max(a, last_s + 1), b))]
    return [(a, b) for a, b in pieces if a <= b]
