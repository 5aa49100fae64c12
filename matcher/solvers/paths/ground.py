"""From a problem to the kernel's arrays: people and requirements in solving order, equal asks merged, grids built.

Called by `road`. Only rules that look at a person alone are applied here; all others are the kernel's, pair by pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from matcher.candidates import Candidates
from matcher.policy import Bands
from matcher.problem import COST_MAX, F64, I32, I64, Bool, PeopleArrays, Problem
from matcher.rules import area, objections
from matcher.rules.facts import Facts
from matcher.rules.reach import pair_distance_m
from matcher.solvers.network import price_of_a_place
from matcher.solvers.paths import grids
from matcher.solvers.paths.values import FORBIDDEN, PERSON_BITS, PERSON_MASK, Asks, Grids, People

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
    grid_skill: I64  # [Q] the skill that everybody in a grid holds, -1: everybody stands there
    dearest: int  # about what the dearest pair can cost
    fill_price: int  # U' that puts the fill first
    #: (ask, person) -> cost or FORBIDDEN by the rules' own word, for pairs where rounding decides
    judge: Callable[[int, int], int]
    #: people looked at for each ask, and no more; 0: as many as the prices ask for
    list_max: int = 0


def of_problem(problem: Problem, candidates: Candidates) -> Ground:
    """Lay out a problem. ValueError where a pair could cost more than COST_MAX."""
    asked, people = problem.requirements, problem.people
    order = np.asarray(candidates.requirement_order, np.int64)
    able = able_people(problem)
    by_rank = np.empty(len(able), np.int64)
    by_rank[candidates.person_rank] = np.arange(len(able))
    who = by_rank[able[by_rank]]
    ask, first = asks_of(problem, order)
    fill_price, _ = price_of_a_place(problem, nodes=1, dearest=0)
    lon = np.radians(np.concatenate((people.lon[who], asked.lon)))
    span = float(lon.max() - lon.min()) if len(lon) else 0.0
    members, grid, grid_skill = _members(problem, first, who)
    reach = np.asarray(people.reach_m[who], np.float64)
    everybody = settled(crowd(problem, who, candidates.costs.person))
    place = grids.build(np.radians(people.lat[who]), np.radians(people.lon[who]), everybody.place, members, span)
    return Ground(
        people=everybody,
        asks=settled(asks(problem, first, grid, dense_of(problem, who))),
        grids=settled(place),
        ask=ask,
        supply=asked.people[order].astype(np.int64),
        weight=asked.weight[order].astype(np.int64),
        waiting=np.asarray(asked.waiting[order], np.int64),
        capacity=np.minimum(people.capacity[who], len(order)).astype(np.int64),
        order=order,
        who=who,
        grid_skill=grid_skill,
        dearest=_dearest(problem, reach, candidates.costs.person[who]),
        fill_price=fill_price,
        judge=lambda a, v: judged(candidates, int(first[a]), int(who[v])),
        list_max=problem.budget.list_max or 0,
    )


def able_people(problem: Problem) -> Bool:
    """Say who could be asked at all."""
    people = problem.people
    return np.asarray(people.active & ~people.engaged & ~people.spent & (people.capacity > 0))


def dense_of(problem: Problem, who: I64) -> I64:
    """Return the kernel's number of each person of the problem, -1: none."""
    dense = np.full(len(problem.people.ids), -1, np.int64)
    dense[who] = np.arange(len(who))
    return dense


def judged(candidates: Candidates, r: int, person: int) -> int:
    """Return the points of a pair, or FORBIDDEN, by the rules' own word."""
    problem = candidates.problem
    if objections(problem, r, person):
        return FORBIDDEN
    return sum(candidates.costs.of_pair(r, person, pair_distance_m(problem, r, person)).values())


def settled(table: Table) -> Table:
    """Return the table with arrays of one kind only, contiguous and writable: the kernel is compiled for no other."""
    columns: list[Any] = [np.require(column, requirements=["C", "W"]) for column in table]
    return type(table)(*columns)


def indptr(rows: I64, size: int) -> I64:
    """Return CSR row starts of entries sorted by row."""
    return np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=size)))).astype(np.int64)


# --- people --------------------------------------------------------------------------------------------------------


def crowd(problem: Problem, who: I64, points: I64) -> People:
    """Lay out these people; their HOURS are rows of the problem's whole table."""
    people = problem.people
    busy_at, busy = rows_of(people.busy_indptr, who)
    cert_at, certificates = _certificates(people, who)
    hours = people.hours[who]
    columns = (
        points[who], people.zone[who],
        people.hours_indptr[hours], people.hours_indptr[hours + 1],
        busy_at[:-1], busy_at[1:], cert_at[:-1], cert_at[1:],
    )  # fmt: skip
    there = grids.sphere(np.radians(people.lat[who]), np.radians(people.lon[who]))
    return People(
        place=np.column_stack((*there, people.reach_m[who], people.speed_mps[who])),
        facts=np.column_stack(columns).astype(np.int64),
        levels=people.levels[:, who].T,
        hours=np.column_stack((people.hours_from_s, people.hours_until_s)).astype(np.int64),
        busy=np.column_stack((people.busy_from_s[busy], people.busy_until_s[busy])).astype(np.int64),
        certs=np.column_stack((people.cert_skill[certificates], people.cert_expires_s[certificates])).astype(np.int64),
    )


def rows_of(table: I64, who: I64) -> tuple[I64, I64]:
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


def asks_of(problem: Problem, order: I64) -> tuple[I64, I64]:
    """Return the ask of each of these requirements, and the first requirement of each ask.

    A requirement of several places, or one that names people, shares its ask with no other.
    """
    asked, wishes = problem.requirements, problem.requirements.wishes
    needs = _spans(asked.need_indptr, order, asked.need_skill, asked.need_level)
    wished = _spans(wishes.indptr, order, wishes.skill, wishes.level, wishes.points)
    times = (asked.earliest_s, asked.latest_s, asked.duration_s, asked.fixed_start_s, asked.depart_s, asked.circle_s)
    inside = () if problem.areas is None else (problem.areas.first, problem.areas.end)
    columns = [column[order].tolist() for column in (asked.lat, asked.lon, asked.zone, *times, *inside)]
    keys = zip(*columns, needs, wished, strict=True)
    ask_of: dict[object, int] = {}
    ask: list[int] = []
    first: list[int] = []
    for r, key, alone in zip(order.tolist(), keys, _names_people(problem)[order].tolist(), strict=True):
        a = ask_of.setdefault(r if alone else key, len(first))
        if a == len(first):
            first.append(r)
        ask.append(a)
    return np.array(ask, np.int64), np.array(first, np.int64)


def _spans(table: I64, rows: I64, *columns: np.ndarray) -> list[tuple[tuple[int, ...], ...]]:
    """Return the entries of some rows of a CSR table."""
    at, entries = rows_of(np.asarray(table, np.int64), rows)
    flat = tuple(zip(*(column[entries].tolist() for column in columns), strict=True))
    return [flat[a:b] for a, b in pairwise(at.tolist())]


def _names_people(problem: Problem) -> Bool:
    """Say which requirements ask for several people, or treat some people by name."""
    asked = problem.requirements
    own: Bool = (asked.people > 1) | asked.choosy
    own[list(asked.teams)] = True
    for rows, _ in (asked.refused, asked.excluded, asked.restricted, asked.serving):
        own[rows] = True
    for favour in asked.favours.values():
        own |= favour.points > 0
    return own


def asks(problem: Problem, first: I64, grid: I64, dense: I64) -> Asks:
    """Lay out what these requirements ask for. `dense`: the kernel's numbers of people."""
    asked, wishes = problem.requirements, problem.requirements.wishes
    lat, lon = np.radians(asked.lat[first]), np.radians(asked.lon[first])
    need_at, need = rows_of(np.asarray(asked.need_indptr, np.int64), first)
    wish_at, wish = rows_of(wishes.indptr, first)
    barred_at, barred = _named(problem, first, dense)
    floor, spared_at, spared = _favoured(problem, first, dense)
    columns = (
        asked.depart_s[first], asked.earliest_s[first], asked.latest_s[first], asked.duration_s[first],
        asked.fixed_start_s[first], asked.circle_s[first], asked.zone[first], grid, choosy_of(problem)[first], floor,
        need_at[:-1], need_at[1:], barred_at[:-1], barred_at[1:], wish_at[:-1], wish_at[1:],
        spared_at[:-1], spared_at[1:], *np.tile(_far(problem.bands), (len(first), 1)).T,
    )  # fmt: skip
    return Asks(
        place=np.column_stack((*grids.sphere(lat, lon), lat, lon)),
        facts=np.column_stack(columns).astype(np.int64),
        needs=np.column_stack((asked.need_skill[need], asked.need_level[need])).astype(np.int64),
        barred=barred,
        wishes=np.column_stack((wishes.skill[wish], wishes.level[wish], wishes.points[wish])).astype(np.int64),
        spared=spared,
    )


def _far(bands: Bands) -> tuple[int, ...]:
    """Return the columns NEAR_M ... FAR_MOST."""
    most = bands.points_max if bands.priced else 0
    near, acceptable = bands.beyond_preferred_points, bands.beyond_acceptable_points
    return bands.preferred_m, near, bands.acceptable_m, acceptable, most


def _pairs(problem: Problem, first: I64, dense: I64, pairs: list[tuple[I32, I32]]) -> I64:
    """Return those of these (requirement, person) that matter, once each, as ask << 32 | person, sorted."""
    ask_of = np.full(len(problem.requirements.ids), -1)
    ask_of[first] = np.arange(len(first))
    ask = ask_of[np.concatenate([rows for rows, _ in pairs])]
    person = dense[np.concatenate([people for _, people in pairs])]
    return np.unique(ask[(ask >= 0) & (person >= 0)] << PERSON_BITS | person[(ask >= 0) & (person >= 0)])


def _named(problem: Problem, first: I64, dense: I64) -> tuple[I64, I64]:
    """Return the people barred from each ask, or, where it is choosy, the only ones who may come: CSR by ask."""
    asked = problem.requirements
    barred = _pairs(problem, first, dense, [asked.refused, asked.excluded, asked.restricted, asked.serving])
    allowed = np.setdiff1d(_pairs(problem, first, dense, [only_of(problem)]), barred)
    choosy = choosy_of(problem)[first]
    keys = np.sort(np.concatenate((barred[~choosy[barred >> PERSON_BITS]], allowed[choosy[allowed >> PERSON_BITS]])))
    return indptr(keys >> PERSON_BITS, len(first)), keys & PERSON_MASK


def choosy_of(problem: Problem) -> Bool:
    """Say which requirements take nobody but some people: named ones, or those of teams."""
    asked = problem.requirements
    choosy = asked.choosy.copy()
    choosy[list(asked.teams)] = True
    return choosy


def only_of(problem: Problem) -> tuple[I32, I32]:
    """Return whom those take: (requirement, person)."""
    asked = problem.requirements
    if not asked.teams:
        return asked.must_have
    named, people = asked.must_have
    plain = ~np.isin(named, list(asked.teams))
    rows, members = [named[plain]], [people[plain]]
    for r, teams in asked.teams.items():
        of_team = teams.everybody()
        allowed = np.intersect1d(of_team, people[named == r]) if asked.choosy[r] else of_team
        rows.append(np.full(allowed.size, r, np.int32))
        members.append(allowed.astype(np.int32))
    return np.concatenate(rows), np.concatenate(members)


def _favoured(problem: Problem, first: I64, dense: I64) -> tuple[I64, I64, I64]:
    """Return the floor of each ask, and who is spared how much of it: CSR by ask, (person, points)."""
    floor = np.zeros(len(first), np.int64)
    keys, points = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for favour in problem.requirements.favours.values():
        floor += favour.points[first]
        mine = _pairs(problem, first, dense, [(favour.requirement, favour.person)])
        keys.append(mine)
        points.append(favour.points[first[mine >> PERSON_BITS]])
    pair, at = np.unique(np.concatenate(keys), return_inverse=True)
    spared = np.zeros(len(pair), np.int64)
    np.add.at(spared, at, np.concatenate(points))
    kept = (spared > 0) & _registered(problem, first, dense, pair)
    pair, spared = pair[kept], spared[kept]
    return floor, indptr(pair >> PERSON_BITS, len(first)), np.column_stack((pair & PERSON_MASK, spared))


def _registered(problem: Problem, first: I64, dense: I64, pair: I64) -> Bool:
    """Say which of these (ask << 32 | person) are of people registered in the area of the ask."""
    inside = np.ones(len(pair), np.bool_)
    if problem.areas is not None:
        facts, who = Facts(problem), np.empty(int(dense.max(initial=-1)) + 1, np.int64)
        who[dense[dense >= 0]] = np.flatnonzero(dense >= 0)
        for a in np.unique(pair >> PERSON_BITS).tolist():
            mine = (pair >> PERSON_BITS) == a
            inside[mine] = area.mask(facts, int(first[a]), who[pair[mine] & PERSON_MASK].astype(np.int32))
    return inside


def _dearest(problem: Problem, reach: F64, points: I64) -> int:
    """Return about what the dearest pair can cost; the first U' stands on it, no proof does."""
    wishes, favours = problem.requirements.wishes, problem.requirements.favours
    most = int(np.ceil(reach.max(initial=0.0))) + int(points.max(initial=0)) + int(wishes.points.max(initial=0))
    most += problem.bands.points_max if problem.bands.priced else 0
    return min(COST_MAX, most + sum(int(favour.points.max(initial=0)) for favour in favours.values()))


def _members(problem: Problem, first: I64, who: I64) -> tuple[list[I64], I64, I64]:
    """Return who stands in each grid, the grid of each ask (that of its rarest skill, or everybody), grids' skills.

    An ask within an area has a grid of those who are registered there: nobody else is ever looked at.
    """
    asked, levels = problem.requirements, problem.people.levels
    held = np.count_nonzero(levels[:, who], axis=1)
    facts = Facts(problem)
    members: list[I64] = [np.arange(len(who))]
    grid_of = {(-1, -1, -1): 0}
    grid = []
    for r in first.tolist():
        skills = asked.need_skill[asked.need_indptr[r] : asked.need_indptr[r + 1]].tolist()
        rarest = min(skills, key=lambda skill: (held[skill], skill), default=-1)
        if rarest < 0 or held[rarest] > COMMON * len(who):
            rarest = -1
        within = (-1, -1) if problem.areas is None else (int(problem.areas.first[r]), int(problem.areas.end[r]))
        key = (rarest, *within)
        if key not in grid_of:
            grid_of[key] = len(members)
            holds = np.ones(len(who), np.bool_) if rarest < 0 else levels[rarest, who] > 0
            members.append(np.flatnonzero(holds & area.mask(facts, r, who.astype(np.int32))))
        grid.append(grid_of[key])
    return members, np.array(grid, np.int64), np.array([skill for skill, *_ in grid_of], np.int64)
