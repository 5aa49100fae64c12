"""Stretches of people's free hours within the week: the shifts of the plan.

Called by `laying`. A shift never meets busy time; between two shifts of one person lies their rest.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from matcher.hours import Stretch, merged, without
from matcher.problem import I64, PeopleArrays
from matcher.weekly.week import VISITS_A_SHIFT_MAX, Week


def of_people(week: Week, who: I64, extra: dict[int, list[Stretch]]) -> tuple[I64, I64]:
    """Return shifts as (person in solving order, from, until, day, most visits), and where each person's begin.

    `extra`: more busy time by person of the problem.
    """
    person, from_s, until_s = _free(week, who, extra)
    person, from_s, until_s = _by_day(week, person, from_s, until_s)
    order = np.lexsort((from_s, person))
    person, from_s, until_s = person[order], from_s[order], until_s[order]
    from_s = _rested(person, from_s, until_s, week.problem.rest_s)
    kept = until_s > from_s
    person, from_s, until_s = person[kept], from_s[kept], until_s[kept]
    day = np.searchsorted(np.array(week.midnights_s, np.int64), from_s, side="right")
    most = _most(week, who[person], until_s - from_s)
    at = np.searchsorted(person, np.arange(len(who) + 1))
    return np.column_stack((person, from_s, until_s, day, most)).astype(np.int64), at.astype(np.int64)


def _free(week: Week, who: I64, extra: dict[int, list[Stretch]]) -> tuple[I64, I64, I64]:
    """Return everybody's hours within the week, less their busy time."""
    people = week.problem.people
    row = people.hours[who].astype(np.int64)
    length = people.hours_indptr[row + 1] - people.hours_indptr[row]
    person = np.repeat(np.arange(len(who), dtype=np.int64), length)
    first = np.concatenate(([0], np.cumsum(length)))[:-1]
    at = np.arange(len(person)) - np.repeat(first, length) + np.repeat(people.hours_indptr[row], length)
    from_s = np.maximum(people.hours_from_s[at], week.from_s)
    until_s = np.minimum(people.hours_until_s[at], week.until_s)
    kept = until_s > from_s
    person, from_s, until_s = person[kept], from_s[kept], until_s[kept]
    bound = (people.busy_indptr[who + 1] > people.busy_indptr[who]) | np.isin(who, list(extra))
    easy = ~bound[person]
    cut = [_cut(people, v, int(who[v]), person, from_s, until_s, extra) for v in np.flatnonzero(bound).tolist()]
    pieces = np.array([piece for some in cut for piece in some], np.int64).reshape(-1, 3)
    parts = np.concatenate((np.column_stack((person, from_s, until_s))[easy], pieces)).astype(np.int64)
    return parts[:, 0], parts[:, 1], parts[:, 2]


def _cut(
    people: PeopleArrays, v: int, p: int, person: I64, from_s: I64, until_s: I64, extra: dict[int, list[Stretch]]
) -> list[tuple[int, int, int]]:
    """Return one person's hours less their busy time."""
    own = slice(int(np.searchsorted(person, v)), int(np.searchsorted(person, v + 1)))
    free: list[Stretch] = list(zip(from_s[own].tolist(), until_s[own].tolist(), strict=True))
    part = slice(int(people.busy_indptr[p]), int(people.busy_indptr[p + 1]))
    busy = zip(people.busy_from_s[part].tolist(), people.busy_until_s[part].tolist(), strict=True)
    for taken in merged([*busy, *extra.get(p, [])]):
        free = without(free, taken)
    return [(v, a, b) for a, b in free]


def _by_day(week: Week, person: I64, from_s: I64, until_s: I64) -> tuple[I64, I64, I64]:
    """Cut shifts at midnight where visits are counted by the day in which they begin."""
    if not week.day_max or not len(week.midnights_s):
        return person, from_s, until_s
    marks = [week.from_s, *(m for m in week.midnights_s if week.from_s < m < week.until_s), week.until_s]
    parts = [(person, np.maximum(from_s, a), np.minimum(until_s, b)) for a, b in pairwise(marks)]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    kept = columns[2] > columns[1]
    return columns[0][kept], columns[1][kept], columns[2][kept]


def _rested(person: I64, from_s: I64, until_s: I64, rest_s: int) -> I64:
    """Begin a shift no sooner than a rest after the one before."""
    later = from_s.copy()
    same = person[1:] == person[:-1]
    later[1:] = np.where(same, np.maximum(from_s[1:], until_s[:-1] + rest_s), from_s[1:])
    return later


def _most(week: Week, who: I64, length_s: I64) -> I64:
    """Return how many visits a shift could hold by their length alone, and the person's capacity."""
    asked = week.problem.requirements
    shortest, rest = max(1, int(asked.duration_s.min(initial=2**31))), week.problem.rest_s
    by_length = (length_s + rest) // (shortest + rest)
    capacity = week.problem.people.capacity[who].astype(np.int64)
    return np.minimum(np.minimum(by_length, capacity), VISITS_A_SHIFT_MAX)
