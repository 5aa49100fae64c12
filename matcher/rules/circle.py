"""Rule: where the service asks for a circle (R145: home services within 10 minutes), the way there takes no longer."""

from __future__ import annotations

import numpy as np

from matcher.problem import I32, I64, Bool, Problem
from matcher.reasons import OutsideCircle
from matcher.rules.facts import Facts
from matcher.rules.start import pair_travel_s


def applies(facts: Facts, r: int) -> bool:
    """Say whether anybody can fail."""
    return bool(facts.problem.requirements.circle_s[r] >= 0)


def mask(facts: Facts, r: int, who: I32, travel_s: I64) -> Bool:
    """Say for each person whether their way there is short enough."""
    circle_s = facts.problem.requirements.circle_s[r]
    return travel_s <= circle_s if circle_s >= 0 else np.ones(who.size, dtype=np.bool_)


def objection(problem: Problem, r: int, person: int) -> OutsideCircle | None:
    """Return how long the way takes, where that is too long."""
    circle_s, travel_s = int(problem.requirements.circle_s[r]), pair_travel_s(problem, r, person)
    return OutsideCircle(travel_s=travel_s, circle_s=circle_s) if 0 <= circle_s < travel_s else None
