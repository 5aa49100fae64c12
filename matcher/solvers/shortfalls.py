"""Why places stay open: one typed reason for each requirement that is not filled, with its funnel.

Called by `solve` for the finished plan. Reads candidate rows and prices; changes nothing.
"""

from __future__ import annotations

import numpy as np

from matcher.problem import I64, Shortfall
from matcher.reasons import Unassigned
from matcher.solvers.calendar import Calendar
from matcher.solvers.case import Case


def explain(case: Case, calendar: Calendar, price: I64, ended_early: bool) -> list[Shortfall]:
    """Return a line for each requirement with places left open. `price`: of each person, [P]."""
    wanted = case.problem.requirements.people
    short = [r for r in range(len(case.rows)) if len(calendar.people.get(r, ())) < wanted[r]]
    return [_explain(case, calendar, price, ended_early, r) for r in short]


def _explain(case: Case, calendar: Calendar, price: I64, ended_early: bool, requirement: int) -> Shortfall:
    row = case.rows[requirement]
    if row.empty_at is not None:
        return Shortfall(requirement=requirement, reason=row.empty_at, funnel=row.funnel)
    serving = calendar.people.get(requirement, [])
    others = ~np.isin(row.person, serving)
    if not others.any() or _cannot_assemble(case, requirement):
        return Shortfall(requirement=requirement, reason=Unassigned.CREW_INCOMPLETE, funnel=row.funnel)
    people = row.person[others][np.argsort((row.cost + price[row.person])[others], kind="stable")]
    if _crowded(case, calendar, requirement, people.tolist()):
        return Shortfall(requirement=requirement, reason=Unassigned.PLACE_CROWDED, funnel=row.funnel)
    rival = _rival(calendar, people.tolist())
    if rival < 0 or ended_early:
        # People are free, yet no start suits the crew or one of them: unless the budget ended, a crew is incomplete.
        reason = Unassigned.NOT_YET_SOLVED if ended_early else Unassigned.CREW_INCOMPLETE
        return Shortfall(requirement=requirement, reason=reason, funnel=row.funnel)
    return Shortfall(requirement=requirement, reason=Unassigned.OUTBID, funnel=row.funnel, rival=rival)


def _cannot_assemble(case: Case, requirement: int) -> bool:
    """Say whether the crew falls short of its minimum even if it could have everybody feasible."""
    minimum = int(case.problem.requirements.minimum[requirement])
    if len(case.rows[requirement].person) < minimum:
        return True
    return case.is_crew(requirement) and case.most_together(requirement) < minimum


def _crowded(case: Case, calendar: Calendar, requirement: int, people: list[int]) -> bool:
    """Say whether no more people may visit its compound at any time at which one of these could start."""
    if case.problem.crowding is None:
        return False
    begun = calendar.start.get(requirement)
    starts = [case.candidates.starts(requirement, v) if begun is None else [(begun, begun)] for v in people]
    least = int(case.problem.requirements.minimum[requirement]) if begun is None else 1
    return not any(calendar.crowd.spared(requirement, own, least) for own in starts)


def _rival(calendar: Calendar, people: list[int]) -> int:
    """Return the requirement that holds the first of these people who is held at all; -1 if none is."""
    for person in people:
        if visits := calendar.visits.get(person):
            return visits[0]
    return -1
