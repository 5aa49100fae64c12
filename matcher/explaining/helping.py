"""The smallest changes that fill a requirement, each solved, and each with one step less solved and failing.

Called by `unfilled`. A change helps when more places of the requirement are filled and no other requirement of the
same weight or more has fewer. Steps are found by bisection: what is proven is that the step below fails, and where
more of a change could spoil what less of it does, an even smaller step might help too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matcher.candidates import Candidates
from matcher.explaining.answers import Suggestion
from matcher.explaining.changes import AnyChange, LongerReach, applied
from matcher.explaining.ladders import Ladder, ladders
from matcher.explaining.trials import Spent, Trials, served
from matcher.problem import Plan, Problem


def what_would_help(problem: Problem, plan: Plan, r: int, trials: Trials) -> list[Suggestion]:
    """Return what helps, in the order of `ladders`; `trials.spent` says whether the budget ended before the last."""
    bench = _Bench(problem, plan, r, trials)
    found: list[Suggestion] = []
    try:
        for ladder in ladders(problem, r):
            step = _Climb(bench, ladder).smallest()
            if step:
                change = ladder.rung(step)
                found.append(Suggestion(change=change, people=bench.people_with(change)))
    except Spent:
        pass
    return found


class _Bench:
    """The plan as it is, and what a change makes of it."""

    def __init__(self, problem: Problem, plan: Plan, r: int, trials: Trials) -> None:
        self.problem = problem
        self._r = r
        self._trials = trials
        self._before = served(problem, plan)
        self._row = Candidates(problem).row(r)
        asked = problem.requirements
        self._kept = asked.weight >= asked.weight[r]
        self._kept[r] = False
        self._people: dict[AnyChange, list[str] | None] = {}
        alone = bool(asked.people[r] == 1 and (problem.people.capacity <= 1).all())
        self._pairs_decide = alone and problem.crowding is None

    def people_with(self, change: AnyChange) -> list[str]:
        """Return who serves the requirement once the change is made; empty where it does not help."""
        if change not in self._people:
            self._people[change] = self._try(change)
        return self._people[change] or []

    def _try(self, change: AnyChange) -> list[str] | None:
        changed = applied(self.problem, self._r, change)
        plan = self._trials.plan(changed)
        after = served(changed, plan)
        more = after[self._r] > self._before[self._r]
        if not more or bool((after[self._kept] < self._before[self._kept]).any()):
            return None
        return [self.problem.people.ids[p.person] for p in plan.placements if p.requirement == self._r]

    def could_help(self, change: AnyChange) -> bool:
        """Say whether it is worth solving; a longer reach can help in a round about way, so its no is not final."""
        changed = applied(self.problem, self._r, change)
        row = Candidates(changed).row(self._r)
        if isinstance(change, LongerReach):
            return changed.people.ids.index(change.person) in row.person
        least = max(int(changed.requirements.minimum[self._r]), int(self._before[self._r]) + 1)
        if row.person.size < least:
            return False
        return not self._pairs_decide or not bool(np.isin(row.person, self._row.person).all())


class _Climb:
    """One ladder being climbed: which rungs are worth solving, which were solved."""

    def __init__(self, bench: _Bench, ladder: Ladder) -> None:
        self._bench = bench
        self._ladder = ladder

    def smallest(self) -> int:
        """Return a rung that helps while the one below does not; 0 where none was found."""
        top = self._ladder.rungs
        if not self._could(top):
            return 0
        first = _first(self._could, 0, top)
        if self._helps(first):
            return first if not self._helps(first - 1) else _first(self._helps, 0, first - 1)
        if first == top or not self._helps(top):
            return 0
        return _first(self._helps, first, top)

    def _could(self, rung: int) -> bool:
        return self._bench.could_help(self._ladder.rung(rung))

    def _helps(self, rung: int) -> bool:
        return rung > 0 and bool(self._bench.people_with(self._ladder.rung(rung)))


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return by bisection a number that holds above one that does not; `high` holds, `low` does not."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
