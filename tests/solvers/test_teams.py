"""Crews that must be of one team: the best of all plans, and no plan that mixes teams passes the proof."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matcher.problem import AskedTeams, Placement, Plan, Problem
from matcher.solvers import exact, paths, proof
from tests.problems import Mix, Need, Person, problem, random_problem
from tests.solvers.brute import best

MIX = Mix(
    crews=0.7, partial=0.4, teams=0.8, capacity_max=2, fixed=0.1, skills=2, levels=1, hours=0.3, busy=0.1, pairs=0.02,
    zones=0, certificates=0, circles=0, full=0, idle=0, lists=0.05, shared_requests=0.1, areas=0,
)  # fmt: skip


def drawn(seed: int) -> Problem:
    return random_problem(seed, people=7, requirements=3, mix=MIX)


def value(case: Problem, plan: Plan) -> tuple[int, int]:
    proof.check(case, plan)
    assert plan.optimal
    return plan.objective["filled"], sum(cost for term, cost in plan.objective.items() if term != "filled")


@pytest.mark.parametrize("seed", range(60))
def test_a_plan_with_crews_of_one_team_is_the_best_of_all(seed: int) -> None:
    case = drawn(seed)
    assert value(case, exact.by_flow(case)) == best(case)


def test_the_drawn_problems_need_the_rule() -> None:
    """Without it many of them would end otherwise, and many crews of one team are served."""
    other = served = 0
    for seed in range(60):
        case = drawn(seed)
        loose = {r: replace(teams, together=False) for r, teams in case.requirements.teams.items()}
        free = replace(case, requirements=replace(case.requirements, teams=loose))
        plan = exact.by_flow(case)
        other += plan.objective != exact.by_flow(free).objective
        together = {r for r, teams in case.requirements.teams.items() if teams.together}
        served += bool(together & {p.requirement for p in plan.placements})
    assert other >= 5
    assert served >= 10


def test_the_kernel_gives_a_crew_of_two_teams_up() -> None:
    """Its optimum would mix them; what it may answer is of one team."""
    case = two_teams()
    assert paths.solve(case) is None
    assert sorted(p.person for p in exact.by_flow(case).placements) == [0, 2]


def two_teams() -> Problem:
    """People 0 and 2 are of one team, 1 is of another and nearer."""
    people = [Person(id=name, at=(metres, 0.0)) for name, metres in (("a", 10.0), ("b", 20.0), ("c", 900.0))]
    need = Need(id="r", people=2, teams={"east": ["a", "c"], "west": ["b"]}, together=True)
    return problem(people, [need])


def test_the_proof_refuses_a_crew_of_two_teams() -> None:
    case = two_teams()
    plan = exact.by_flow(case)

    def mixed(placement: Placement) -> Placement:
        if placement.person != 2:
            return placement
        return replace(placement, person=1, distance_m=20.0, cost={"travel": 20})

    with pytest.raises(proof.Unproven):
        proof.check(case, replace(plan, placements=[mixed(placement) for placement in plan.placements]))
    with pytest.raises(proof.Unproven, match="not of one team"):
        proof._check_crew(case, 0, [mixed(placement) for placement in plan.placements])


def test_a_team_without_people_leaves_nobody() -> None:
    nobody = AskedTeams(names=("east",), members=(np.empty(0, np.int32),))
    assert nobody.everybody().size == 0
    case = problem([Person(id="a")], [Need(id="r", teams={"east": []})])
    for engine in (exact.by_flow, paths.solve):
        plan = engine(case)
        assert plan is not None
        proof.check(case, plan)
        assert [shortfall.reason.value for shortfall in plan.shortfalls] == ["NOT_OF_TEAM"]
