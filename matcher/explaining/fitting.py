"""What a person could do next: the requirements that fit best by marginal value, and why nothing was offered."""

from __future__ import annotations

from collections import Counter

import numpy as np

from matcher.costs import PairCosts
from matcher.explaining import pricing
from matcher.explaining.answers import Fit, ForPerson, Idle
from matcher.explaining.trials import served
from matcher.problem import I64, Plan, Problem
from matcher.rules import free, objections
from matcher.rules.reach import pair_distance_m


def for_person(problem: Problem, plan: Plan, person: int, limit: int = 10) -> ForPerson:
    """Return up to `limit` requirements the person could serve and does not, least reduced cost first.

    Ties go to the cheaper pair, then to the order of the problem. Solves nothing.
    """
    ids = problem.requirements.ids
    own = [p.requirement for p in plan.placements if p.person == person]
    barred: Counter[str] = Counter()
    fits: list[tuple[int, int, int, Fit]] = []
    filled, costs = served(problem, plan), PairCosts(problem)
    for r in range(len(ids)):
        against = objections(problem, r, person)
        if against:
            barred[str(against[0].__struct_config__.tag)] += 1
        elif r not in own:
            fit = _fit(problem, plan, r, person, filled, costs)
            fits.append((fit.reduced_points, sum(fit.cost.values()), r, fit))
    ranked = [fit for _, _, _, fit in sorted(fits, key=lambda found: found[:3])]
    return ForPerson(
        person=problem.people.ids[person],
        serving=[ids[r] for r in own],
        nothing_because=None if own else _nothing_because(len(ids), ranked),
        fits=ranked[:limit],
        feasible=len(fits) + len(own),
        barred=dict(sorted(barred.items())),
        place_points=pricing.place_points(problem, plan),
    )


def _fit(problem: Problem, plan: Plan, r: int, person: int, filled: I64, costs: PairCosts) -> Fit:
    request, requirement = problem.requirements.ids[r]
    distance_m = pair_distance_m(problem, r, person)
    cost = costs.of_pair(r, person, distance_m)
    return Fit(
        request=request,
        requirement=requirement,
        reduced_points=pricing.reduced_points(plan, r, person, sum(cost.values())),
        cost=cost,
        distance_m=distance_m,
        start_s=min(np.array(free.starts(problem, r, person))[:, 0].tolist()),
        places_open=int(problem.requirements.people[r] - filled[r]),
    )


def _nothing_because(requirements: int, fits: list[Fit]) -> Idle:
    if requirements == 0:
        return Idle.NOTHING_OPEN
    if not fits:
        return Idle.NOTHING_FEASIBLE
    return Idle.CREWS_INCOMPLETE if all(fit.places_open for fit in fits) else Idle.OTHERS_BETTER
