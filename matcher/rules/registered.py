"""Rule: only people who are registered and not paused are asked."""

from __future__ import annotations

from matcher.problem import I32, Bool, Problem
from matcher.reasons import NotRegistered
from matcher.rules.facts import Facts


def mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether they are active."""
    return facts.problem.people.active[who]


def objection(problem: Problem, r: int, person: int) -> NotRegistered | None:
    """Return why this person is not asked at all."""
    return None if bool(problem.people.active[person]) else NotRegistered()
