"""The kernel's road from problem to plan: rows only of those who are chosen or left out, no list of everybody.

Called by `paths.solve`. What the flow cannot express and a start cannot keep is not decided here: `Unfit` says so, and
the other engine takes the whole problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numba.core.errors import NumbaError

from matcher import geo
from matcher.candidates import Candidates, Row
from matcher.problem import COST_MAX, F64, I64, Plan, Problem
from matcher.solvers.arranging import arrange
from matcher.solvers.case import Case
from matcher.solvers.growth import Relaxed
from matcher.solvers.network import Network, indptr_of
from matcher.solvers.paths import batch, ground
from matcher.solvers.paths.batch import Solved
from matcher.solvers.paths.ground import Ground
from matcher.solvers.paths.search import starts_of
from matcher.solvers.prices import Prices
from matcher.solvers.writing import write

ENGINE = "paths"


class Unavailable(Exception):
    """The kernel cannot be compiled here, or the problem does not fit into the memory."""


class Unfit(Exception):
    """The kernel's optimum is no plan: a crew or a person's several visits find no start."""


def solve(problem: Problem) -> Plan:
    """Return the optimal plan. Raises Unfit where starts clash, Unavailable where the kernel cannot work."""
    candidates = Candidates(problem)
    floor = ground.of_problem(problem, candidates)
    try:
        solved = batch.solve(floor)
    except (NumbaError, MemoryError) as wrong:
        raise Unavailable(repr(wrong)) from wrong
    return plan_of(problem, candidates, floor, solved, ENGINE)


def plan_of(problem: Problem, candidates: Candidates, floor: Ground, solved: Solved, engine: str) -> Plan:
    """Return the plan that the kernel's answer is. Raises as `solve` does."""
    relaxed = _relaxed(floor, solved)
    if relaxed.network.cost.max(initial=0) > COST_MAX:
        raise Unavailable("A pair costs more than any may: the other engine says which.")
    case = _case(problem, candidates, floor, solved, relaxed.network)
    calendar, broken = arrange(case, relaxed.network, relaxed.taken)
    if broken:
        raise Unfit(f"({len(broken)}) requirements find no start for the people chosen.")
    return write(case, calendar, engine, relaxed=relaxed, gap=relaxed.gap, optimal=relaxed.gap == 0, counted=False)


def _relaxed(floor: Ground, solved: Solved) -> Relaxed:
    """Return the kernel's answer in the words of the flow: a network of the listed pairs."""
    requirement, person, cost = batch.listed(solved, floor.ask)
    size = max(len(floor.capacity), 1)
    network = Network(
        requirement=requirement,
        person=person,
        cost=cost,
        indptr=indptr_of(np.bincount(requirement, minlength=len(floor.supply))),
        supply=floor.supply,
        capacity=floor.capacity,
        weight=floor.weight,
        unserved=solved.unserved,
        fill_price=floor.fill_price,
        fill_first=True,
        order=floor.order,
        people=floor.who,
    )
    taken = np.flatnonzero(np.isin(requirement * size + person, solved.requirement * size + solved.person))
    open_places = floor.supply - np.bincount(solved.requirement, minlength=len(floor.supply))
    value = int(solved.cost.sum() + (open_places * solved.unserved).sum())
    bound = value - (batch.lacking(solved, floor.ask, floor.supply) if floor.list_max else 0)
    return Relaxed(network, taken, np.arange(len(cost)), Prices(solved.price, solved.pays), value, bound, 1)


# --- rows ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows(Sequence[Row]):
    """Rows by requirement: of who serves it where it is full, of every feasible person where it is not."""

    candidates: Candidates
    full: dict[int, Row]
    size: int

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, at: int) -> Row: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Row]: ...

    def __getitem__(self, at: int | slice) -> Row | Sequence[Row]:
        if isinstance(at, slice):
            return [self[r] for r in range(*at.indices(self.size))]
        row = self.full.get(at)
        return self.candidates.row(at) if row is None else row


def _case(problem: Problem, candidates: Candidates, floor: Ground, solved: Solved, network: Network) -> Case:
    place = np.empty(len(floor.order), np.int64)
    place[floor.order] = np.arange(len(floor.order))
    rows = _Rows(candidates, _full_rows(problem, floor, solved), len(floor.order))
    return Case(problem, candidates, rows, floor.order.tolist(), place.tolist(), network)


def _full_rows(problem: Problem, floor: Ground, solved: Solved) -> dict[int, Row]:
    """Return the row of each requirement that is full: distance, travel and start of those who serve it."""
    r, v = floor.order[solved.requirement], floor.who[solved.person]
    away = _metres(problem, r, v)
    travel = np.ceil(away / problem.people.speed_mps[v]).astype(np.int64)
    start = starts_of(floor.people, floor.asks, floor.ask[solved.requirement], solved.person, away)
    served = np.bincount(solved.requirement, minlength=len(floor.supply))
    ends = np.cumsum(served)
    person = v.astype(np.int32)
    rows = {}
    for dense in np.flatnonzero((served == floor.supply) & (served > 0)).tolist():
        part = slice(int(ends[dense] - served[dense]), int(ends[dense]))
        rows[int(floor.order[dense])] = Row(
            person[part], solved.cost[part], away[part], travel[part], start[part], {}, None
        )
    return rows


def _metres(problem: Problem, r: I64, v: I64) -> F64:
    """Return metres of these pairs by the same formula as the candidates."""
    asked, people = problem.requirements, problem.people
    lats, lons = np.radians(people.lat[v]), np.radians(people.lon[v])
    lat, lon = np.radians(asked.lat[r]), np.radians(asked.lon[r])
    across, up = np.sin((lons - lon) * 0.5), np.sin((lats - lat) * 0.5)
    half = up * up + np.cos(lat) * np.cos(lats) * (across * across)
    return np.asarray(2.0 * geo.EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(half, 1.0))))
