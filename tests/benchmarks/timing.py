"""Two ways timed in turn on both clocks, for `matching_goals`: ratios pair by pair, nothing thrown away."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Seconds of one run."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Duel:
    """Runs of ours and of theirs, in the order A B B A ..."""

    ours: list[Span]
    theirs: list[Span]

    def ratios(self, clock: str = "cpu") -> list[float]:
        """Return theirs / ours, pair by pair: above 1, ours is the quicker one."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return [float(getattr(b, clock) / getattr(a, clock)) for a, b in pairs]

    def row(self) -> dict[str, float]:
        """Return medians, the worst ratio, and both clocks."""
        return {
            "median": statistics.median(self.ratios()),
            "worst": min(self.ratios()),
            "median_wall": statistics.median(self.ratios("wall")),
            "repeats": len(self.ours),
            **{f"ours_{clock}_s": median(self.ours, clock) for clock in ("cpu", "wall")},
            **{f"theirs_{clock}_s": median(self.theirs, clock) for clock in ("cpu", "wall")},
        }


def duel(ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> Duel:
    """Time both in turn."""
    runs: dict[Callable[[], object], list[Span]] = {ours: [], theirs: []}
    for repeat in range(repeats):
        for work in (ours, theirs) if repeat % 2 == 0 else (theirs, ours):
            runs[work].append(timed(work))
    return Duel(runs[ours], runs[theirs])


def timed(work: Callable[[], object]) -> Span:
    """Run it once."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Span(time.process_time() - cpu, time.perf_counter() - wall)


def median(spans: list[Span], clock: str = "cpu") -> float:
    """Return the median seconds of these runs."""
    return float(statistics.median(getattr(span, clock) for span in spans))
