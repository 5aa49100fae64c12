"""Rule: where a request names the only people who may come, nobody else is sent."""

from __future__ import annotations

import numpy as np

from matcher.problem import I32, Bool, Problem
from matcher.reasons import NotAmongMustHave
from matcher.rules.facts import Facts


def applies(facts: Facts, r: int) -> bool:
    """Say whether anybody can fail."""
    return bool(facts.problem.requirements.choosy[r])


def mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether they are one of those named, or nobody is."""
    if not applies(facts, r):
        return np.ones(who.size, dtype=np.bool_)
    return np.isin(who, facts.must_have.get(r, ()))


def objection(problem: Problem, r: int, person: int) -> NotAmongMustHave | None:
    """Return that others were named."""
    if not problem.requirements.choosy[r]:
        return None
    requirements, people = problem.requirements.must_have
    return None if bool(((requirements == r) & (people == person)).any()) else NotAmongMustHave()
