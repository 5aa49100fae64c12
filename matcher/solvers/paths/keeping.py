"""Zones that are solved beat after beat: what changed since the last one is worked on, else everything from the start.

Called by the live stream's solving child only (through `exact.solve`); replays, files and tests solve whole. A zone is
begun anew where another beat shares too little with the last one: other skills or other people in the rows, more than
SHARE of the people changed, no room left, a price of leaving places open that has fallen below the one kept, other
prices of long ways, or areas. One
person's new place, hours, skills, points or commitments are their leaving and coming; so are a requirement's new terms,
also where it names somebody who changed. Departures and waiting that time moved on are followed as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numba.core.errors import NumbaError

from matcher.candidates import Candidates
from matcher.problem import I64, Bool, Plan, Problem
from matcher.solvers.network import price_of_a_place
from matcher.solvers.paths import ground, road
from matcher.solvers.paths.batch import Solved
from matcher.solvers.paths.differing import Unlike, continued, same_people
from matcher.solvers.paths.kept import Full, Kept, room_for_needs
from matcher.solvers.paths.values import ASK, DEPART_S, HOURS_AT, HOURS_END, PERSON_BITS

#: What a plan says that was found from the last one.
ENGINE = "paths, kept"
#: Of the people: if more than this share came, left or changed, a whole solve is quicker.
SHARE = 0.1
#: Zones that one process keeps; the one that was not asked for longest is forgotten.
ZONES = 4


class Keeper:
    """The zones of one process, each with its last problem and its city."""

    def __init__(self) -> None:
        self._zones: dict[str, Zone] = {}

    def solve(self, problem: Problem) -> Plan:
        """Return the optimal plan, from the zone's last one where that is near. Raises as `road.solve`."""
        zone, candidates = self._zones.pop(problem.zone, None), Candidates(problem)
        try:
            engine = ENGINE
            if zone is None or not zone.follow(problem, candidates):
                zone, engine = begun(problem, candidates), road.ENGINE
            floor, solved = zone.answer()
        except (NumbaError, MemoryError) as wrong:
            raise road.Unavailable(repr(wrong)) from wrong
        self._zones[problem.zone] = zone
        for name in list(self._zones)[:-ZONES]:
            del self._zones[name]
        return road.plan_of(problem, candidates, floor, solved, engine)


def begun(problem: Problem, candidates: Candidates) -> Zone:
    """Solve a problem whole, and keep it."""
    floor = ground.of_problem(problem, candidates)
    most = room_for_needs(len(floor.order))
    floor = replace(floor, capacity=np.minimum(problem.people.capacity[floor.who], most).astype(np.int64))
    return Zone(problem, Kept(floor), floor)


@dataclass
class Turnover:
    """Rows of one beat: people and requirements that go (of the last problem) and come (of this one)."""

    leave: I64
    come: I64
    close: I64
    open: I64
    #: of each requirement of this problem, its row in the last one: those that stay
    stay: I64
    was: I64


class Zone:
    """One zone's last problem, and which of the city's numbers are whose."""

    def __init__(self, problem: Problem, kept: Kept, floor: ground.Ground) -> None:
        self.problem, self.kept = problem, kept
        #: the city's number of each person and requirement of the problem, -1: none; and the other way round
        self.person, self.need = ground.dense_of(problem, floor.who), np.empty(len(floor.order), np.int64)
        self.need[floor.order] = np.arange(len(floor.order))
        self.row_of_person = _room(floor.who, kept.people)
        self.row_of_need = _room(floor.order, len(kept.needs))

    def answer(self) -> tuple[ground.Ground, Solved]:
        """Return the optimum in the problem's rows."""
        floor, solved = self.kept.answer()
        return replace(floor, order=self.row_of_need[floor.order], who=self.row_of_person[floor.who]), solved

    def follow(self, problem: Problem, candidates: Candidates) -> bool:
        """Work on what differs from the last problem. False: that is too much; this zone is of no use any more."""
        if _staged(problem) or _staged(self.problem) or problem.bands != self.problem.bands:
            return False
        try:
            turnover = self._turnover(problem)
            if len(turnover.leave) + len(turnover.come) > SHARE * len(problem.people.ids) + 64:
                return False
            self._work(problem, candidates, turnover)
        except (Unlike, Full):
            return False
        return True

    def _turnover(self, problem: Problem) -> Turnover:
        able, were = ground.able_people(problem), np.zeros(len(problem.people.ids), np.bool_)
        count = len(self.problem.people.ids)
        same = np.zeros(len(able), np.bool_)
        same[:count] = same_people(self.problem, problem)
        were[:count] = self.person >= 0
        moved = (were | able) & ~(were & able & same)
        found = continued(self.problem, problem, moved)
        stay = found.same & self._timely(problem, found.row, found.same)
        gone = np.ones(len(self.need), np.bool_)
        gone[found.row[stay]] = False
        return Turnover(
            leave=np.flatnonzero(were & moved),
            come=np.flatnonzero(able & moved),
            close=np.flatnonzero(gone),
            open=np.flatnonzero(~stay),
            stay=np.flatnonzero(stay),
            was=found.row[stay],
        )

    def _timely(self, problem: Problem, row: I64, same: Bool) -> Bool:
        """Say which requirements can stay although time moved on: all of one ask depart at one time still, and the
        rules were not asked about any of its pairs."""
        kept, depart = self.kept, problem.requirements.depart_s
        ask = np.where(same, kept.needs[self.need[np.where(same, row, 0)], ASK], 0)
        latest = np.zeros(len(kept.work.asks.facts), np.int64)
        np.maximum.at(latest, ask[same], depart[same])
        judged = np.zeros(len(latest), np.bool_)
        judged[kept.work.lists.judged[:, 0] >> PERSON_BITS] = True
        still = latest == kept.work.asks.facts[:, DEPART_S]
        return np.asarray((depart == latest[ask]) & (still[ask] | ~judged[ask]))

    def _work(self, problem: Problem, candidates: Candidates, turnover: Turnover) -> None:
        kept = self.kept
        kept.close(self.need[turnover.close])
        kept.leave(self.person[turnover.leave])
        need = np.full(len(problem.requirements.ids), -1, np.int64)
        need[turnover.stay] = self.need[turnover.was]
        person = np.full(len(problem.people.ids), -1, np.int64)
        person[: len(self.person)] = self.person
        person[turnover.leave] = -1
        self.row_of_need[need[turnover.stay]] = turnover.stay
        self.problem, self.need, self.person = problem, need, person
        self._pass_time(turnover.stay)
        self._come(turnover.come, candidates)
        self._open(turnover.open, candidates)
        self._price()
        kept.settle()

    def _pass_time(self, stay: I64) -> None:
        """Let departures and hours be those of this problem."""
        asked, people, kept = self.problem.requirements, self.problem.people, self.kept
        kept.work.asks.facts[kept.needs[self.need[stay], ASK], DEPART_S] = asked.depart_s[stay]
        table = np.column_stack((people.hours_from_s, people.hours_until_s)).astype(np.int64)
        there = np.flatnonzero(self.person >= 0)
        slots, hours = self.person[there], people.hours[there]
        kept.work.people.facts[slots, HOURS_AT] = people.hours_indptr[hours]
        kept.work.people.facts[slots, HOURS_END] = people.hours_indptr[hours + 1]
        kept.work = kept.work._replace(people=kept.work.people._replace(hours=table))
        kept.expire()

    def _come(self, rows: I64, candidates: Candidates) -> None:
        kept = self.kept
        slots = kept.vacant_people(len(rows))
        self.person[rows], self.row_of_person[slots] = slots, rows
        self._judge_by(candidates)
        people = ground.settled(ground.crowd(self.problem, rows, candidates.costs.person))
        capacity = np.minimum(self.problem.people.capacity[rows], len(kept.needs)).astype(np.int64)
        kept.come(slots, people, capacity)

    def _open(self, rows: I64, candidates: Candidates) -> None:
        kept = self.kept
        ask, first = ground.asks_of(self.problem, rows)
        needs, asks = kept.vacant_needs(len(rows)), kept.vacant_asks(len(first))
        self.need[rows], self.row_of_need[needs] = needs, rows
        kept.needs[needs, ASK] = asks[ask]
        self._judge_by(candidates)
        wanted = ground.settled(ground.asks(self.problem, first, self._grids(first), self.person))
        kept.ask(asks, needs, wanted, ask, self.problem.requirements.people[rows].astype(np.int64))

    def _grids(self, rows: I64) -> I64:
        """Return the grid of each ask: that of its rarest skill that has one, else everybody's."""
        asked, levels = self.problem.requirements, self.problem.people.levels
        grid_of = {int(skill): q for q, skill in enumerate(self.kept.ground.grid_skill) if skill >= 0}
        held = {skill: int(np.count_nonzero(levels[skill])) for skill in grid_of}
        found = []
        for r in rows.tolist():
            skills = asked.need_skill[asked.need_indptr[r] : asked.need_indptr[r + 1]].tolist()
            rarest = min((s for s in skills if s in held), key=lambda s: (held[s], s), default=-1)
            found.append(grid_of.get(rarest, 0))
        return np.array(found, np.int64)

    def _judge_by(self, candidates: Candidates) -> None:
        """Let pairs where rounding decides be judged by this problem's rules."""
        there = np.flatnonzero(self.need >= 0)
        row_of_ask = np.zeros(len(self.kept.work.asks.facts), np.int64)
        row_of_ask[self.kept.needs[self.need[there], ASK]] = there
        row_of_person = self.row_of_person
        self.kept.ground = replace(
            self.kept.ground, judge=lambda a, v: ground.judged(candidates, int(row_of_ask[a]), int(row_of_person[v]))
        )

    def _price(self) -> None:
        asked, size = self.problem.requirements, len(self.kept.needs)
        weight, waiting = np.zeros(size, np.int64), np.zeros(size, np.int64)
        weight[self.need], waiting[self.need] = asked.weight, asked.waiting
        self.kept.price(weight, waiting, price_of_a_place(self.problem, nodes=1, dearest=0)[0])


def _staged(problem: Problem) -> bool:
    """Say whether requirements ask within areas: each has a grid of its own, which newcomers would have to join."""
    return problem.areas is not None


def _room(rows: I64, size: int) -> I64:
    out = np.zeros(size, np.int64)
    out[: len(rows)] = rows
    return out
