"""Whether a process is to be started again: only what has failed for long counts."""

from __future__ import annotations

import asyncio

from services.liveness import Liveness


class Clock:
    """Seconds, moved by hand; and a check whose answer is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.trouble: str | None = None

    def now(self) -> float:
        return self.now_s

    async def check(self) -> str | None:
        return self.trouble


def watched(patience_s: float) -> tuple[Clock, Liveness]:
    clock = Clock()
    liveness = Liveness(clock.now)
    liveness.add("stream", clock.check, patience_s)
    return clock, liveness


def lives(liveness: Liveness) -> bool:
    return all(check["ok"] for check in asyncio.run(liveness.report()).values())


def test_trouble_counts_when_it_has_lasted() -> None:
    clock, liveness = watched(60)
    clock.trouble = "partition 3 does not move"
    assert lives(liveness)
    clock.now_s = 59
    assert lives(liveness)
    clock.now_s = 60
    assert not lives(liveness)
    assert asyncio.run(liveness.report())["stream"] == {"ok": False, "failing_s": 60.0, "last_error": clock.trouble}


def test_trouble_that_passed_begins_anew() -> None:
    clock, liveness = watched(60)
    clock.trouble = "slow"
    assert lives(liveness)
    clock.now_s, clock.trouble = 30, None
    assert lives(liveness)
    clock.now_s, clock.trouble = 70, "slow again"
    assert lives(liveness)
    clock.now_s = 130
    assert not lives(liveness)


def test_without_patience_trouble_counts_at_once() -> None:
    clock, liveness = watched(0)
    assert lives(liveness)
    clock.trouble = "the worker has ended"
    assert not lives(liveness)
