"""One process put together, over restarts: who was told is not told again, who was not told is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from matcher import commands as c
from matcher import events as e
from matcher.policy import DEFAULT
from matcher.terms import Hours, PlaceLevel, Point, WeeklyWindow
from services.contacts import Contact
from services.runtime import Runtime
from services.settings import Settings
from services.solving import InlineSolver
from services.wire import Entry
from tests.services.test_worker import Receiver

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
POINT = Point(lat=31.0, lon=104.0)
ALWAYS = Hours(weekly=tuple(WeeklyWindow(weekday=day, from_minute=0, until_minute=1440) for day in range(7)))


class Reports:
    """Counts the reports in the journal, and lets one wait for them."""

    def __init__(self) -> None:
        self.seen: asyncio.Queue[c.ReportJob] = asyncio.Queue()

    def entry(self, partition: int, offset: int, entry: Entry, events: list[e.Event]) -> None:
        for event in events:
            if isinstance(event, e.JobReported):
                self.seen.put_nowait(event.command)


def ask(kind: Any, n: str, /, minute: int = 0, **fields: Any) -> Any:
    return kind(id=n, zone="z1", at=BEGIN + timedelta(minutes=minute), **fields)


def one_offer() -> list[c.Command]:
    """Everything up to one offer to ana."""
    return [
        ask(c.DefinePlace, "1", place="yard", level=PlaceLevel.COMPOUND, name="Yard"),
        ask(c.SetPolicy, "2", policy=DEFAULT),
        ask(c.RegisterVolunteer, "3", volunteer="ana", point=POINT, hours=ALWAYS),
        ask(c.SubmitRequest, "4", request="r1", point=POINT),
        ask(c.Tick, "t1", minute=1, beat=1),
    ]


async def told(runtime: Runtime, commands: Sequence[c.Command]) -> None:
    for partition, offset in await runtime.embedded.append(commands):
        await runtime.embedded.answered(partition, offset)


def runtime(folder: Path, notify: bool = True) -> tuple[Runtime, Reports]:
    settings = Settings(data_dir=folder, beat_s=0, partitions=2, console=False)
    made, reports = Runtime(settings, InlineSolver(), notify=notify, linger_s=0), Reports()
    made.embedded.subscribe(reports)
    return made, reports


async def first_life(folder: Path, receiver: Receiver, notify: bool) -> None:
    """An offer to ana is made; with `notify` she is told and that is in the journal."""
    first, reports = runtime(folder, notify)
    await first.start()
    first.contacts.put("z1", "ana", Contact(webhook=receiver.url))
    await told(first, one_offer())
    if notify:
        report = await reports.seen.get()
        assert (report.job, report.outcome) == ("notify:r1.1.0.ana", c.JobOutcome.SENT)
    await first.stop()


def test_who_was_told_is_not_told_again_after_a_restart(tmp_path: Path) -> None:
    receiver = Receiver()

    async def story() -> None:
        await first_life(tmp_path, receiver, notify=True)
        second, _ = runtime(tmp_path)
        await second.start()
        assert second.announcing is not None
        assert second.announcing.open == 0
        assert (await second.board.get("z1", "offer", "r1.1.0.ana")).found.state == "sent"
        await second.stop()

    asyncio.run(story())
    receiver.close()
    assert receiver.keys == {"z1/notify:r1.1.0.ana": 1}


def test_a_job_that_was_lost_is_published_after_the_restart(tmp_path: Path) -> None:
    receiver = Receiver()

    async def story() -> None:
        await first_life(tmp_path, receiver, notify=False)
        assert not receiver.keys
        second, reports = runtime(tmp_path)
        await second.start()
        assert (await reports.seen.get()).outcome is c.JobOutcome.SENT
        await second.stop()

    asyncio.run(story())
    receiver.close()
    assert receiver.keys == {"z1/notify:r1.1.0.ana": 1}


def test_a_failed_message_is_tried_again_when_the_journal_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        made, reports = runtime(tmp_path)
        await made.start()
        made.contacts.put("z1", "ana", Contact(webhook="http://127.0.0.1:9/"))
        await told(made, one_offer())
        assert (await reports.seen.get()).outcome is c.JobOutcome.FAILED
        receiver = Receiver()
        made.contacts.put("z1", "ana", Contact(webhook=receiver.url))
        await told(made, [ask(c.Tick, "t2", minute=2 + DEFAULT.job_retry_minutes, beat=2)])
        report = await reports.seen.get()
        assert (report.attempt, report.outcome) == (2, c.JobOutcome.SENT)
        await made.stop()
        receiver.close()
        assert receiver.keys == {"z1/notify:r1.1.0.ana": 1}

    asyncio.run(story())
