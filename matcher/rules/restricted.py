"""Rule: whom the dispatching side bars from this request (a conflict of interest, say) is never sent."""

from __future__ import annotations

import numpy as np

from matcher.problem import I32, Bool, Problem
from matcher.reasons import Restricted
from matcher.rules.facts import Facts


def applies(facts: Facts, r: int) -> bool:
    """Say whether anybody can fail."""
    return r in facts.restricted


def mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether they may serve here."""
    return np.isin(who, facts.restricted.get(r, ()), invert=True)


def objection(problem: Problem, r: int, person: int) -> Restricted | None:
    """Return that this person may never serve here."""
    requirements, people = problem.requirements.restricted
    return Restricted() if bool(((requirements == r) & (people == person)).any()) else None
