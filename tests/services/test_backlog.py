"""What a scrape says of writers that do not get on: lag, age, standstill, and that none of it stands still."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from services.adapters.memory import MemoryLog
from services.backlog import Backlog
from services.core import Matching
from services.metrics import Metrics
from services.names import COMMANDS
from services.ports import Message, Record
from services.solving import InlineSolver
from services.writer import Writer


@dataclass
class Standing:
    """A writer as the scrape sees it."""

    partition: int
    answered: int = 0
    unanswered: int = 0
    oldest_at_s: float | None = None
    parked_open: int = 0
    signed_in: bool = True


class Bench:
    """Writers, a clock moved by hand and what is scraped."""

    def __init__(self, *writers: Standing) -> None:
        self.metrics = Metrics()
        self.writers = list(writers)
        self.now_s = 1000.0
        clock = {"now_s": lambda: self.now_s, "elapsed_s": lambda: self.now_s}
        Backlog(self.metrics, lambda: self.writers, 16, **clock)

    def scrape(self) -> dict[str, float]:
        lines = self.metrics.exposition()[0].decode().splitlines()
        return {line.split()[0]: float(line.split()[1]) for line in lines if not line.startswith("#")}

    def figure(self, name: str) -> float:
        return self.scrape()[f"paidan_{name}"]


def test_lag_is_shown_in_all_and_for_the_partition_that_has_most() -> None:
    bench = Bench(Standing(0, unanswered=3), Standing(5, unanswered=40), Standing(7))
    said = bench.scrape()
    assert said["paidan_stream_lag_commands"] == 43
    assert said["paidan_stream_lag_largest_commands"] == 40
    assert said["paidan_stream_assigned_partitions"] == 3
    assert said["paidan_log_partitions"] == 16


def test_a_writer_that_has_not_caught_up_is_told_apart() -> None:
    bench = Bench(Standing(0), Standing(1, signed_in=False))
    assert bench.figure("stream_unready_partitions") == 1


def test_the_oldest_command_ages_between_two_scrapes_although_nothing_happens() -> None:
    bench = Bench(Standing(0, unanswered=1, oldest_at_s=990.0), Standing(1, oldest_at_s=1.0))
    assert bench.figure("stream_oldest_unanswered_age_seconds") == 10
    bench.now_s += 30
    assert bench.figure("stream_oldest_unanswered_age_seconds") == 40


def test_one_partition_that_stands_is_seen_beside_others_that_run() -> None:
    stuck, running = Standing(0, answered=7, unanswered=1), Standing(1, answered=50, unanswered=900)
    bench = Bench(stuck, running)
    bench.scrape()
    for _ in range(3):
        bench.now_s += 15
        running.answered += 100
        assert bench.figure("stream_standstill_seconds") == bench.now_s - 1000
    stuck.answered, stuck.unanswered = 8, 0
    assert bench.figure("stream_standstill_seconds") == 0


def test_a_partition_with_nothing_to_do_does_not_stand_still_and_one_that_was_lost_is_forgotten() -> None:
    idle, lost = Standing(0, answered=7), Standing(1, answered=3, unanswered=1)
    bench = Bench(idle, lost)
    bench.scrape()
    bench.now_s += 60
    assert bench.figure("stream_standstill_seconds") == 60
    bench.writers.remove(lost)
    idle.unanswered = 1
    assert bench.figure("stream_standstill_seconds") == 0
    assert bench.figure("stream_lag_commands") == 1


class Holding:
    """A log whose journal takes the sign-in and then holds every answer back."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self.appends = 0
        self.held = asyncio.Event()

    async def append(self, topic, partition, messages):
        self.appends += 1
        if self.appends > 1:
            self.held.set()
            await asyncio.Event().wait()
        return await self._log.append(topic, partition, messages)

    async def read(self, topic, partition, offset, limit):
        return await self._log.read(topic, partition, offset, limit)

    async def bounds(self, topic, partition):
        return await self._log.bounds(topic, partition)


def test_a_real_writer_that_hangs_in_an_append_shows_the_command_in_hand() -> None:
    async def story() -> None:
        inner = MemoryLog(1)
        await inner.append(COMMANDS, 0, [Message(b"unreadable")])
        log, metrics = Holding(inner), Metrics()
        writer = Writer(log, Matching(), InlineSolver(), partition=0, partitions=1, linger_s=0)
        Backlog(metrics, lambda: [writer], 1, now_s=lambda: (writer.oldest_at_s or 0.0) + 12)
        running = asyncio.create_task(writer.run())
        await log.held.wait()
        writer.deliver(1, Record(1, 5.0, b"another"))
        said = metrics.exposition()[0].decode()
        assert "paidan_stream_lag_commands 2.0" in said
        assert "paidan_stream_oldest_unanswered_age_seconds 12.0" in said
        assert "paidan_stream_unready_partitions 0.0" in said
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(story())
