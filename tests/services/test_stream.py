"""The stream on a real broker: what Faust and the group can do to it changes nothing in the journal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition

from matcher.commands import Command
from services.adapters import kafka_topics
from services.adapters.kafka import KafkaLog
from services.asking import Asking
from services.exits import ExitCode
from services.names import COMMANDS, JOURNAL, TOPICS
from services.ports import LogUntrusted, Message
from services.stream.membership import Replaced
from services.verify import Verdict, verify
from tests.brokers import fresh_topics, kafka, needs_kafka, opened
from tests.simulation import toy
from tests.streams import Heard, eventually, running, stream

pytestmark = needs_kafka
PARTITIONS = 4
ZONES = [f"z{n}" for n in range(8)]


def requests(name: str, count: int) -> list[Command]:
    return [toy.request(ZONES[n % len(ZONES)], f"{name}.{n}") for n in range(count)]


async def ask(log: KafkaLog, heard: Heard, commands: Sequence[Command]) -> list[tuple[int, int]]:
    places = await Asking(log, log.partitions).append(commands)
    for place in places:
        await heard.until(*place)
    return places


async def sound(log: KafkaLog) -> Verdict:
    verdict = await verify(log, log.partitions)
    assert verdict.sound, verdict.findings
    return verdict


# --- sharing -------------------------------------------------------------------------------------------------------


def test_two_streams_share_the_partitions_and_when_one_stops_the_other_answers_everything_once(tmp_path: Path):
    async def main() -> None:
        async with fresh_topics(PARTITIONS) as prefix, opened(prefix) as log, opened(prefix) as other_log:
            heard = Heard()
            async with running(stream(log, prefix, tmp_path / "a", heard, PARTITIONS)) as first:
                await ask(log, heard, [toy.place(zone) for zone in ZONES])
                second = stream(other_log, prefix, tmp_path / "b", heard, PARTITIONS)
                async with running(second):
                    await eventually(lambda: len(first.owned) == len(second.owned) == 2 and first.ready)
                    assert first.owned | second.owned == set(range(PARTITIONS))
                    await ask(log, heard, requests("both", 40))
                    assert set(first.zones()) | set(second.zones()) == set(ZONES)
                    assert not set(first.zones()) & set(second.zones())
                await Asking(log, PARTITIONS).append(requests("alone", 20))
                await eventually(lambda: len(first.owned) == PARTITIONS and first.ready)
                await ask(log, heard, requests("after", 20))
            verdict = await sound(log)
            assert verdict.commands == verdict.requests + len(ZONES) == 88
            assert first.owned == second.owned == frozenset()

    asyncio.run(main())


def test_a_replacement_under_the_same_member_takes_over_and_the_replaced_one_ends(tmp_path: Path):
    async def main() -> None:
        async with fresh_topics(PARTITIONS) as prefix, opened(prefix) as log, opened(prefix) as other_log:
            heard = Heard()
            old = stream(log, prefix, tmp_path / "a", heard, PARTITIONS, member="one")
            await old.start()
            await eventually(lambda: old.ready)
            async with running(stream(other_log, prefix, tmp_path / "b", heard, PARTITIONS, member="one")) as new:
                async with asyncio.timeout(20):
                    with pytest.raises(Replaced) as ended:
                        await old.failed()
                    with pytest.raises(Replaced):
                        await old.stop()
                assert ended.value.code is ExitCode.OK
                await ask(log, heard, requests("after", 20))
                assert new.owned == set(range(PARTITIONS))
                await eventually(lambda: new.ready)
            await sound(log)

    asyncio.run(main())


# --- what Faust brings is a hint -----------------------------------------------------------------------------------


async def move(prefix: str, offsets: dict[str, dict[int, int]]) -> None:
    """Set the group's committed offsets while nobody is in it."""
    admin = kafka_topics.connect(kafka())
    places = [TopicPartition(prefix + topic, p, at) for topic, each in offsets.items() for p, at in each.items()]
    for future in admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(f"{prefix}group", places)]).values():
        await asyncio.to_thread(future.result)


async def delete(prefix: str) -> None:
    admin = kafka_topics.connect(kafka())
    for future in admin.delete_consumer_groups([f"{prefix}group"]).values():
        await asyncio.to_thread(future.result)


def test_committed_offsets_that_are_deleted_or_moved_lose_and_double_nothing(tmp_path: Path):
    async def main() -> None:
        async with fresh_topics(PARTITIONS) as prefix, opened(prefix) as log:
            heard = Heard()
            asking = Asking(log, PARTITIONS)

            async def life(name: str) -> None:
                """Append while nobody works, then let a stream answer that and more."""
                places = await asking.append(requests(f"{name}.before", 30))
                async with running(stream(log, prefix, tmp_path / "a", heard, PARTITIONS)):
                    for place in places:
                        await heard.until(*place)
                    await ask(log, heard, requests(f"{name}.after", 30))

            async def ends(topic: str) -> dict[int, int]:
                return {p: (await log.bounds(topic, p)).end for p in range(PARTITIONS)}

            await asking.append([toy.place(zone) for zone in ZONES])
            await life("first")
            await delete(prefix)
            await life("deleted")
            await asking.append(requests("unseen", 30))
            await move(prefix, {COMMANDS: await ends(COMMANDS), JOURNAL: await ends(JOURNAL)})
            async with running(stream(log, prefix, tmp_path / "a", heard, PARTITIONS)):
                # No record comes after the hole: it is found by asking, not by being told.
                for partition, end in (await ends(COMMANDS)).items():
                    await heard.until(partition, end - 1)
            await move(prefix, {topic: dict.fromkeys(range(PARTITIONS), 0) for topic in (COMMANDS, JOURNAL)})
            await life("back")
            assert (await sound(log)).requests == 6 * 30 + 30

    asyncio.run(main())


def test_what_cannot_be_read_is_set_aside_and_the_partition_goes_on(tmp_path: Path):
    async def main() -> None:
        async with fresh_topics(1) as prefix, opened(prefix) as log:
            heard = Heard()
            huge = b'{"type":"SubmitRequest","id":"' + b"x" * 900_000 + b'"}'
            odd = [b"{", b"", b"\xff\xfe", b'{"type":"Unheard"}', b"[" * 100_000, huge, b'"text"']
            async with running(stream(log, prefix, tmp_path / "a", heard, 1, linger_s=0.005)):
                await ask(log, heard, [toy.place("z")])
                await log.append(COMMANDS, 0, [Message(value) for value in odd])
                keyless(prefix, None)
                await log.append(COMMANDS, 0, [Message(b"not one of ours %d" % n) for n in range(50)])
                await ask(log, heard, [toy.request("z", "r1"), toy.request("z", "r2")])
            verdict = await sound(log)
            assert (verdict.parked, verdict.requests) == (len(odd) + 1 + 50, 2)

    asyncio.run(main())


def keyless(prefix: str, value: bytes | None) -> None:
    """Append what only a foreign producer would: a record without a value, with a key that is no text."""
    producer = Producer({"bootstrap.servers": kafka()})
    producer.produce(prefix + COMMANDS, value, key=b"\xff", partition=0)
    assert producer.flush(10) == 0


# --- ends ----------------------------------------------------------------------------------------------------------


def test_a_failing_core_ends_the_stream_with_its_error(tmp_path: Path):
    async def main() -> None:
        async with fresh_topics(1) as prefix, opened(prefix) as log:
            made = stream(log, prefix, tmp_path / "a", Heard(), 1, core=toy.ToyCore(crash_on={"submit.r1"}))
            try:
                await made.start()
                await Asking(log, 1).append([toy.place("z"), toy.request("z", "r1")])
                with pytest.raises(ZeroDivisionError):
                    async with asyncio.timeout(20):
                        await made.failed()
            finally:
                with pytest.raises(ZeroDivisionError):
                    await made.stop()

    asyncio.run(main())


class StuckSolver:
    """Never comes back."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def solve(self, problem: Any) -> Any:
        self.asked.set()
        await asyncio.get_running_loop().create_future()


def test_a_stuck_solver_does_not_keep_a_stream_from_ending_and_the_next_one_answers(tmp_path: Path):
    async def main() -> None:
        async with fresh_topics(1) as prefix, opened(prefix) as log:
            heard, solver = Heard(), StuckSolver()
            made = stream(log, prefix, tmp_path / "a", heard, 1, solver=solver)
            try:
                await made.start()
                await ask(log, heard, [toy.place("z"), toy.person("z", "ana"), toy.request("z", "r1")])
                await Asking(log, 1).append([toy.tick("z", 1)])
                async with asyncio.timeout(20):
                    await solver.asked.wait()
            finally:
                async with asyncio.timeout(8):
                    await made.stop()
            async with running(stream(log, prefix, tmp_path / "a", heard, 1)):
                await heard.until(0, 3)
            await sound(log)

    asyncio.run(main())


def test_a_topic_made_anew_under_a_stream_ends_it(tmp_path: Path):
    async def main() -> None:
        async with fresh_topics(1) as prefix, opened(prefix) as log:
            heard = Heard()
            made = stream(log, prefix, tmp_path / "a", heard, 1)
            try:
                await made.start()
                await ask(log, heard, [toy.place("z"), toy.request("z", "r1")])
                await anew(prefix)
                with pytest.raises(LogUntrusted):
                    async with asyncio.timeout(20):
                        await made.failed()
            finally:
                with pytest.raises(LogUntrusted):
                    await made.stop()

    asyncio.run(main())


async def anew(prefix: str) -> None:
    """Delete and create commands and journal."""
    admin = kafka_topics.connect(kafka())
    for future in admin.delete_topics([prefix + COMMANDS, prefix + JOURNAL]).values():
        await asyncio.to_thread(future.result)
    async with asyncio.timeout(20):
        while (prefix + COMMANDS) in admin.list_topics(timeout=10).topics:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    options = {"partitions": 1, "replication": 1, "trial": True, "dry_run": False, "prefix": prefix}
    await asyncio.to_thread(lambda: kafka_topics.apply(admin, **options))


# --- the process ---------------------------------------------------------------------------------------------------


def listening() -> set[str]:
    """Return the inodes of this process's listening sockets."""
    mine = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            mine.add(os.readlink(f"/proc/self/fd/{name}").removeprefix("socket:[").rstrip("]"))
        except OSError:  # it was the folder's own
            continue
    rows = [
        line.split() for kind in ("tcp", "tcp6") for line in Path(f"/proc/self/net/{kind}").read_text().splitlines()[1:]
    ]
    return {row[9] for row in rows if row[3] == "0A" and row[9] in mine}


def test_a_stream_opens_no_port_writes_nothing_where_it_runs_and_heeds_no_variable(tmp_path: Path, monkeypatch, capfd):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("BROKER_URL", "kafka://127.0.0.1:1")
    monkeypatch.setenv("APP_WEB_ENABLED", "yes")
    before = listening()

    async def main() -> None:
        async with fresh_topics(1) as prefix, opened(prefix) as log:
            heard = Heard()
            async with running(stream(log, prefix, tmp_path / "data", heard, 1)):
                await ask(log, heard, [toy.place("z")])
                print("as it was")
                assert listening() == before
            names = kafka_topics.connect(kafka()).list_topics(timeout=10).topics.keys()
            assert {name for name in names if name.startswith(prefix)} == {prefix + topic for topic in TOPICS}

    asyncio.run(main())
    assert list((tmp_path / "here").iterdir()) == []
    assert "as it was" in capfd.readouterr().out
