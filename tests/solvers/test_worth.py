"""What lists claim of the people they leave out, against every feasible pair, while bids and releases move prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matcher.candidates import Candidates
from matcher.problem import Problem
from matcher.solvers import exact, paths, proof
from matcher.solvers.paths import batch, ground
from matcher.solvers.paths.batch import Batch
from matcher.solvers.paths.values import ASK, AT, BOUND, LENGTH, PERSON_MASK, PRICE, WORTH
from tests.problems import EASY, random_problem

SINGLE = replace(EASY, capacity_max=1)


def _filled(case: Problem) -> tuple[Batch, list[tuple[int, int, int]]]:
    """Return the kernel after everything is filled, and every feasible pair it does not list: (need, person, cost)."""
    candidates = Candidates(case)
    floor = ground.of_problem(case, candidates)
    whole = Batch(floor)
    whole.fill()
    return whole, _unlisted(whole, candidates)


def _unlisted(whole: Batch, candidates: Candidates) -> list[tuple[int, int, int]]:
    dense = {int(person): v for v, person in enumerate(whole.ground.who)}
    lists, rest = whole.work.lists, []
    for i, r in enumerate(whole.ground.order):
        at, length = lists.table[whole.needs[i, ASK], [AT, LENGTH]]
        listed = set((lists.keys[at : at + length] & PERSON_MASK).tolist())
        row = candidates.row(int(r))
        pairs = ((dense[int(person)], int(cost)) for person, cost in zip(row.person, row.cost, strict=True))
        rest += [(i, v, cost) for v, cost in pairs if v not in listed]
    return rest


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("people", [60, 100, 140])
def test_whoever_is_not_listed_is_worth_what_the_list_says(seed: int, people: int) -> None:
    """Scarce, one to one and spare: all three go through bids where paths are short at first."""
    whole, rest = _filled(random_problem(seed, people=people, requirements=100, mix=replace(SINGLE, skills=2)))
    table, nodes = whole.work.lists.table, whole.work.flow.nodes
    assert rest
    for i, v, cost in rest:
        own = table[whole.needs[i, ASK]]
        assert cost >= own[BOUND]
        assert cost + nodes[v, PRICE] >= own[WORTH]
        assert nodes[len(nodes) - len(whole.needs) + i, PRICE] <= cost + nodes[v, PRICE]


@pytest.mark.parametrize("seed", range(6))
def test_lists_by_cost_hold_everybody_cheaper_than_what_is_paid(seed: int) -> None:
    case = random_problem(seed, people=90, requirements=100, mix=SINGLE)
    whole, before = _filled(case)
    whole.list_by_cost()
    after = _unlisted(whole, Candidates(case))
    nodes = whole.work.flow.nodes
    assert len(after) < len(before)
    assert all(cost >= nodes[len(nodes) - len(whole.needs) + i, PRICE] for i, _, cost in after)
    assert not whole.work.lists.table[:, WORTH].any()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["tight", "scarce", "hot"])
def test_where_lists_must_grow_the_kernel_and_ortools_agree(
    seed: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every path but the shortest is handed to the bidders, and the first lists are of six among hundreds."""
    monkeypatch.setattr(batch, "POPS", 2)
    case = {
        "tight": lambda: random_problem(seed, people=300, requirements=300, mix=replace(SINGLE, skills=1)),
        "scarce": lambda: random_problem(seed, people=260, requirements=330, mix=replace(SINGLE, skills=3)),
        "hot": lambda: _hot(random_problem(seed, people=400, requirements=250, mix=replace(SINGLE, skills=1)), 120),
    }[kind]()
    plan = paths.solve(case)
    assert plan is not None
    proof.check(case, plan)
    others = exact.by_flow(case)
    assert plan.objective["filled"] == others.objective["filled"]
    assert sum(plan.objective.values()) == sum(others.objective.values())


def _hot(case: Problem, crowd: int) -> Problem:
    """Put the first requests at one place."""
    lat, lon = case.requirements.lat.copy(), case.requirements.lon.copy()
    lat[:crowd], lon[:crowd] = np.median(lat), np.median(lon)
    return replace(case, requirements=replace(case.requirements, lat=lat, lon=lon))
