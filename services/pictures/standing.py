"""What stands before a week is planned, as a plan: the promises and accepted visits, shown beside the new one.

Called by whoever has (requirement, person, start) and no plan. It plans nothing and judges nothing.
"""

from __future__ import annotations

import numpy as np

from matcher.problem import I32, I64
from matcher.reasons import Unassigned
from matcher.weekly.week import Unfilled, Week, WeekPlan


def standing_plan(week: Week) -> WeekPlan | None:
    """Return what is accepted and promised in the week (`pinned`, `told`) as a plan; None where nothing is."""
    if not len(week.pinned[0]) and not len(week.told[0]):
        return None
    requirement = np.concatenate((week.pinned[0], week.told[0]))
    person = np.concatenate((week.pinned[1], week.told[1]))
    return plan_of_visits(week, requirement, person, np.concatenate((week.pinned[2], week.told[2])))


def plan_of_visits(week: Week, requirement: I32, person: I32, start_s: I64) -> WeekPlan:
    """Return these visits as a plan; each in the stretch of its person's hours that holds its start, else in none."""
    order = np.lexsort((start_s, person))
    requirement, person, start_s = requirement[order], person[order], start_s[order]
    shifts = [_shift(week, p, at) for p, at in zip(person.tolist(), start_s.tolist(), strict=True)]
    table = np.array(shifts, np.int64).reshape(-1, 2)
    wanted = week.problem.requirements.people.astype(np.int64)
    missing = wanted - np.bincount(requirement, minlength=len(wanted))
    return WeekPlan(
        requirement=requirement,
        person=person,
        start_s=start_s,
        shift_from_s=table[:, 0],
        shift_until_s=table[:, 1],
        unfilled=[
            Unfilled(requirement=r, places=int(missing[r]), reason=Unassigned.NOT_YET_SOLVED, proven=False)
            for r in np.flatnonzero(missing > 0).tolist()
        ],
        bound=int(wanted.sum()),
        idle={},
        objective={"filled": len(requirement)},
        first_cost=0,
        cost=0,
        iterations=0,
    )


def _shift(week: Week, person: int, at_s: int) -> tuple[int, int]:
    """Return the stretch of hours that holds a moment, (-1, -1) where none does."""
    people = week.problem.people
    row = int(people.hours[person])
    begin, end = int(people.hours_indptr[row]), int(people.hours_indptr[row + 1])
    at = begin + int(np.searchsorted(people.hours_from_s[begin:end], at_s, side="right")) - 1
    if at < begin or at_s >= people.hours_until_s[at]:
        return -1, -1
    return int(people.hours_from_s[at]), int(people.hours_until_s[at])
