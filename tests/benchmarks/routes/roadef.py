"""ROADEF 2007 as arrays for `forming`, and plans back into the checker's words. Called by the benchmark and tests."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.benchmarks.routes import forming

#: The orders of the priorities that are tried as first plans.
ORDERS = tuple(itertools.permutations((1, 2, 3, 4)))


@dataclass(frozen=True)
class Case:
    """One instance in arrays; interventions and technicians are numbered from 0."""

    arrays: tuple[Any, ...]
    costs: np.ndarray
    closure: np.ndarray  # [N, N] an intervention and all that follow it
    budget: int


def case(instance: dict[str, Any]) -> Case:
    """Lay out what `roadef_checker.read` returned."""
    asked, crowd = instance["interventions"], instance["technicians"]
    columns = sorted({column for i in asked.values() for column in i["needs"]})
    number = {n: row for row, n in enumerate(sorted(asked))}
    rows = [asked[n] for n in sorted(asked)]
    needs = np.array([[i["needs"].get(column, 0) for column in columns] for i in rows], np.int64).reshape(len(rows), -1)
    people = [crowd[n] for n in sorted(crowd)]
    levels = np.array([[int(p["levels"][d] > k) for d, k in columns] for p in people], np.int64)
    off = np.array([[day + 1 in p["off"] for p in people] for day in range(forming.DAYS_MAX)], np.bool_)
    before = [[number[b] for b in i["before"]] for i in rows]
    scarce = needs.sum(axis=0) / np.maximum(1, levels.sum(axis=0))
    worth = levels @ (scarce / max(1e-9, scarce.max()))
    arrays = (
        np.array([i["time"] for i in rows], np.int64), np.array([i["priority"] for i in rows], np.int64), needs,
        np.concatenate(([0], np.cumsum([len(some) for some in before]))).astype(np.int64),
        np.array([b for some in before for b in some], np.int64), levels, worth.astype(np.float64), off,
    )  # fmt: skip
    return Case(arrays, np.array([i["cost"] for i in rows], np.int64), _closure(before), int(instance["budget"]))


def _closure(before: list[list[int]]) -> np.ndarray:
    """Return what follows what, itself included."""
    reach = np.eye(len(before), dtype=np.bool_)
    for i, some in enumerate(before):
        reach[some, i] = True
    while True:
        further = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
        if (further == reach).all():
            return reach
        reach = further


def by_priority(posed: Case, priorities: tuple[int, ...]) -> np.ndarray:
    """Return the interventions by priority, each as urgent as what waits for it; large ones first."""
    times, priority, needs = posed.arrays[:3]
    place = np.array([0, *(priorities.index(p) for p in (1, 2, 3, 4))])[priority]
    urgent = np.where(posed.closure, place[None, :], 9).min(axis=1)
    behind = -posed.closure.sum(axis=1)
    return np.lexsort((-needs.max(axis=1, initial=0) * times, behind, urgent)).astype(np.int64)


def given_away(posed: Case) -> np.ndarray:
    """Return the interventions by how much work goes with them for a unit of the budget, the most first."""
    times, _, needs = posed.arrays[:3]
    work = posed.closure @ (times * needs.max(axis=1, initial=1))
    return np.argsort(-work / np.maximum(1, posed.closure @ posed.costs), kind="stable").astype(np.int64)


def greedy(posed: Case) -> tuple[int, np.ndarray, np.ndarray]:
    """Return cost, plan and teams of one pass by priority, the most urgent first."""
    return _searched(posed, by_priority(posed, (1, 2, 3, 4)), forming.THRIFTS[0], 0, 1)


def searched(posed: Case, steps: int, seed: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Return the best of a search from the best pass."""
    starts = [(_searched(posed, by_priority(posed, p), t, 0, seed)[0], p, t) for p in ORDERS for t in forming.THRIFTS]
    _, priorities, thrift = min(starts)
    return _searched(posed, by_priority(posed, priorities), thrift, steps, seed)


def _searched(
    posed: Case, order: np.ndarray, thrift: float, steps: int, seed: int
) -> tuple[int, np.ndarray, np.ndarray]:
    found: tuple[int, np.ndarray, np.ndarray] = forming.search(
        posed.arrays, posed.costs, posed.closure, posed.budget, order.copy(), given_away(posed), thrift, steps, seed
    )
    return found


def told(instance: dict[str, Any], plan: np.ndarray, teams: np.ndarray) -> dict[str, Any]:
    """Return a plan in the checker's words."""
    numbers, people = sorted(instance["interventions"]), sorted(instance["technicians"])
    days = int(plan[:, 0].max(initial=-1)) + 1
    crews = {
        day + 1: [
            [people[p] for p in np.flatnonzero(teams[day] == team).tolist()]
            for team in range(int(teams[day].max(initial=-1)) + 1)
        ]
        for day in range(days)
    }
    visits = {numbers[i]: (int(d) + 1, int(s), int(c)) for i, (d, s, c) in enumerate(plan.tolist()) if d >= 0}
    return {"teams": crews, "visits": visits}
