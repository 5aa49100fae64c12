"""From a flow to a plan with starts: who goes where when, and what a flow took that no start allows.

Called by `crews` (the relaxation) and `cpsat` (its answer). Decides nothing about who serves whom.
"""

from __future__ import annotations

import numpy as np

from matcher.problem import I64, Bool
from matcher.solvers.calendar import Calendar
from matcher.solvers.case import Case
from matcher.solvers.network import Network


def value_of(case: Case, network: Network, calendar: Calendar) -> int:
    """Return the plan's cost plus the price of every place that it leaves unserved."""
    total = int((network.unserved * network.supply).sum())
    for requirement, people in calendar.people.items():
        row = case.rows[requirement]
        price = int(network.unserved[case.place[requirement]])
        total += sum(int(row.cost[np.flatnonzero(row.person == v)[0]]) - price for v in people)
    return total


def arrange(case: Case, network: Network, taken: I64) -> tuple[Calendar, set[int]]:
    """Place what the flow took, each requirement as early as possible; return also what cannot be kept."""
    calendar = Calendar(case.problem, case.candidates)
    minimum = case.problem.requirements.minimum
    chosen, earliest = _chosen(case, network, taken)
    visits = np.bincount(network.person[taken], minlength=len(network.capacity))
    shared = set(network.people[visits > 1].tolist())
    broken = {
        r
        for r, people in chosen.items()
        if case.is_crew(r) and (len(people) < int(minimum[r]) or not case.agree(r, people))
    }
    tied = {r for r, people in chosen.items() if shared and not shared.isdisjoint(people)}
    for requirement, people in chosen.items():
        if requirement in broken or requirement in tied:
            continue
        if case.problem.crowding is None and not case.is_crew(requirement):
            calendar.place(requirement, people, earliest[requirement])
        elif starts := calendar.common(requirement, people):  # a later start where a compound is full at the first
            calendar.place(requirement, people, starts[0][0])
        else:
            broken.add(requirement)
    for group in _groups({r: chosen[r] for r in chosen if r in tied}, shared):
        if not broken.isdisjoint(group) or not calendar.place_together({r: chosen[r] for r in group}):
            broken.update(group)
    return calendar, broken


def _chosen(case: Case, network: Network, taken: I64) -> tuple[dict[int, list[int]], dict[int, int]]:
    """Return people by requirement, and the earliest start of the last of them, in solving order."""
    chosen: dict[int, list[int]] = {}
    earliest: dict[int, int] = {}
    dense = network.requirement[taken]
    for requirement, person in zip(network.order[dense].tolist(), network.people[network.person[taken]], strict=True):
        row = case.rows[requirement]
        chosen.setdefault(requirement, []).append(int(person))
        earliest[requirement] = int(row.start_s[np.flatnonzero(row.person == person)[0]])
    return chosen, earliest


def _groups(chosen: dict[int, list[int]], shared: set[int]) -> list[list[int]]:
    """Split requirements into groups that share no person with several visits."""
    group_of: dict[int, list[int]] = {}
    holder: dict[int, int] = {}
    for requirement, people in chosen.items():
        group_of[requirement] = [requirement]
        for person in people:
            if person not in shared:
                continue
            other = group_of[holder.setdefault(person, requirement)]
            if other is not group_of[requirement]:
                other.extend(group_of[requirement])
                for member in group_of[requirement]:
                    group_of[member] = other
    return list({id(group): group for group in group_of.values()}.values())


def pairs_in(case: Case, network: Network, calendar: Calendar) -> Bool:
    """Return which pairs of the network the plan uses."""
    used = np.zeros(network.pairs, np.bool_)
    for requirement, people in calendar.people.items():
        dense = case.place[requirement]
        low, high = network.indptr[dense], network.indptr[dense + 1]
        used[low:high] = np.isin(network.people[network.person[low:high]], people)
    return used
