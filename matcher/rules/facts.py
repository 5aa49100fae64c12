"""What several rules look up in a problem, worked out once: who is barred, certificates, windows, busy time.

Made by candidates, read by the array forms of the rules. The scalar forms never read it: they stand on their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from matcher import geo
from matcher.problem import F64, I32, I64, Bool, Problem

#: "No start": every real one is positive.
NONE = -1
#: Expiry of what never expires.
FOREVER = np.iinfo(np.int64).max


#: Rows of intervals lie behind each other on one line of seconds: row i begins at i << LINE_BITS. That leaves room for
#: every second to the year 9999 and for 2^25 rows, so one binary search answers for many rows at once.
LINE_BITS = 38
#: Where the line ends: beyond every row.
_END = np.array([2**62], dtype=np.int64)


@dataclass(frozen=True)
class Windows:
    """All hours windows that hold a visit of `duration_s`, on one line, sorted; the last is beyond the end."""

    duration_s: int
    from_key: I64
    until_key: I64

    def first_start(self, row_key: I64, not_before_s: I64) -> I64:
        """Return the earliest start at or after `not_before_s` in one window of each row; else beyond the year 9999."""
        begin = row_key + not_before_s
        at = self.until_key.searchsorted(begin + self.duration_s)
        start: I64 = np.maximum(self.from_key[at], begin) - row_key
        return start


@dataclass(frozen=True)
class Busy:
    """Everybody's busy time on one line, merged and sorted; the last is beyond the end."""

    from_key: I64
    until_key: I64

    def clear_at(self, who: I32, departure_s: I64, end_s: I64) -> I64:
        """Return when the first busy time that [departure, end) meets is over, or NONE where it meets none."""
        key = who.astype(np.int64) << LINE_BITS
        at = self.until_key.searchsorted(key + departure_s, side="right")
        return np.where(self.from_key[at] < key + end_s, self.until_key[at] - key, NONE)


class Facts:
    """Lookups over one problem; each is made when first asked for."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._windows: dict[int, Windows] = {}
        self._expiry: dict[int, I64] = {}

    @cached_property
    def _radians(self) -> tuple[F64, F64, F64]:
        lat = np.radians(self.problem.people.lat)
        return lat, np.radians(self.problem.people.lon), np.cos(lat)

    def distance_m(self, r: int, who: I32) -> F64:
        """Return metres from the requirement to each of these people."""
        lat, lon, cos_lat = self._radians
        needs = self.problem.requirements
        here_lat, here_lon = math.radians(needs.lat[r]), math.radians(needs.lon[r])
        return geo.from_radians_m(here_lat, here_lon, lat[who], lon[who], cos_lat[who])

    def travel_s(self, who: I32, distance_m: F64) -> I64:
        """Return whole seconds of travel, rounded up (DESIGN 7)."""
        return np.ceil(distance_m / self.problem.people.speed_mps[who]).astype(np.int64)

    @cached_property
    def needed(self) -> list[tuple[tuple[int, int], ...]]:
        """Return the skills that each requirement asks, with levels."""
        needs = self.problem.requirements
        asked = tuple(zip(needs.need_skill.tolist(), needs.need_level.tolist(), strict=True))
        return [asked[a:b] for a, b in pairwise(needs.need_indptr.tolist())]

    # --- certificates

    @cached_property
    def certified_skills(self) -> frozenset[int]:
        return frozenset(self.problem.people.cert_skill.tolist())

    def expires_s(self, r: int, who: I32) -> I64 | None:
        """Return when the first needed certificate of each person runs out; None where none is needed."""
        certified = self.certified_skills
        columns = [self._expiry_of(skill)[who] for skill, _ in self.needed[r] if skill in certified]
        if not columns:
            return None
        return columns[0] if len(columns) == 1 else np.minimum.reduce(columns)

    def _expiry_of(self, skill: int) -> I64:
        if skill not in self._expiry:
            people = self.problem.people
            column = np.full(len(people.ids), FOREVER, dtype=np.int64)
            of_skill = people.cert_skill == skill
            np.minimum.at(column, people.cert_person[of_skill], people.cert_expires_s[of_skill])
            self._expiry[skill] = column
        return self._expiry[skill]

    # --- pairs that may not be

    @cached_property
    def refused(self) -> dict[int, list[int]]:
        return _by_requirement(self.problem.requirements.refused)

    @cached_property
    def excluded(self) -> dict[int, list[int]]:
        return _by_requirement(self.problem.requirements.excluded)

    @cached_property
    def restricted(self) -> dict[int, list[int]]:
        return _by_requirement(self.problem.requirements.restricted)

    @cached_property
    def must_have(self) -> dict[int, list[int]]:
        return _by_requirement(self.problem.requirements.must_have)

    @cached_property
    def serving(self) -> dict[int, list[int]]:
        return _by_requirement(self.problem.requirements.serving)

    def registered_in(self, first: int, end: int) -> I32:
        """Return who is registered at one of these places (numbers of `Areas`), sorted."""
        at, who = self._registrations
        low, high = np.searchsorted(at, [first, end])
        return np.unique(who[low:high])

    @cached_property
    def _registrations(self) -> tuple[I64, I32]:
        """Return all registrations by the number of their place: the number, the person."""
        areas = self.problem.areas
        assert areas is not None
        order = np.argsort(areas.at, kind="stable")
        who = np.repeat(np.arange(areas.indptr.size - 1, dtype=np.int32), np.diff(areas.indptr))
        return areas.at[order], who[order]

    # --- time

    @cached_property
    def any_spent(self) -> bool:
        return bool(self.problem.people.spent.any())

    @cached_property
    def open(self) -> Bool:
        """Say for each person whether they could take one more at any time at all."""
        people = self.problem.people
        return (people.capacity >= 1) & ~people.engaged

    @cached_property
    def hours_key(self) -> I64:
        """Return where each person's hours begin on the line."""
        return self.problem.people.hours.astype(np.int64) << LINE_BITS

    def windows(self, duration_s: int) -> Windows:
        """Return the windows that hold a visit of this duration."""
        windows = self._windows.get(duration_s)
        if windows is None:
            from_key, until_key = self._all_windows
            long = until_key - from_key >= duration_s
            windows = Windows(duration_s, _ended(from_key[long]), _ended(until_key[long]))
            self._windows[duration_s] = windows
        return windows

    @cached_property
    def _all_windows(self) -> tuple[I64, I64]:
        people = self.problem.people
        return _in_line(people.hours_indptr, people.hours_from_s, people.hours_until_s)

    @cached_property
    def busy(self) -> Busy | None:
        """Return the busy time of everybody, None where nobody is busy."""
        people = self.problem.people
        return _taken(people.busy_indptr, people.busy_from_s, people.busy_until_s)

    @cached_property
    def full(self) -> Busy | None:
        """Return the days and weeks in which people have visits enough, None where nobody does."""
        people = self.problem.people
        return _taken(people.full_indptr, people.full_from_s, people.full_until_s)


def _taken(indptr: I64, from_s: I64, until_s: I64) -> Busy | None:
    if from_s.size == 0:
        return None
    from_key, until_key = _in_line(indptr, from_s, until_s)
    real = until_key > from_key
    if not real.all():
        from_key, until_key = from_key[real], until_key[real]
    reached = np.maximum.accumulate(until_key)
    apart = from_key[1:] > reached[:-1]
    first, last = np.append(True, apart), np.append(apart, True)
    return Busy(_ended(from_key[first]), _ended(reached[last])) if reached.size else None


def _in_line(indptr: I64, from_s: I64, until_s: I64) -> tuple[I64, I64]:
    """Put the rows of a CSR table of intervals behind each other on the line."""
    row_key = np.repeat(np.arange(indptr.size - 1, dtype=np.int64) << LINE_BITS, indptr[1:] - indptr[:-1])
    return row_key + from_s, row_key + until_s


def _ended(keys: I64) -> I64:
    return np.concatenate((keys, _END))


def _by_requirement(pairs: tuple[I32, I32]) -> dict[int, list[int]]:
    people: dict[int, list[int]] = {}
    for r, person in zip(pairs[0].tolist(), pairs[1].tolist(), strict=True):
        people.setdefault(r, []).append(person)
    return people
