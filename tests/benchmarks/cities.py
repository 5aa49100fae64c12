"""Cities as arrays straight into the kernel, without a log and without names: spare, scarce, one to one, hot.

Called by `paths_against_ortools` and `matching_goals`. Drawn by a fixed seed; points in radians.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from matcher.solvers.network import Network, indptr_of
from matcher.solvers.paths import grids, ground
from matcher.solvers.paths.ground import Ground
from matcher.solvers.paths.values import (
    CIRCLE_S,
    DURATION_S,
    FAR_MOST,
    FIXED_START_S,
    GRID,
    HOME,
    HOURS_END,
    LATEST_S,
    NEED_AT,
    NEED_END,
    ZONE,
    Asks,
    People,
)
from tests.problems import METRES_A_DEGREE

SIDE_M = 60_000.0
#: Of a scarce city: the share of the requests that asks for the first skill, and the share of the people who have it.
SCARCE = 0.2, 0.016


@dataclass(frozen=True)
class City:
    """Points in radians and skills; everybody goes `reach_m`."""

    people: np.ndarray  # [V, 2] lat, lon
    needs: np.ndarray
    skill: np.ndarray
    asked: np.ndarray
    reach_m: float
    skills: int


def city(requests: int, people: int, skills: int, side_m: float, reach_m: float, seed: int = 1) -> City:
    """Draw people and requests over a square at 31 degrees north, people in Morton-like order (strips of 1 km)."""
    draw = np.random.default_rng(seed)
    side = np.radians(side_m / METRES_A_DEGREE)
    spots = draw.random((people + requests, 2)) * side + np.radians((31.0, 104.0))
    strip = np.floor((spots[:people, 0] - spots[:people, 0].min()) / side * side_m / 1000).astype(np.int64)
    order = np.lexsort((spots[:people, 1], strip))
    skill = draw.integers(0, skills, people + requests)
    return City(spots[:people][order], spots[people:], skill[:people], skill[people:], reach_m, skills)


def spare(scale: float) -> City:
    """100,000 requests, ten times the people, 8 skills, 6 km; `scale` cuts the counts, not the density."""
    return city(int(1e5 * scale), int(1e6 * scale), 8, SIDE_M * scale**0.5, 6000)


def scarce(scale: float) -> City:
    """A fifth of the requests asks for what 1.6 % of the people can do: 4 % cannot be filled."""
    town, draw = spare(scale), np.random.default_rng(2)

    def drawn(size: int, share: float) -> np.ndarray:
        return np.where(draw.random(size) < share, 0, draw.integers(1, town.skills, size))

    return City(
        town.people,
        town.needs,
        drawn(len(town.people), SCARCE[1]),
        drawn(len(town.needs), SCARCE[0]),
        20_000 * scale**0.5,
        town.skills,
    )


def one_to_one(scale: float) -> City:
    """As many people as requests, one skill."""
    return city(int(1e5 * scale), int(1e5 * scale), 1, SIDE_M * scale**0.5, 6000)


def hot(scale: float) -> City:
    """The spare city with 17 % of the requests at one place, all asking for one skill."""
    town = spare(scale)
    crowd = int(17_000 * scale)
    town.needs[:crowd] = town.needs[:, :].mean(axis=0)
    town.asked[:crowd] = 0
    return City(town.people, town.needs, town.skill, town.asked, 15_000 * scale**0.5, town.skills)


def floor_of(town: City) -> Ground:
    """Lay the city out for the kernel: one window, always free; requests of one place and skill share an ask."""
    count, asked = len(town.people), len(town.needs)
    _, first, ask = (
        np.unique(np.column_stack((town.needs, town.asked)), axis=0, return_index=True, return_inverse=True)
        if _shared(town)
        else (None, np.arange(asked), np.arange(asked))
    )
    reach = np.full(count, town.reach_m)
    facts = np.zeros((count, 8), np.int64)
    facts[:, HOME], facts[:, HOURS_END] = -1, 1
    asks = len(first)
    wants = town.asked[first]
    table = np.zeros((asks, FAR_MOST + 1), np.int64)
    table[:, LATEST_S], table[:, DURATION_S], table[:, (FIXED_START_S, CIRCLE_S, ZONE)] = 10**6, 3600, -1
    table[:, NEED_AT], table[:, NEED_END], table[:, GRID] = np.arange(asks), np.arange(1, asks + 1), wants
    members = [np.flatnonzero(town.skill == skill) for skill in range(town.skills)]
    there, here = (np.column_stack(grids.sphere(*points.T)) for points in (town.people, town.needs[first]))
    place = np.column_stack((there, reach, np.ones(count)))
    return Ground(
        people=People(
            place=place,
            facts=facts,
            levels=np.eye(town.skills, dtype=np.uint8)[town.skill],
            hours=np.array([[0, 10**7]]),
            busy=np.empty((0, 2), np.int64),
            certs=np.empty((0, 2), np.int64),
        ),
        asks=Asks(
            place=np.column_stack((here, town.needs[first])),
            facts=table,
            needs=np.column_stack((wants, np.ones(asks, np.int64))),
            barred=np.empty(0, np.int64),
            wishes=np.empty((0, 3), np.int64),
            spared=np.empty((0, 2), np.int64),
        ),
        grids=ground.settled(grids.build(*town.people.T, place, members, 0.1)),
        ask=ask.ravel().astype(np.int64),
        supply=np.ones(asked, np.int64),
        weight=np.ones(asked, np.int64),
        waiting=np.zeros(asked, np.int64),
        capacity=np.ones(count, np.int64),
        order=np.arange(asked),
        who=np.arange(count),
        grid_skill=np.arange(town.skills),
        dearest=int(np.ceil(town.reach_m)),
        fill_price=1 + asked * 2**20,
        judge=lambda a, v: int(np.floor(away_m(town, first[[a]], np.array([v]))[0] + 0.5)),
    )


def _shared(town: City) -> bool:
    return bool((town.needs[0] == town.needs[1]).all())


def away_m(town: City, a: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return great-circle metres of these pairs of request and person."""
    up, across = ((town.needs[a] - town.people[v]) / 2).T
    half = np.sin(up) ** 2 + np.cos(town.needs[a, 0]) * np.cos(town.people[v, 0]) * np.sin(across) ** 2
    return np.asarray(2 * 6_371_008.8 * np.arcsin(np.sqrt(half)))


def nearest(town: City, count: int) -> np.ndarray:
    """Return the nearest people of the skill of each request, by one k-d tree a skill."""
    flat = town.people * (1.0, np.cos(np.radians(31.0)))
    asked = town.needs * (1.0, np.cos(np.radians(31.0)))
    person = np.empty((len(asked), count), np.int64)
    for skill in range(town.skills):
        who, rows = np.flatnonzero(town.skill == skill), np.flatnonzero(town.asked == skill)
        tree = cKDTree(flat[who], balanced_tree=False, compact_nodes=False)
        person[rows] = who[tree.query(asked[rows], count)[1]]
    return person


def shortlist(town: City, count: int = 16) -> Network:
    """Return the network of the nearest people of the skill: what stock OR-Tools is given."""
    person = nearest(town, count)
    row = np.repeat(np.arange(len(town.needs)), count)
    away = away_m(town, row, person.ravel())
    keep = away <= town.reach_m
    people, dense = np.unique(person.ravel()[keep], return_inverse=True)
    ones, many = np.ones(len(town.needs), np.int64), np.full(len(town.needs), 3 * 10**6)
    listed = np.bincount(row[keep], minlength=len(town.needs))
    return Network(
        row[keep], dense, np.floor(away[keep] + 0.5).astype(np.int64), indptr_of(listed), ones,
        np.ones(len(people), np.int64), ones, many, 1, True, np.arange(len(town.needs)), people,
    )  # fmt: skip
