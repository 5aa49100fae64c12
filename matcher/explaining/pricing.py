"""What the plan's prices prove without solving: its value, its bound, and the reduced cost of a pair (MATCHING 4).

Called by `forcing`, `unfilled` and `fitting`. A greedy plan has no prices: everything proven is 0 then.
"""

from __future__ import annotations

import numpy as np

from matcher.explaining.trials import served
from matcher.problem import Certificate, Plan, Problem


def place_points(problem: Problem, plan: Plan) -> int:
    """Return the points at which the prices count one filled place of weight 1; 0 without prices."""
    asked, certificate = problem.requirements, plan.certificate
    if certificate is None or not len(asked.ids):
        return 0
    return int(certificate.unserved[0] - asked.waiting[0]) // int(asked.weight[0])


def value(problem: Problem, plan: Plan, certificate: Certificate) -> int:
    """Return a plan's cost with every open place at its unserved price, by the prices given."""
    open_places = problem.requirements.people - served(problem, plan)
    cost = sum(sum(placement.cost.values()) for placement in plan.placements)
    return cost + int((open_places * certificate.unserved).sum())


def bound(problem: Problem, certificate: Certificate) -> int:
    """Return the value that no plan can undercut: what places pay, less capacity and what pairs are spared."""
    cost = {
        (r, v): c
        for r, v, c in zip(
            certificate.listed_requirement.tolist(),
            certificate.listed_person.tolist(),
            certificate.listed_cost.tolist(),
            strict=True,
        )
    }
    flow = zip(certificate.flow_requirement.tolist(), certificate.flow_person.tolist(), strict=True)
    spared = sum(max(0, -_reduced(certificate, r, v, cost[r, v])) for r, v in flow)
    places = (problem.requirements.people * certificate.requirement_price).sum()
    capacity = (problem.people.capacity * certificate.person_price).sum()
    return int(places - capacity) - spared


def reduced_points(plan: Plan, r: int, person: int, cost: int) -> int:
    """Return cost + person's price - requirement's price: what the relaxation loses at least by this pair."""
    return 0 if plan.certificate is None else _reduced(plan.certificate, r, person, cost)


def at_least_points(problem: Problem, plan: Plan, r: int, person: int, cost: int) -> int:
    """Return by how much the plan's value grows at least if this pair must be in it."""
    certificate = plan.certificate
    if certificate is None:
        return 0
    slack = value(problem, plan, certificate) - bound(problem, certificate)
    return max(0, reduced_points(plan, r, person, cost) - slack)


def _reduced(certificate: Certificate, r: int, person: int, cost: int) -> int:
    return int(cost + certificate.person_price[person] - certificate.requirement_price[r])


def person_points(problem: Problem, plan: Plan) -> np.ndarray:
    """Return each person's price; zeros without prices."""
    if plan.certificate is None:
        return np.zeros(len(problem.people.ids), np.int64)
    return plan.certificate.person_price
