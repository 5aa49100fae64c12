"""The plan is the optimum: held against brute force on small problems and SciPy on larger ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from matcher.candidates import Candidates
from matcher.policy import Budget
from matcher.problem import Plan, Problem
from matcher.solvers import cpsat, proof, solve
from tests.problems import EASY, Mix, Need, Person, problem, random_problem
from tests.solvers import brute
from tests.solvers.contested import contested


def _value(plan: Plan) -> tuple[int, int]:
    return plan.objective["filled"], sum(points for term, points in plan.objective.items() if term != "filled")


def _is_the_optimum(case: Problem) -> None:
    plan = solve(case)
    proof.check(case, plan)
    assert _value(plan) == brute.best(case)
    assert plan.optimal
    assert plan.gap == 0


@pytest.mark.parametrize("seed", range(30))
def test_single_requests_are_matched_best(seed: int) -> None:
    _is_the_optimum(contested(seed))


@pytest.mark.parametrize("seed", range(30))
def test_crews_are_filled_whole_or_not_at_all_and_best(seed: int) -> None:
    _is_the_optimum(contested(seed, crew=1.0, partial=0.0, fixed=0.0, people=7, requirements=3))


@pytest.mark.parametrize("seed", range(30))
def test_crews_that_may_be_smaller_are_filled_best(seed: int) -> None:
    _is_the_optimum(contested(seed, crew=0.8, partial=0.7, people=6))


@pytest.mark.parametrize("seed", range(30))
def test_people_with_several_visits_never_clash_and_are_used_best(seed: int) -> None:
    _is_the_optimum(contested(seed, capacity=3, people=3, requirements=5))


@pytest.mark.parametrize("seed", range(30))
def test_crews_and_several_visits_together_are_matched_best(seed: int) -> None:
    _is_the_optimum(contested(seed, crew=0.5, capacity=2, people=4))


@pytest.mark.parametrize("seed", range(30))
def test_every_hard_rule_at_once_is_matched_best(seed: int) -> None:
    _is_the_optimum(random_problem(seed, people=6, requirements=4))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("first_list", [1, 16])
def test_lists_grow_to_the_optimum_that_scipy_finds_over_all_pairs(seed: int, first_list: int) -> None:
    mix = Mix(**{**EASY.__dict__, "capacity_max": 1, "weights": (1,), "waiting_max": 0})
    budget = Budget(first_list=first_list)
    case = random_problem(seed, people=70 + 15 * seed, requirements=120, mix=mix)
    case = Problem(**{**case.__dict__, "budget": budget})
    plan = solve(case)
    proof.check(case, plan)
    table = np.full((120, len(case.people.ids) + 120), 10**7)
    candidates = Candidates(case)
    for r in range(120):
        row = candidates.row(r)
        table[r, row.person] = row.cost
    rows, columns = linear_sum_assignment(table)
    taken = table[rows, columns]
    served = taken < 10**7
    assert _value(plan) == (int(served.sum()), int(taken[served].sum()))
    assert plan.optimal


@pytest.mark.parametrize("seed", range(30))
def test_a_large_broken_part_is_solved_in_two_steps_and_still_best(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpsat, "PAIRS_FEW", 4)
    _is_the_optimum(contested(500 + seed, crew=0.6, capacity=2, people=5))


@pytest.mark.parametrize("seed", range(30))
def test_a_part_too_large_to_decide_says_a_gap_that_holds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpsat, "PAIRS_FEW", 4)
    monkeypatch.setattr(cpsat, "PAIRS_MAX", 4)
    case = contested(500 + seed, crew=0.6, capacity=2, people=5)
    plan = solve(case)
    proof.check(case, plan)
    filled, points = brute.best(case)
    assert plan.certificate is not None
    heavy = int(plan.certificate.unserved[0] - case.requirements.waiting[0]) // int(case.requirements.weight[0])
    off = heavy * (filled - plan.objective["filled"]) + _value(plan)[1] - points
    assert 0 <= off <= plan.gap
    assert plan.optimal == (plan.gap == 0)


def test_filling_a_place_is_worth_any_way() -> None:
    case = problem(
        [Person(id="near", at=(0, 0), reach_m=100), Person(id="far", at=(4900, 0), skills={"help": 1, "rare": 1})],
        [Need(id="easy", at=(4800, 0)), Need(id="rare", at=(4900, 0), skills={"rare": 1})],
    )
    other = problem(
        [Person(id="wide", at=(0, 0)), Person(id="narrow", at=(10, 0), reach_m=20)],
        [Need(id="here", at=(5, 0)), Need(id="away", at=(4000, 0))],
    )
    assert solve(case).objective["filled"] == 1
    assert {(p.requirement, p.person) for p in solve(other).placements} == {(0, 1), (1, 0)}


def test_heavy_requirements_go_first() -> None:
    case = problem([Person(id="p")], [Need(id="light"), Need(id="heavy", at=(4000, 0), weight=4)])
    assert [p.requirement for p in solve(case).placements] == [1]


def test_a_problem_without_a_possible_pair_is_answered_with_reasons() -> None:
    case = problem([], [Need(id="a"), Need(id="b")])
    plan = solve(case)
    proof.check(case, plan)
    assert plan.placements == []
    assert plan.optimal
    assert [s.requirement for s in plan.shortfalls] == [0, 1]


def test_a_problem_without_requirements_is_answered_empty() -> None:
    case = problem([Person(id="a")], [])
    plan = solve(case)
    proof.check(case, plan)
    assert plan.placements == []


def test_two_visits_leave_time_for_the_way_between_the_sites() -> None:
    case = problem(
        [Person(id="p", capacity=2, speed_mps=1.0)],
        [Need(id="a", at=(0, 0), duration_s=600), Need(id="b", at=(1000, 0), duration_s=600)],
    )
    plan = solve(case)
    first, second = sorted(plan.placements, key=lambda p: p.start_s)
    assert second.start_s >= first.start_s + 600 + 1000
    assert second.travel_s in (1000, 1001)


@pytest.mark.parametrize("seed", range(20))
def test_people_rest_between_their_visits_and_are_used_best(seed: int) -> None:
    _is_the_optimum(replace(contested(seed, capacity=3, people=3, requirements=5), rest_s=1500))


def test_two_visits_leave_time_for_rest_and_for_the_way() -> None:
    needs = [Need(id="a", duration_s=600), Need(id="b", at=(1000, 0), duration_s=600)]
    plan = solve(problem([Person(id="p", capacity=2, speed_mps=1.0)], needs, rest_s=900))
    first, second = sorted(plan.placements, key=lambda p: p.start_s)
    assert second.start_s in (first.start_s + 600 + 900 + 1000, first.start_s + 600 + 900 + 1001)
    assert second.travel_s in (1000, 1001)


def test_a_budget_that_ends_early_is_said_with_a_gap() -> None:
    case = contested(3, people=12, requirements=12)
    plan = solve(Problem(**{**case.__dict__, "budget": Budget(first_list=1, growth_rounds=1)}))
    proof.check(case, plan)
    assert not plan.optimal
    assert plan.gap > 0
