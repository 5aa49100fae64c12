"""Which requirements and people hang together: who could perhaps serve what, by place, skill and zone alone.

Called by `cutting`. It says yes too often, never too seldom: what it takes apart has nothing to do with each other.
Places are whole millionths of a degree and compared as such, so that every machine finds the same.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from matcher.problem import I64, Bool
from matcher.weekly.week import Week

#: Metres of a millionth of a degree of latitude, rounded down: distances are never thought longer than they are.
METRES = 0.111
#: Pairs written down before it is looked at anew what hangs together: those that do already are not written down.
PAIRS_MAX = 100_000


@dataclass(frozen=True)
class Points:
    """Places in millionths of a degree, south to north and west to east, the latter narrowed to the week's widest
    parallel: a difference times METRES is at most the distance."""

    north: I64
    east: I64


def points_of(lat: np.ndarray, lon: np.ndarray, narrowed: int) -> Points:
    """Return the places. `narrowed`: thousandths that remain of a degree of longitude."""
    north, east = (np.rint(np.asarray(degrees) * 1e6).astype(np.int64) for degrees in (lat, lon))
    return Points(north, east * narrowed // 1000)


def narrowed(week: Week) -> int:
    """Return how much of a degree of longitude remains at the week's highest latitude, in thousandths, rounded down."""
    highest = max(
        (float(np.abs(lat).max()) for lat in (week.problem.people.lat, week.problem.requirements.lat) if len(lat)),
        default=0.0,
    )
    return max(1, int(np.cos(np.radians(min(90.0, highest))) * 1000 - 0.5))


def components(week: Week, homes: Points, places: Points) -> I64:
    """Return a number for each requirement, then for each person; the same number: they hang together."""
    requirements, people = len(week.problem.requirements.ids), len(week.problem.people.ids)
    edges = _Edges(requirements + people)
    _tie(edges, week, requirements)
    for rows, who in _kinds(week):
        crowd = _Crowd(homes, who, week.problem.people.reach_m[who])
        for r in rows.tolist():
            known = edges.label[requirements:]
            near = crowd.near(int(places.north[r]), int(places.east[r]), known, int(edges.label[r]))
            edges.add(r, requirements + near)
            if edges.pairs > PAIRS_MAX:
                edges.join()
    edges.join()
    return edges.label


class _Edges:
    """What is known to hang together."""

    def __init__(self, count: int) -> None:
        self.label: I64 = np.arange(count, dtype=np.int64)
        self._from: list[I64] = []
        self._to: list[I64] = []
        #: written down and not joined yet
        self.pairs = 0

    def add(self, one: int, others: I64) -> None:
        if len(others):
            self._from.append(np.full(len(others), one, np.int64))
            self._to.append(others)
            self.pairs += len(others)

    def join(self) -> None:
        """Number anew."""
        if not self._from:
            return
        count = len(self.label)
        begin, end = self.label[np.concatenate(self._from)], self.label[np.concatenate(self._to)]
        graph = coo_matrix((np.ones(len(begin), np.int8), (begin, end)), shape=(count, count))
        self.label = connected_components(graph, directed=False)[1].astype(np.int64)[self.label]
        self._from, self._to, self.pairs = [], [], 0


def _tie(edges: _Edges, week: Week, requirements: int) -> None:
    """Tie what is bound together whatever the ways: requirements of a request, of a capped compound; what is agreed."""
    requests: defaultdict[str, list[int]] = defaultdict(list)
    for r, (request, _) in enumerate(week.problem.requirements.ids):
        requests[request].append(r)
    for rows in requests.values():
        edges.add(rows[0], np.array(rows[1:], np.int64))
    if week.compound is not None and week.crowd_max:
        inside = np.flatnonzero(week.compound >= 0)
        order = inside[np.argsort(week.compound[inside], kind="stable")]
        same = np.flatnonzero(week.compound[order[1:]] == week.compound[order[:-1]])
        for n in same.tolist():
            edges.add(int(order[n]), order[n + 1 : n + 2])
    for visits in (week.pinned, week.told):
        for r, p in zip(visits[0].tolist(), visits[1].tolist(), strict=True):
            edges.add(r, np.array([requirements + p], np.int64))
    edges.join()


def _kinds(week: Week) -> list[tuple[I64, I64]]:
    """Return requirements that ask for the same skills in the same zone, each with the people who have them."""
    asked, people = week.problem.requirements, week.problem.people
    alike: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for r in range(len(asked.ids)):
        part = slice(int(asked.need_indptr[r]), int(asked.need_indptr[r + 1]))
        needs = sorted(zip(asked.need_skill[part].tolist(), asked.need_level[part].tolist(), strict=True))
        alike[int(asked.zone[r]), *(number for need in needs for number in need)].append(r)
    here = people.active & ~people.engaged & ~people.spent & (people.capacity > 0)
    return [
        (np.array(rows, np.int64), np.flatnonzero(_able(week, here, kind)).astype(np.int64))
        for kind, rows in sorted(alike.items())
    ]


def _able(week: Week, here: Bool, kind: tuple[int, ...]) -> Bool:
    people, able = week.problem.people, here.copy()
    if kind[0] >= 0:
        able &= (people.zone < 0) | (people.zone == kind[0])
    for skill, level in zip(kind[1::2], kind[2::2], strict=True):
        able &= people.levels[skill] >= level
    return able


class _Crowd:
    """People in bands from south to north as high as the furthest of them reaches, from west to east in each."""

    def __init__(self, homes: Points, who: I64, reach_m: np.ndarray) -> None:
        reach = np.ceil(reach_m / METRES).astype(np.int64)
        self._high = max(1, int(reach.max(initial=1)))
        bands = homes.north[who] // self._high
        order = np.lexsort((homes.east[who], bands))
        self._who, self._reach = who[order], reach[order]
        self._north, self._east, bands = homes.north[who][order], homes.east[who][order], bands[order]
        names, first = np.unique(bands, return_index=True)
        ends = np.append(first, len(bands))[1:]
        self._bands = {
            name: slice(a, b) for name, a, b in zip(names.tolist(), first.tolist(), ends.tolist(), strict=True)
        }

    def near(self, north: int, east: int, labels: I64, known: int) -> I64:
        """Return people who may reach a place and are not known to hang together with it."""
        home = north // self._high
        found = [self._in(self._bands[band], north, east, labels, known) for band in range(home - 1, home + 2)
                 if band in self._bands]  # fmt: skip
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def _in(self, band: slice, north: int, east: int, labels: I64, known: int) -> I64:
        row = self._east[band]
        a, b = np.searchsorted(row, (east - self._high, east + self._high + 1)).tolist()
        part = slice(band.start + a, band.start + b)
        who = self._who[part]
        new = np.flatnonzero(labels[who] != known)
        if not len(new):
            return new.astype(np.int64)
        reach = self._reach[part][new]
        ways = np.maximum(np.abs(self._north[part][new] - north), np.abs(self._east[part][new] - east))
        return who[new[ways <= reach + 1]]
