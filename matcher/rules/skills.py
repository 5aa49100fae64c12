"""Rule: a person holds every skill asked, at the level asked or better; expired ones count here."""

from __future__ import annotations

import numpy as np

from matcher.problem import I32, Bool, Problem
from matcher.reasons import MissingSkill
from matcher.rules.facts import Facts


def mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether they hold all the skills."""
    keep = np.ones(who.size, dtype=np.bool_)
    for skill, level in facts.needed[r]:
        keep &= facts.problem.people.levels[skill][who] >= level
    return keep


def objection(problem: Problem, r: int, person: int) -> MissingSkill | None:
    """Return the first skill that the person lacks."""
    needs = problem.requirements
    for at in range(int(needs.need_indptr[r]), int(needs.need_indptr[r + 1])):
        skill, level = int(needs.need_skill[at]), int(needs.need_level[at])
        held = int(problem.people.levels[skill, person])
        if held < level:
            return MissingSkill(skill=problem.skills[skill], level_needed=level, level_held=held)
    return None
