"""The plan as a value: placements with legs and cost terms, reasons, objective, certificate in the problem's numbers.

Called by `exact` and by the greedy fallback. Decides nothing.
"""

from __future__ import annotations

import numpy as np

from matcher.problem import I64, Certificate, Placement, Plan
from matcher.solvers import shortfalls
from matcher.solvers.calendar import Calendar, leg_s
from matcher.solvers.case import Case
from matcher.solvers.growth import Relaxed
from matcher.solvers.network import price_of_a_place


def write(
    case: Case,
    calendar: Calendar,
    engine: str,
    *,
    relaxed: Relaxed | None = None,
    gap: int = 0,
    optimal: bool = True,
    counted: bool = True,
) -> Plan:
    """Return the plan that the calendar holds.

    `relaxed`: the flow whose prices prove it. `counted`: the case's network holds every feasible pair.
    """
    certificate = None if relaxed is None and case.network is not None else _certificate(case, relaxed)
    price = np.zeros(len(case.problem.people.ids), np.int64) if certificate is None else certificate.person_price
    placements = _placements(case, calendar)
    return Plan(
        placements=placements,
        shortfalls=shortfalls.explain(case, calendar, price, ended_early=not optimal and engine != "greedy"),
        objective=objective(case, placements),
        optimal=optimal,
        gap=gap,
        engine=engine,
        listed_pairs=0 if relaxed is None else len(relaxed.listed),
        feasible_pairs=(0 if case.network is None else case.network.pairs) if counted else None,
        certificate=certificate,
    )


def objective(case: Case, placements: list[Placement]) -> dict[str, int]:
    """Return weighted places filled, points by cost term, and the waiting of the places left out."""
    asked = case.problem.requirements
    points = {"filled": sum(int(asked.weight[p.requirement]) for p in placements)}
    points |= {name: sum(p.cost[name] for p in placements) for name in case.candidates.costs.names}
    waited = sum(int(asked.waiting[p.requirement]) for p in placements)
    points["waiting"] = int((asked.waiting * asked.people).sum()) - waited
    return points


def _placements(case: Case, calendar: Calendar) -> list[Placement]:
    out = []
    for requirement in sorted(calendar.people):
        row, start = case.rows[requirement], calendar.start[requirement]
        for person in calendar.people[requirement]:
            at = int(np.flatnonzero(row.person == person)[0])
            distance = float(row.distance_m[at])
            travel = int(row.travel_s[at])
            if len(calendar.visits[person]) > 1:
                travel = _way_s(case, calendar, requirement, person, travel)
            out.append(
                Placement(
                    requirement=requirement, person=person, start_s=start, travel_s=travel, distance_m=distance,
                    cost=case.candidates.costs.of_pair(requirement, person, distance),
                )
            )  # fmt: skip
    return out


def _way_s(case: Case, calendar: Calendar, requirement: int, person: int, from_home_s: int) -> int:
    """Return seconds of travel to this visit: from the person's visit before it, else from home.

    A commitment of an earlier beat between the two lies at a place that the problem does not know: then from home.
    """
    start, people = calendar.start, case.problem.people
    earlier = [r for r in calendar.visits[person] if start[r] < start[requirement]]
    if not earlier:
        return from_home_s
    last = max(earlier, key=start.__getitem__)
    busy = people.busy_from_s[people.busy_indptr[person] : people.busy_indptr[person + 1]]
    if ((busy >= start[last]) & (busy < start[requirement])).any():
        return from_home_s
    return leg_s(case.problem, person, last, requirement)


def _certificate(case: Case, relaxed: Relaxed | None) -> Certificate:
    asked = case.problem.requirements
    price = np.zeros(len(case.problem.people.ids), np.int64)
    nobody, nothing = np.empty(0, np.int32), np.empty(0, np.int64)
    network = case.network
    if relaxed is None or network is None:
        fill_price, _ = price_of_a_place(case.problem, nodes=1, dearest=0)
        unserved = asked.weight * np.int64(fill_price) + asked.waiting
        return Certificate(
            person_price=price, requirement_price=unserved, unserved=unserved, list_bound=unserved,
            listed_requirement=nobody, listed_person=nobody, listed_cost=nothing,
            flow_requirement=nobody, flow_person=nobody,
        )  # fmt: skip
    network = relaxed.network
    listed, taken = relaxed.listed, relaxed.taken
    price[network.people] = relaxed.prices.person
    return Certificate(
        person_price=price,
        requirement_price=relaxed.prices.requirement[case.place],
        unserved=network.unserved[case.place],
        list_bound=_list_bound(relaxed)[case.place],
        listed_requirement=network.order[network.requirement[listed]].astype(np.int32),
        listed_person=network.people[network.person[listed]].astype(np.int32),
        listed_cost=network.cost[listed],
        flow_requirement=network.order[network.requirement[taken]].astype(np.int32),
        flow_person=network.people[network.person[taken]].astype(np.int32),
    )


def _list_bound(relaxed: Relaxed) -> I64:
    """Return for each requirement what its cheapest unlisted pair costs, the person's price included; at most U_r."""
    network = relaxed.network
    bound = network.unserved.copy()
    left = np.ones(network.pairs, np.bool_)
    left[relaxed.listed] = False
    if left.any():
        dear = network.cost[left] + relaxed.prices.person[network.person[left]]
        np.minimum.at(bound, network.requirement[left], dear)
    return bound
