"""What several rules look up in a problem, worked out once: who is barred, certificates, windows, busy time.

Made by candidates, read by the array forms of the rules. The scalar forms never read it: they stand on their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matcher import geo
from matcher.problem import F64, I32, I64, Problem

#: "No start": every real one is positive.
NONE = -1
#: Expiry of what never expires.
FOREVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Windows:
    """The hours windows that hold a visit of one duration, in one sorted line: row after row, `span_s` apart."""

    row_key: I64  # [hours rows + 1]: what to add to a time of that row
    until_key: I64
    from_s: I64
    row: I64
    base_s: int
    span_s: int

    def first_start(self, rows: I32, not_before_s: I64, duration_s: int) -> I64:
        """Return the earliest start at or after `not_before_s` inside one window of each row, or NONE."""
        if self.from_s.size == 0:
            return np.full(rows.size, NONE, dtype=np.int64)
        until = np.minimum(np.maximum(not_before_s + (duration_s - self.base_s), 0), self.span_s - 1)
        at = self.until_key.searchsorted(self.row_key[rows] + until)
        found = self.row.take(at, mode="clip") == rows
        found &= at < self.row.size
        return np.where(found, np.maximum(self.from_s.take(at, mode="clip"), not_before_s), NONE)


@dataclass(frozen=True)
class Busy:
    """Everybody's busy time, merged, in one sorted line: person after person, `span_s` apart."""

    from_key: I64
    until_key: I64
    base_s: int
    span_s: int

    def clear_at(self, who: I32, departure_s: I64, end_s: I64) -> I64:
        """Return when the first busy time that [departure, end) meets is over, or NONE where it meets none."""
        key = who.astype(np.int64) * self.span_s
        begin = key + np.minimum(np.maximum(departure_s - self.base_s, 0), self.span_s - 1)
        end = key + np.minimum(np.maximum(end_s - self.base_s, 0), self.span_s - 1)
        at = self.until_key.searchsorted(begin, side="right")
        meets = (at < self.until_key.size) & (self.from_key.take(at, mode="clip") < end)
        return np.where(meets, self.until_key.take(at, mode="clip") - key + self.base_s, NONE)


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
        here_lat, here_lon = float(np.radians(needs.lat[r])), float(np.radians(needs.lon[r]))
        return geo.from_radians_m(here_lat, here_lon, lat[who], lon[who], cos_lat[who])

    def travel_s(self, who: I32, distance_m: F64) -> I64:
        """Return whole seconds of travel, rounded up (DESIGN 7)."""
        return np.ceil(distance_m / self.problem.people.speed_mps[who]).astype(np.int64)

    def needed(self, r: int) -> list[tuple[int, int]]:
        """Return the skills that a requirement asks, with levels."""
        needs = self.problem.requirements
        part = slice(int(needs.need_indptr[r]), int(needs.need_indptr[r + 1]))
        return list(zip(needs.need_skill[part].tolist(), needs.need_level[part].tolist(), strict=True))

    # --- certificates

    @cached_property
    def certified_skills(self) -> frozenset[int]:
        return frozenset(self.problem.people.cert_skill.tolist())

    def expires_s(self, r: int, who: I32) -> I64 | None:
        """Return when the first needed certificate of each person runs out; None where none is needed."""
        columns = [self._expiry_of(skill)[who] for skill, _ in self.needed(r) if skill in self.certified_skills]
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
    def serving(self) -> dict[int, list[int]]:
        return _by_requirement(self.problem.requirements.serving)

    # --- time

    @cached_property
    def any_spent(self) -> bool:
        return bool(self.problem.people.spent.any())

    def windows(self, duration_s: int) -> Windows:
        """Return the windows that hold a visit of this duration."""
        if duration_s not in self._windows:
            self._windows[duration_s] = self._windows_of(duration_s)
        return self._windows[duration_s]

    def _windows_of(self, duration_s: int) -> Windows:
        people = self.problem.people
        rows = people.hours_indptr.size - 1
        row = np.repeat(np.arange(rows, dtype=np.int64), np.diff(people.hours_indptr))
        long = people.hours_until_s - people.hours_from_s >= duration_s
        if not long.all():
            row = row[long]
        from_s, until_s = people.hours_from_s[long], people.hours_until_s[long]
        base_s = int(until_s.min()) if until_s.size else 0
        span_s = int(until_s.max()) - base_s + 2 if until_s.size else 1
        row_key = np.arange(rows + 1, dtype=np.int64) * span_s
        return Windows(row_key, row_key[row] + (until_s - base_s), from_s, row, base_s, span_s)

    @cached_property
    def busy(self) -> Busy | None:
        """Return the busy time of everybody, None where nobody is busy."""
        people = self.problem.people
        if people.busy_from_s.size == 0:
            return None
        person = np.repeat(np.arange(len(people.ids), dtype=np.int64), np.diff(people.busy_indptr))
        real = people.busy_until_s > people.busy_from_s
        if not real.all():
            person = person[real]
        from_s, until_s = people.busy_from_s[real], people.busy_until_s[real]
        if from_s.size == 0:
            return None
        base_s = int(from_s.min())
        span_s = int(until_s.max()) - base_s + 2
        from_key, reached = person * span_s + (from_s - base_s), person * span_s + (until_s - base_s)
        reached = np.maximum.accumulate(reached)
        first = np.flatnonzero(np.append(True, from_key[1:] > reached[:-1]))
        last = np.append(first[1:], from_key.size) - 1
        return Busy(from_key[first], reached[last], base_s, span_s)


def _by_requirement(pairs: tuple[I32, I32]) -> dict[int, list[int]]:
    people: dict[int, list[int]] = {}
    for r, person in zip(pairs[0].tolist(), pairs[1].tolist(), strict=True):
        people.setdefault(r, []).append(person)
    return people
