"""Rule: a needed skill with an expiry lasts at least to the end of the earliest visit that could be.

Travel and hours may put the visit later: the rule `start` looks at the expiry again.
"""

from __future__ import annotations

import numpy as np

from matcher.problem import I32, Bool, Problem
from matcher.reasons import QualificationExpired
from matcher.rules.facts import Facts


def applies(facts: Facts, r: int) -> bool:
    """Say whether anybody can fail."""
    certified = facts.certified_skills
    return bool(certified) and any(skill in certified for skill, _ in facts.needed[r])


def mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether the certificates needed last."""
    expires = facts.expires_s(r, who)
    if expires is None:
        return np.ones(who.size, dtype=np.bool_)
    return expires >= _first_end_s(facts.problem, r)


def objection(problem: Problem, r: int, person: int) -> QualificationExpired | None:
    """Return the first needed certificate that does not last."""
    needs = problem.requirements
    end_s = _first_end_s(problem, r)
    for at in range(int(needs.need_indptr[r]), int(needs.need_indptr[r + 1])):
        skill = int(needs.need_skill[at])
        expired_s = expiry_s(problem, skill, person)
        if expired_s is not None and expired_s < end_s:
            return QualificationExpired(skill=problem.skills[skill], expired_s=expired_s)
    return None


def expiry_s(problem: Problem, skill: int, person: int) -> int | None:
    """Return when this person's certificate for one skill runs out, None for never. Scalar form."""
    people = problem.people
    if people.cert_person.size == 0:
        return None
    rows = np.flatnonzero(people.cert_person == person).tolist()
    return min((int(people.cert_expires_s[row]) for row in rows if people.cert_skill[row] == skill), default=None)


def _first_end_s(problem: Problem, r: int) -> int:
    """Return the earliest end that a visit could have, travel left aside."""
    needs = problem.requirements
    fixed_s = int(needs.fixed_start_s[r])
    begin_s = fixed_s if fixed_s >= 0 else int(needs.earliest_s[r])
    return max(int(needs.depart_s[r]), begin_s) + int(needs.duration_s[r])
