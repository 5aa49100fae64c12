"""Placements are the best there are: against every answer tried, whatever the ids; what is not so is not believed."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from matcher.placement import proof
from matcher.placement.problem import Asked, Member, Placement, Prices, Site
from matcher.placement.shares import bounds
from matcher.placement.solving import solve
from tests.placement.problems import cheapest, drawn, point, told

SEEDS = range(200)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_placement_of_a_small_problem_is_better_and_the_prices_prove_it(seed):
    problem = drawn(seed)
    solution = solve(problem)
    proven = proof.check(problem, solution)
    assert proven.optimal
    assert solution.balance_first
    out, points = told(problem, tuple(solution.site.tolist()))
    assert (out, points) == cheapest(problem)
    assert proven.cost == solution.out_points * out + points


@pytest.mark.parametrize("seed", range(0, 200, 5))
def test_other_names_cost_the_same(seed):
    problem = drawn(seed)
    turned = msgspec.structs.replace(
        problem,
        members=tuple(msgspec.structs.replace(one, at=_turned(one.at)) for one in reversed(problem.members)),
        sites=tuple(msgspec.structs.replace(one, site=str(_turned(one.site))) for one in reversed(problem.sites)),
    )
    assert proof.check(turned, solve(turned)).cost == proof.check(problem, solve(problem)).cost


def _turned(site: str | None) -> str | None:
    return None if site is None else f"z{9 - int(site[1:])}"


def two_sites(**fields) -> Placement:
    sites = (
        Site(site="a", point=point(0), lower=1, upper=1, needs=(Asked(ability="x"),)),
        Site(site="b", point=point(1000), lower=1, upper=1),
    )
    members = (
        Member(member="m", point=point(0), at="a", abilities={"y": 1}),
        Member(member="n", point=point(1000), at="b", abilities={"x": 1}),
    )
    return Placement(members=members, sites=sites, **fields)


def test_two_change_places_only_where_the_need_is_worth_their_way_and_their_move():
    assert solve(two_sites(prices=Prices(need_points=2399, move_points=200))).site.tolist() == [0, 1]
    assert solve(two_sites(prices=Prices(need_points=2401, move_points=200))).site.tolist() == [1, 0]


def test_a_placement_against_a_rule_is_not_believed():
    problem = two_sites()
    solution = solve(problem)
    away = msgspec.structs.replace(problem.members[0], stays=True), problem.members[1]
    with pytest.raises(proof.Unproven, match="may not be at"):
        proof.cost_of(msgspec.structs.replace(problem, members=away), replace(solution, site=np.array([1, 0])))
    with pytest.raises(proof.Unproven, match="need not be"):
        proof.cost_of(problem, replace(solution, site=np.array([-1, 1])))
    with pytest.raises(proof.Unproven, match="does not answer a need"):
        proof.cost_of(problem, replace(solution, need=np.array([0, -1])))
    crowd = tuple(msgspec.structs.replace(one, abilities={"x": 1}) for one in problem.members)
    both = replace(solution, site=np.array([0, 0]), need=np.array([0, 0]))
    with pytest.raises(proof.Unproven, match="counts"):
        proof.cost_of(msgspec.structs.replace(problem, members=crowd), both)


def test_a_worse_placement_is_not_proven_and_wrong_prices_prove_nothing():
    problem = two_sites()
    solution = solve(problem)
    worse = replace(solution, site=np.array([1, 0]), need=np.array([-1, 0]))
    assert not proof.check(problem, worse).optimal
    for shift in ((-700, 0), (0, -9000), (-1, -1)):
        wrong = replace(solution, site_prices=solution.site_prices + np.array(shift))
        assert proof.check(problem, wrong).bound <= proof.check(problem, solution).cost
    with pytest.raises(proof.Unproven, match="above that of one too many"):
        proof.check(problem, replace(solution, site_prices=solution.site_prices + 10 * solution.out_points))


@pytest.mark.parametrize("seed", range(0, 200, 10))
def test_whatever_the_prices_the_bound_is_below_the_best(seed):
    problem = drawn(seed)
    solution = solve(problem)
    best = proof.check(problem, solution).cost
    chance = np.random.default_rng(seed)
    for _ in range(20):
        noise = chance.integers(-3000, 3000, len(solution.site_prices))
        sites = np.minimum(solution.site_prices + noise, solution.out_points)
        needs = solution.need_prices + chance.integers(-3000, 3000, len(solution.need_prices))
        assert proof.check(problem, replace(solution, site_prices=sites, need_prices=needs)).bound <= best


def test_shares_lie_between_bounds_that_can_be_met_together():
    found = bounds(100, [500, 300, 200, 0, None], 10)
    assert found == [(45, 55), (27, 33), (18, 22), (0, 0), (0, 100)]
    exact = bounds(10, [1, 1, 1], 0)
    assert exact == [(3, 4)] * 3
    assert bounds(7, [None, 0], 0) == [(0, 7), (0, 7)]
