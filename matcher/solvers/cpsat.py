"""CP-SAT over the part of a plan that the relaxation broke, and only over pairs that can still improve it.

Called by `crews`. A plan better than the incumbent uses no pair whose reduced cost reaches the gap between incumbent
and relaxation; so the parts that such pairs do not tie to anything broken keep their flow, which is optimal there.
One worker, fixed seed, deterministic budget: the same problem gives the same plan.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import combinations
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from matcher.problem import I64, Bool
from matcher.solvers.arranging import arrange, pairs_in, value_of
from matcher.solvers.calendar import Calendar, Starts, apart_s
from matcher.solvers.case import Case
from matcher.solvers.growth import Relaxed
from matcher.solvers.network import Network

#: Up to this size the part is solved at once; a larger one is first solved over its most promising pairs, so that a
#: better incumbent rules more pairs out.
PAIRS_FEW = 30_000
CLASHES_FEW = 20_000
#: Beyond this many pairs or possible clashes no exact model is built; the gap stays as the relaxation states it.
PAIRS_MAX = 200_000
CLASHES_MAX = 100_000
HOUR_S = 3600
#: Hours before and after `now_s` within which every start lies: more than 50 years.
HOURS_MAX = 500_000


def improve(case: Case, relaxed: Relaxed, incumbent: Calendar, broken: list[int]) -> tuple[Calendar, int]:
    """Return the best plan found and a value that no plan can undercut. `incumbent` places everything it can."""
    network = relaxed.network
    pairs, inside = _part(case, relaxed, incumbent, broken)
    share = 1.0
    if _exceeds(network, pairs, PAIRS_FEW, CLASHES_FEW):
        share = 0.5
        few = _promising(case, relaxed, incumbent, pairs)
        incumbent, _ = _decide(case, relaxed, incumbent, few, inside, share)
        pairs, inside = _part(case, relaxed, incumbent, broken)
    if _exceeds(network, pairs, PAIRS_MAX, CLASHES_MAX):
        return incumbent, relaxed.bound
    return _decide(case, relaxed, incumbent, pairs, inside, share)


def _part(case: Case, relaxed: Relaxed, incumbent: Calendar, broken: list[int]) -> tuple[I64, Bool]:
    """Return the pairs that may have to change, and which requirements they belong to."""
    network = relaxed.network
    gap = value_of(case, network, incumbent) - relaxed.bound
    in_play = _in_play(relaxed, gap) | pairs_in(case, network, incumbent)
    crowding = case.problem.crowding
    compound = np.full(len(network.order), -1) if crowding is None else crowding.compound[network.order]
    inside = _tied(network, in_play, [case.place[r] for r in broken], compound)
    return np.flatnonzero(in_play & inside[network.requirement]), inside


def _promising(case: Case, relaxed: Relaxed, incumbent: Calendar, pairs: I64) -> I64:
    """Return the pairs of least reduced cost, as many as fit, and those of the incumbent."""
    network, price = relaxed.network, relaxed.prices
    reduced = network.cost[pairs] + price.person[network.person[pairs]] - price.requirement[network.requirement[pairs]]
    by_cost = pairs[np.argsort(reduced, kind="stable")]
    used = np.flatnonzero(pairs_in(case, network, incumbent))
    size = PAIRS_FEW
    while size > 1 and _exceeds(network, by_cost[:size], PAIRS_FEW, CLASHES_FEW):
        size //= 2
    return np.union1d(by_cost[:size], np.intersect1d(used, pairs))


def _exceeds(network: Network, pairs: I64, pairs_max: int, clashes_max: int) -> bool:
    """Say whether a model of these pairs is too large."""
    many = np.bincount(network.person[pairs], minlength=len(network.capacity))[network.capacity > 1]
    return len(pairs) > pairs_max or int((many * (many - 1) // 2).sum()) > clashes_max


def _decide(
    case: Case, relaxed: Relaxed, incumbent: Calendar, pairs: I64, inside: Bool, share: float
) -> tuple[Calendar, int]:
    """Return the best plan over these pairs, and a bound on every plan that uses no other pair of this part."""
    network = relaxed.network
    value = value_of(case, network, incumbent)
    model = _Model(case, network, pairs, np.flatnonzero(inside))
    found = model.solve(pairs_in(case, network, incumbent), share)
    if found is None:
        return incumbent, relaxed.bound
    plan, bound = found
    outside = relaxed.taken[~inside[network.requirement[relaxed.taken]]]
    rest = _value_outside(network, outside, inside)
    timed = model.timed(plan) if case.problem.crowding is not None else np.zeros(len(plan), np.bool_)
    calendar, lost = arrange(case, network, np.sort(np.concatenate([outside, plan[~timed]])))
    lost.update(network.order[np.unique(network.requirement[plan[timed]])].tolist())
    for requirement in sorted(lost, key=case.place.__getitem__):
        calendar.place(requirement, model.people(plan, requirement), model.start(requirement))
    best = calendar if value_of(case, network, calendar) < value else incumbent
    return best, max(relaxed.bound, min(value, rest + bound))


def _in_play(relaxed: Relaxed, gap: int) -> Bool:
    """Return the pairs that a plan cheaper than the incumbent could use."""
    network = relaxed.network
    if relaxed.gap:
        return np.ones(network.pairs, np.bool_)
    price = relaxed.prices
    reduced = network.cost + price.person[network.person] - price.requirement[network.requirement]
    return np.asarray(reduced < max(gap, 1))


def _tied(network: Network, in_play: Bool, broken: list[int], compound: I64) -> Bool:
    """Return the requirements that pairs in play connect with a broken one, or a compound that takes few visitors."""
    requirements, people = len(network.supply), len(network.capacity)
    counted = np.flatnonzero(compound >= 0)
    ends = (
        np.concatenate((network.requirement[in_play], counted)),
        np.concatenate((network.person[in_play] + requirements, compound[counted] + requirements + people)),
    )
    size = requirements + people + int(compound.max(initial=-1)) + 1
    _, part = connected_components(coo_array((np.ones(len(ends[0])), ends), shape=(size, size)), directed=False)
    return np.isin(part[:requirements], part[broken])


def _value_outside(network: Network, taken: I64, inside: Bool) -> int:
    served = np.bincount(network.requirement[taken], minlength=len(network.supply))
    left = np.where(inside, 0, network.unserved * (network.supply - served))
    return int(network.cost[taken].sum()) + int(left.sum())


class _Model:
    """Variables: who serves what (x), each start that matters (s), which of two visits comes first."""

    def __init__(self, case: Case, network: Network, pairs: I64, requirements: I64) -> None:
        from ortools.sat.python import cp_model

        self._cp = cp_model
        self._case, self._network = case, network
        self._model: Any = cp_model.CpModel()
        self._pairs = pairs.tolist()
        self._x = {k: self._model.new_bool_var("") for k in self._pairs}
        self._by_requirement: dict[int, list[int]] = {int(r): [] for r in requirements}
        self._by_person: dict[int, list[int]] = defaultdict(list)
        for k in self._pairs:
            self._by_requirement[int(network.requirement[k])].append(k)
            self._by_person[int(network.person[k])].append(k)
        self._start: dict[int, Any] = {}
        self._solver: Any = None
        self._constrain()
        self._keep_uncrowded()

    def _constrain(self) -> None:
        network, model = self._network, self._model
        places = []
        for r, pairs in self._by_requirement.items():
            total = sum(self._x[k] for k in pairs)
            supply, minimum = int(network.supply[r]), int(self._case.problem.requirements.minimum[network.order[r]])
            if pairs and self._case.is_crew(int(network.order[r])):
                serves = model.new_bool_var("")
                model.add(total <= supply * serves)
                model.add(total >= minimum * serves)
                self._give_start(r)
                self._keep_to_one_team(r, pairs, serves)
            elif pairs:
                model.add(total <= supply)
            places.append(int(network.unserved[r]) * (supply - total))
        for v, pairs in self._by_person.items():
            model.add(sum(self._x[k] for k in pairs) <= int(network.capacity[v]))
            if network.capacity[v] > 1:
                for one, other in combinations(pairs, 2):
                    self._keep_apart(v, one, other)
        model.minimize(sum(int(network.cost[k]) * self._x[k] for k in self._pairs) + sum(places))

    def _keep_uncrowded(self) -> None:
        """No more people visit a compound in an hour of the clock than may, those who are bound to come included."""
        crowding = self._case.problem.crowding
        if crowding is None:
            return
        visits: dict[int, list[tuple[Any, Any]]] = defaultdict(list)
        for r, pairs in self._by_requirement.items():
            compound = int(crowding.compound[self._network.order[r]])
            if pairs and compound >= 0:
                people = self._model.new_int_var(0, int(self._network.supply[r]), "")
                self._model.add(people == sum(self._x[k] for k in pairs))
                visits[compound].append((self._hours(r), people))
        for compound, own in visits.items():
            now = self._case.problem.now_s // HOUR_S
            bound = [
                (self._model.new_fixed_size_interval_var(hour - now, 1, ""), min(others, crowding.most))
                for (place, hour), others in crowding.taken.items()
                if place == compound
            ]
            intervals, demands = zip(*own, *bound, strict=True)
            self._model.add_cumulative(intervals, demands, crowding.most)

    def _hours(self, r: int) -> Any:
        """Return the hours of the clock that a requirement's visit takes, counted from the hour of `now_s`."""
        problem = self._case.problem
        duration, now = int(problem.requirements.duration_s[self._network.order[r]]), problem.now_s
        since = now % HOUR_S
        start = self._give_start(r)
        first, end = (self._model.new_int_var(-HOURS_MAX, HOURS_MAX, "") for _ in "ab")
        low = HOURS_MAX * HOUR_S  # division rounds towards 0: keep it positive
        self._model.add_division_equality(first + HOURS_MAX, start + since + low, HOUR_S)
        self._model.add_division_equality(end + HOURS_MAX, start + since + duration + HOUR_S - 1 + low, HOUR_S)
        size = self._model.new_int_var(1, duration // HOUR_S + 2, "")
        return self._model.new_interval_var(first, size, end, "")

    def _starts(self, pair: int) -> Starts:
        network = self._network
        requirement, person = network.order[network.requirement[pair]], network.people[network.person[pair]]
        now = self._case.problem.now_s
        return [(a - now, b - now) for a, b in self._case.candidates.starts(int(requirement), int(person))]

    def _give_start(self, r: int) -> Any:
        """Return the start variable of a requirement; each person who serves it must be able to start then."""
        if r not in self._start:
            domains = {
                k: self._cp.Domain.from_intervals([list(i) for i in self._starts(k)]) for k in self._by_requirement[r]
            }
            union = self._cp.Domain(0, -1)
            for domain in domains.values():
                union = union.union_with(domain)
            start = self._model.new_int_var_from_domain(union, "")
            for k, domain in domains.items():
                self._model.add_linear_expression_in_domain(start, domain).only_enforce_if(self._x[k])
            self._start[r] = start
        return self._start[r]

    def _keep_to_one_team(self, r: int, pairs: list[int], serves: Any) -> None:
        """Where a crew must be of one team: one team serves, and only its people do."""
        teams = self._case.problem.requirements.teams.get(int(self._network.order[r]))
        if teams is None or not teams.together:
            return
        members = [set(team.tolist()) for team in teams.members]
        sends = [self._model.new_bool_var("") for _ in members]
        self._model.add(sum(sends) == serves)
        for k in pairs:
            person = int(self._network.people[self._network.person[k]])
            theirs = [send for send, team in zip(sends, members, strict=True) if person in team]
            self._model.add(self._x[k] <= sum(theirs))

    def _keep_apart(self, v: int, one: int, other: int) -> None:
        """One person's two visits: the second starts after the first has ended and the way between is gone."""
        network, problem = self._network, self._case.problem
        a, b = int(network.requirement[one]), int(network.requirement[other])
        first, second = int(network.order[a]), int(network.order[b])
        ids, lasts, person = problem.requirements.ids, problem.requirements.duration_s, int(network.people[v])
        if ids[first][0] == ids[second][0]:
            self._model.add(self._x[one] + self._x[other] <= 1)
            return
        s, t = self._give_start(a), self._give_start(b)
        order = self._model.new_bool_var("")
        there, back = apart_s(problem, person, first, second), apart_s(problem, person, second, first)
        when = [self._x[one], self._x[other]]
        self._model.add(t >= s + int(lasts[first]) + there).only_enforce_if([*when, order])
        self._model.add(s >= t + int(lasts[second]) + back).only_enforce_if([*when, order.negated()])

    def solve(self, used: Bool, share: float) -> tuple[I64, int] | None:
        """Return the pairs of the best plan of this part and a bound on its value; None if the budget gave none."""
        for k in self._pairs:
            self._model.add_hint(self._x[k], bool(used[k]))
        self._solver = self._cp.CpSolver()
        limits = self._solver.parameters
        limits.num_workers = 1
        limits.random_seed = 1
        limits.max_deterministic_time = self._case.problem.budget.cpsat_deterministic_time * share
        status = self._solver.solve(self._model)
        if status not in (self._cp.OPTIMAL, self._cp.FEASIBLE):
            return None
        plan = np.array([k for k in self._pairs if self._solver.boolean_value(self._x[k])], np.int64)
        if status == self._cp.OPTIMAL:
            return plan, round(self._solver.objective_value)
        return plan, math.ceil(self._solver.best_objective_bound - 0.5)

    def timed(self, plan: I64) -> Bool:
        """Say which of these pairs belong to requirements to which the model gave a start."""
        return np.isin(self._network.requirement[plan], list(self._start))

    def people(self, plan: I64, requirement: int) -> list[int]:
        """Return who serves the requirement in the plan found."""
        network = self._network
        mine = plan[network.requirement[plan] == self._case.place[requirement]]
        return [int(v) for v in network.people[network.person[mine]]]

    def start(self, requirement: int) -> int:
        """Return the requirement's start in the plan found."""
        return int(self._solver.value(self._start[self._case.place[requirement]])) + self._case.problem.now_s
