"""The proof catches a plan that is not what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from matcher.candidates import Candidates
from matcher.policy import Budget
from matcher.problem import Placement, Plan, Problem
from matcher.solvers import proof, recount, solve
from matcher.solvers.proof import Unproven
from tests.problems import HOUR, NOW, Mix, Need, Person, problem, random_problem
from tests.solvers.contested import contested


def _line(**budget: Any) -> Problem:
    """Three people and two requirements on a line; x is the nearest to both."""
    return problem(
        [Person(id="x", at=(0, 0)), Person(id="y", at=(300, 0)), Person(id="z", at=(900, 0), skills={"other": 1})],
        [Need(id="a", at=(10, 0)), Need(id="b", at=(-20, 0))],
        budget=Budget(**budget),
    )


def _with(plan: Plan, **fields: Any) -> Plan:
    assert plan.certificate is not None
    return replace(plan, certificate=replace(plan.certificate, **fields))


def _place(plan: Plan, at: int, **fields: Any) -> Plan:
    placements = list(plan.placements)
    placements[at] = replace(placements[at], **fields)
    return replace(plan, placements=placements)


def _pair(r: int, v: int) -> Placement:
    """A true placement of the line."""
    row = Candidates(_line()).row(r)
    at = row.person.tolist().index(v)
    metres, start = float(row.distance_m[at]), int(row.start_s[at])
    return Placement(
        requirement=r,
        person=v,
        start_s=start,
        travel_s=int(row.travel_s[at]),
        distance_m=metres,
        cost={"travel": int(row.cost[at])},
    )


def _free_price(plan: Plan) -> Plan:
    assert plan.certificate is not None
    price = plan.certificate.person_price.copy()
    price[2] = 5
    return _with(plan, person_price=price)


def _low_price(plan: Plan) -> Plan:
    assert plan.certificate is not None
    return _with(plan, person_price=np.zeros_like(plan.certificate.person_price))


def _shifted_price(plan: Plan) -> Plan:
    assert plan.certificate is not None
    return _with(plan, requirement_price=plan.certificate.requirement_price + 1)


def _two_unserved_prices(plan: Plan) -> Plan:
    assert plan.certificate is not None
    return _with(plan, unserved=plan.certificate.unserved + np.array([0, 7]))


def _cheap_listing(plan: Plan) -> Plan:
    assert plan.certificate is not None
    return _with(plan, listed_cost=np.maximum(plan.certificate.listed_cost - 3, 0))


LIES: dict[str, tuple[Callable[[Plan], Plan], str]] = {
    "a free person has a price": (_free_price, "free capacity"),
    "prices too low": (_low_price, r"\(3\)|\(4\)"),
    "prices shifted": (_shifted_price, r"\(3\)"),
    "two unserved prices": (_two_unserved_prices, "unserved price"),
    "costs made up": (_cheap_listing, "another cost"),
    "one person twice": (lambda plan: replace(plan, placements=[_pair(0, 0), _pair(1, 0)]), "capacity"),
    "a person without the skill": (lambda plan: _place(plan, 0, person=2), "may not serve"),
    "too early": (lambda plan: _place(plan, 0, start_s=NOW), "cannot start"),
    "a shorter way": (lambda plan: _place(plan, 0, distance_m=1.0), "m from"),
    "a cheaper pair": (lambda plan: _place(plan, 0, cost={"travel": 1}), "costs"),
    "a better objective": (lambda plan: replace(plan, objective={**plan.objective, "travel": 0}), "objective"),
    "a placement kept back": (lambda plan: replace(plan, placements=plan.placements[:1]), "objective"),
    "a reason for what is filled": (lambda plan: replace(plan, shortfalls=list(_some_reason())), "reasons"),
    "a gap with the optimum": (lambda plan: replace(plan, gap=3), "gap is 0"),
    "no certificate": (lambda plan: replace(plan, certificate=None), "certificate"),
    "optimal greed": (lambda plan: replace(plan, engine="greedy"), "greedy"),
}


def _some_reason() -> Any:
    return solve(problem([], [Need(id="a")])).shortfalls


@pytest.mark.parametrize("name", LIES)
def test_a_planted_lie_is_named(name: str) -> None:
    case = _line()
    plan = solve(case)
    proof.check(case, plan)
    lie, words = LIES[name]
    with pytest.raises(Unproven, match=words):
        proof.check(case, lie(plan))


def test_a_better_pair_that_was_never_listed_is_found() -> None:
    """Solve without the nearest person, then claim that for the whole problem."""
    case = _line()
    blind = solve(replace(case, people=replace(case.people, active=np.array([False, True, True]))))
    with pytest.raises(Unproven, match=r"\(5\)"):
        proof.check(case, blind)


def test_above_the_budget_of_pairs_a_sample_is_searched() -> None:
    case = _line(proof_pairs=3)
    blind = solve(replace(case, people=replace(case.people, active=np.array([False, False, True]))))
    assert len(recount.sample(case)) == 1
    with pytest.raises(Unproven, match=r"\(5\)"):
        proof.check(case, blind)


def test_a_crew_with_two_starts_or_too_few_people_is_refused() -> None:
    case = problem([Person(id=name) for name in "abc"], [Need(id="crew", people=3)])
    plan = solve(case)
    proof.check(case, plan)
    with pytest.raises(Unproven, match="different times"):
        proof.check(case, _place(plan, 0, start_s=plan.placements[0].start_s + 60))
    with pytest.raises(Unproven, match="takes"):
        proof.check(case, replace(plan, placements=plan.placements[:2]))


def test_a_crew_left_out_though_it_could_assemble_is_refused() -> None:
    case = problem([Person(id=name) for name in "abc"], [Need(id="crew", people=3)])
    nobody = solve(replace(case, people=replace(case.people, active=np.array([True, True, False]))))
    assert nobody.placements == []
    with pytest.raises(Unproven, match=r"\(5\)"):
        proof.check(case, nobody)


def test_two_visits_that_clash_are_refused() -> None:
    case = problem([Person(id="p", capacity=2)], [Need(id="a"), Need(id="b", at=(1000, 0))])
    plan = solve(case)
    first, second = sorted(plan.placements, key=lambda p: p.start_s)
    early = replace(second, start_s=first.start_s + HOUR + 500)
    with pytest.raises(Unproven, match="clash"):
        proof.check(case, replace(plan, placements=sorted([first, early], key=lambda p: p.requirement)))


@pytest.mark.parametrize("seed", range(60))
def test_the_proof_counts_the_same_feasible_pairs_as_the_candidates(seed: int) -> None:
    mix = Mix() if seed % 2 else Mix(pairs=0.02, idle=0.02, skills=2, levels=1)
    case = random_problem(seed, people=25, requirements=12, mix=mix)
    free, anything = np.zeros(25, np.int64), np.full(12, recount.NEVER)
    mine = set(recount.cheaper(case, np.arange(12), free, anything))
    candidates = Candidates(case)
    theirs = {(r, int(v)) for r in range(12) for v in candidates.row(r).person}
    hairs = {(r, v) for r, v in theirs - mine if _on_the_edge(case, r, v)}
    assert mine == theirs - hairs
    for r, v in sorted(theirs)[:20]:
        ours, known = np.array(recount.starts(case, r, v)), np.array(candidates.starts(r, v))
        assert ours.shape == known.shape
        assert np.abs(ours - known).max() <= 1  # a travel second met to within a hair


def _on_the_edge(case: Problem, r: int, v: int) -> bool:
    """Rounding decides: the reach, or the travel second that the last start depends on."""
    if abs(recount.metres(case, r, v) - float(case.people.reach_m[v])) < 1e-3:
        return True
    return bool(recount.starts(case, r, v)) and not recount.starts(case, r, v, recount.HAIR)


def test_the_candidates_and_the_proof_disagree_only_where_planted() -> None:
    """The check runs on what the solver did on contested problems of every kind (it must not be too strict)."""
    for seed in range(40):
        case = contested(1000 + seed, crew=0.4, capacity=2, people=6, requirements=5)
        proof.check(case, solve(case))


def test_a_person_more_than_asked_is_refused() -> None:
    case = _line()
    plan = solve(case)
    with pytest.raises(Unproven, match="twice"):
        proof.check(case, replace(plan, placements=[_pair(0, 0), _pair(0, 0)]))
