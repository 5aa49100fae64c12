"""Rule: the person is not committed then, travel and rest included, and has room for one more.

An open offer, this very request, or no capacity left rule a person out at any time. Else a visit takes
[start - travel, end) and may meet no busy time.
"""

from __future__ import annotations

from matcher.problem import I32, I64, Bool, Problem
from matcher.reasons import Committed
from matcher.rules import start
from matcher.rules.facts import NONE, Facts


def open_mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether they could be asked at any time at all."""
    keep: Bool = facts.open[who]
    for person in facts.serving.get(r, ()):
        keep &= who != person
    return keep


def earliest(facts: Facts, r: int, who: I32, travel_s: I64, start_s: I64) -> I64:
    """Return each person's earliest start that meets no busy time, NONE where there is none.

    `start_s`: their earliest start with busy time left aside, as the rule `start` found it.
    """
    busy = facts.busy
    if busy is None:
        return start_s
    duration_s = int(facts.problem.requirements.duration_s[r])
    clear = busy.clear_at(who, start_s - travel_s, start_s + duration_s)
    todo = ((clear != NONE) & (start_s != NONE)).nonzero()[0]
    if todo.size == 0:
        return start_s
    moved, clear = start_s.copy(), clear[todo]
    while todo.size:
        some, travel = who[todo], travel_s[todo]
        begin = start.earliest(facts, r, some, travel, clear + travel)
        moved[todo] = begin
        clear = busy.clear_at(some, begin - travel, begin + duration_s)
        met = (clear != NONE) & (begin != NONE)
        todo, clear = todo[met], clear[met]
    return moved


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
    possible = start.starts(problem, r, person)
    return Committed() if possible and not _spared(problem, r, person, possible) else None


def starts(problem: Problem, r: int, person: int) -> start.Starts:
    """Return all starts of one pair that meet no busy time, as closed intervals. Scalar form."""
    return _spared(problem, r, person, start.starts(problem, r, person))


def _spared(problem: Problem, r: int, person: int, possible: start.Starts) -> start.Starts:
    """Return what the person's busy time leaves of the possible starts."""
    people = problem.people
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
