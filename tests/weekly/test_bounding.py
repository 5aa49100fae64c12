"""The bound of travel never lies above the best plan that there is, and reaches it where routes do not split.

The best plan of a tiny week is found by trying everything, in plain Python that shares nothing with the planner.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from matcher.weekly import plan as plan_week
from matcher.weekly.bounding import travel_bound, windows
from matcher.weekly.week import Effort, Week
from tests.benchmarks import weeks
from tests.week_checker import between_m, from_home_m
from tests.weekly.small import random_week, triples

EFFORT = Effort(iterations=400, seed=3)


def tiny(seed: int) -> Week:
    """Four people, five visits without crews; half of the people owe a visit, shifts are half-days and evenings."""
    drawn = weeks.week(4, 5, 2500.0, seed, 0.0)
    levels = np.ones_like(drawn.problem.people.levels)
    people = replace(drawn.problem.people, levels=levels, capacity=np.full(4, 2 + seed % 3, np.int32))
    begin = drawn.from_s
    hours = (
        np.array([0, 1, 2, 4]),
        begin + 3600 * np.array([9, 10, 11, 33]),
        begin + 3600 * np.array([12, 13, 14, 36]),
    )
    people = replace(
        people,
        hours=np.array([0, 1, 2, 2], np.int32),
        hours_indptr=hours[0].astype(np.int64),
        hours_from_s=hours[1].astype(np.int64),
        hours_until_s=hours[2].astype(np.int64),
    )
    return replace(
        drawn, problem=replace(drawn.problem, people=people), presence=None, compound=None, duty_points=400 * (seed % 2)
    )


def best_of(week: Week) -> tuple[int, int]:
    """Return how many visits a plan can fill and the least metres less duty of one that fills as many."""
    people, asked = week.problem.people, week.problem.requirements
    everybody, visits = range(len(people.ids)), range(len(asked.ids))
    routes = {p: _routes(week, p) for p in everybody}
    best: dict[frozenset[int], int] = {frozenset(): 0}
    for p in everybody:
        assert week.owing is not None
        earned = week.duty_points if week.owing[p] else 0
        grown = dict(best)
        for filled, cost in best.items():
            for served, metres in routes[p].items():
                if not filled & served:
                    key, value = filled | served, cost + metres - earned
                    grown[key] = min(grown.get(key, value), value)
        best = grown
    most = max(map(len, best))
    assert most <= len(visits)
    return most, min(cost for filled, cost in best.items() if len(filled) == most)


def _routes(week: Week, p: int) -> dict[frozenset[int], int]:
    """Return the sets of visits that a person can serve, in all their shifts together, with the least metres."""
    people, asked = week.problem.people, week.problem.requirements
    row = int(people.hours[p])
    total: dict[frozenset[int], int] = {frozenset(): 0}
    for at in range(int(people.hours_indptr[row]), int(people.hours_indptr[row + 1])):
        one: dict[frozenset[int], int] = {frozenset(): 0}
        for size in range(1, len(asked.ids) + 1):
            for order in itertools.permutations(range(len(asked.ids)), size):
                metres = _walked(week, p, order, int(people.hours_from_s[at]), int(people.hours_until_s[at]))
                if metres is not None:
                    key = frozenset(order)
                    one[key] = min(one.get(key, metres), metres)
        both = {(a | b): ma + mb for a, ma in total.items() for b, mb in one.items() if not a & b}
        for a, ma in total.items():
            for b, mb in one.items():
                if not a & b:
                    both[a | b] = min(both[a | b], ma + mb)
        total = both
    return {served: m for served, m in total.items() if 0 < len(served) <= people.capacity[p]}


def _walked(week: Week, p: int, order: tuple[int, ...], free: int, until: int) -> int | None:
    """Return the metres of a route; None where it cannot be kept."""
    people, asked = week.problem.people, week.problem.requirements
    speed, here, walked = float(people.speed_mps[p]), None, 0
    for r in order:
        if from_home_m(week, r, p) > people.reach_m[p]:
            return None
        way = from_home_m(week, r, p) if here is None else between_m(week, here, r)
        start = max(max(free, int(asked.depart_s[r])) + math.ceil(way / speed), int(asked.earliest_s[r]))
        free, here, walked = start + int(asked.duration_s[r]) + week.problem.rest_s, r, walked + math.floor(way + 0.5)
        if start + asked.duration_s[r] > asked.latest_s[r]:
            return None
    home = from_home_m(week, order[-1], p)
    if free - week.problem.rest_s + math.ceil(home / speed) > until:
        return None
    return walked + math.floor(home + 0.5)


def test_the_bound_is_never_above_the_best_plan_and_mostly_at_it():
    gaps = []
    for seed in range(16):
        week = tiny(seed)
        filled, best = best_of(week)
        plan = plan_week(week, EFFORT)
        if plan.objective["filled"] < filled:
            continue  # then the bound is of plans that leave more open
        found = travel_bound(week, plan)
        assert found.rough == 0
        assert found.bound <= best <= found.value, f"seed {seed}: {found}, best {best}"
        gaps.append((best - found.bound) / plan.objective["metres"])
    assert len(gaps) >= 14
    assert sum(gap < 1e-4 for gap in gaps) >= 9, gaps


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_no_plan_of_a_week_with_crews_caps_and_promises_lies_below_the_bound(seed):
    week = random_week(seed)
    first = plan_week(week, Effort(iterations=8))
    rows = list(zip(first.requirement.tolist(), first.person.tolist(), first.start_s.tolist(), strict=True))
    if seed % 4:
        week = replace(week, pinned=triples(rows[::3]), told=triples(rows[1::3]))
    plans = [plan_week(week, replace(EFFORT, seed=one)) for one in range(4)]
    for plan in plans:
        found = travel_bound(week, plan)
        better = [p for p in plans if _open(week, p) <= _open(week, plan)]
        assert all(found.bound <= travel_bound(week, p, rounds=1).value for p in better), f"seed {seed}: {found}"


def _open(week: Week, plan) -> int:
    asked = week.problem.requirements
    return sum(short.places * (10**8 * int(asked.weight[short.requirement])) for short in plan.unfilled)


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_of_every_round_is_valid_and_more_rounds_never_lower_it(seed):
    week = weeks.week(40, 30, 2500.0, seed, 0.2)
    plan = plan_week(week, EFFORT)
    bounds = [travel_bound(week, plan, rounds=rounds).bound for rounds in (1, 2, 4, 8, 40)]
    assert bounds == sorted(bounds), f"seed {seed}"
    best = plan_week(week, Effort(iterations=4000))
    assert len(best.unfilled) > len(plan.unfilled) or bounds[-1] <= travel_bound(week, best, rounds=1).value


@pytest.mark.parametrize("seed", range(2))
def test_a_week_bounded_window_by_window_has_a_bound_too_and_climbing_raises_it(seed, monkeypatch):
    monkeypatch.setattr(windows, "UNITS", 12)
    week = weeks.week(60, 60, 3500.0, seed, 0.2)
    plan = plan_week(week, Effort(iterations=2000))
    whole = travel_bound(week, plan)
    flat, climbed = (travel_bound(week, plan, rounds=rounds, whole_max=0).bound for rounds in (0, 30))
    assert flat < climbed <= whole.bound + 1, f"seed {seed}"
