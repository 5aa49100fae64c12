"""Wall-clock figures of a run: how long solves and offers took. The only place of the demo that looks at a clock.

Nothing that is decided or drawn depends on them; after a restart they begin again.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from matcher.problem import Plan, Problem
from services.ports import Solver


class Figures:
    """A watcher of beats: durations in milliseconds, commands counted from the first beat of this process."""

    def __init__(self) -> None:
        self.offer_ms: list[float] = []
        self.solve_ms: list[float] = []
        self.beat_ms: list[float] = []
        self.stages = Stages()
        self.commands = 0
        self._started: float | None = None
        self._beat_began = 0.0
        self._last_ended = 0.0

    def start(self) -> None:
        """Begin to count: what the journal already held has been read."""
        self.stages.clear()
        self._started = self._last_ended = time.perf_counter()

    def begins(self, beat: int, commands: int) -> None:
        """Note the beat's append."""
        self._beat_began = time.perf_counter()
        self.commands += commands

    def ended(self, beat: int) -> None:
        """Note the beat's answer."""
        self.beat_ms.append(_ms_since(self._beat_began))
        self._last_ended = time.perf_counter()

    def offered(self) -> None:
        """An offer has been told; those of an earlier run do not count."""
        if self._started is not None:
            self.offer_ms.append(_ms_since(self._beat_began))

    def seconds(self) -> float:
        """Return how long this process has played, up to the last beat's end."""
        return 0.0 if self._started is None else self._last_ended - self._started

    def commands_per_second(self) -> float:
        """Return commands (Ticks too) answered per second of this process."""
        return self.commands / max(self.seconds(), 1e-9)


class Stages:
    """Where the time of beats goes, in milliseconds by the name of the stage; stages may lie inside one another."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the time spent inside, waits included."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.ms[stage] = self.ms.get(stage, 0.0) + _ms_since(began)

    def clear(self) -> None:
        """Forget what was counted: what the journal already held has been read."""
        self.ms.clear()


class TimedSolver:
    """A solver that notes how long each solve took."""

    def __init__(self, solver: Solver, figures: Figures) -> None:
        self._solver = solver
        self._figures = figures

    async def solve(self, problem: Problem) -> Plan:
        """Solve and note the time."""
        began = time.perf_counter()
        plan = await self._solver.solve(problem)
        self._figures.solve_ms.append(_ms_since(began))
        return plan


def peak_rss_mb() -> float:
    """Return the most memory that this process held, plus the most that an ended child held, in MB."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(kind).ru_maxrss for kind in kinds) / unit


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
