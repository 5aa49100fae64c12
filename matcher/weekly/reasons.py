"""Why a place stays open, whether that is proven, and why somebody who owes a visit has none.

Called by `telling`. A reason is looked for among all people, not among the lists of the search.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cached_property

import numpy as np

from matcher.candidates import Candidates
from matcher.problem import I64
from matcher.reasons import Unassigned
from matcher.weekly import reaching, tables
from matcher.weekly.laying import Laid, memory_of
from matcher.weekly.tables import NEVER, Work
from matcher.weekly.week import Idle, Unfilled, Week

#: Units that one search for a witness looks at; beyond, the place counts as not proven.
LOOKED_MAX = 2000


class Reasons:
    """The reasons of one plan. `bound`: no plan fills more places."""

    def __init__(self, week: Week, laid: Laid, work: Work) -> None:
        self._week, self._laid, self._work = week, laid, work
        self._known: dict[int, I64] = {}
        self._room, self._serving, self._helpers = self._held()
        self.unfilled: list[Unfilled] = []
        self.bound = int((self._tasks[:, tables.TASK_WHERE] != NEVER).sum())
        for u in self._open:
            self._judge(u)

    @cached_property
    def _units(self) -> I64:
        return memory_of(self._work, tables.UNITS, tables.UNIT_WIDE, tables.UNIT_COUNT)

    @cached_property
    def _tasks(self) -> I64:
        return memory_of(self._work, tables.TASKS, tables.TASK_WIDE, tables.TASK_COUNT)

    @cached_property
    def _candidates(self) -> Candidates:
        return Candidates(self._week.problem)

    @cached_property
    def _open(self) -> dict[int, int]:
        """Return places open by unit."""
        unit = self._tasks[self._tasks[:, tables.TASK_WHERE] == NEVER, tables.TASK_UNIT]
        return dict(sorted(Counter(unit.tolist()).items()))

    def _held(self) -> tuple[I64, defaultdict[int, list[int]], defaultdict[int, list[int]]]:
        """Return each person's room for more visits (by length alone), the units that they serve, who serves a unit."""
        shifts = memory_of(self._work, tables.SHIFTS, tables.SHIFT_WIDE, tables.SHIFT_COUNT)
        count = int(self._work.m[tables.PERSON_COUNT])
        by_length = np.bincount(shifts[:, tables.PERSON], shifts[:, tables.MOST], count).astype(np.int64)
        begin = int(self._work.m[tables.PERSONS])
        people = self._work.m[begin : begin + count * tables.PERSON_WIDE].reshape(count, tables.PERSON_WIDE)
        room = np.minimum(by_length, people[:, tables.CAPACITY]) - people[:, tables.VISITS]
        serving: defaultdict[int, list[int]] = defaultdict(list)
        helpers: defaultdict[int, list[int]] = defaultdict(list)
        placed = self._tasks[(self._tasks[:, tables.TASK_WHERE] >= 0) & (self._tasks[:, tables.TASK_PINNED] == 0)]
        for u, s in placed[:, [tables.TASK_UNIT, tables.TASK_WHERE]].tolist():
            v = int(shifts[s, tables.PERSON])
            serving[v].append(u)
            helpers[u].append(v)
        return room, serving, helpers

    def _capable(self, u: int) -> I64:
        """Return (person, first start, last start) of every shift that could serve a unit alone."""
        if u not in self._known:
            out = np.empty((int(self._work.m[tables.SHIFT_COUNT]), 3), np.int64)
            self._known[u] = out[: reaching.capable(self._work, u, out)].copy()
        return self._known[u]

    def _judge(self, u: int) -> None:
        places, r = self._open[u], int(self._laid.order[u])
        reason = self._impossible(u, r)
        if reason is not None:
            self.unfilled.append(Unfilled(requirement=r, places=places, reason=reason, proven=True))
            return
        gained = sum(self._augment(u) for _ in range(places))
        self.bound += gained
        self.unfilled.append(Unfilled(requirement=r, places=places, reason=Unassigned.OUTBID, proven=not gained))

    def _impossible(self, u: int, r: int) -> Unassigned | None:
        """Return why a unit could not be filled even if it were alone in the week, None where it could."""
        found = self._capable(u)
        if not len(found):
            return self._candidates.row(r).empty_at or Unassigned.NO_START_POSSIBLE
        row = self._units[u]
        agreed = int(row[tables.PLACES]) - self._open[u]
        least = 1 if agreed else int(row[tables.LEAST])
        if len(np.unique(found[:, 0])) < least:
            return Unassigned.CREW_INCOMPLETE
        if least > 1 and _most_together(found) < least:
            return Unassigned.NO_START_POSSIBLE
        return None

    def _augment(self, u: int) -> bool:
        """Serve one more place of a unit, where only people's counts of visits matter; False proves: nobody has room.

        A path over all capable people: somebody with room ends it, somebody without hands one of their visits on.
        """
        came: dict[int, tuple[int, int]] = {}  # person -> unit that asks for them, and who of its helpers is freed
        queue, asked = [(u, NEVER)], {u}
        for unit, freed in queue:
            if len(asked) > LOOKED_MAX:
                return True
            for v in np.unique(self._capable(unit)[:, 0]).tolist():
                if v in came or v in self._helpers[unit]:
                    continue
                came[v] = (unit, freed)
                if self._room[v] > 0:
                    self._hand_on(v, came, u)
                    return True
                for other in self._serving[v]:
                    if other not in asked:
                        asked.add(other)
                        queue.append((other, v))
        return False

    def _hand_on(self, v: int, came: dict[int, tuple[int, int]], u: int) -> None:
        """Shift visits along the path that ends at a person with room."""
        self._room[v] -= 1
        while True:
            unit, freed = came[v]
            self._serving[v].append(unit)
            self._helpers[unit].append(v)
            if unit == u and freed == NEVER:
                return
            self._serving[freed].remove(unit)
            self._helpers[unit].remove(freed)
            v = freed


def _most_together(found: I64) -> int:
    """Return how many different people could begin at one moment."""
    best = 0
    for start in np.unique(found[:, 1]).tolist():
        there = (found[:, 1] <= start) & (start <= found[:, 2])
        best = max(best, len(np.unique(found[there, 0])))
    return best


def idle(week: Week, laid: Laid, work: Work, person: I64) -> dict[int, Idle]:
    """Return why people who owe the quarter a visit have none, by the problem's number of the person."""
    if week.owing is None:
        return {}
    out = np.full(len(laid.who), NEVER, np.int64)
    reaching.wanted(work, out)
    begin = int(work.m[tables.PERSONS])
    first = work.m[begin : begin + (len(laid.who) + 1) * tables.PERSON_WIDE : tables.PERSON_WIDE]
    hours = dict(zip(laid.who.tolist(), (first[1:] > first[:-1]).tolist(), strict=True))
    wanted = dict(zip(laid.who.tolist(), out.tolist(), strict=True))
    comes = set(person.tolist())
    owing = [p for p in np.flatnonzero(week.owing).tolist() if p not in comes]
    return {p: _idle(p in hours, hours.get(p, False), wanted.get(p, 0) > 0) for p in owing}


def _idle(available: bool, hours: bool, wanted: bool) -> Idle:
    if not available:
        return Idle.NOT_AVAILABLE
    if not hours:
        return Idle.NO_HOURS
    return Idle.SERVED_BY_OTHERS if wanted else Idle.NO_DEMAND
