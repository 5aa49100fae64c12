"""Rule: nobody is alerted above their budget of offers."""

from __future__ import annotations

from matcher.problem import I32, Bool, Problem
from matcher.reasons import AlertBudgetSpent
from matcher.rules.facts import Facts


def applies(facts: Facts, r: int) -> bool:
    """Say whether anybody can fail."""
    return facts.any_spent


def mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether another offer is allowed."""
    return ~facts.problem.people.spent[who]


def objection(problem: Problem, r: int, person: int) -> AlertBudgetSpent | None:
    """Return that the budget is used up."""
    return AlertBudgetSpent() if bool(problem.people.spent[person]) else None
