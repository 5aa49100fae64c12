"""Whether a plan is what it says: rules, objective and prices re-checked by the parent before a plan is used.

Called by the services after every solve, whoever solved. Trusts nothing of the solver: distances, filters and starts
of pairs that the plan does not use come from `recount`, an enumerator of its own. What it takes on trust: that CP-SAT
closed the gap it claims (the relaxation's bound is re-checked), and the Hall search where U' could not be large enough.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from matcher import geo
from matcher.candidates import objections
from matcher.problem import COST_MAX, I64, Certificate, Placement, Plan, Problem
from matcher.solvers import recount
from matcher.solvers.calendar import leg_s

#: Engines whose plan is a cheapest flow itself, so that its prices must prove it to the point.
FLOWS = ("ortools-flow", "paths", "paths, kept")


class Unproven(Exception):
    """The plan is not what it says; the message names what failed."""


def check(problem: Problem, plan: Plan) -> None:
    """Raise Unproven unless the plan keeps every hard rule and is as good as it claims."""
    _check_rules(problem, plan.placements)
    _check_objective(problem, plan)
    _check_reported(problem, plan)
    if plan.engine == "greedy":
        _require(not plan.optimal, "A greedy plan claims to be optimal.")
        return
    _require(plan.certificate is not None, "A plan without certificate claims a bound.")
    assert plan.certificate is not None
    _check_certificate(problem, plan, plan.certificate)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise Unproven(message)


# --- rules -----------------------------------------------------------------------------------------------------


def _check_rules(problem: Problem, placements: list[Placement]) -> None:
    crews: dict[int, list[Placement]] = defaultdict(list)
    visits: dict[int, list[Placement]] = defaultdict(list)
    for placement in placements:
        _check_pair(problem, placement)
        crews[placement.requirement].append(placement)
        visits[placement.person].append(placement)
    for requirement, crew in crews.items():
        _check_crew(problem, requirement, crew)
    for person, own in visits.items():
        _check_visits(problem, person, own)
    _check_crowds(problem, placements)


def _check_pair(problem: Problem, placement: Placement) -> None:
    asked, people, r, v = problem.requirements, problem.people, placement.requirement, placement.person
    reasons = objections(problem, r, v)
    _require(not reasons, f"Person ({people.ids[v]}) may not serve ({asked.ids[r]}): {reasons}")
    starts = recount.starts(problem, r, v)
    _require(
        any(low <= placement.start_s <= high for low, high in starts),
        f"Person ({people.ids[v]}) cannot start ({asked.ids[r]}) at ({placement.start_s}); possible: {starts}",
    )
    distance = geo.distance_m(float(people.lat[v]), float(people.lon[v]), float(asked.lat[r]), float(asked.lon[r]))
    _require(
        abs(distance - placement.distance_m) < 1e-6,
        f"Person ({people.ids[v]}) is ({distance}) m from ({asked.ids[r]}), not ({placement.distance_m}).",
    )
    cost = recount.terms_of(problem, r, v, placement.distance_m)
    _require(
        placement.cost == cost, f"Person ({people.ids[v]}) costs ({cost}) at ({asked.ids[r]}), not ({placement.cost})."
    )


def _check_crew(problem: Problem, requirement: int, crew: list[Placement]) -> None:
    asked = problem.requirements
    name, count = asked.ids[requirement], len(crew)
    _require(len({p.person for p in crew}) == count, f"A person serves ({name}) twice.")
    _require(len({p.start_s for p in crew}) == 1, f"The people of ({name}) start at different times.")
    teams = asked.teams.get(requirement)
    if teams is not None and teams.together:
        _require(teams.shared_by([p.person for p in crew]), f"The people of ({name}) are not of one team.")
    low, high = int(asked.minimum[requirement]), int(asked.people[requirement])
    _require(low <= count <= high, f"({name}) has ({count}) people, it takes ({low}) to ({high}) or none.")


def _check_visits(problem: Problem, person: int, own: list[Placement]) -> None:
    asked, name = problem.requirements, problem.people.ids[person]
    _require(len(own) <= int(problem.people.capacity[person]), f"Person ({name}) serves ({len(own)}): over capacity.")
    if len(own) == 1:
        return
    _require(len({asked.ids[p.requirement][0] for p in own}) == len(own), f"Person ({name}) serves a request twice.")
    own = sorted(own, key=lambda p: p.start_s)
    for i, first in enumerate(own):
        for second in own[i + 1 :]:
            ready = first.start_s + int(asked.duration_s[first.requirement])
            ready += problem.rest_s + leg_s(problem, person, first.requirement, second.requirement)
            _require(ready <= second.start_s, f"Two visits of person ({name}) clash at ({second.start_s}).")


def _check_crowds(problem: Problem, placements: list[Placement]) -> None:
    """No hour of the clock brings more people into a compound than may visit it; who was bound before stays."""
    if problem.crowding is None:
        return
    there: dict[tuple[int, int], int] = defaultdict(int)
    for p in placements:
        compound, last = (
            int(problem.crowding.compound[p.requirement]),
            int(problem.requirements.duration_s[p.requirement]),
        )
        if compound >= 0:
            for hour in range(p.start_s // 3600, (p.start_s + last - 1) // 3600 + 1):
                there[compound, hour] += 1
    for place, people in there.items():
        others, most = problem.crowding.taken.get(place, 0), problem.crowding.most
        _require(
            others + people <= most, f"({others + people}) people visit compound and hour ({place}), not ({most})."
        )


def _check_objective(problem: Problem, plan: Plan) -> None:
    asked = problem.requirements
    filled = sum(int(asked.weight[p.requirement]) for p in plan.placements)
    waited = sum(int(asked.waiting[p.requirement]) for p in plan.placements)
    points = {name: sum(p.cost[name] for p in plan.placements) for name in recount.term_names(problem)}
    true = {"filled": filled, **points, "waiting": int((asked.waiting * asked.people).sum()) - waited}
    _require(plan.objective == true, f"The objective is ({true}), the plan says ({plan.objective}).")


def _check_reported(problem: Problem, plan: Plan) -> None:
    """Every requirement with places left open has exactly one reason, no other has one."""
    served = np.bincount([p.requirement for p in plan.placements], minlength=len(problem.requirements.ids))
    short = np.flatnonzero(served < problem.requirements.people).tolist()
    said = sorted(shortfall.requirement for shortfall in plan.shortfalls)
    _require(said == short, f"Open are the requirements ({short}), reasons are given for ({said}).")


# --- prices ----------------------------------------------------------------------------------------------------


def _check_certificate(problem: Problem, plan: Plan, certificate: Certificate) -> None:
    asked, price, pi = problem.requirements, certificate.person_price, certificate.requirement_price
    served = np.bincount(certificate.flow_requirement, minlength=len(asked.ids))
    used = np.bincount(certificate.flow_person, minlength=len(problem.people.ids))
    _check_unserved_price(problem, certificate, plan.optimal)
    _require(bool((served <= asked.people).all()), "The flow serves a requirement more often than it asks.")
    _require(bool((used <= problem.people.capacity).all()), "The flow uses a person beyond capacity.")
    _require(bool((price >= 0).all()), "(1) A person has a negative price.")
    _require(not price[used < problem.people.capacity].any(), "(1) A person with free capacity has a price.")
    _require(bool((pi <= certificate.unserved).all()), "(2) A requirement pays more than staying unserved costs.")
    _require(
        np.array_equal(pi[served < asked.people], certificate.unserved[served < asked.people]),
        "(2) A requirement with an unserved place pays less than staying unserved costs.",
    )
    bound = _check_listed(problem, certificate, served)
    _check_claim(problem, plan, certificate, bound)
    if plan.optimal or plan.engine not in FLOWS:
        _check_unlisted(problem, certificate, served)


def _check_unserved_price(problem: Problem, certificate: Certificate, optimal: bool) -> None:
    """U_r = weight_r * U' + waiting_r with one U' for all, and U' above what any two plans can differ by.

    Where the flow engine's guard forbids that, the listed pairs are what is looked at, and the rest is on trust.
    """
    asked = problem.requirements
    fill = certificate.unserved - asked.waiting
    if len(fill):
        first = int(fill[0]) // int(asked.weight[0])
        _require(
            first > 0 and np.array_equal(fill, asked.weight.astype(np.int64) * first),
            "The unserved price is not U' a weight.",
        )
        places = min(int(asked.people.sum()), int(problem.people.capacity.sum()))
        rest = int((asked.people * asked.waiting).sum())
        if first <= places * COST_MAX + rest and optimal:
            _require(_is_large(problem), "The unserved price does not put the fill first.")


def _is_large(problem: Problem) -> bool:
    """Say whether the flow engine's guard may forbid the full price: 2 n^2 * max(cost, U) < 2^63."""
    asked = problem.requirements
    nodes = len(asked.ids) + len(problem.people.ids) + 1
    places = min(int(asked.people.sum()), int(problem.people.capacity.sum()))
    full = places * COST_MAX + int((asked.people * asked.waiting).sum()) + 1
    return 2 * nodes * nodes * (full * int(asked.weight.max()) + int(asked.waiting.max())) >= 2**63


def _check_listed(problem: Problem, certificate: Certificate, served: I64) -> int:
    """Check (3) and (4) and return the bound that the prices prove."""
    asked, people = problem.requirements, problem.people
    r, v = certificate.listed_requirement.astype(np.int64), certificate.listed_person.astype(np.int64)
    cost = certificate.listed_cost
    _require(np.array_equal(cost, recount.costs_of(problem, r, v)), "A listed pair has another cost.")
    size = len(people.ids)
    key, flow_key = r * size + v, certificate.flow_requirement * size + certificate.flow_person
    in_flow = np.isin(key, flow_key)
    _require(len(np.unique(flow_key)) == len(flow_key) == np.count_nonzero(in_flow), "The flow takes an unlisted pair.")
    slack = certificate.requirement_price[r] - cost - certificate.person_price[v]
    _require(bool((slack[in_flow] >= 0).all()), "(3) A flow pair costs more than its requirement pays.")
    alone = in_flow & (asked.people[r] == 1)
    _require(not slack[alone].any(), "(3) A flow pair costs less than its requirement pays.")
    _require(bool((slack[~in_flow] <= 0).all()), "(4) A listed pair would be better than the flow's.")
    bound = int((certificate.requirement_price * asked.people).sum()) - int(slack[in_flow].sum())
    bound -= int((certificate.person_price * people.capacity).sum())
    value = int(cost[in_flow].sum()) + int((certificate.unserved * (asked.people - served)).sum())
    _require(value == bound, f"The flow costs ({value}), its prices prove ({bound}).")
    return bound


def _check_claim(problem: Problem, plan: Plan, certificate: Certificate, bound: int) -> None:
    """The plan's distance from the bound is what it says; a flow plan that claims the optimum attains the bound."""
    asked = problem.requirements
    placed = np.bincount([p.requirement for p in plan.placements], minlength=len(asked.ids))
    value = sum(sum(p.cost.values()) for p in plan.placements)
    value += int((certificate.unserved * (asked.people - placed)).sum())
    _require((plan.gap == 0) == plan.optimal and plan.gap >= 0, "A plan is optimal exactly when its gap is 0.")
    if plan.engine in FLOWS:
        _require(value == bound, f"The plan costs ({value}), the flow it stands on ({bound}).")
    else:
        _require(bound <= value and plan.gap <= value - bound, "The gap is wider than the bound says.")


def _check_unlisted(problem: Problem, certificate: Certificate, served: I64) -> None:
    """(5) No feasible pair outside the flow is cheaper than its requirement pays, whoever listed it."""
    rows = recount.sample(problem)
    size = len(problem.people.ids)
    flow = set((certificate.flow_requirement * size + certificate.flow_person).tolist())
    rivals: dict[int, list[int]] = defaultdict(list)
    for r, v in recount.cheaper(problem, rows, certificate.person_price, certificate.requirement_price):
        if r * size + v not in flow:
            rivals[r].append(v)
    asked = problem.requirements
    for r, people in rivals.items():
        hopeless = not served[r] and asked.people[r] > 1 and asked.fixed_start_s[r] < 0
        if not (hopeless and recount.most_together(problem, r) < asked.minimum[r]):
            name = problem.people.ids[people[0]]
            raise Unproven(f"(5) Person ({name}) would be better for ({asked.ids[r]}) than what the plan has.")
