"""Rule: a zone, where given on both sides, must match (DESIGN 7)."""

from __future__ import annotations

from matcher.problem import I32, Bool, Problem
from matcher.reasons import OtherZone
from matcher.rules.facts import Facts


def applies(facts: Facts, r: int) -> bool:
    """Say whether anybody can fail."""
    return bool(facts.problem.requirements.zone[r] >= 0)


def mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether their zone is this one, or none."""
    here, zones = facts.problem.requirements.zone[r], facts.problem.people.zone[who]
    passes: Bool = (zones == here) | (zones < 0) | (here < 0)
    return passes


def objection(problem: Problem, r: int, person: int) -> OtherZone | None:
    """Return that the person belongs to another zone."""
    here, theirs = int(problem.requirements.zone[r]), int(problem.people.zone[person])
    return OtherZone() if here >= 0 and theirs >= 0 and here != theirs else None
