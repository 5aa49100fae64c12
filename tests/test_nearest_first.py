"""The nearest-first script agrees with the matcher on random problems, and says so when a plan is made worse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matcher.problem import Shortfall
from matcher.reasons import Unassigned
from matcher.solvers import solve
from tests.nearest_first import all_trips, nearest_first, objections
from tests.problems import PLAIN, random_problem

SINGLE = replace(PLAIN, crews=0, capacity_max=1, weights=(1,), waiting_max=0, shared_requests=0)
CROWDED = replace(SINGLE, skills=1, certificates=0, hours=0.2, busy=0.1, idle=0, pairs=0)


def doubts(problem, plan):
    trips = all_trips(problem)
    return objections(problem, plan, trips, nearest_first(problem, trips))


@pytest.mark.parametrize("seed", range(60))
def test_it_objects_to_no_plan_of_the_matcher(seed):
    problem = random_problem(seed, people=14, requirements=8, mix=SINGLE if seed % 2 else CROWDED)
    assert doubts(problem, solve(problem)) == []


def plan_with_people(mix=CROWDED):
    for seed in range(100):
        problem = random_problem(seed, people=14, requirements=8, mix=mix)
        plan = solve(problem)
        if len(plan.placements) >= 3 and nearest_first(problem, all_trips(problem)).filled == len(plan.placements):
            return problem, plan
    raise AssertionError("no such problem")


def test_it_objects_when_somebody_could_have_been_served():
    problem, plan = plan_with_people()
    left = plan.placements[0].requirement
    poorer = replace(
        plan,
        placements=plan.placements[1:],
        shortfalls=[*plan.shortfalls, Shortfall(requirement=left, reason=Unassigned.OUTBID, funnel={})],
    )
    assert any("fills" in objection for objection in doubts(problem, poorer))


def test_it_objects_to_a_start_that_is_not_the_earliest():
    problem, plan = plan_with_people()
    later = replace(plan.placements[0], start_s=plan.placements[0].start_s + 1)
    assert any(
        "start of" in words for words in doubts(problem, replace(plan, placements=[later, *plan.placements[1:]]))
    )


def test_it_objects_to_a_wrong_reason():
    for seed in range(100):
        problem = random_problem(seed, people=6, requirements=8, mix=SINGLE)
        plan = solve(problem)
        if plan.shortfalls:
            break
    wrong = next(reason for reason in Unassigned if reason is not plan.shortfalls[0].reason)
    mistaken = replace(plan, shortfalls=[replace(plan.shortfalls[0], reason=wrong), *plan.shortfalls[1:]])
    assert any("is said to be" in objection for objection in doubts(problem, mistaken))


def test_it_objects_to_a_longer_walk():
    for seed in range(200):
        problem = random_problem(seed, people=14, requirements=8, mix=CROWDED)
        plan, trips = solve(problem), all_trips(problem)
        used = {placed.person for placed in plan.placements}
        swaps = [
            (n, person)
            for n, placed in enumerate(plan.placements)
            for person in range(len(problem.people.ids))
            if person not in used
            and trips.start_s[placed.requirement, person] >= 0
            and trips.metres[placed.requirement, person] > placed.distance_m + 1000
        ]
        mine = nearest_first(problem, trips)
        if swaps and mine.filled == len(plan.placements):
            break
    n, person = swaps[0]
    old = plan.placements[n]
    start_s = int(trips.start_s[old.requirement, person])
    farther = [*plan.placements[:n], replace(old, person=person, start_s=start_s), *plan.placements[n + 1 :]]
    assert any("walks" in objection for objection in doubts(problem, replace(plan, placements=farther)))
