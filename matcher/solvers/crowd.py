"""Who visits which compound in which hour of the clock: starts at which one more person may come (R28).

Kept by `Calendar` beside the visits it holds; read by `greedy`, `shortfalls` and, as constraints, by `cpsat`.
"""

from __future__ import annotations

from matcher.problem import Problem

HOUR_S = 3600
#: Where nothing is counted.
ANY_NUMBER = 2**31

Starts = list[tuple[int, int]]


class Crowd:
    """The visitors of each compound by hour: those who are bound to come, and those of the visits placed so far."""

    def __init__(self, problem: Problem) -> None:
        self._crowding = problem.crowding
        self._duration = problem.requirements.duration_s
        self._there: dict[int, dict[int, int]] = {}
        if self._crowding is not None:
            for (compound, hour), people in self._crowding.taken.items():
                self._there.setdefault(compound, {})[hour] = people

    def copy(self) -> Crowd:
        """Return an independent one with the same visitors."""
        twin = Crowd.__new__(Crowd)
        twin._crowding, twin._duration = self._crowding, self._duration
        twin._there = {compound: dict(hours) for compound, hours in self._there.items()}
        return twin

    def add(self, requirement: int, people: int, start_s: int) -> None:
        """Count people of a requirement from this start on."""
        compound = self._compound(requirement)
        if compound >= 0:
            there = self._there.setdefault(compound, {})
            for hour in self._hours(requirement, start_s):
                there[hour] = there.get(hour, 0) + people

    def room(self, requirement: int, start_s: int) -> int:
        """Return how many more people may come for the requirement if it starts then."""
        compound = self._compound(requirement)
        if compound < 0 or self._crowding is None:
            return ANY_NUMBER
        there = self._there.get(compound, {})
        return max(0, self._crowding.most - max(there.get(hour, 0) for hour in self._hours(requirement, start_s)))

    def spared(self, requirement: int, starts: Starts, people: int = 1) -> Starts:
        """Return those of the starts (closed intervals, sorted) at which so many more people may come."""
        compound = self._compound(requirement)
        if compound < 0 or self._crowding is None:
            return starts
        if people > self._crowding.most:
            return []
        duration = int(self._duration[requirement])
        there = self._there.get(compound, {})
        for hour in sorted(hour for hour, others in there.items() if others + people > self._crowding.most):
            starts = _without(starts, hour * HOUR_S - duration + 1, (hour + 1) * HOUR_S - 1)
        return starts

    def _compound(self, requirement: int) -> int:
        return -1 if self._crowding is None else int(self._crowding.compound[requirement])

    def _hours(self, requirement: int, start_s: int) -> range:
        return range(start_s // HOUR_S, -(-(start_s + int(self._duration[requirement])) // HOUR_S))


def _without(starts: Starts, low: int, high: int) -> Starts:
    pieces = [piece for a, b in starts for piece in ((a, min(b, low - 1)), (max(a, high + 1), b))]
    return [(a, b) for a, b in pieces if a <= b]
