"""What becomes of each visit between two plans: kept, moved, new, dropped.

Called by the figures and the picture of it. A seam: two plans in, one name a visit out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum

from matcher.weekly.week import WeekPlan


class Fate(StrEnum):
    """What a visit of a requirement has become."""

    KEPT = "kept"
    #: the same person, another time
    MOVED_TIME = "moved_time"
    #: another person in the place that one had
    MOVED_PERSON = "moved_person"
    NEW = "new"
    DROPPED = "dropped"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One place of a requirement, before and after; -1 = nobody."""

    requirement: int
    fate: Fate
    person_before: int = -1
    start_before_s: int = -1
    person_after: int = -1
    start_after_s: int = -1


def changes(before: WeekPlan | None, after: WeekPlan) -> list[Change]:
    """Return every visit of either plan once, by requirement. Without a plan before, every visit is new."""
    was, will = _by_requirement(before), _by_requirement(after)
    return [change for r in sorted(was.keys() | will.keys()) for change in _of(r, was.get(r, {}), will.get(r, {}))]


def counted(found: list[Change]) -> dict[str, int]:
    """Return how many of each."""
    counts = Counter(change.fate for change in found)
    return {fate.value: counts[fate] for fate in Fate}


def _by_requirement(plan: WeekPlan | None) -> dict[int, dict[int, int]]:
    """Return start by person by requirement."""
    found: defaultdict[int, dict[int, int]] = defaultdict(dict)
    if plan is not None:
        columns = (plan.requirement.tolist(), plan.person.tolist(), plan.start_s.tolist())
        for r, person, start in zip(*columns, strict=True):
            found[r][person] = start
    return found


def _of(r: int, was: dict[int, int], will: dict[int, int]) -> list[Change]:
    """Return one requirement's changes: who stays, then who takes whose place, in order of their numbers."""
    found = [_same(r, person, was[person], will[person]) for person in sorted(was.keys() & will.keys())]
    gone, come = sorted(was.keys() - will.keys()), sorted(will.keys() - was.keys())
    for n in range(max(len(gone), len(come))):
        before = (gone[n], was[gone[n]]) if n < len(gone) else (-1, -1)
        after = (come[n], will[come[n]]) if n < len(come) else (-1, -1)
        fate = Fate.NEW if before[0] < 0 else Fate.DROPPED if after[0] < 0 else Fate.MOVED_PERSON
        found.append(_change(r, fate, before, after))
    return found


def _same(r: int, person: int, before_s: int, after_s: int) -> Change:
    fate = Fate.KEPT if before_s == after_s else Fate.MOVED_TIME
    return _change(r, fate, (person, before_s), (person, after_s))


def _change(r: int, fate: Fate, before: tuple[int, int], after: tuple[int, int]) -> Change:
    return Change(
        requirement=r,
        fate=fate,
        person_before=before[0],
        start_before_s=before[1],
        person_after=after[0],
        start_after_s=after[1],
    )
