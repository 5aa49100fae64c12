"""Why a requirement has open places: funnel, reason, who took whom, what would help. Solves within a budget."""

from __future__ import annotations

import numpy as np

from matcher.candidates import Candidates
from matcher.explaining import pricing
from matcher.explaining.answers import Forced, Lost, Unfilled
from matcher.explaining.forcing import forced
from matcher.explaining.helping import what_would_help
from matcher.explaining.trials import Solve, Spent, Trials, served
from matcher.problem import Plan, Problem, Shortfall
from matcher.solvers import solve

#: Solves that one explanation may take.
SOLVES_MAX = 80
#: People who were lost to others are named up to this many.
LOST_MAX = 3


def why_not(problem: Problem, plan: Plan, r: int, *, solves_max: int = SOLVES_MAX, solver: Solve = solve) -> Unfilled:
    """Explain one requirement (its number in the problem). ValueError where the plan fills it whole.

    `plan` must be the solver's answer to `problem`.
    """
    short = next((s for s in plan.shortfalls if s.requirement == r), None)
    asked = problem.requirements
    if short is None:
        raise ValueError(f"Requirement ({asked.ids[r]}) is filled.")
    trials = Trials(solves_max, solver)
    lost = _lost(problem, plan, short, trials)
    help_ = what_would_help(problem, plan, r, trials)
    places = int(asked.people[r])
    return Unfilled(
        request=asked.ids[r][0],
        requirement=asked.ids[r][1],
        reason=short.reason,
        places=places,
        places_open=places - int(served(problem, plan)[r]),
        funnel=dict(short.funnel),
        lost=lost,
        what_would_help=help_,
        solves=trials.solves,
        ran_out=trials.spent,
    )


def _lost(problem: Problem, plan: Plan, short: Shortfall, trials: Trials) -> list[Lost]:
    """Return the people it could have had at the least price, with whom they serve instead."""
    r, ids = short.requirement, problem.requirements.ids
    row = Candidates(problem).row(r)
    holder: dict[int, int] = {}
    for placement in plan.placements:
        if placement.requirement != r:
            holder.setdefault(placement.person, placement.requirement)
    price = pricing.person_points(problem, plan)
    dearness = np.argsort(row.cost + price[row.person], kind="stable")
    lost: list[Lost] = []
    for at in dearness.tolist():
        person = int(row.person[at])
        if person in holder:
            swap = _swap(problem, plan, r, person, int(row.cost[at]), trials)
            rival = ids[holder[person]]
            name = problem.people.ids[person]
            lost.append(Lost(person=name, rival_request=rival[0], rival_requirement=rival[1], swap=swap))
        if len(lost) == LOST_MAX:
            break
    return lost


def _swap(problem: Problem, plan: Plan, r: int, person: int, cost: int, trials: Trials) -> Forced | None:
    try:
        return forced(problem, plan, r, person, cost, trials)
    except Spent:
        return None
