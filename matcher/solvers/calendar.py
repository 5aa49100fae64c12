"""When visits of one plan can start: common starts of a crew, and several visits of one person without a clash.

Intervals of starts are closed and in whole seconds. Between two visits of a person lies the way from site to site;
the way from home is inside `Candidates.starts` already.
Where a compound takes no more visitors (`crowd`) there is no start either. Called by `greedy` and `crews`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations

from matcher import geo
from matcher.candidates import Candidates
from matcher.problem import Problem
from matcher.solvers.crowd import Crowd

Starts = list[tuple[int, int]]

#: Visits that hang together are put in every order up to this many; beyond, in two orders only.
ALL_ORDERS = 5


def both(a: Starts, b: Starts) -> Starts:
    """Return the starts in both sorted sets."""
    out, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        low, high = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if low <= high:
            out.append((low, high))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return out


def without(starts: Starts, low: int, high: int) -> Starts:
    """Return the starts outside low ... high."""
    if low > high:
        return starts
    out = []
    for a, b in starts:
        if a < low:
            out.append((a, min(b, low - 1)))
        if b > high:
            out.append((max(a, high + 1), b))
    return out


def most_at_once(rooms: Sequence[Starts]) -> int:
    """Return how many of these sets of starts share a point at most."""
    steps = sorted([(low, -1) for room in rooms for low, _ in room] + [(high, 1) for room in rooms for _, high in room])
    most = now = 0
    for _, step in steps:
        now -= step
        most = max(most, now)
    return most


def leg_s(problem: Problem, person: int, origin: int, target: int) -> int:
    """Return whole seconds from the site of one requirement to the site of another, rounded up."""
    asked = problem.requirements
    metres = geo.distance_m(
        float(asked.lat[origin]), float(asked.lon[origin]), float(asked.lat[target]), float(asked.lon[target])
    )
    return math.ceil(metres / float(problem.people.speed_mps[person]))


def apart_s(problem: Problem, person: int, origin: int, target: int) -> int:
    """Return whole seconds from the end of one visit of a person to the start of their next: rest, then the way."""
    return problem.rest_s + leg_s(problem, person, origin, target)


class Calendar:
    """Visits placed so far, by person; `start[r]` once r is placed."""

    def __init__(self, problem: Problem, candidates: Candidates) -> None:
        self._problem = problem
        self._candidates = candidates
        self.start: dict[int, int] = {}
        self.people: dict[int, list[int]] = {}
        self.visits: dict[int, list[int]] = {}
        self.crowd = Crowd(problem)

    def copy(self) -> Calendar:
        """Return an independent calendar with the same visits."""
        twin = Calendar(self._problem, self._candidates)
        twin.start = dict(self.start)
        twin.people = {r: list(people) for r, people in self.people.items()}
        twin.visits = {v: list(visits) for v, visits in self.visits.items()}
        twin.crowd = self.crowd.copy()
        return twin

    def place(self, requirement: int, people: Sequence[int], start_s: int) -> None:
        """Put these people on the requirement from this start on."""
        self.start[requirement] = start_s
        self.people[requirement] = list(people)
        for person in people:
            self.visits.setdefault(person, []).append(requirement)
        self.crowd.add(requirement, len(people), start_s)

    def is_full(self, person: int) -> bool:
        """Say whether the person has no capacity left."""
        return bool(len(self.visits.get(person, ())) >= self._problem.people.capacity[person])

    def room(self, requirement: int, person: int) -> Starts:
        """Return the starts at which this person could still serve the requirement."""
        starts = self._candidates.starts(requirement, person)
        ids, duration = self._problem.requirements.ids, self._problem.requirements.duration_s
        for other in self.visits.get(person, ()):
            if ids[other][0] == ids[requirement][0]:
                return []
            begin = self.start[other]
            before = begin - apart_s(self._problem, person, requirement, other) - int(duration[requirement])
            after = begin + int(duration[other]) + apart_s(self._problem, person, other, requirement)
            starts = without(starts, before + 1, after - 1)
        return self.crowd.spared(requirement, starts)

    def common(self, requirement: int, people: Sequence[int]) -> Starts:
        """Return the starts at which all these people could serve the requirement together."""
        starts = self.room(requirement, people[0])
        for person in people[1:]:
            starts = both(starts, self.room(requirement, person))
        return self.crowd.spared(requirement, starts, len(people))

    def place_together(self, chosen: dict[int, list[int]]) -> bool:
        """Place requirements that share people, each as early as their order allows; False if no order works.

        Placing in the order of the starts of any clash-free plan, each as early as possible, succeeds whenever that
        plan exists: so trying every order decides. Among the orders the least sum of starts is kept.
        """
        best: tuple[int, dict[int, int]] | None = None
        for order in _orders(chosen, self._problem):
            trial = self.copy()
            for requirement in order:
                starts = trial.common(requirement, chosen[requirement])
                if not starts:
                    break
                trial.place(requirement, chosen[requirement], starts[0][0])
            else:
                total = sum(trial.start[requirement] for requirement in order)
                if best is None or total < best[0]:
                    best = total, {requirement: trial.start[requirement] for requirement in order}
        if best is None:
            return False
        for requirement, start in best[1].items():
            self.place(requirement, chosen[requirement], start)
        return True


def _orders(chosen: dict[int, list[int]], problem: Problem) -> list[tuple[int, ...]]:
    asked = problem.requirements
    if len(chosen) <= ALL_ORDERS:
        return list(permutations(chosen))
    by_end = sorted(chosen, key=lambda r: (int(asked.latest_s[r] - asked.duration_s[r]), r))
    by_start = sorted(chosen, key=lambda r: (int(asked.earliest_s[r]), r))
    return [tuple(by_end), tuple(by_start)]
