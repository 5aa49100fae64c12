"""Rule: who has refused this very request is not asked again."""

from __future__ import annotations

import numpy as np

from matcher.problem import I32, Bool, Problem
from matcher.reasons import PreviouslyRefused
from matcher.rules.facts import Facts


def applies(facts: Facts, r: int) -> bool:
    """Say whether anybody can fail."""
    return r in facts.refused


def mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether they have not refused."""
    keep = np.ones(who.size, dtype=np.bool_)
    for person in facts.refused.get(r, ()):
        keep &= who != person
    return keep


def objection(problem: Problem, r: int, person: int) -> PreviouslyRefused | None:
    """Return that the person has refused before."""
    requirements, people = problem.requirements.refused
    return PreviouslyRefused() if bool(((requirements == r) & (people == person)).any()) else None
