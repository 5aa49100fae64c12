"""What one plan of a week changes of another: kept, moved, new, dropped, and why each moved.

Called by whoever shows a plan to people (a terminal, a page, pictures). Plans are compared requirement by requirement:
a promise that is in both is kept; one that gave way to another person or time is moved; one whose place stays empty is
dropped; a visit where nothing was promised is new.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from matcher.candidates import Candidates
from matcher.terms import PlannedVisit
from matcher.weekly.posing import WeekPosed, named


class Why(StrEnum):
    """Why a plan moves or drops a promise."""

    #: the person can no longer do it: gone, paused, refused, without the skill, the hours, the reach
    NOT_POSSIBLE = "NOT_POSSIBLE"
    #: the person serves somebody else then
    NEEDED_ELSEWHERE = "NEEDED_ELSEWHERE"
    #: the same person comes, at another time
    OTHER_TIME = "OTHER_TIME"
    #: another person comes, although this one could have
    CHEAPER = "CHEAPER"
    #: nobody asks for it in this week any more
    NOT_ASKED = "NOT_ASKED"


@dataclass(frozen=True)
class Moved:
    """A promise and what the plan has in its place."""

    before: PlannedVisit
    after: PlannedVisit
    why: Why


@dataclass(frozen=True)
class Dropped:
    """A promise that the plan has nothing in place of."""

    before: PlannedVisit
    why: Why


@dataclass(frozen=True)
class Changes:
    """What a plan changes."""

    kept: tuple[PlannedVisit, ...]
    moved: tuple[Moved, ...]
    new: tuple[PlannedVisit, ...]
    dropped: tuple[Dropped, ...]


def promised(posed: WeekPosed) -> tuple[PlannedVisit, ...]:
    """Return what people of the week have been told, or have accepted."""
    return (*named(posed, posed.week.told), *named(posed, posed.week.pinned))


def changes(posed: WeekPosed, before: Sequence[PlannedVisit], after: Sequence[PlannedVisit]) -> Changes:
    """Compare two plans of one week."""
    known, planned = _by_requirement(before), _by_requirement(after)
    judge = _Judge(posed, after)
    kept: list[PlannedVisit] = []
    moved: list[Moved] = []
    new: list[PlannedVisit] = []
    dropped: list[Dropped] = []
    for key in sorted(known.keys() | planned.keys()):
        were, are = known.get(key, []), planned.get(key, [])
        stay = set(were) & set(are)
        kept += [visit for visit in were if visit in stay]
        gone, came = [v for v in were if v not in stay], [v for v in are if v not in stay]
        pairs = _paired(gone, came)
        moved += [Moved(one, other, judge.why(one, other)) for one, other in pairs if other is not None]
        dropped += [Dropped(one, judge.why(one, None)) for one, other in pairs if other is None]
        taken = {other for _, other in pairs}
        new += [visit for visit in came if visit not in taken]
    return Changes(tuple(kept), tuple(moved), tuple(new), tuple(dropped))


def _by_requirement(visits: Sequence[PlannedVisit]) -> dict[tuple[str, str], list[PlannedVisit]]:
    found: dict[tuple[str, str], list[PlannedVisit]] = defaultdict(list)
    for visit in sorted(visits, key=lambda v: (v.request, v.requirement, v.start, v.volunteer)):
        found[visit.request, visit.requirement].append(visit)
    return found


def _paired(gone: list[PlannedVisit], came: list[PlannedVisit]) -> list[tuple[PlannedVisit, PlannedVisit | None]]:
    """Put to each promise what came in its place: the same person where they only come at another time."""
    left = list(came)
    pairs: list[tuple[PlannedVisit, PlannedVisit | None]] = []
    for one in sorted(gone, key=lambda visit: all(visit.volunteer != other.volunteer for other in came)):
        other = next((v for v in left if v.volunteer == one.volunteer), None)
        if other is None:
            own = {visit.volunteer for visit in gone}
            other = next((v for v in left if v.volunteer not in own), None)
        if other is not None:
            left.remove(other)
        pairs.append((one, other))
    return sorted(pairs, key=lambda pair: (pair[0].start, pair[0].volunteer))


class _Judge:
    """Says why a promise gave way. Reads the rules of a pair only where something moved."""

    def __init__(self, posed: WeekPosed, after: Sequence[PlannedVisit]) -> None:
        self._posed = posed
        self._rows = {name: r for r, name in enumerate(posed.asked)}
        self._people = {name: p for p, name in enumerate(posed.people)}
        self._after: dict[str, list[PlannedVisit]] = defaultdict(list)
        for visit in after:
            self._after[visit.volunteer].append(visit)
        self._candidates: Candidates | None = None

    def why(self, one: PlannedVisit, other: PlannedVisit | None) -> Why:
        if (one.request, one.requirement) not in self._rows:
            return Why.NOT_ASKED
        if not self._possible(one):
            return Why.NOT_POSSIBLE
        if self._elsewhere(one):
            return Why.NEEDED_ELSEWHERE
        return Why.OTHER_TIME if other is not None and other.volunteer == one.volunteer else Why.CHEAPER

    def _possible(self, one: PlannedVisit) -> bool:
        """Say whether the person could still come then, if they had nothing else."""
        if one.volunteer not in self._people:
            return False
        if self._candidates is None:
            self._candidates = Candidates(self._posed.week.problem)
        r, p = self._rows[one.request, one.requirement], self._people[one.volunteer]
        start_s = int(one.start.timestamp())
        able = bool((self._candidates.row(r).person == p).any())
        return able and any(a <= start_s <= b for a, b in self._candidates.starts(r, p))

    def _elsewhere(self, one: PlannedVisit) -> bool:
        """Say whether the plan has the person at another place while the promised visit would be."""
        asked = self._posed.week.problem.requirements
        begin = one.start.timestamp()
        end = begin + int(asked.duration_s[self._rows[one.request, one.requirement]])
        for visit in self._after[one.volunteer]:
            r = self._rows.get((visit.request, visit.requirement))
            if r is None or visit.request == one.request:
                continue
            start = visit.start.timestamp()
            if start < end and begin < start + int(asked.duration_s[r]):
                return True
        return False
