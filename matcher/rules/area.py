"""Rule: while a requirement is matched within an area, only people registered at one of its places may come (R24)."""

from __future__ import annotations

import numpy as np

from matcher.problem import I32, Bool, Problem
from matcher.reasons import OutsideArea
from matcher.rules.facts import Facts


def applies(facts: Facts, r: int) -> bool:
    """Say whether anybody can fail."""
    areas = facts.problem.areas
    return areas is not None and bool(areas.first[r] >= 0)


def mask(facts: Facts, r: int, who: I32) -> Bool:
    """Say for each person whether they are registered in the area."""
    areas = facts.problem.areas
    if areas is None or areas.first[r] < 0:
        return np.ones(who.size, dtype=np.bool_)
    return np.isin(who, facts.registered_in(int(areas.first[r]), int(areas.end[r])))


def objection(problem: Problem, r: int, person: int) -> OutsideArea | None:
    """Return the area, where the person is registered at no place of it."""
    areas = problem.areas
    if areas is None or areas.first[r] < 0:
        return None
    own = areas.at[int(areas.indptr[person]) : int(areas.indptr[person + 1])].tolist()
    inside = any(int(areas.first[r]) <= place < int(areas.end[r]) for place in own)
    return None if inside else OutsideArea(area=areas.name[r])
