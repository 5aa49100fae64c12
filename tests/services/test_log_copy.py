"""`paidan log copy`: a played town moves onto Apache Kafka and goes on there; everything that must stop a copy does."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services import copying
from services.adapters.memory import MemoryLog
from services.adapters.sqlite import SqliteLog
from services.cli import build
from services.copying import CHUNK_RECORDS, copy
from services.core import Matching
from services.demo.playing import Audience, play
from services.demo.receipts import Receipts
from services.embedded import Embedded
from services.exits import ExitCode, Stop
from services.names import COMMANDS, LOG_FILE, PARKED, SNAPSHOTS, TOPICS
from services.ports import Log, LogUntrusted, Message
from services.solving import InlineSolver
from services.verify import verify
from tests.brokers import fresh_topics, kafka, needs_kafka, opened
from tests.simulation import toy
from tests.simulation.bench import Bench
from tests.towns import story_of, town

PARTITIONS = 4


def on_kafka(test):
    """Mark a test that needs brokers."""
    for mark in needs_kafka:
        test = mark(test)
    return test


def copied(*arguments: object) -> tuple[int, str]:
    """Run `log copy`; return its exit code and what it said."""
    result = CliRunner().invoke(build(), ["log", "copy", *map(str, arguments)])
    if isinstance(result.exception, Stop):
        return int(result.exception.code), str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout


async def hashes(log: Log) -> dict[str, str]:
    """Let every partition be taken by a writer; return the hash of each zone's state."""
    chain = Embedded(log, Matching(), InlineSolver(), partitions=PARTITIONS, linger_s=0.0)
    await chain.start()
    states = {zone: hashlib.sha256(state.encode()).hexdigest() for zone, state in chain.zones().items()}
    await chain.stop()
    return states


async def played(folder: Path, log: Log) -> None:
    """Play a town in memory and put it into `log`: by the copying that is tested here, without a disk's patience."""
    memory = MemoryLog(PARTITIONS)
    with Receipts(folder / "receipts.jsonl") as receipts:
        await play(town(1), memory, Matching(), InlineSolver(), receipts, Audience(), partitions=PARTITIONS)
    await copy(memory, log, PARTITIONS, lambda done, everything: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small log of one partition with something in every topic."""

    async def main(log: SqliteLog) -> None:
        bench = Bench(log)
        await bench.ask(toy.place("z"), b"{broken", *(toy.person("z", f"p{n}") for n in range(CHUNK_RECORDS + 7)))
        await bench.finish(bench.writer(group_max=1))

    with closing(SqliteLog(tmp_path / LOG_FILE, 1)) as log:
        asyncio.run(main(log))
    return tmp_path


@on_kafka
def test_a_played_town_goes_on_from_its_copy_with_the_same_zones(tmp_path: Path):
    with closing(SqliteLog(tmp_path / LOG_FILE, PARTITIONS)) as log:
        asyncio.run(played(tmp_path, log))

    async def main() -> None:
        async with fresh_topics(PARTITIONS) as prefix:
            options = ["--from", tmp_path, "--kafka", kafka(), "--prefix", prefix, "--trial"]
            code, words = await asyncio.to_thread(copied, *options)
            assert (code, words.count("4 partitions")) == (0, 4)
            with closing(SqliteLog(tmp_path / LOG_FILE, PARTITIONS)) as log:
                before, events = await hashes(log), await story_of(log, PARTITIONS)
            async with opened(prefix, PARTITIONS) as log:
                assert await story_of(log, PARTITIONS) == events
                assert await hashes(log) == before
                assert len(before) == 2
                assert (await verify(log, PARTITIONS)).sound
            code, words = await asyncio.to_thread(copied, *options)
            assert code == ExitCode.BAD_INPUT
            assert "just made" in words

    asyncio.run(main())


@on_kafka
def test_every_topic_is_copied_with_headers_and_said_by_partition(folder: Path):
    async def main() -> None:
        async with fresh_topics(1) as prefix:
            options = ["--from", folder, "--kafka", kafka(), "--prefix", prefix, "--trial", "--json"]
            code, words = await asyncio.to_thread(copied, *options)
            assert code == 0
            counts = {part["topic"]: part["records"] for part in json.loads(words)}
            with closing(SqliteLog(folder / LOG_FILE)) as source:
                async with opened(prefix, 1) as log:
                    for topic in TOPICS:
                        there = await source.read(topic, 0, 0, 10**6)
                        here = await log.read(topic, 0, 0, 10**6)
                        assert len(there) == len(here) == counts[topic] > 0
                        if topic != SNAPSHOTS:
                            assert [(r.offset, r.value, r.headers) for r in here] == [
                                (r.offset, r.value, r.headers) for r in there
                            ]
                    assert (await log.read(PARKED, 0, 0, 1))[0].headers["offset"] == "1"
                    bench = Bench(log)
                    await bench.ask(toy.person("z", "late"))
                    await bench.finish(bench.writer())
                    # The successor began with the copied snapshot: it told nothing of what is older.
                    assert [(entry.first, entry.last) for _, entry, _ in bench.told] == [(CHUNK_RECORDS + 9,) * 2]
            code, words = await asyncio.to_thread(copied, *options)
            assert (code, "has had" in words) == (ExitCode.BAD_INPUT, True)

    asyncio.run(main())


@on_kafka
def test_topics_of_another_number_of_partitions_are_refused(folder: Path):
    async def main() -> None:
        async with fresh_topics(2) as prefix:
            options = ["--from", folder, "--kafka", kafka(), "--prefix", prefix, "--trial"]
            code, words = await asyncio.to_thread(copied, *options)
            assert (code, "(2) partitions, not (1)" in words) == (ExitCode.BAD_INPUT, True)

    asyncio.run(main())


def test_a_log_that_somebody_writes_to_is_not_copied(folder: Path):
    with closing(SqliteLog(folder / LOG_FILE)):
        code, words = copied("--from", folder, "--kafka", "127.0.0.1:1")
    assert (code, "another process" in words) == (ExitCode.BAD_INPUT, True)


def test_a_folder_without_a_log_is_refused_and_stays_empty(tmp_path: Path):
    code, words = copied("--from", tmp_path, "--kafka", "127.0.0.1:1")
    assert (code, str(tmp_path / LOG_FILE) in words) == (ExitCode.BAD_INPUT, True)
    assert list(tmp_path.iterdir()) == []


def test_brokers_that_cannot_be_reached_end_with_4(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.adapters.kafka_topics.REQUEST_S", 1.0)
    code, _ = copied("--from", folder, "--kafka", "127.0.0.1:1")
    assert code == ExitCode.UNREACHABLE


# --- the copying itself, between any two logs ----------------------------------------------------------------------


async def small() -> MemoryLog:
    log = MemoryLog(1)
    bench = Bench(log)
    await bench.ask(toy.place("z"), *(toy.person("z", f"p{n}") for n in range(9)))
    await bench.finish(bench.writer(group_max=1))
    return log


def test_half_a_copy_is_taken_for_a_log_by_no_writer():
    async def main() -> None:
        source, target = await small(), MemoryLog(1)
        ends = sum([(await source.bounds(topic, 0)).end for topic in TOPICS])

        def broken_off(done: int, everything: int) -> None:
            assert everything == 2 * ends
            if done >= (ends - 10):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await copy(source, target, 1, broken_off)
        with pytest.raises(LogUntrusted):
            await Bench(target).writer().run()

    asyncio.run(main())


def test_somebody_who_writes_to_the_target_meanwhile_is_noticed():
    async def main() -> None:
        source = await small()

        class Shared(MemoryLog):
            async def append(self, topic, partition, messages):
                if topic == COMMANDS:
                    await super().append(topic, partition, [Message(b"{}")])
                return await super().append(topic, partition, messages)

        with pytest.raises(Stop, match="Somebody else") as refused:
            await copy(source, Shared(1), 1, lambda done, everything: None)
        assert refused.value.code is ExitCode.BAD_INPUT

    asyncio.run(main())


def test_a_target_that_keeps_something_else_is_found_by_the_comparison(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        class Forgetful(MemoryLog):
            async def append(self, topic, partition, messages):
                return await super().append(topic, partition, [Message(each.value) for each in messages])

        source = await small()
        await source.append(PARKED, 0, [Message(b"x", {"reason": "unreadable"})])
        with pytest.raises(LogUntrusted, match="is not what was copied"):
            await copy(source, Forgetful(1), 1, lambda done, everything: None)

    monkeypatch.setattr(copying, "CHUNK_RECORDS", 3)
    asyncio.run(main())
