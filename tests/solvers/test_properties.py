"""What holds for every plan, with every rule and every cost term in play."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from matcher.costs import TERMS
from matcher.problem import Plan, Problem
from matcher.solvers import proof, solve
from tests.enumerator import metres, possible, stage_of
from tests.problems import EASY, HOUR, NOW, Mix, Need, Person, problem, random_problem

#: Everything at once, but few people ruled out, so that plans are full.
RICH = Mix(
    wishes=0.6, posts=0.6, lists=0.1, circles=0.2, full=0.2, leads=0.5, points_max=2000, pairs=0.03, idle=0.02,
    zones=0.1, skills=2, levels=2, certificates=0.1, hours=0.4, capacity_max=3, crews=0.15,
    bands=1.0,
)  # fmt: skip


def value(plan: Plan) -> tuple[int, int]:
    """What the plan is worth: places first, then points saved."""
    return plan.objective["filled"], -sum(points for term, points in plan.objective.items() if term != "filled")


def proven(case: Problem) -> Plan:
    plan = solve(case)
    proof.check(case, plan)
    return plan


@pytest.mark.parametrize("seed", range(40))
def test_no_plan_breaks_a_hard_rule(seed: int) -> None:
    """Checked pair by pair and second by second by code that knows nothing of the matcher's rules."""
    case = random_problem(seed, people=14, requirements=10, mix=RICH if seed % 4 else Mix())
    plan, asked = proven(case), case.requirements
    for p in plan.placements:
        assert stage_of(case, p.requirement, p.person) == ""
        assert possible(case, p.requirement, p.person, p.start_s, busy=True, full=True)
    for r, count in Counter(p.requirement for p in plan.placements).items():
        assert asked.minimum[r] <= count <= asked.people[r]
        assert len({p.start_s for p in plan.placements if p.requirement == r}) == 1
    for one, two in combinations(sorted(plan.placements, key=lambda p: p.start_s), 2):
        if one.person == two.person:
            assert asked.ids[one.requirement][0] != asked.ids[two.requirement][0]
            assert one.start_s + asked.duration_s[one.requirement] + case.rest_s + _way_s(case, one, two) <= two.start_s
    served = Counter(p.person for p in plan.placements)
    assert all(n <= case.people.capacity[v] for v, n in served.items())


def _way_s(case: Problem, one, two) -> int:
    asked = case.requirements
    here = replace(case, people=replace(case.people, lat=asked.lat, lon=asked.lon))  # requirements in people's place
    return math.ceil(metres(here, two.requirement, one.requirement) / case.people.speed_mps[one.person] - 1e-6)


@pytest.mark.parametrize("seed", range(25))
def test_the_proof_certifies_plans_with_every_term_on(seed: int) -> None:
    mix = replace(RICH, crews=0, capacity_max=1, leads=0.5)
    case = random_problem(seed, people=40, requirements=25, mix=mix)
    plan = proven(case)
    assert plan.optimal
    assert plan.engine != "greedy"
    assert set(plan.objective) == {"filled", "waiting", *TERMS}


@pytest.mark.parametrize("seed", range(25))
def test_somebody_more_never_makes_a_plan_worse(seed: int) -> None:
    case = random_problem(seed, people=12, requirements=9, mix=replace(RICH, crews=0.3 if seed % 2 else 0.0))
    active = case.people.active.copy()
    active[seed % 12] = False
    without = proven(replace(case, people=replace(case.people, active=active)))
    active[seed % 12] = True
    with_them = proven(replace(case, people=replace(case.people, active=active)))
    if without.optimal and with_them.optimal:
        assert value(with_them) >= value(without)
    else:
        assert with_them.objective["filled"] >= 0


@pytest.mark.parametrize("seed", range(15))
def test_names_do_not_change_what_a_plan_is_worth(seed: int) -> None:
    case = random_problem(seed, people=12, requirements=9, mix=RICH)
    ids = case.people.ids.copy()
    random.Random(seed).shuffle(ids)
    assert value(proven(replace(case, people=replace(case.people, ids=ids)))) == value(proven(case))


def _shares(ids: list[str], beats: int) -> Counter[str]:
    """Let equal people at one point compete for one request a beat; say who got how many."""
    crowd, got = [Person(id=name) for name in ids], Counter(dict.fromkeys(ids, 0))
    for beat in range(beats):
        plan = solve(problem(crowd, [Need(id=f"r{beat}", at=(300.0, 0.0))], beat=beat))
        got[ids[plan.placements[0].person]] += 1
    return got


@pytest.mark.parametrize("ids", [["a", "b", "c", "d"], ["d", "c", "a", "b"], ["0001", "0002", "0003", "zz"]])
def test_among_equals_everybody_has_the_same_share_whatever_their_name_and_place_in_the_list(ids: list[str]) -> None:
    """Chi-square with 3 degrees of freedom: above 16.3 once in a thousand times. The draw is a hash, not chance."""
    got = _shares(ids, beats=200)
    assert sum((n - 50) ** 2 / 50 for n in got.values()) < 16.3


def test_a_person_with_two_roles_is_left_for_the_one_that_nobody_else_can_fill() -> None:
    both = Person(id="both", skills={"nurse": 1, "drive": 1})
    driver = Person(id="driver", at=(3000.0, 0.0), skills={"drive": 1})
    needs = [Need(id="ride", skills={"drive": 1}), Need(id="care", at=(0.0, 2000.0), skills={"nurse": 1})]
    plan = proven(problem([both, driver], needs))
    assert {(p.requirement, p.person) for p in plan.placements} == {(0, 1), (1, 0)}


@pytest.mark.parametrize("seed", range(20))
def test_people_with_several_roles_strand_no_requirement_that_could_be_filled(seed: int) -> None:
    """As many places are filled as SciPy's matching of skills to people allows, whatever the distances and prices."""
    mix = replace(EASY, skills=5, levels=1, capacity_max=1, weights=(1,), wishes=0.5, points_max=3000)
    case = random_problem(seed, people=18, requirements=18, mix=mix)
    able = np.array([[stage_of(case, r, v) == "" for v in range(18)] for r in range(18)])
    most = int((maximum_bipartite_matching(csr_array(able), perm_type="column") >= 0).sum())
    assert proven(case).objective["filled"] == most


def test_a_person_may_serve_twice_a_day_apart() -> None:
    """Two days, one visit each: what an engine that merged the days would forbid."""
    hours = [(NOW, NOW + 2 * HOUR), (NOW + 24 * HOUR, NOW + 26 * HOUR)]
    needs = [Need(id=f"r{n}", latest_s=NOW + 48 * HOUR, duration_s=2 * HOUR) for n in range(2)]
    plan = proven(problem([Person(id="p", capacity=2, hours=hours)], needs, rest_s=HOUR))
    assert sorted(p.start_s for p in plan.placements) == [NOW, NOW + 24 * HOUR]
