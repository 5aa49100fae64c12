"""Which changes are worth trying for a requirement, each as a ladder of steps from the smallest to the largest.

Called by `helping`. Solves nothing; looks at who would come within reach to name people.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from matcher.candidates import Candidates
from matcher.explaining.changes import (
    AnyChange,
    DropSkill,
    EarlierStart,
    FewerPeople,
    LaterEnd,
    LongerReach,
    LowerLevel,
    ShorterVisit,
    WiderCircle,
)
from matcher.problem import Problem

#: Windows and visits change in steps of this many minutes.
STEP_MINUTES = 5
#: A window is widened by a day at most, at either end. Who poses must know people's hours that far.
WINDOW_MINUTES_MAX = 24 * 60
#: So many of the nearest people beyond their reach are asked to go farther, and so far at most (their reach in all).
REACH_PEOPLE = 3
REACH_M_MAX = 50_000.0
#: A service circle is widened by this much at most.
CIRCLE_MINUTES_MAX = 60


@dataclass(frozen=True)
class Ladder:
    """`rung(1)` is the smallest change, `rung(rungs)` the largest; each contains the one below."""

    rungs: int
    rung: Callable[[int], AnyChange]


def ladders(problem: Problem, r: int) -> Iterator[Ladder]:
    """Yield the ladders of one requirement, in the order in which they are tried."""
    asked = problem.requirements
    if asked.fixed_start_s[r] < 0:
        yield Ladder(WINDOW_MINUTES_MAX // STEP_MINUTES, lambda k: LaterEnd(minutes=STEP_MINUTES * k))
        ahead_s = min(int(asked.earliest_s[r]) - int(asked.depart_s[r]), 60 * WINDOW_MINUTES_MAX)
        if ahead_s > 0:
            yield Ladder(math.ceil(ahead_s / (60 * STEP_MINUTES)), lambda k: EarlierStart(minutes=STEP_MINUTES * k))
    yield from _reaches(problem, r)
    if asked.circle_s[r] >= 0:
        yield Ladder(CIRCLE_MINUTES_MAX, lambda k: WiderCircle(minutes=k))
    yield from _skills(problem, r)
    minimum = int(asked.minimum[r])
    if minimum > 1:
        yield Ladder(minimum - 1, lambda k: FewerPeople(minimum_from=minimum, minimum_to=minimum - k))
    shorter = math.ceil(int(asked.duration_s[r]) / (60 * STEP_MINUTES)) - 1
    if shorter > 0:
        yield Ladder(shorter, lambda k: ShorterVisit(minutes=STEP_MINUTES * k))


def _reaches(problem: Problem, r: int) -> Iterator[Ladder]:
    """Yield one ladder, of whole metres, for each of the people whom only their reach keeps away."""
    people = problem.people
    wide = replace(problem, people=replace(people, reach_m=np.maximum(people.reach_m, REACH_M_MAX)))
    row = Candidates(wide).row(r)
    missing_m = row.distance_m - people.reach_m[row.person]
    beyond = np.flatnonzero(missing_m > 0)
    nearest = beyond[np.argsort(missing_m[beyond], kind="stable")][:REACH_PEOPLE]
    for at in nearest.tolist():
        yield _reach(people.ids[int(row.person[at])], float(missing_m[at]))


def _reach(person: str, missing_m: float) -> Ladder:
    return Ladder(math.ceil(missing_m), lambda k: LongerReach(person=person, metres=k))


def _skills(problem: Problem, r: int) -> Iterator[Ladder]:
    asked = problem.requirements
    for at in range(int(asked.need_indptr[r]), int(asked.need_indptr[r + 1])):
        yield _skill(problem.skills[int(asked.need_skill[at])], int(asked.need_level[at]))


def _skill(skill: str, level: int) -> Ladder:
    """Return the levels below, and below the lowest none at all."""

    def rung(k: int) -> AnyChange:
        if k == level:
            return DropSkill(skill=skill)
        return LowerLevel(skill=skill, level_from=level, level_to=level - k)

    return Ladder(level, rung)
