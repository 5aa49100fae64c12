"""Weeks cut into parts, planned apart, put together: allowed, complete, and the same whoever planned what when."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from matcher.weekly import cutting, planning
from matcher.weekly import plan as plan_week
from matcher.weekly.week import Effort
from tests.benchmarks import weeks
from tests.problems import random_problem
from tests.week_checker import objections
from tests.weekly.small import random_week, triples

QUICK = Effort(iterations=96, seed=3)


def whole_of(week, cut, plans):
    return plan_week(week, cutting.effort_of_repair(QUICK, cut), cutting.merged(week, cut, plans))


def planned(week, cut, number):
    return cutting.visits_of(cut, number, plan_week(cutting.part_of(week, cut, number), QUICK))


def rows_of(plan):
    return list(zip(plan.requirement.tolist(), plan.person.tolist(), plan.start_s.tolist(), strict=True))


def batch(week, places_max):
    cut = cutting.cut(week, places_max)
    return cut, whole_of(week, cut, [planned(week, cut, number) for number in range(len(cut.parts))])


@pytest.mark.parametrize("seed", range(40))
def test_every_requirement_is_in_one_part_and_nobody_in_two(seed):
    week = random_week(seed, people=20, requirements=18)
    for places_max in (1, 4, 1000):
        cut = cutting.cut(week, places_max)
        rows = np.concatenate([*(part.rows for part in cut.parts), cut.withheld])
        assert sorted(rows.tolist()) == list(range(18)), f"seed {seed}"
        who = np.concatenate([part.who for part in cut.parts]).tolist()
        assert len(set(who)) == len(who), f"seed {seed}"


@pytest.mark.parametrize("seed", range(40))
def test_whoever_could_serve_a_requirement_hangs_together_with_it(seed):
    week = random_week(seed, people=20, requirements=18, spread_m=40_000)
    cut = cutting.cut(week, 1000)
    part_of = {int(p): number for number, part in enumerate(cut.parts) for p in part.who}
    from matcher.candidates import Candidates

    candidates = Candidates(week.problem)
    for number, part in enumerate(cut.parts):
        for r in part.rows.tolist():
            for p in candidates.row(r).person.tolist():
                assert part_of.get(p) == number, f"seed {seed}"


@pytest.mark.parametrize("seed", range(50, 90))
def test_every_plan_that_was_put_together_is_allowed(seed):
    week = random_week(seed, people=16, requirements=16)
    _, plan = batch(week, 5)
    assert objections(week, plan) == [], f"seed {seed}"


@pytest.mark.parametrize("seed", range(100, 130))
def test_it_is_allowed_where_accepted_and_told_people_cross_borders(seed):
    week = random_week(seed, people=16, requirements=16)
    before = rows_of(plan_week(week, QUICK))
    again = replace(week, pinned=triples(before[::3]), told=triples(before[1::3]), disturbance_points=5000)
    cut, plan = batch(again, 4)
    assert objections(again, plan) == [], f"seed {seed}"
    assert set(before[::3]) <= set(rows_of(plan)), f"seed {seed}"
    for number in range(len(cut.parts)):
        part = cutting.part_of(again, cut, number)
        assert objections(part, plan_week(part, QUICK)) == [], f"seed {seed}, part {number}"


def test_some_of_those_weeks_have_promises_over_a_border():
    held = 0
    for seed in range(100, 130):
        week = random_week(seed, people=16, requirements=16)
        before = rows_of(plan_week(week, QUICK))
        again = replace(week, pinned=triples(before[::3]), told=triples(before[1::3]), disturbance_points=5000)
        held += len(cutting.cut(again, 4).withheld)
    assert held > 3


@pytest.mark.parametrize("seed", range(200, 240))
def test_a_plan_put_in_again_is_the_same_plan(seed):
    week = random_week(seed)
    plan = plan_week(week, QUICK)
    start = (plan.requirement, plan.person, plan.start_s)
    first = next(planning.stages(week, replace(QUICK, iterations=0), start))
    again = first()
    before = rows_of(plan)
    assert objections(week, again) == [], f"seed {seed}"
    assert first.cost <= plan.cost, f"seed {seed}"
    kept = len(set(before) & set(rows_of(again)))
    assert kept == len(before), f"seed {seed}"


@pytest.mark.parametrize("seed", range(300, 320))
def test_what_of_a_given_plan_is_not_allowed_is_left_out(seed):
    week = random_week(seed, people=12, requirements=12)
    draw = random.Random(seed)
    rows = [(draw.randrange(12), draw.randrange(12), week.from_s + draw.randrange(3 * 86_400)) for _ in range(60)]
    plan = plan_week(week, QUICK, triples(rows))
    assert objections(week, plan) == [], f"seed {seed}"


@pytest.mark.parametrize("seed", range(400, 406))
def test_the_result_does_not_hang_on_who_plans_which_part_when(seed):
    week = random_week(seed, people=16, requirements=16)
    cut = cutting.cut(week, 4)
    assert len(cut.parts) > 2, f"seed {seed}"
    assert cutting.cut(week, 4).digest == cut.digest
    there = {number: planned(week, cut, number) for number in range(len(cut.parts))}
    back = {number: planned(week, cutting.cut(week, 4), number) for number in reversed(range(len(cut.parts)))}
    one, other = (whole_of(week, cut, [plans[n] for n in range(len(cut.parts))]) for plans in (there, back))
    assert rows_of(one) == rows_of(other)
    assert (one.cost, one.objective) == (other.cost, other.objective)


def test_towns_that_are_far_apart_are_parts_that_nothing_binds():
    week = random_week(7, people=24, requirements=24)
    asked, people = week.problem.requirements, week.problem.people
    town = np.unique([request for request, _ in asked.ids], return_inverse=True)[1] % 2
    home = np.arange(24) % 2
    posed = replace(
        week.problem,
        people=replace(people, lat=people.lat + 3.0 * home, reach_m=np.minimum(people.reach_m, 5000.0)),
        requirements=replace(asked, lat=asked.lat + 3.0 * town),
    )
    apart = replace(week, problem=posed, compound=None, crowd_max=0)
    most = max(int(asked.people.sum()), 1)
    cut = cutting.cut(apart, most)
    assert cut.apart
    assert cutting.effort_of_repair(QUICK, cut).iterations == 0
    for number in range(len(cutting.cut(apart, 1).parts)):
        part = cutting.cut(apart, 1).parts[number]
        assert len({*town[part.rows].tolist(), *home[part.who].tolist()}) == 1
    assert objections(apart, batch(apart, most)[1]) == []


def test_compounds_with_a_cap_stay_whole():
    for seed in range(500, 520):
        week = random_week(seed, people=16, requirements=16)
        if not week.crowd_max:
            continue
        cut = cutting.cut(week, 1)
        of_compound = {}
        for number, part in enumerate(cut.parts):
            for r in part.rows.tolist():
                compound = int(week.compound[r])
                assert compound < 0 or of_compound.setdefault(compound, number) == number, f"seed {seed}"


def test_a_week_without_people_or_requests_is_cut_too():
    nobody = random_week(1, people=1, requirements=1)
    for people, requirements in ((1, 0), (0, 1), (0, 0)):
        posed = random_problem(1, people=people, requirements=requirements)
        week = replace(nobody, problem=posed, presence=None, compound=None, crowd_max=0, owing=np.zeros(people, bool))
        _, plan = batch(week, 5)
        assert len(plan.requirement) == 0


def test_a_county_in_parts_is_within_a_hundredth_of_the_whole():
    week = weeks.county(0.1)
    effort = Effort(iterations=4000)
    cut = cutting.cut(week, 150)
    assert len(cut.parts) == 4
    plans = [
        cutting.visits_of(cut, n, plan_week(cutting.part_of(week, cut, n), replace(effort, iterations=1000)))
        for n in range(4)
    ]
    parts = plan_week(week, cutting.effort_of_repair(replace(effort, iterations=1000), cut),
                      cutting.merged(week, cut, plans))  # fmt: skip
    whole = plan_week(week, effort)
    assert objections(week, parts) == []
    assert parts.objective["filled"] == whole.objective["filled"]
    assert parts.cost <= 1.01 * whole.cost
