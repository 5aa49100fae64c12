"""From a problem to the kernel's arrays: people and requirements in solving order, equal asks merged, grids built.

Called by `road`. Only rules that look at a person alone are applied here; all others are the kernel's, pair by pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from matcher import costs
from matcher.candidates import Candidates
from matcher.problem import COST_MAX, F64, I32, I64, PeopleArrays, Problem
from matcher.rules import objections
from matcher.rules.reach import pair_distance_m
from matcher.solvers.network import price_of_a_place
from matcher.solvers.paths import grids
from matcher.solvers.paths.values import FORBIDDEN, Asks, Grids, People

Table = TypeVar("Table", People, Asks, Grids)

#: A skill that more than this share of the people hold is searched for among all.
COMMON = 0.5


@dataclass(frozen=True)
class Ground:
    """What one solve stands on. `order`, `who`: the problem's numbers of requirements and people."""

    people: People
    asks: Asks
    grids: Grids
    ask: I64  # [R]
    supply: I64  # [R]
    weight: I64
    waiting: I64
    capacity: I64  # [V]
    order: I64
    who: I64
    dearest: int  # no pair costs more
    fill_price: int  # U' that puts the fill first
    #: (ask, person) -> cost or FORBIDDEN by the rules' own word, for pairs where rounding decides
    judge: Callable[[int, int], int]


def of_problem(problem: Problem, candidates: Candidates) -> Ground:
    """Lay out a problem. ValueError where a pair could cost more than COST_MAX."""
    asked, people = problem.requirements, problem.people
    order = np.asarray(candidates.requirement_order, np.int64)
    able = people.active & ~people.engaged & ~people.spent & (people.capacity > 0)
    by_rank = np.empty(len(able), np.int64)
    by_rank[candidates.person_rank] = np.arange(len(able))
    who = by_rank[able[by_rank]]
    ask, first = _asks_of(problem, order)
    fill_price, _ = price_of_a_place(problem, nodes=1, dearest=0)
    lon = np.radians(np.concatenate((people.lon[who], asked.lon)))
    span = float(lon.max() - lon.min()) if len(lon) else 0.0
    members, grid = _members(problem, first, who)
    reach = np.asarray(people.reach_m[who], np.float64)
    place = grids.build(np.radians(people.lat[who]), np.radians(people.lon[who]), reach, members, span)
    return Ground(
        people=settled(_people(problem, who)),
        asks=settled(_asks(problem, first, grid, who)),
        grids=settled(place),
        ask=ask,
        supply=asked.people[order].astype(np.int64),
        weight=asked.weight[order].astype(np.int64),
        waiting=np.asarray(asked.waiting[order], np.int64),
        capacity=np.minimum(people.capacity[who], len(order)).astype(np.int64),
        order=order,
        who=who,
        dearest=int(min(COST_MAX, np.ceil(reach.max(initial=0.0)))),
        fill_price=fill_price,
        judge=lambda a, v: _judged(problem, int(first[a]), int(who[v])),
    )


def _judged(problem: Problem, r: int, person: int) -> int:
    if objections(problem, r, person):
        return FORBIDDEN
    return sum(costs.of_pair(pair_distance_m(problem, r, person)).values())


def settled(table: Table) -> Table:
    """Return the table with arrays of one kind only, contiguous and writable: the kernel is compiled for no other."""
    columns: list[Any] = [np.require(column, requirements=["C", "W"]) for column in table]
    return type(table)(*columns)


def sphere(lat: F64, lon: F64) -> tuple[F64, F64, F64]:
    """Return points (radians) on the unit sphere."""
    return np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)


def indptr(rows: I64, size: int) -> I64:
    """Return CSR row starts of entries sorted by row."""
    return np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=size)))).astype(np.int64)


# --- people --------------------------------------------------------------------------------------------------------


def _people(problem: Problem, who: I64) -> People:
    people = problem.people
    busy_at, busy = _rows_of(people.busy_indptr, who)
    cert_at, certificates = _certificates(people, who)
    hours = people.hours[who]
    columns = (
        np.zeros(len(who), np.int64), people.zone[who],
        people.hours_indptr[hours], people.hours_indptr[hours + 1],
        busy_at[:-1], busy_at[1:], cert_at[:-1], cert_at[1:],
    )  # fmt: skip
    there = sphere(np.radians(people.lat[who]), np.radians(people.lon[who]))
    return People(
        place=np.column_stack((*there, people.reach_m[who], people.speed_mps[who])),
        facts=np.column_stack(columns).astype(np.int64),
        levels=people.levels[:, who].T,
        hours=np.column_stack((people.hours_from_s, people.hours_until_s)).astype(np.int64),
        busy=np.column_stack((people.busy_from_s[busy], people.busy_until_s[busy])).astype(np.int64),
        certs=np.column_stack((people.cert_skill[certificates], people.cert_expires_s[certificates])).astype(np.int64),
    )


def _rows_of(table: I64, who: I64) -> tuple[I64, I64]:
    """Return row starts and entries of some rows of a CSR table."""
    length = table[who + 1] - table[who]
    at = np.concatenate(([0], np.cumsum(length))).astype(np.int64)
    return at, np.arange(at[-1]) + np.repeat(table[who] - at[:-1], length)


def _certificates(people: PeopleArrays, who: I64) -> tuple[I64, I64]:
    """Return row starts by person, and the certificates in that order."""
    dense = np.full(len(people.ids), -1)
    dense[who] = np.arange(len(who))
    holder = dense[people.cert_person]
    kept = np.flatnonzero(holder >= 0)
    by_person = kept[np.argsort(holder[kept], kind="stable")]
    return indptr(holder[by_person], len(who)), by_person


# --- what is asked for ---------------------------------------------------------------------------------------------


def _asks_of(problem: Problem, order: I64) -> tuple[I64, I64]:
    """Return the ask of each requirement (in solving order), and the first requirement of each ask.

    A requirement of several places, or with people who may not serve it, shares its ask with no other.
    """
    asked = problem.requirements
    spans = list(pairwise(asked.need_indptr.tolist()))
    needs = list(zip(asked.need_skill.tolist(), asked.need_level.tolist(), strict=True))
    own = asked.people > 1
    for rows, _ in (asked.refused, asked.excluded, asked.serving):
        own[rows] = True
    columns = (
        asked.lat,
        asked.lon,
        asked.earliest_s,
        asked.latest_s,
        asked.duration_s,
        asked.fixed_start_s,
        asked.zone,
    )
    keys = list(zip(*(column.tolist() for column in columns), strict=True))
    ask_of: dict[object, int] = {}
    ask: list[int] = []
    first: list[int] = []
    for r, alone in zip(order.tolist(), own[order].tolist(), strict=True):
        key = r if alone else (keys[r], *needs[slice(*spans[r])])
        a = ask_of.setdefault(key, len(first))
        if a == len(first):
            first.append(r)
        ask.append(a)
    return np.array(ask, np.int64), np.array(first, np.int64)


def _asks(problem: Problem, first: I64, grid: I32, who: I64) -> Asks:
    asked = problem.requirements
    lat, lon = np.radians(asked.lat[first]), np.radians(asked.lon[first])
    need_at, need = _rows_of(np.asarray(asked.need_indptr, np.int64), first)
    barred_at, barred = _barred(problem, first, who)
    columns = (
        np.full(len(first), problem.now_s), asked.earliest_s[first], asked.latest_s[first], asked.duration_s[first],
        asked.fixed_start_s[first], asked.zone[first], need_at[:-1], need_at[1:], barred_at[:-1], barred_at[1:], grid,
    )  # fmt: skip
    return Asks(
        place=np.column_stack((*sphere(lat, lon), lat, lon)),
        facts=np.column_stack(columns).astype(np.int64),
        needs=np.column_stack((asked.need_skill[need], asked.need_level[need])).astype(np.int64),
        barred=barred,
    )


def _barred(problem: Problem, first: I64, who: I64) -> tuple[I64, I64]:
    """Return the pairs that may not be, whatever the rest says: CSR by ask."""
    asked = problem.requirements
    ask_of, dense = np.full(len(asked.ids), -1), np.full(len(problem.people.ids), -1)
    ask_of[first], dense[who] = np.arange(len(first)), np.arange(len(who))
    pairs = (asked.refused, asked.excluded, asked.serving)
    ask = ask_of[np.concatenate([rows for rows, _ in pairs])]
    person = dense[np.concatenate([people for _, people in pairs])]
    kept = np.flatnonzero((ask >= 0) & (person >= 0))
    by_ask = kept[np.argsort(ask[kept], kind="stable")]
    return indptr(ask[by_ask], len(first)), person[by_ask]


def _members(problem: Problem, first: I64, who: I64) -> tuple[list[I64], I32]:
    """Return who stands in each grid, and the grid of each ask: that of its rarest skill, or everybody."""
    asked, levels = problem.requirements, problem.people.levels
    held = np.count_nonzero(levels[:, who], axis=1)
    members: list[I64] = [np.arange(len(who))]
    grid_of: dict[int, int] = {}
    grid = []
    for r in first.tolist():
        skills = asked.need_skill[asked.need_indptr[r] : asked.need_indptr[r + 1]].tolist()
        rarest = min(skills, key=lambda skill: (held[skill], skill), default=-1)
        if rarest < 0 or held[rarest] > COMMON * len(who):
            grid.append(0)
            continue
        if rarest not in grid_of:
            grid_of[rarest] = len(members)
            members.append(np.flatnonzero(levels[rarest, who]))
        grid.append(grid_of[rarest])
    return members, np.array(grid, np.int32)
