"""Two ways timed in turn (A B B A ...), so that a drifting machine hurts both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """CPU seconds of both, and B / A pair by pair: above 1, A is the quicker one."""

    a_s: float
    b_s: float
    median: float
    worst: float


def paired(a: Callable[[], object], b: Callable[[], object], repeats: int = 7) -> Ratio:
    """Time both in turn; return medians, and the median and worst ratio of the pairs."""
    pairs = []
    for repeat in range(repeats):
        first, second = (a, b) if repeat % 2 == 0 else (b, a)
        seconds = {first: _timed(first), second: _timed(second)}
        pairs.append((seconds[a], seconds[b]))
    ratios = [b_s / a_s for a_s, b_s in pairs]
    a_s, b_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Ratio(a_s, b_s, statistics.median(ratios), min(ratios))


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
