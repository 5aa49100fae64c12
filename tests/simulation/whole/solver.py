"""The solver's child as it can be: slow, dead, lying. The parent is the product's own `ProcessSolver`."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

from matcher.problem import Plan, Problem
from matcher.solvers import solve
from services.solving import ChildFailed, ProcessSolver

GUARD_S = 1.0


class Moods:
    """What the children do now: "well", "slow", "crash", "garbage"."""

    def __init__(self) -> None:
        self.now = "well"


class Child:
    """Answers in the place of a process."""

    pid = None

    def __init__(self, moods: Moods, dice: random.Random) -> None:
        self._moods, self._dice = moods, dice

    async def start(self) -> None:
        """Nothing to start."""

    async def replace(self) -> None:
        """A new child needs a moment."""
        await asyncio.sleep(0.2)

    async def end(self) -> None:
        """Nothing to end."""

    def kill(self) -> None:
        """Nothing to kill."""

    async def ask(self, problem: Problem) -> Plan:
        """Answer, or not. Raises ChildFailed."""
        mood = self._moods.now
        await asyncio.sleep(100.0 if mood == "slow" else self._dice.uniform(0, 0.3))
        if mood == "crash":
            raise ChildFailed("killed")
        plan = solve(problem)
        return _garbage(plan, problem, self._dice) if mood == "garbage" else plan


def _garbage(plan: Plan, problem: Problem, dice: random.Random) -> Plan:
    """Somebody else, somebody twice, the wrong time, too good to be true, nothing at all."""
    people, placements = len(problem.people.ids), plan.placements
    lies: list[Any] = [replace(plan, placements=[], objective={})]
    if placements:
        first = placements[0]
        lies += [
            replace(plan, placements=[replace(first, person=(first.person + 1) % people), *placements[1:]]),
            replace(plan, placements=[*placements, first]),
            replace(plan, placements=[replace(first, start_s=first.start_s - 600), *placements[1:]]),
            replace(plan, placements=[replace(each, person=first.person) for each in placements]),
            replace(plan, certificate=None),
        ]
    lie: Plan = dice.choice(lies)
    return lie


def made(moods: Moods, dice: random.Random) -> ProcessSolver:
    """The parent with such a child."""
    solver = ProcessSolver(children=1, guard_s=GUARD_S)
    solver._children = [Child(moods, dice)]  # type: ignore[list-item]
    return solver
