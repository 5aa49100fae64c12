"""Three brokers of our own, frozen, killed, started again under an open log and its writer: nothing lost or doubled."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from typer.testing import CliRunner

from services.adapters import kafka_topics
from services.adapters.kafka import KafkaLog
from services.cli import build
from services.names import COMMANDS, JOURNAL, TOPICS
from services.ports import AppendUncertain, Message
from services.verify import verify
from tests.brokers import fresh_topics, needs_kafka, opened, safe_log
from tests.cluster import Cluster
from tests.simulation import toy
from tests.simulation.bench import Bench
from tests.simulation.gate import Gate

pytestmark = [*needs_kafka, pytest.mark.slow]
#: A fenced or uncertain writer pauses for the session and 2 s: here for a tenth of a second.
SOON = {"session_s": -1.9}
#: How long a cluster may take to be itself again on a busy machine.
WELL_S = 60.0


def leader(cluster: Cluster, topic: str, partition: int = 0) -> int:
    """Return which broker leads a partition, counted from 0."""
    found = kafka_topics.connect(cluster.address).list_topics(topic, timeout=10).topics[topic]
    return int(found.partitions[partition].leader) - 1


class Load:
    """Appends numbered values to one partition until told to stop; knows which were acknowledged, and where."""

    def __init__(self, log: KafkaLog, partition: int) -> None:
        self.acknowledged: dict[int, bytes] = {}
        self.uncertain: set[bytes] = set()
        self._log = log
        self._partition = partition
        self._enough = 0
        self._task = asyncio.ensure_future(self._run())

    async def more(self, count: int) -> None:
        """Wait for so many further acknowledgements."""
        wanted = len(self.acknowledged) + count
        async with asyncio.timeout(WELL_S):
            while len(self.acknowledged) < wanted and not self._task.done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        if self._task.done():
            await self._task

    async def end(self) -> None:
        self._enough = 1
        await self._task

    async def check(self) -> None:
        """Every acknowledged value stands at its offset, offsets are dense, nothing else is there but the uncertain."""
        end = (await self._log.bounds(COMMANDS, self._partition)).end
        records = await self._log.read(COMMANDS, self._partition, 0, end)
        assert [record.offset for record in records] == list(range(end))
        assert {record.offset: record.value for record in records}.items() >= self.acknowledged.items()
        values = [record.value for record in records]
        assert len(set(values)) == len(values)
        assert set(values) - set(self.acknowledged.values()) <= self.uncertain

    async def _run(self) -> None:
        for n in itertools.count():
            if self._enough:
                return
            values = [b"%d.%d" % (n, part) for part in range(3)]
            try:
                first = await self._log.append(COMMANDS, self._partition, [Message(value) for value in values])
            except AppendUncertain:
                self.uncertain |= set(values)
            else:
                self.acknowledged |= dict(enumerate(values, first))


@asynccontextmanager
async def loaded(log: KafkaLog) -> AsyncIterator[list[Load]]:
    """Appends go on in two partitions while something happens, and hold afterwards."""
    loads = [Load(log, partition) for partition in (2, 3)]
    await asyncio.gather(*(load.more(30) for load in loads))
    yield loads
    await asyncio.gather(*(load.more(30) for load in loads))
    await asyncio.gather(*(load.end() for load in loads))
    await asyncio.gather(*(load.check() for load in loads))


@asynccontextmanager
async def working(bench: Bench) -> AsyncIterator[None]:
    """A writer answers while something happens, is still the same afterwards, and has answered everything once."""
    writer = bench.writer(**SOON)
    task = asyncio.ensure_future(writer.run())

    async def answered(*commands) -> None:
        end = await bench.ask(*commands)
        writer.assigned()
        answer = asyncio.ensure_future(writer.until_answered(end - 1))
        await asyncio.wait({answer, task}, timeout=WELL_S, return_when=asyncio.FIRST_COMPLETED)
        assert answer.done(), task
        await answer

    await answered(toy.place("z"), toy.person("z", "ana"), toy.request("z", "r1"), toy.tick("z", 0))
    yield
    await answered(toy.person("z", "ben"), toy.request("z", "r2"), toy.tick("z", 1))
    writer.stop()
    await task


def test_topics_apply_makes_topics_that_a_city_may_use(three_brokers: Cluster):
    prefix = f"t{secrets.token_hex(6)}."
    arguments = ["topics", "apply", "--kafka", three_brokers.address, "--partitions", "2", "--prefix", prefix]
    done = CliRunner().invoke(build(), arguments)
    assert done.exit_code == 0, done.exception
    assert len(done.stdout.splitlines()) == len(TOPICS)

    async def main() -> None:
        async with opened(prefix, 2, at=three_brokers.address, trial=False) as log:
            assert await log.append(JOURNAL, 1, [Message(b"x")]) == 0
        found = kafka_topics.describe(kafka_topics.connect(three_brokers.address), [prefix + JOURNAL])
        assert found[prefix + JOURNAL].replication == 3
        assert found[prefix + JOURNAL].settings["min.insync.replicas"] == "2"

    asyncio.run(main())
    again = CliRunner().invoke(build(), arguments)
    assert again.stdout.count("as it must be") == len(TOPICS)


def test_a_broker_killed_while_appends_go_on_loses_nothing(three_brokers: Cluster):
    async def main() -> None:
        async with safe_log(three_brokers.address, 4) as log:
            async with loaded(log), working(Bench(log)):
                three_brokers.kill(leader(three_brokers, log._prefix + COMMANDS, 2))
            await sound(log)

    try:
        asyncio.run(main())
    finally:
        three_brokers.start()


def test_all_brokers_killed_and_started_again_and_the_same_log_goes_on(three_brokers: Cluster):
    async def main() -> None:
        async with safe_log(three_brokers.address, 4) as log:
            async with loaded(log), working(Bench(log)):
                three_brokers.kill()
                looks = [log.bounds(JOURNAL, 0), log.read(JOURNAL, 0, 0, 99)]
                look = asyncio.gather(*looks)
                await asyncio.to_thread(three_brokers.start)
                bounds, records = await look
                assert len(records) == bounds.end
            await sound(log)

    asyncio.run(main())


def test_a_leader_frozen_beyond_its_session_is_replaced_and_brings_nothing_back(three_brokers: Cluster):
    async def main() -> None:
        async with safe_log(three_brokers.address, 4, deadline_s=2.0) as log:
            async with loaded(log) as loads, working(Bench(log)):
                led = leader(three_brokers, log._prefix + COMMANDS, 2)
                with three_brokers.frozen(led):
                    await asyncio.gather(*(load.more(30) for load in loads))
            await sound(log)

    asyncio.run(main())


def test_a_writer_whose_answers_are_cut_off_throws_its_state_away_and_answers_everything_once(three_brokers: Cluster):
    async def main() -> None:
        async with safe_log(three_brokers.address, 1, deadline_s=1.0) as log:
            bench, line = Bench(log), Gate(log)
            writer = bench.writer(line, **SOON)
            task = asyncio.ensure_future(writer.run())
            await bench.ask(toy.place("z"), toy.person("z", "ana"))
            writer.assigned()
            await writer.until_answered(1)
            line.hold(line.send)
            await bench.ask(toy.request("z", "r1"), toy.tick("z", 0))
            writer.assigned()
            await line.sending.wait()
            with three_brokers.frozen():
                line.send.set()
                await bench.counted.until(lambda counted: counted.uncertain_times >= 1)
                assert writer.zones == {}
            async with asyncio.timeout(WELL_S):
                await writer.until_answered(3)
            end = await bench.ask(toy.request("z", "r2"), toy.person("z", "ben"), toy.tick("z", 1))
            writer.assigned()
            async with asyncio.timeout(WELL_S):
                await writer.until_answered(end - 1)
            writer.stop()
            await task
            verdict = await sound(log)
            assert verdict.sign_ins >= 2
            told = [(entry.first, entry.last) for _, entry, _ in bench.told if entry.last >= entry.first]
            assert sorted(set(told)) == [(0, 1), (2, 3), (4, 6)]

    asyncio.run(main())


def test_a_partition_without_a_leader_leaves_appends_uncertain_and_goes_on_when_it_is_back(three_brokers: Cluster):
    async def main() -> None:
        async with (
            fresh_topics(6, three_brokers.address) as prefix,
            opened(prefix, 6, at=three_brokers.address, deadline_s=1.0) as log,
        ):
            led = leader(three_brokers, prefix + JOURNAL, 5)
            assert await log.append(JOURNAL, 5, [Message(b"first")]) == 0
            three_brokers.kill(led)
            said = []
            for n in range(4):
                with pytest.raises(AppendUncertain):
                    await log.append(JOURNAL, 5, [Message(b"%d" % n)])
                said.append(b"%d" % n)
            await asyncio.to_thread(three_brokers.start)
            async with asyncio.timeout(WELL_S):
                last = None
                while last is None:
                    try:
                        last = await log.append(JOURNAL, 5, [Message(b"last")])
                    except AppendUncertain:
                        continue
            records = await log.read(JOURNAL, 5, 0, last + 1)
            assert [record.offset for record in records] == list(range(last + 1))
            assert (records[0].value, records[last].value) == (b"first", b"last")

    try:
        asyncio.run(main())
    finally:
        three_brokers.start()


async def sound(log: KafkaLog):
    """The independent checker finds nothing in the writer's partition."""
    verdict = await verify(log, 1)
    assert verdict.sound, verdict.findings
    return verdict
