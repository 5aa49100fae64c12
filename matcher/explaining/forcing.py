"""What the plan loses if a pair must be in it: the problem with the pair forced, solved, and held against the prices.

Called by `pairs` and `unfilled`. The pair is forced by a skill that only this person holds and by a weight of the
requirement that no other loss outweighs; the loss itself is counted with the true weights.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matcher.explaining import pricing
from matcher.explaining.answers import Forced
from matcher.explaining.trials import Trials
from matcher.problem import Plan, Problem

#: No skill of a file or zone has an empty name.
MARK = ""


class Disagreement(Exception):
    """A forced solve is cheaper than the prices allow: one of the two is wrong."""


def can_force(problem: Problem, r: int) -> bool:
    """Say whether one pair alone fills the requirement; a crew's other people and start would have to agree."""
    return bool(problem.requirements.people[r] == 1)


def forced(problem: Problem, plan: Plan, r: int, person: int, cost: int, trials: Trials) -> Forced:
    """Return what forcing a feasible pair costs. Spent where the budget is used up; Disagreement on a bug."""
    held = any(p.requirement == r and p.person == person for p in plan.placements)
    if held:
        return _answer(problem, plan, 0, filled_lost=0, points=0, exact=plan.optimal)
    at_least = pricing.at_least_points(problem, plan, r, person, cost)
    if not can_force(problem, r):
        return _answer(problem, plan, at_least)
    other = trials.plan(posed(problem, r, person))
    if not any(p.requirement == r and p.person == person for p in other.placements):
        return _answer(problem, plan, at_least)
    _hold_against_prices(problem, plan, other, at_least)
    before, after = counted(problem, plan), counted(problem, other)
    exact = plan.optimal and other.optimal
    return _answer(problem, plan, at_least, before[0] - after[0], after[1] - before[1], exact)


def counted(problem: Problem, plan: Plan) -> tuple[int, int]:
    """Return weighted places filled, and points of cost and waiting, by the problem's own weights."""
    asked = problem.requirements
    filled = sum(int(asked.weight[p.requirement]) for p in plan.placements)
    waited = sum(int(asked.waiting[p.requirement]) for p in plan.placements)
    cost = sum(sum(p.cost.values()) for p in plan.placements)
    return filled, cost + int((asked.waiting * asked.people).sum()) - waited


def posed(problem: Problem, r: int, person: int) -> Problem:
    """Return the problem in which the best plan has this pair, where any plan has it. For one place only."""
    asked, people = problem.requirements, problem.people
    mark = np.zeros((1, len(people.ids)), people.levels.dtype)
    mark[0, person] = 1
    at = int(asked.need_indptr[r + 1])
    indptr = asked.need_indptr.copy()
    indptr[r + 1 :] += 1
    # Freeing the person breaks at most their visits, each with its whole crew.
    broken = int(people.capacity[person]) * int((asked.weight * asked.people).max())
    weight = asked.weight.copy()
    weight[r] += broken + 1
    return replace(
        problem,
        skills=[*problem.skills, MARK],
        people=replace(people, levels=np.vstack((people.levels, mark))),
        requirements=replace(
            asked,
            weight=weight,
            need_indptr=indptr,
            need_skill=np.insert(asked.need_skill, at, len(problem.skills)),
            need_level=np.insert(asked.need_level, at, 1),
        ),
    )


def _hold_against_prices(problem: Problem, plan: Plan, other: Plan, at_least: int) -> None:
    if plan.certificate is None:
        return
    more = pricing.value(problem, other, plan.certificate) - pricing.value(problem, plan, plan.certificate)
    if more < at_least:
        raise Disagreement(f"The forced plan costs ({more}) points more, the prices prove ({at_least}).")


def _answer(
    problem: Problem,
    plan: Plan,
    at_least: int,
    filled_lost: int | None = None,
    points: int | None = None,
    exact: bool = False,
) -> Forced:
    return Forced(
        filled_lost=filled_lost,
        points=points,
        exact=exact,
        at_least_points=at_least,
        place_points=pricing.place_points(problem, plan),
    )
