"""What a feasible pair costs, term by term, in integer points (1 point = 1 metre of travel).

Called by candidates and explanations; `solvers.recount` works the same out again, apart from this. Waiting and urgency
are no pair costs: they price a place left open (DESIGN 5).

The contract with every engine, so that the pairs that it never lists can be bounded (MATCHING 3, "More terms"):

    cost(r, v) = travel(distance of r and v)     monotone in the distance, >= 0
               + far(distance of r and v)        the same (`Bands`); an engine may bound it by 0
               + person[v]                       fairness, duty and coverage, >= 0
               + floor[r]                        what everybody pays but the few in explicit(r), >= 0
               + lacking(r, v)                   wished skills that v does not hold, >= 0

`explicit(r)` are the few people who are spared a part of floor[r] (preferred, same helper as last time, claimed the
post, already told): they have to be listed from the start. Then any other pair of r at distance >= d costs at least
travel(d) + person[v] + floor[r]; travel(d) + person[v] alone is a bound for all pairs. No term is ever negative: a
favour is a price for the others. What a requirement's wishes can cost at most is part of the price of leaving it open
(`RequirementArrays.waiting`), so that wishing for something does not put a request behind one that wishes for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, reduce

import numpy as np

from matcher.policy import Bands
from matcher.problem import COST_MAX, F64, I32, I64, Favour, Problem

#: Every term that a pair can cost, in the order in which it is shown.
TERMS = (
    "travel", "far", "should", "nice", "preferred", "claimed", "continuity", "fairness", "duty", "coverage",
    "disturbance",
)  # fmt: skip


class PairCosts:
    """The cost terms of one problem; lookups are made once. Terms that the problem does not have are left out."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The terms that any pair of this problem can cost, `travel` always among them."""
        asked, people = self._problem.requirements, self._problem.people
        far = ["far"] if self._problem.bands.priced else []
        used = {"travel", *far, *asked.wishes.names(), *asked.favours, *people.points}
        return tuple(name for name in TERMS if name in used)

    @cached_property
    def person(self) -> I64:
        """What each person costs wherever they serve, [P]."""
        nothing = np.zeros(len(self._problem.people.ids), np.int64)
        return reduce(np.add, self._problem.people.points.values(), nothing)

    def floor(self, r: int) -> int:
        """Return what everybody but `explicit(r)` pays at requirement `r`."""
        return sum(int(favour.points[r]) for favour in self._problem.requirements.favours.values())

    def explicit(self, r: int) -> frozenset[int]:
        """Return the people who are spared a part of `floor(r)`."""
        return frozenset().union(*(spared.get(r, ()) for spared in self._spared.values()))

    def terms(self, r: int, who: I32, distance_m: F64) -> dict[str, I64]:
        """Return each cost term of these people at one requirement. `travel`: metres rounded half up (DESIGN 7)."""
        found = {"travel": travel(distance_m)}
        if len(self.names) == 1:
            return found
        asked, people, bands = self._problem.requirements, self._problem.people, self._problem.bands
        if bands.priced:
            found["far"] = far(found["travel"], bands)
        for name in asked.wishes.names():
            found[name] = self._lacking(r, who, nice=name == "nice")
        for name, favour in asked.favours.items():
            spared = np.isin(who, list(self._spared[name].get(r, ())))
            found[name] = np.where(spared, 0, favour.points[r])
        for name, points in people.points.items():
            found[name] = points[who]
        return {name: found[name] for name in self.names}

    def of_pair(self, r: int, person: int, distance_m: float) -> dict[str, int]:
        """Return each cost term of one pair, as it stands in a plan."""
        found = self.terms(r, np.array([person], np.int32), np.array([distance_m]))
        return {name: int(points[0]) for name, points in found.items()}

    @cached_property
    def _spared(self) -> dict[str, dict[int, frozenset[int]]]:
        """Return by term and requirement who does not pay."""
        return {name: _by_requirement(favour) for name, favour in self._problem.requirements.favours.items()}

    def _lacking(self, r: int, who: I32, *, nice: bool) -> I64:
        wishes, levels = self._problem.requirements.wishes, self._problem.people.levels
        points = np.zeros(who.size, np.int64)
        for at in range(int(wishes.indptr[r]), int(wishes.indptr[r + 1])):
            if bool(wishes.nice[at]) == nice:
                points += wishes.points[at] * (levels[wishes.skill[at], who] < wishes.level[at])
        return points


def plain(problem: Problem) -> bool:
    """Say whether nothing optional is in play: travel alone costs, no optional rule applies, all may depart at `now_s`.

    What an engine may solve that knows no more than that.
    """
    asked, people = problem.requirements, problem.people
    priced = bool(problem.bands.priced or people.points or asked.favours or asked.wishes.skill.size)
    placed = bool(problem.areas or problem.crowding or (asked.circle_s >= 0).any())
    ruled = bool(placed or asked.restricted[0].size or asked.choosy.any() or asked.teams)
    timed = bool(problem.rest_s or people.full_from_s.size or (asked.depart_s != problem.now_s).any())
    return not (priced or ruled or timed)


def travel(distance_m: F64) -> I64:
    """Return the term `travel`: whole metres, half up."""
    return np.floor(distance_m + 0.5).astype(np.int64)


def far(metres: I64, bands: Bands) -> I64:
    """Return the term `far`: what whole metres cost beyond the preferred and the acceptable distance."""
    beyond = bands.beyond_preferred_points * np.maximum(metres - bands.preferred_m, 0)
    beyond += bands.beyond_acceptable_points * np.maximum(metres - bands.acceptable_m, 0)
    points: I64 = np.minimum(beyond, bands.points_max)
    return points


def total(parts: Mapping[str, I64]) -> I64:
    """Add the terms up. ValueError where a pair leaves 0 ... COST_MAX: such a policy cannot be solved."""
    points = reduce(np.add, parts.values())
    if points.size and points.view(np.uint64).max() > COST_MAX:  # a negative one is huge there
        raise ValueError(
            f"A pair costs ({int(points.min())}) to ({int(points.max())}) points, allowed are (0) to ({COST_MAX}). "
            "The policy prices too much: lower the reach of people or the dearest cost term."
        )
    return points


def _by_requirement(favour: Favour) -> dict[int, frozenset[int]]:
    people: dict[int, set[int]] = {}
    for r, person in zip(favour.requirement.tolist(), favour.person.tolist(), strict=True):
        people.setdefault(r, set()).add(person)
    return {r: frozenset(spared) for r, spared in people.items()}
