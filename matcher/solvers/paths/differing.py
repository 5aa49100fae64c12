"""What differs between two beats' problems of one zone, by rows: of people, and of requirements.

Called by `keeping`. Knows no prices. A person or a requirement is the same where every rule and every cost term would
say the same of them; what only time moves (departures, waiting) is left to the caller. People keep their rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matcher.costs import PairCosts
from matcher.problem import I64, Bool, PeopleArrays, Problem
from matcher.solvers.paths.ground import choosy_of, indptr, only_of, rows_of

#: Columns of a CSR table, and its row starts.
Table = tuple[I64, Sequence[np.ndarray]]


class Unlike(Exception):
    """The two problems have too little in common: other skills, other people in the rows, nothing asked."""


@dataclass(frozen=True)
class Continued:
    """For each requirement of the new problem: its row in the old one (-1: none), and whether it asks the same."""

    row: I64
    same: Bool


def same_people(old: Problem, new: Problem) -> Bool:
    """Say of each person of the old problem whether the new one says the same of them. Raises Unlike."""
    before, after, count = old.people, new.people, len(old.people.ids)
    if old.skills != new.skills or after.ids[:count] != before.ids:
        raise Unlike
    rows = np.arange(count)
    same = np.ones(count, np.bool_)
    for name in ("lat", "lon", "reach_m", "speed_mps", "zone", "capacity"):
        same &= getattr(before, name) == getattr(after, name)[:count]
    same &= (before.levels == after.levels[:, :count]).all(axis=0)
    same &= PairCosts(old).person == PairCosts(new).person[:count]
    hours = _hours_classes(old, new)
    same &= hours[0][before.hours] == hours[1][after.hours[:count]]
    same &= _same_rows(_busy(before), rows, _busy(after), rows)
    return same & _same_rows(_certificates(before), rows, _certificates(after), rows)


def continued(old: Problem, new: Problem, moved: Bool) -> Continued:
    """Find the requirements of the new problem in the old one. `moved`: people of the new one who are not the same."""
    before, after = old.requirements, new.requirements
    row_of = {name: r for r, name in enumerate(before.ids)}
    row = np.array([row_of.get(name, -1) for name in after.ids], np.int64)
    rows = np.flatnonzero(row >= 0)
    olds = row[rows]
    columns = (
        "lat", "lon", "earliest_s", "latest_s", "duration_s", "fixed_start_s", "circle_s", "people", "weight", "zone",
    )  # fmt: skip
    same = np.ones(len(rows), np.bool_)
    for name in columns:
        same &= getattr(before, name)[olds] == getattr(after, name)[rows]
    same &= choosy_of(old)[olds] == choosy_of(new)[rows]
    same &= before.depart_s[olds] <= after.depart_s[rows]
    same &= before.waiting[olds] <= after.waiting[rows]
    same &= _floor(old)[olds] == _floor(new)[rows]
    names = sorted({*before.favours, *after.favours})
    for table in (_needs, _wishes):
        same &= _same_rows(table(old), olds, table(new), rows)
    named = _named(new, names)
    same &= _same_rows(_named(old, names), olds, named, rows)
    told = np.zeros(len(after.ids), np.bool_)
    told[np.repeat(np.arange(len(after.ids)), np.diff(named[0]))[moved[named[1][1]]]] = True
    whole = np.zeros(len(after.ids), np.bool_)
    whole[rows] = same & ~told[rows]
    return Continued(row, whole)


def _same_rows(old: Table, olds: I64, new: Table, rows: I64) -> Bool:
    """Say of pairs of rows of two CSR tables whether they hold the same."""
    length = old[0][olds + 1] - old[0][olds]
    same: Bool = length == new[0][rows + 1] - new[0][rows]
    kept = np.flatnonzero(same & (length > 0))
    _, before = rows_of(old[0], olds[kept])
    _, after = rows_of(new[0], rows[kept])
    differs = np.zeros(len(before), np.bool_)
    for one, other in zip(old[1], new[1], strict=True):
        differs |= one[before] != other[after]
    same[np.repeat(kept, length[kept])[differs]] = False
    return same


# --- people --------------------------------------------------------------------------------------------------------


def _hours_classes(old: Problem, new: Problem) -> tuple[I64, I64]:
    """Number the rows of both tables of hours so that those have one number that are the same in both horizons.

    A horizon is what the problem's requirements span; whatever stays is asked for within both.
    """
    spans = [_horizon(problem) for problem in (old, new)]
    begin, end = max(span[0] for span in spans), min(span[1] for span in spans)
    classes: dict[tuple[tuple[int, int], ...], int] = {}
    found = []
    for people in (old.people, new.people):
        own = []
        for row in range(len(people.hours_indptr) - 1):
            at = slice(int(people.hours_indptr[row]), int(people.hours_indptr[row + 1]))
            windows = zip(people.hours_from_s[at].tolist(), people.hours_until_s[at].tolist(), strict=True)
            inside = tuple((max(a, begin), min(b, end)) for a, b in windows if a < end and b > begin)
            own.append(classes.setdefault(inside, len(classes)))
        found.append(np.array(own, np.int64))
    return found[0], found[1]


def _horizon(problem: Problem) -> tuple[int, int]:
    asked = problem.requirements
    if not asked.ids:
        raise Unlike
    return int(min(asked.depart_s.min(), asked.earliest_s.min())), int(asked.latest_s.max())


def _busy(people: PeopleArrays) -> Table:
    return np.asarray(people.busy_indptr, np.int64), (people.busy_from_s, people.busy_until_s)


def _certificates(people: PeopleArrays) -> Table:
    order = np.lexsort((people.cert_skill, people.cert_person))
    table = indptr(people.cert_person.astype(np.int64), len(people.ids))
    return table, (people.cert_skill[order], people.cert_expires_s[order])


# --- requirements --------------------------------------------------------------------------------------------------


def _needs(problem: Problem) -> Table:
    asked = problem.requirements
    return np.asarray(asked.need_indptr, np.int64), (asked.need_skill, asked.need_level)


def _wishes(problem: Problem) -> Table:
    wishes = problem.requirements.wishes
    return np.asarray(wishes.indptr, np.int64), (wishes.skill, wishes.level, wishes.points)


def _floor(problem: Problem) -> I64:
    floor = np.zeros(len(problem.requirements.ids), np.int64)
    for favour in problem.requirements.favours.values():
        floor += favour.points
    return floor


def _named(problem: Problem, favours: Sequence[str]) -> Table:
    """Return whom each requirement names: what for, who, at how many points."""
    asked = problem.requirements
    groups = [asked.refused, asked.excluded, asked.restricted, asked.serving, only_of(problem)]
    pairs = [(r, v, np.zeros(len(r), np.int64)) for r, v in groups]
    for name in favours:
        if name in asked.favours:
            favour = asked.favours[name]
            pairs.append((favour.requirement, favour.person, favour.points[favour.requirement]))
        else:
            pairs.append((np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64)))
    what = np.repeat(np.arange(len(pairs)), [len(r) for r, _, _ in pairs])
    row, who, points = (np.concatenate([pair[k] for pair in pairs]).astype(np.int64) for k in range(3))
    order = np.lexsort((points, who, what, row))
    return indptr(row, len(asked.ids)), (what[order], who[order], points[order])
