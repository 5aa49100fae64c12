"""Rule: some possible start lies outside the days and weeks in which the person has visits enough already.

Full time is part of the busy time, too, so the rule `free` needs nothing of this one but not to repeat its objection.
"""

from __future__ import annotations

from matcher.problem import I32, I64, Bool, Problem
from matcher.reasons import VisitLimitReached
from matcher.rules import start
from matcher.rules.facts import NONE, Facts


def applies(facts: Facts, r: int) -> bool:
    """Say whether anybody can fail."""
    return facts.full is not None


def mask(facts: Facts, r: int, who: I32, travel_s: I64) -> Bool:
    """Say for each person whether a start outside their full time is possible; who has none at all is not judged."""
    possible = start.earliest(facts, r, who, travel_s)
    clear = start.clear_of(facts, r, who, travel_s, possible, facts.full)
    passes: Bool = (clear != NONE) | (possible == NONE)
    return passes


def objection(problem: Problem, r: int, person: int) -> VisitLimitReached | None:
    """Return that every possible start lies in full time."""
    people = problem.people
    possible = start.starts(problem, r, person)
    spans = (people.full_indptr, people.full_from_s, people.full_until_s)
    return VisitLimitReached() if possible and not start.spared(problem, r, person, possible, spans) else None
