"""Rule: the person is not committed then, travel and rest included, and has room for one more.

An open offer, this very request, or no capacity left rule a person out at any time. Else a visit takes
[start - travel, end) and may meet no busy time.
"""

from __future__ import annotations

from matcher.problem import I32, I64, Bool, Problem
from matcher.reasons import Committed
from matcher.rules import limits, start
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
    return start.clear_of(facts, r, who, travel_s, start_s, facts.busy)


def mask(facts: Facts, r: int, who: I32, travel_s: I64) -> Bool:
    """Say for each person whether they are free for some possible start; who has none at all is not judged."""
    possible = start.earliest(facts, r, who, travel_s)
    free = (earliest(facts, r, who, travel_s, possible) != NONE) | (possible == NONE)
    if limits.applies(facts, r):
        free |= ~limits.mask(facts, r, who, travel_s)
    passes: Bool = open_mask(facts, r, who) & free
    return passes


def objection(problem: Problem, r: int, person: int) -> Committed | None:
    """Return that the person has other commitments; who has no possible start, or none
    within their limits of visits, is not judged by time."""
    people = problem.people
    requirements, servers = problem.requirements.serving
    if people.engaged[person] or people.capacity[person] < 1:
        return Committed()
    if bool(((requirements == r) & (servers == person)).any()):
        return Committed()
    possible = start.starts(problem, r, person)
    if not possible or limits.objection(problem, r, person) is not None:
        return None
    return None if starts(problem, r, person) else Committed()


def starts(problem: Problem, r: int, person: int) -> start.Starts:
    """Return all starts of one pair that meet no busy time, as closed intervals. Scalar form."""
    people = problem.people
    spans = (people.busy_indptr, people.busy_from_s, people.busy_until_s)
    return start.spared(problem, r, person, start.starts(problem, r, person), spans)
