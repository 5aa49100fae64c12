"""What somebody could change so that a requirement is filled: typed values, and the problem with each made.

Made by `ladders`, applied by `helping`. A problem is never written to: arrays that differ are new ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, assert_never

import msgspec
import numpy as np

from matcher.problem import Problem, RequirementArrays


class Change(msgspec.Struct, frozen=True, kw_only=True, tag_field="code", tag=True):
    """One thing changed about one requirement, or about one person for its sake."""


class LaterEnd(Change, frozen=True, kw_only=True, tag="LATER_END"):
    minutes: int


class EarlierStart(Change, frozen=True, kw_only=True, tag="EARLIER_START"):
    """The window opens this much earlier, but never before anybody could depart."""

    minutes: int


class LongerReach(Change, frozen=True, kw_only=True, tag="LONGER_REACH"):
    """One named person agrees to travel this much farther."""

    person: str
    metres: int


class WiderCircle(Change, frozen=True, kw_only=True, tag="WIDER_CIRCLE"):
    """The way there may take this much longer than the service allows."""

    minutes: int


class LowerLevel(Change, frozen=True, kw_only=True, tag="LOWER_LEVEL"):
    skill: str
    level_from: int
    level_to: int


class DropSkill(Change, frozen=True, kw_only=True, tag="DROP_SKILL"):
    """The skill is not asked for, its certificate neither."""

    skill: str


class FewerPeople(Change, frozen=True, kw_only=True, tag="FEWER_PEOPLE"):
    """As few as this may come."""

    minimum_from: int
    minimum_to: int


class ShorterVisit(Change, frozen=True, kw_only=True, tag="SHORTER_VISIT"):
    minutes: int


AnyChange = LaterEnd | EarlierStart | LongerReach | WiderCircle | LowerLevel | DropSkill | FewerPeople | ShorterVisit


def applied(problem: Problem, r: int, change: AnyChange) -> Problem:
    """Return the problem with the change made for requirement `r`."""
    asked = problem.requirements
    match change:
        case LaterEnd(minutes=minutes):
            return _with(problem, latest_s=_set(asked.latest_s, r, asked.latest_s[r] + 60 * minutes))
        case EarlierStart(minutes=minutes):
            earliest_s = max(int(asked.depart_s[r]), int(asked.earliest_s[r]) - 60 * minutes)
            return _with(problem, earliest_s=_set(asked.earliest_s, r, earliest_s))
        case ShorterVisit(minutes=minutes):
            return _with(problem, duration_s=_set(asked.duration_s, r, asked.duration_s[r] - 60 * minutes))
        case FewerPeople(minimum_to=minimum):
            return _with(problem, minimum=_set(asked.minimum, r, minimum))
        case LongerReach(person=name, metres=metres):
            people, v = problem.people, problem.people.ids.index(name)
            return replace(problem, people=replace(people, reach_m=_set(people.reach_m, v, people.reach_m[v] + metres)))
        case WiderCircle(minutes=minutes):
            return _with(problem, circle_s=_set(asked.circle_s, r, asked.circle_s[r] + 60 * minutes))
        case LowerLevel(skill=skill, level_to=level):
            at = need_at(problem, r, skill)
            return _with(problem, need_level=_set(asked.need_level, at, level))
        case DropSkill(skill=skill):
            return replace(problem, requirements=_without_need(asked, r, need_at(problem, r, skill)))
        case _ as never:
            assert_never(never)


def need_at(problem: Problem, r: int, skill: str) -> int:
    """Return where the requirement's need of a skill stands. IndexError where it does not ask for it."""
    asked = problem.requirements
    first, last = int(asked.need_indptr[r]), int(asked.need_indptr[r + 1])
    return first + int(np.flatnonzero(asked.need_skill[first:last] == problem.skills.index(skill))[0])


def _with(problem: Problem, **columns: Any) -> Problem:
    return replace(problem, requirements=replace(problem.requirements, **columns))


def _set(column: Any, at: int, value: Any) -> Any:
    """Return a copy with one value replaced."""
    copy = column.copy()
    copy[at] = value
    return copy


def _without_need(asked: RequirementArrays, r: int, at: int) -> RequirementArrays:
    indptr = asked.need_indptr.copy()
    indptr[r + 1 :] -= 1
    return replace(
        asked,
        need_indptr=indptr,
        need_skill=np.delete(asked.need_skill, at),
        need_level=np.delete(asked.need_level, at),
    )
