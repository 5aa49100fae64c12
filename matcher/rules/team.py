"""Rule: where a requirement asks for a team, or for teams of a kind, nobody else is sent.

That a crew is all of one team is no rule for a single pair: engines see to it, and `solvers.proof` checks it.
"""

from __future__ import annotations

import numpy as np

from matcher.problem import I32, Bool, Problem
from matcher.reasons import NotOfTeam
from matcher.rules.facts import Facts


def applies(facts: Facts, r: int) -> bool:
    """Say whether anybody can fail."""
    return r in facts.problem.requirements.teams


def mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether they belong to one of the teams asked, or none is."""
    if not applies(facts, r):
        return np.ones(who.size, dtype=np.bool_)
    return np.isin(who, facts.problem.requirements.teams[r].everybody())


def objection(problem: Problem, r: int, person: int) -> NotOfTeam | None:
    """Return which teams were asked."""
    asked = problem.requirements.teams.get(r)
    if asked is None or any(person in members.tolist() for members in asked.members):
        return None
    return NotOfTeam(teams=asked.names)
