"""The chain seen from outside: commands answered by somebody else, the same town as when embedded, and clear ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.adapters.kafka_tailing import KafkaTail
from services.adapters.memory import MemoryLog
from services.core import Matching
from services.demo.playing import Audience, play, play_on
from services.demo.receipts import Receipts
from services.demo.remote import Remote
from services.embedded import Embedded
from services.exits import ExitCode, Stop
from services.names import COMMANDS, JOURNAL
from services.ports import LogUntrusted, Message, Record
from services.solving import InlineSolver
from services.verify import read_receipts, verify
from services.wire import SignIn, encode
from tests.brokers import fresh_topics, kafka, needs_kafka, opened
from tests.towns import MONDAY, story_of, town

PARTITIONS = 4


class HeardLog(MemoryLog):
    """A log in memory whose appends are heard: `deliver` by topic, in the loop's next turn."""

    def __init__(self, partitions: int) -> None:
        super().__init__(partitions)
        self.deliver: dict[str, Callable] = {}

    async def append(self, topic, partition, messages):
        first = await super().append(topic, partition, messages)
        if topic in self.deliver:
            news = [(partition, Record(offset, 0.0, each.value)) for offset, each in enumerate(messages, first)]
            asyncio.get_running_loop().call_soon(self.deliver[topic], news)
        return first

    def tail(self, topic: str) -> HeardTail:
        return HeardTail(self, topic)


class HeardTail:
    """Brings one topic of a heard log."""

    def __init__(self, log: HeardLog, topic: str) -> None:
        self._log = log
        self._topic = topic

    async def start(self, offsets, deliver):
        self._log.deliver[self._topic] = deliver

    async def stop(self):
        del self._log.deliver[self._topic]

    async def failed(self):
        await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def answering(log, commands):
    """Somebody who answers, elsewhere: told of commands by a tail, as a stream process is by its group."""
    chain = Embedded(log, Matching(), InlineSolver(), partitions=PARTITIONS, linger_s=0.0)

    def deliver(news):
        for partition, record in news:
            chain._writers[partition].deliver(record.offset, record)

    await chain.start()
    await commands.start(dict.fromkeys(range(PARTITIONS), 0), deliver)
    try:
        yield
    finally:
        await commands.stop()
        await chain.stop()


def outside(log: HeardLog, **options) -> Remote:
    return Remote(log, Matching(), log.tail(JOURNAL), partitions=PARTITIONS, **options)


async def played(remote, log, file: Path, audience: Audience | None = None):
    """Play town 1 from outside and return each zone's events; the checker finds nothing."""
    seen = audience or Audience()
    with Receipts(file) as receipts:
        await play_on(remote, town(1), log, receipts, seen)
    verdict = await verify(log, PARTITIONS, read_receipts(file))
    assert verdict.sound, verdict.findings
    assert (verdict.requests, verdict.open) == (25, 0)
    return await story_of(log, PARTITIONS)


async def embedded(file: Path):
    """The same town, played by the chain that answers it itself."""
    log = MemoryLog(PARTITIONS)
    with Receipts(file) as receipts:
        await play(town(1), log, Matching(), InlineSolver(), receipts, Audience(), partitions=PARTITIONS)
    return await story_of(log, PARTITIONS)


def test_a_town_whose_commands_others_answer_has_the_events_of_the_same_town_embedded(tmp_path):
    async def main() -> None:
        log = HeardLog(PARTITIONS)
        async with answering(log, log.tail(COMMANDS)):
            assert await played(outside(log), log, tmp_path / "remote") == await embedded(tmp_path / "embedded")

    asyncio.run(main())


def test_a_finished_town_is_only_looked_at_when_it_is_played_again(tmp_path):
    async def main() -> None:
        log = HeardLog(PARTITIONS)
        async with answering(log, log.tail(COMMANDS)):
            first = await played(outside(log), log, tmp_path / "run")
            seen = Audience()
            again = await played(outside(log), log, tmp_path / "run", seen)
            assert again == first
            assert len(seen.tally.requests) == 25
            assert len(seen.figures.beat_ms) == 1  # the last one, as a repeat

    asyncio.run(main())


def test_when_nobody_answers_the_run_ends_with_4_and_says_who_is_missing(tmp_path):
    async def main() -> None:
        log = HeardLog(PARTITIONS)
        remote = outside(log, patience_s=0.01)
        await remote.start()
        [place] = (await remote.append(town(1).opening[:1]))[:1]
        with pytest.raises(Stop, match="serve stream") as ended:
            await remote.answered(*place)
        assert ended.value.code is ExitCode.UNREACHABLE
        await remote.stop()

    asyncio.run(main())


def test_a_journal_that_cannot_be_trusted_ends_the_wait_for_an_answer():
    async def main() -> None:
        log = HeardLog(PARTITIONS)
        remote = outside(log)
        await remote.start()
        waiting = asyncio.ensure_future(remote.answered(0, 0))
        await asyncio.sleep(0)
        sign_in = SignIn(id="s", at=MONDAY)
        skips = b'{"type":"Entry","id":"a","after":"s","first":3,"last":4,"at":"2026-03-02T07:00:00Z","events":[]}'
        await log.append(JOURNAL, 0, [Message(encode(sign_in)), Message(skips)])
        with pytest.raises(LogUntrusted, match="answers from"):
            await waiting
        with pytest.raises(LogUntrusted):
            await remote.answered(1, 0)
        with pytest.raises(LogUntrusted):
            await remote.stop()

    asyncio.run(main())


# --- on Apache Kafka -----------------------------------------------------------------------------------------------


def over_kafka(log, prefix: str, stages=None) -> Remote:
    return Remote(log, Matching(), KafkaTail(kafka(), prefix + JOURNAL), partitions=PARTITIONS, stages=stages)


@pytest.mark.kafka
@needs_kafka[1]
def test_a_town_answered_over_kafka_by_another_client_has_the_events_of_the_embedded_one(tmp_path):
    async def main() -> None:
        audience = Audience()
        async with (
            fresh_topics(PARTITIONS) as prefix,
            opened(prefix) as theirs,
            opened(prefix) as log,
            answering(theirs, KafkaTail(kafka(), prefix + COMMANDS)),
        ):
            remote = over_kafka(log, prefix, audience.figures.stages)
            story = await played(remote, log, tmp_path / "remote", audience)
        assert story == await embedded(tmp_path / "embedded")
        beats = len(audience.figures.beat_ms)
        print({name: round(ms / beats, 2) for name, ms in audience.figures.stages.ms.items()}, "ms a beat")

    asyncio.run(main())


@pytest.mark.kafka
@needs_kafka[1]
def test_a_tail_brings_each_partitions_records_once_in_order_from_where_it_was_told():
    async def main() -> None:
        async with fresh_topics(PARTITIONS) as prefix, opened(prefix) as log:
            for partition in range(PARTITIONS):
                await log.append(JOURNAL, partition, [Message(b"before")])
            brought: list[tuple[int, int, bytes]] = []
            all_there = asyncio.Event()

            def deliver(news):
                brought.extend((partition, record.offset, record.value) for partition, record in news)
                if len(brought) >= 3 * PARTITIONS:
                    all_there.set()

            tail = KafkaTail(kafka(), prefix + JOURNAL)
            await tail.start(dict.fromkeys(range(PARTITIONS), 1), deliver)
            for n in range(3):
                for partition in range(PARTITIONS):
                    await log.append(JOURNAL, partition, [Message(b"%d" % n)])
            async with asyncio.timeout(20):
                await all_there.wait()
            await tail.stop()
            assert sorted(brought) == [(p, 1 + n, b"%d" % n) for p in range(PARTITIONS) for n in range(3)]
            assert [each for each in brought if each[0] == 0] == [(0, 1 + n, b"%d" % n) for n in range(3)]

    asyncio.run(main())


@pytest.mark.kafka
@needs_kafka[1]
def test_a_tail_told_to_begin_beyond_what_there_is_says_that_the_log_is_not_what_it_was():
    async def main() -> None:
        async with fresh_topics(1) as prefix:
            tail = KafkaTail(kafka(), prefix + JOURNAL)
            await tail.start({0: 5}, lambda news: None)
            with pytest.raises(LogUntrusted):
                async with asyncio.timeout(20):
                    await tail.failed()
            await tail.stop()

    asyncio.run(main())
