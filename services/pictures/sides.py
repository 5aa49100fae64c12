"""What pictures compare: the plan before, where there is one, and the plan after, each with what is counted of it.

Made once by `writing`, read by every picture. Counts; draws nothing and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np

from matcher import fairness
from matcher.problem import I64, Bool
from matcher.terms import Shares
from matcher.weekly.week import Week, WeekPlan
from services.pictures.churn import Change, changes
from services.pictures.subject import Subject
from services.pictures.ways import Ways, ways_of


@dataclass(frozen=True)
class Side:
    """One plan of the week. `name`: "before" or "after"."""

    name: str
    subject: Subject
    plan: WeekPlan

    @cached_property
    def ways(self) -> Ways:
        """Return its ways."""
        return ways_of(self.subject.week, self.plan)

    @cached_property
    def visits(self) -> I64:
        """Return visits by person of the problem."""
        return np.bincount(self.ways.person, minlength=len(self.subject.week.problem.people.ids)).astype(np.int64)

    @cached_property
    def shares(self) -> Shares:
        """Return how the visits are shared among the people who are free in the week."""
        free = free_people(self.subject.week) | (self.visits > 0)
        return fairness.shares(self.visits[free], _owing(self.subject.week)[free])

    @property
    def metres(self) -> int:
        """Return metres of all ways, homes included."""
        return int(self.ways.metres.sum())

    @property
    def open_places(self) -> int:
        """Return places that stay open."""
        return sum(short.places for short in self.plan.unfilled)

    @property
    def duty(self) -> int:
        """Return how many people who owe the quarter a visit come."""
        return int((_owing(self.subject.week) & (self.visits > 0)).sum())

    @cached_property
    def by_day(self) -> dict[date, tuple[int, int]]:
        """Return visits begun and people who come, by local day of the week; a day outside of it is added."""
        found: dict[date, list[int]] = {day: [] for day in self.subject.days()}
        for person, start in zip(self.plan.person.tolist(), self.plan.start_s.tolist(), strict=True):
            found.setdefault(self.subject.day_of(start), []).append(person)
        return {day: (len(people), len(set(people))) for day, people in sorted(found.items())}


@dataclass(frozen=True)
class Shown:
    """Both sides; `before` is None where nothing was planned."""

    subject: Subject
    before: Side | None
    after: Side
    #: why visits moved or were dropped, by (request, requirement, person before); codes as `because.…` in the words
    why: Mapping[tuple[str, str, str], str] = field(default_factory=dict)

    @property
    def sides(self) -> list[Side]:
        """Return the sides there are, in order."""
        return [self.after] if self.before is None else [self.before, self.after]

    @property
    def names(self) -> list[str]:
        """Return the names of the sides there are."""
        return [side.name for side in self.sides]

    @cached_property
    def changes(self) -> list[Change]:
        """Return what becomes of each visit."""
        return changes(None if self.before is None else self.before.plan, self.after.plan)

    @property
    def places(self) -> int:
        """Return the places that are asked for."""
        return int(self.subject.week.problem.requirements.people.sum())

    @property
    def owing(self) -> int:
        """Return how many people owe the quarter a visit."""
        return int(_owing(self.subject.week).sum())


def shown(
    subject: Subject,
    before: WeekPlan | None,
    after: WeekPlan,
    why: Mapping[tuple[str, str, str], str] | None = None,
) -> Shown:
    """Put two plans of a week beside each other."""
    return Shown(
        subject,
        None if before is None else Side("before", subject, before),
        Side("after", subject, after),
        why or {},
    )


def free_people(week: Week) -> Bool:
    """Say who could be asked at all: registered, with hours in the week and at least one visit left."""
    people = week.problem.people
    at = np.minimum(people.hours_until_s, week.until_s) > np.maximum(people.hours_from_s, week.from_s)
    total = np.concatenate(([0], np.cumsum(at)))
    row_free = total[people.hours_indptr[1:]] > total[people.hours_indptr[:-1]]
    if not len(row_free):
        return np.zeros(len(people.ids), np.bool_)
    free: Bool = people.active & (people.capacity > 0) & row_free[people.hours]
    return free


def _owing(week: Week) -> Bool:
    return np.zeros(len(week.problem.people.ids), np.bool_) if week.owing is None else week.owing
