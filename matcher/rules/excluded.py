"""Rule: whom the requester does not want is not sent."""

from __future__ import annotations

import numpy as np

from matcher.problem import I32, Bool, Problem
from matcher.reasons import ExcludedByRequester
from matcher.rules.facts import Facts


def applies(facts: Facts, r: int) -> bool:
    """Say whether anybody can fail."""
    return r in facts.excluded


def mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether the requester accepts them."""
    keep = np.ones(who.size, dtype=np.bool_)
    for person in facts.excluded.get(r, ()):
        keep &= who != person
    return keep


def objection(problem: Problem, r: int, person: int) -> ExcludedByRequester | None:
    """Return that the requester does not want this person."""
    requirements, people = problem.requirements.excluded
    return ExcludedByRequester() if bool(((requirements == r) & (people == person)).any()) else None
