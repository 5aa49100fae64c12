"""A worker's reports over a log that does not always answer: appended once more, away, or the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from matcher.commands import Command, JobOutcome, ReportJob
from services.exits import ExitCode, Stop
from services.ports import AppendUncertain, LogUntrusted
from services.worker.reporting import Reporting

REPORT = ReportJob(
    id="report:notify:r1.1.0.ana/1",
    zone="z1",
    at=datetime(2026, 3, 2, tzinfo=UTC),
    job="notify:r1.1.0.ana",
    attempt=1,
    outcome=JobOutcome.SENT,
)
AWAY = Stop(ExitCode.UNREACHABLE, "Kafka is away")


class Log:
    """Fails as told, then appends."""

    def __init__(self, *failures: Exception, for_ever: bool = False) -> None:
        self._failures = list(failures)
        self._for_ever = for_ever
        self.asked: list[Command] = []

    async def append(self, commands: Sequence[Command]) -> list[tuple[int, int]]:
        self.asked += commands
        if self._failures:
            raise self._failures[0] if self._for_ever else self._failures.pop(0)
        return [(0, 0)]


def reported(log: Log, patience_s: float = 60.0) -> Reporting:
    """Report from a thread, as the worker does."""
    reporting = Reporting(log.append, patience_s, pause_s=0.0)

    async def story() -> None:
        reporting.open()
        await asyncio.to_thread(reporting, REPORT)

    with contextlib.suppress(LogUntrusted):  # it is what `ended` must say
        asyncio.run(story())
    return reporting


def test_what_is_uncertain_or_away_is_asked_again_as_the_same_command() -> None:
    log = Log(AppendUncertain("lost"), AWAY, AppendUncertain("lost"))
    assert reported(log).ended is None
    assert log.asked == [REPORT] * 4


def test_a_log_that_stays_away_is_said_to_be_so_after_a_while() -> None:
    with pytest.raises(TimeoutError):
        reported(Log(AWAY, for_ever=True), patience_s=0.05)


def test_a_log_that_cannot_be_trusted_is_the_end() -> None:
    ended = reported(Log(LogUntrusted("It is another log."))).ended
    assert ended is not None
    assert ended.code is ExitCode.LOG_UNTRUSTED
