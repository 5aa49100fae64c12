"""The compiled kernel against the OR-Tools engine and SciPy, plan against plan and solve against solve.

    python -m tests.benchmarks.paths_against_ortools [--sizes 1000 2000 5000] [--million]

Per town: `plan` is problem to plan on both sides (lists, solve, prices, reasons); `lists` is our arrays, lists and
solve against solvers that find their pairs listed already (OR-Tools over all pairs with growth; SciPy's dense one up to
2,000 requests, whose matrix is in its time). Filled and points must be equal before anything is timed.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from matcher.candidates import Candidates
from matcher.problem import Problem
from matcher.solvers import exact, flow, paths
from matcher.solvers.case import open_case
from matcher.solvers.growth import relax
from matcher.solvers.network import Network, indptr_of
from matcher.solvers.paths import batch, grids, ground
from matcher.solvers.paths.ground import Ground
from matcher.solvers.paths.values import (
    CIRCLE_S,
    DURATION_S,
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
from tests.benchmarks.matching_against_scipy import assigned
from tests.benchmarks.paired import paired
from tests.problems import METRES_A_DEGREE, Need, Person, problem

#: name -> (people a request, skills, half of the demand in one place)
TOWNS = {"spare": (3.0, 4, False), "scarce": (1.5, 12, False), "hot": (3.0, 4, True), "one to one": (1.0, 1, False)}
#: Requests a square metre: the town grows with them.
DENSITY = 1000 / 12_000**2
SCIPY_MOST = 2000


def town(name: str, requests: int, seed: int = 1) -> Problem:
    """Draw a town; people go 3 km at most."""
    ratio, skills, hot = TOWNS[name]
    side = (requests / DENSITY) ** 0.5
    draw = random.Random(seed)

    def anywhere() -> tuple[float, float]:
        return draw.uniform(0, side), draw.uniform(0, side)

    def asked_at(number: int) -> tuple[float, float]:
        return (draw.gauss(side / 2, 300), draw.gauss(side / 2, 300)) if hot and number % 2 else anywhere()

    crowd = [
        Person(id=f"p{i}", at=anywhere(), skills={f"s{draw.randrange(skills)}": 1}, reach_m=3000)
        for i in range(int(ratio * requests))
    ]
    needs = [Need(id=f"r{i}", at=asked_at(i), skills={f"s{draw.randrange(skills)}": 1}) for i in range(requests)]
    return problem(crowd, needs)


def row(name: str, requests: int) -> None:
    """Print the ratios of one town."""
    posed = town(name, requests)
    repeats = 7 if requests <= 2000 else 3
    ours, theirs = paths.solve(posed), exact.by_flow(posed)
    assert ours is not None
    assert ours.objective == theirs.objective, name
    print(
        f"{requests} {name}: filled {ours.objective['filled']}, metres {ours.objective['travel']}, "
        f"{theirs.feasible_pairs} pairs feasible, {ours.listed_pairs} listed"
    )
    _compare("plan    OR-Tools engine", repeats, lambda: paths.solve(posed), lambda: exact.by_flow(posed))
    network = open_case(posed).network
    assert network is not None
    _compare("lists   OR-Tools growth", repeats, lambda: _kernel(posed), lambda: relax(network, posed.budget))
    if requests <= SCIPY_MOST:
        assert assigned(posed) == (ours.objective["filled"], ours.objective["travel"])
        _compare("lists   SciPy", repeats, lambda: _kernel(posed), lambda: assigned(posed))


def _kernel(posed: Problem) -> None:
    batch.solve(ground.of_problem(posed, Candidates(posed)))


def _compare(what: str, repeats: int, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
    began = time.perf_counter()
    ratio = paired(ours, theirs, repeats)
    print(
        f"  {what} / ours: {ratio.median:.2f}, worst {ratio.worst:.2f} of {repeats} "
        f"(CPU {ratio.b_s:.3f} / {ratio.a_s:.3f} s; all repeats {time.perf_counter() - began:.1f} s wall)",
        flush=True,
    )


# --- arrays straight into the kernel -------------------------------------------------------------------------------


@dataclass(frozen=True)
class City:
    """Points in radians and skills; everybody goes `reach_m`."""

    people: np.ndarray  # [V, 2] lat, lon
    needs: np.ndarray
    skill: np.ndarray
    asked: np.ndarray
    reach_m: float


def city(requests: int, people: int, skills: int, side_m: float, reach_m: float, seed: int = 1) -> City:
    """Draw people and requests over a square at 31 degrees north, people in Morton-like order (strips of 1 km)."""
    draw = np.random.default_rng(seed)
    side = np.radians(side_m / METRES_A_DEGREE)
    spots = draw.random((people + requests, 2)) * side + np.radians((31.0, 104.0))
    strip = np.floor((spots[:people, 0] - spots[:people, 0].min()) / side * side_m / 1000).astype(np.int64)
    order = np.lexsort((spots[:people, 1], strip))
    skill = draw.integers(0, skills, people + requests)
    return City(spots[:people][order], spots[people:], skill[:people], skill[people:], reach_m)


def floor_of(town: City, skills: int) -> Ground:
    """Lay the city out for the kernel: one window, always free."""
    count, asked = len(town.people), len(town.needs)
    reach = np.full(count, town.reach_m)
    facts = np.zeros((count, 8), np.int64)
    facts[:, HOME], facts[:, HOURS_END] = -1, 1
    ask = np.zeros((asked, 18), np.int64)
    ask[:, LATEST_S], ask[:, DURATION_S], ask[:, (FIXED_START_S, CIRCLE_S, ZONE)] = 10**6, 3600, -1
    ask[:, NEED_AT], ask[:, NEED_END], ask[:, GRID] = np.arange(asked), np.arange(1, asked + 1), town.asked
    members = [np.flatnonzero(town.skill == skill) for skill in range(skills)]
    there, here = (np.column_stack(grids.sphere(*points.T)) for points in (town.people, town.needs))
    place = np.column_stack((there, reach, np.ones(count)))
    return Ground(
        people=People(
            place=place,
            facts=facts,
            levels=np.eye(skills, dtype=np.uint8)[town.skill],
            hours=np.array([[0, 10**7]]),
            busy=np.empty((0, 2), np.int64),
            certs=np.empty((0, 2), np.int64),
        ),
        asks=Asks(
            place=np.column_stack((here, town.needs)),
            facts=ask,
            needs=np.column_stack((town.asked, np.ones(asked, np.int64))),
            barred=np.empty(0, np.int64),
            wishes=np.empty((0, 3), np.int64),
            spared=np.empty((0, 2), np.int64),
        ),
        grids=ground.settled(grids.build(*town.people.T, place, members, 0.1)),
        ask=np.arange(asked),
        supply=np.ones(asked, np.int64),
        weight=np.ones(asked, np.int64),
        waiting=np.zeros(asked, np.int64),
        capacity=np.ones(count, np.int64),
        order=np.arange(asked),
        who=np.arange(count),
        dearest=int(np.ceil(town.reach_m)),
        fill_price=1 + asked * 2**20,
        judge=lambda a, v: int(np.floor(_away_m(town, np.array([a]), np.array([v]))[0] + 0.5)),
    )


def _away_m(town: City, a: np.ndarray, v: np.ndarray) -> np.ndarray:
    up, across = ((town.needs[a] - town.people[v]) / 2).T
    half = np.sin(up) ** 2 + np.cos(town.needs[a, 0]) * np.cos(town.people[v, 0]) * np.sin(across) ** 2
    return np.asarray(2 * 6_371_008.8 * np.arcsin(np.sqrt(half)))


def shortlist(town: City, skills: int, nearest: int = 16) -> Network:
    """Return the network of the nearest people of the skill: what stock OR-Tools is given."""
    flat = town.people * (1.0, np.cos(np.radians(31.0)))
    asked = town.needs * (1.0, np.cos(np.radians(31.0)))
    person = np.empty((len(asked), nearest), np.int64)
    for skill in range(skills):
        who, rows = np.flatnonzero(town.skill == skill), np.flatnonzero(town.asked == skill)
        person[rows] = who[cKDTree(flat[who]).query(asked[rows], nearest)[1]]
    row = np.repeat(np.arange(len(asked)), nearest)
    away = _away_m(town, row, person.ravel())
    keep = away <= town.reach_m
    people, dense = np.unique(person.ravel()[keep], return_inverse=True)
    ones, many = np.ones(len(asked), np.int64), np.full(len(asked), 3 * 10**6)
    count = np.bincount(row[keep], minlength=len(asked))
    return Network(
        row[keep], dense, np.floor(away[keep] + 0.5).astype(np.int64), indptr_of(count), ones,
        np.ones(len(people), np.int64), ones, many, 1, True, np.arange(len(asked)), people,
    )  # fmt: skip


def million(requests: int, people: int, skills: int, side_m: float, reach_m: float) -> None:
    """Print our whole solve over all pairs beside stock OR-Tools on the 16 nearest, filled and metres of both."""
    town = city(requests, people, skills, side_m, reach_m)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time(), time.perf_counter()
    solved = batch.solve(floor_of(town, skills))
    spent = time.process_time() - began[0], time.perf_counter() - began[1]
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"{requests} x {people}, {skills} skills: filled {len(solved.person)}, metres {int(solved.cost.sum())}; "
        f"CPU {spent[0]:.2f} s, wall {spent[1]:.2f} s, {memory:.0f} MB more at the peak",
        flush=True,
    )
    network = shortlist(town, skills)
    began = time.process_time(), time.perf_counter()
    taken = flow.take(network, np.arange(network.pairs))
    stock = time.process_time() - began[0]
    print(
        f"  stock OR-Tools on the 16 nearest, its solve alone: filled {int(taken.sum())}, metres "
        f"{int(network.cost[taken].sum())}; CPU {stock:.2f} s; ratio {stock / spent[0]:.1f}"
    )


def main() -> None:
    """Print every town of every size asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 2000])
    parser.add_argument("--million", action="store_true", help="100,000 x 1,000,000, spare and scarce")
    asked = parser.parse_args()
    assert paths.warm()
    for requests in asked.sizes:
        for name in TOWNS:
            row(name, requests)
    if asked.million:
        million(100_000, 1_000_000, 8, 60_000, 6000)
        million(100_000, 1_000_000, 64, 60_000, 3000)


if __name__ == "__main__":
    main()
