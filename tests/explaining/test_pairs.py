"""Why her, why not him: objections, costs, and a forced solve that brute force and the prices agree with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matcher.explaining import why
from matcher.explaining.answers import Selected
from matcher.explaining.forcing import Disagreement
from matcher.problem import Plan, Problem
from matcher.reasons import MissingSkill, TooFar
from matcher.rules import objections
from matcher.solvers import solve
from tests.problems import Need, Person, problem, random_problem
from tests.solvers import brute
from tests.solvers.contested import contested


def test_a_pair_that_cannot_be_says_every_rule_that_objects() -> None:
    case = problem([Person(id="ana", at=(900, 0), reach_m=100)], [Need(id="q", skills={"rare": 2})])
    said = why(case, solve(case), 0, 0)
    assert [type(reason) for reason in said.objections] == [MissingSkill, TooFar]
    assert not said.in_plan
    assert said.forced is None
    assert said.cost == {}


def test_the_only_person_is_said_to_be_the_only_one() -> None:
    case = problem([Person(id="ana", at=(40, 0))], [Need(id="q")])
    said = why(case, solve(case), 0, 0)
    assert (said.in_plan, said.because, said.cost) == (True, Selected.ONLY_FEASIBLE, {"travel": 40})
    assert said.forced is not None
    assert (said.forced.filled_lost, said.forced.points) == (0, 0)


def test_the_better_person_costs_least_in_all_and_forcing_the_other_says_by_how_much() -> None:
    case = problem([Person(id="ana", at=(40, 0)), Person(id="ben", at=(100, 0))], [Need(id="q")])
    plan = solve(case)
    assert why(case, plan, 0, 0).because is Selected.BEST_TOTAL_COST
    other = why(case, plan, 0, 1)
    assert (other.in_plan, other.because) == (False, None)
    assert other.forced is not None
    assert (other.forced.filled_lost, other.forced.points, other.forced.at_least_points) == (0, 60, 60)


def test_a_forced_plan_that_is_cheaper_than_the_prices_allow_is_a_bug_and_not_an_answer() -> None:
    case = problem([Person(id="ana", at=(40, 0)), Person(id="ben", at=(100, 0))], [Need(id="q")])

    def lying(forced: Problem) -> Plan:
        plan = solve(forced)
        return replace(plan, placements=[replace(p, cost={"travel": 0}) for p in plan.placements])

    with pytest.raises(Disagreement, match=r"the prices prove \(60\)"):
        why(case, solve(case), 0, 1, solver=lying)


def test_a_crew_member_gets_the_prices_bound_only() -> None:
    crowd = [Person(id=name, at=(at, 0)) for name, at in (("a", 0), ("b", 10), ("c", 500))]
    said = why(case := problem(crowd, [Need(id="q", people=2)]), solve(case), 0, 2)
    assert said.forced is not None
    assert (said.forced.filled_lost, said.forced.points) == (None, None)
    assert said.forced.at_least_points == 490


def _only(case: Problem, r: int, person: int) -> Problem:
    """Return the problem in which nobody else may serve `r`, with a weight that makes brute force fill it."""
    asked = case.requirements
    others = [v for v in range(len(case.people.ids)) if v != person]
    rows, people = asked.excluded
    barred = (
        np.append(rows, np.full(len(others), r, np.int32)),
        np.append(people, np.array(others, np.int32)),
    )
    weight = asked.weight.copy()
    weight[r] += 1000
    return replace(case, requirements=replace(asked, excluded=barred, weight=weight))


def _agrees(case: Problem) -> int:
    plan, compared = solve(case), 0
    filled, points = brute.best(case)
    for r in range(len(case.requirements.ids)):
        for person in range(len(case.people.ids)):
            if objections(case, r, person) or case.requirements.people[r] > 1:
                continue
            forced = why(case, plan, r, person).forced
            assert forced is not None
            other_filled, other_points = brute.best(_only(case, r, person))
            assert forced.exact
            assert (forced.filled_lost, forced.points) == (filled - (other_filled - 1000), other_points - points)
            assert forced.points + forced.filled_lost * forced.place_points >= forced.at_least_points
            compared += 1
    return compared


@pytest.mark.parametrize("seed", range(8))
def test_a_forced_solve_agrees_with_brute_force(seed: int) -> None:
    assert _agrees(contested(seed, people=4, requirements=3)) > 0


@pytest.mark.parametrize("seed", range(6))
def test_a_forced_solve_agrees_where_people_have_several_visits_and_others_need_crews(seed: int) -> None:
    _agrees(contested(seed, people=3, requirements=4, crew=0.4, capacity=2))


@pytest.mark.parametrize("seed", range(8))
def test_a_forced_solve_agrees_under_every_rule_at_once(seed: int) -> None:
    _agrees(random_problem(seed, people=6, requirements=4))
