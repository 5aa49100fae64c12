"""Plans of weeks are allowed, keep what is agreed, and say the truth about themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matcher.weekly import laying, planning, searching, steps
from matcher.weekly import plan as plan_week
from matcher.weekly.week import Effort
from tests.week_checker import objections
from tests.weekly.small import random_week, triples

QUICK = Effort(iterations=96, seed=3)


@pytest.mark.parametrize("seed", range(60))
def test_every_plan_is_allowed(seed):
    week = random_week(seed)
    assert objections(week, plan_week(week, QUICK)) == [], f"seed {seed}"


@pytest.mark.parametrize("seed", range(100, 120))
def test_every_plan_is_allowed_where_everybody_is_at_one_point_and_reaches_nothing_else(seed):
    week = random_week(seed, people=14, requirements=12, spread_m=1)
    people = week.problem.people
    here = np.full(len(people.ids), people.lat[0]), np.full(len(people.ids), people.lon[0])
    there = replace(people, lat=here[0], lon=here[1], reach_m=np.zeros(len(people.ids)))
    asked = week.problem.requirements
    needs = replace(asked, lat=np.full(len(asked.ids), here[0][0]), lon=np.full(len(asked.ids), here[1][0]))
    one = replace(week, problem=replace(week.problem, people=there, requirements=needs))
    plan = plan_week(one, QUICK)
    assert objections(one, plan) == [], f"seed {seed}"
    assert plan.objective["metres"] == 0


@pytest.mark.parametrize("seed", range(200, 230))
def test_what_is_pinned_stays_and_the_rest_is_allowed(seed):
    week = random_week(seed)
    before = plan_week(week, QUICK)
    rows = list(zip(before.requirement.tolist(), before.person.tolist(), before.start_s.tolist(), strict=True))
    again = replace(week, pinned=triples(rows[::2]), told=triples(rows[1::2]))
    plan = plan_week(again, replace(QUICK, seed=seed))
    assert objections(again, plan) == [], f"seed {seed}"


@pytest.mark.parametrize("seed", range(300, 320))
def test_pinned_work_outside_of_peoples_hours_stays_too(seed):
    week = random_week(seed)
    people, asked = week.problem.people, week.problem.requirements
    start = np.maximum(asked.earliest_s, week.from_s + 7)[:3]
    pins = triples([(r, (seed + r) % len(people.ids), int(start[r])) for r in range(3)])
    again = replace(week, pinned=pins)
    plan = plan_week(again, QUICK)
    assert [o for o in objections(again, plan) if "serves request" not in o] == [], f"seed {seed}"


@pytest.mark.parametrize("seed", range(400, 420))
def test_the_cost_kept_by_the_search_is_that_of_the_routes(seed):
    week = random_week(seed)
    if seed % 2:
        before = plan_week(week, QUICK)
        rows = list(zip(before.requirement.tolist(), before.person.tolist(), before.start_s.tolist(), strict=True))
        week = replace(week, told=triples(rows))
    laid = laying.lay(week, seed)
    work = laid.work
    cost = int(steps.total(work.m, work.spots))
    cost += searching.construct(work)
    assert cost == steps.total(work.m, work.spots), f"seed {seed}, first plan"
    for done in range(0, 60, 6):
        cost += searching.search(work, done, done + 6, 60, 400.0, 4.0)
        assert cost == steps.total(work.m, work.spots), f"seed {seed}, step {done}"


def test_the_same_week_and_effort_give_the_same_bytes_and_another_seed_may_not():
    week = random_week(7, people=16, requirements=14)
    one, two = plan_week(week, QUICK), plan_week(week, QUICK)
    for column in ("requirement", "person", "start_s"):
        assert getattr(one, column).tobytes() == getattr(two, column).tobytes()
    assert (one.objective, one.unfilled, one.idle) == (two.objective, two.unfilled, two.idle)


def test_every_stage_is_a_plan_and_none_is_worse_than_the_one_before():
    week = random_week(12, people=16, requirements=14)
    costs = []
    for stage in planning.stages(week, QUICK):
        assert objections(week, stage()) == []
        costs.append(stage.cost)
    assert costs == sorted(costs, reverse=True)
