"""What only Apache Kafka can do to a log: batches, topics that are weak, gone or made anew."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from services.adapters import kafka_topics
from services.adapters.kafka import KafkaLog
from services.cli import build
from services.cursor import Cursor
from services.exits import ExitCode, Stop
from services.names import COMMANDS, JOURNAL, PARKED, SNAPSHOTS, TOPICS
from services.ports import LogUntrusted, Message
from services.wire import COMMAND_BYTES_MAX
from tests.brokers import fresh_log, fresh_topics, kafka, needs_kafka, opened

pytestmark = needs_kafka


@cache
def admin() -> AdminClient:
    """Keep one: with its client a future is lost, and whoever waits for it waits for ever."""
    return kafka_topics.connect(kafka())


async def set_one(topic: str, **settings: str) -> None:
    mends = {topic: {key.replace("_", "."): value for key, value in settings.items()}}
    await asyncio.to_thread(kafka_topics._mend, admin(), mends)


async def eventually(holds: Any) -> None:
    """Poll for 20 s: a broker takes a change when it hears of it."""
    async with asyncio.timeout(20):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def found(prefix: str) -> dict[str, kafka_topics.Found]:
    return await asyncio.to_thread(kafka_topics.describe, admin(), [prefix + topic for topic in TOPICS])


# --- appending and reading -----------------------------------------------------------------------------------------


def test_an_append_larger_than_a_batch_still_gets_one_range_in_order():
    async def main() -> None:
        async with fresh_log(1) as log:
            values = [bytes([n]) * 700_000 for n in range(5)]
            assert await log.append(COMMANDS, 0, [Message(b"before")]) == 0
            firsts = await asyncio.gather(
                log.append(COMMANDS, 0, [Message(value) for value in values]), log.append(COMMANDS, 0, [Message(b"x")])
            )
            assert firsts == [1, 6]
            assert [record.value for record in await log.read(COMMANDS, 0, 1, 99)] == [*values, b"x"]

    asyncio.run(main())


def test_the_largest_command_fits_also_where_nothing_can_be_compressed():
    async def main() -> None:
        import random

        async with fresh_log(1) as log:
            value = random.Random(1).randbytes(COMMAND_BYTES_MAX)
            assert await log.append(COMMANDS, 0, [Message(value, {"k": "v" * 1000})]) == 0
            assert (await log.read(COMMANDS, 0, 0, 1))[0].value == value

    asyncio.run(main())


def test_one_read_after_the_other_and_reads_of_many_places_at_once_bring_every_record():
    async def main() -> None:
        async with fresh_log(8) as log:
            values = [b"%d" % n for n in range(3000)]
            await asyncio.gather(*(log.append(JOURNAL, p, [Message(value) for value in values]) for p in range(8)))

            async def whole(partition: int) -> list[bytes]:
                read: list[bytes] = []
                while records := await log.read(JOURNAL, partition, len(read), 500):
                    read += [record.value for record in records]
                return read

            assert await asyncio.gather(*(whole(partition) for partition in range(8))) == [values] * 8

    asyncio.run(main())


def test_append_times_are_the_brokers_own_and_never_run_backwards():
    async def main() -> None:
        async with fresh_log(1) as log:
            for _ in range(20):
                await log.append(COMMANDS, 0, [Message(b"x")])
            times = [record.at_s for record in await log.read(COMMANDS, 0, 0, 99)]
            assert times == sorted(times)
            assert times[0] > 1.7e9

    asyncio.run(main())


def test_nobody_reads_on_past_records_that_are_gone():
    async def main() -> None:
        async with fresh_topics(1) as prefix, opened(prefix) as log:
            await log.append(COMMANDS, 0, [Message(b"%d" % n) for n in range(10)])
            cut = admin().delete_records([TopicPartition(prefix + COMMANDS, 0, 6)])
            [await asyncio.to_thread(future.result) for future in cut.values()]
            assert (await log.bounds(COMMANDS, 0)).start == 6
            with pytest.raises(LogUntrusted):
                await log.read(COMMANDS, 0, 0, 5)
            with pytest.raises(LogUntrusted):
                await Cursor(log, COMMANDS, 0, 3).recheck()
            assert [record.offset for record in await log.read(COMMANDS, 0, 6, 99)] == [6, 7, 8, 9]

    asyncio.run(main())


def test_a_topic_that_was_made_anew_is_not_trusted_by_who_knew_the_old_one():
    async def main() -> None:
        async with fresh_topics(1) as prefix, opened(prefix) as log:
            await log.append(JOURNAL, 0, [Message(b"%d" % n) for n in range(10)])
            cursor = Cursor(log, JOURNAL, 0)
            await cursor.recheck()
            for future in admin().delete_topics([prefix + JOURNAL]).values():
                await asyncio.to_thread(future.result)

            async def gone() -> bool:
                return prefix + JOURNAL not in await found(prefix)

            await eventually(gone)
            with pytest.raises(LogUntrusted):
                await log.bounds(JOURNAL, 0)
            await apply(prefix, partitions=1)
            with pytest.raises(LogUntrusted, match="made anew"):
                await log.bounds(JOURNAL, 0)
            with pytest.raises(LogUntrusted):
                await log.read(JOURNAL, 0, 5, 5)

    asyncio.run(main())


def test_no_cluster_ends_with_exit_code_4(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kafka_topics, "REQUEST_S", 1.0)

    async def main() -> None:
        log = KafkaLog("127.0.0.1:1")
        with pytest.raises(Stop) as ended:
            await log.start()
        assert ended.value.code is ExitCode.UNREACHABLE
        await log.stop()

    asyncio.run(main())


# --- topics --------------------------------------------------------------------------------------------------------


async def apply(prefix: str, **options: Any) -> list[kafka_topics.Step]:
    given = {"partitions": 2, "replication": 1, "trial": True, "dry_run": False, **options}
    return await asyncio.to_thread(lambda: kafka_topics.apply(admin(), prefix=prefix, **given))


def test_new_topics_have_the_settings_that_the_log_needs_and_applying_again_changes_nothing():
    async def main() -> None:
        async with fresh_topics(2) as prefix:
            topics = await found(prefix)
            journal, commands = topics[prefix + JOURNAL], topics[prefix + COMMANDS]
            assert (journal.partitions, journal.settings["retention.ms"]) == (2, "-1")
            assert int(commands.settings["retention.ms"]) >= 7 * kafka_topics.DAY_MS
            assert journal.settings["cleanup.policy"] == "delete"
            assert journal.settings["message.timestamp.type"] == "LogAppendTime"
            assert {step.words for step in await apply(prefix)} == {"as it must be"}

    asyncio.run(main())


def test_a_weak_log_is_refused_unless_it_is_a_trial():
    async def main() -> None:
        async with fresh_topics(1) as prefix:
            log = KafkaLog(kafka(), prefix=prefix)
            with pytest.raises(Stop, match="replication") as refused:
                await log.start()
            assert refused.value.code is ExitCode.BAD_INPUT
            await log.stop()
            with pytest.raises(Stop, match="--trial"):
                await apply("other.", replication=1, trial=False)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("topic", "setting", "value"),
    [
        (JOURNAL, "cleanup.policy", "compact"),
        (JOURNAL, "retention.ms", "604800000"),
        (COMMANDS, "retention.ms", "3600000"),
        (SNAPSHOTS, "message.timestamp.type", "CreateTime"),
        (JOURNAL, "max.message.bytes", "1000012"),
        (PARKED, "retention.bytes", "1000000"),
    ],
)
def test_a_topic_with_a_wrong_setting_is_refused_also_on_trial_and_mended_by_apply(topic, setting, value):
    async def main() -> None:
        async with fresh_topics(1) as prefix:
            await set_one(prefix + topic, **{setting: value})

            async def refused() -> bool:
                log = KafkaLog(kafka(), prefix=prefix, trial=True)
                try:
                    await log.start()
                except Stop as stop:
                    return setting in str(stop)
                finally:
                    await log.stop()
                return False

            await eventually(refused)
            planned = {step.topic: step.words for step in await apply(prefix, partitions=1, dry_run=True)}
            assert "mend" in planned[prefix + topic]
            assert await refused()
            await apply(prefix, partitions=1)

            async def mended() -> bool:
                return not await refused()

            await eventually(mended)

    asyncio.run(main())


def test_another_number_of_partitions_is_refused_and_never_changed():
    async def main() -> None:
        async with fresh_topics(2) as prefix:
            log = KafkaLog(kafka(), 3, prefix=prefix, trial=True)
            with pytest.raises(Stop, match="partitions"):
                await log.start()
            await log.stop()
            with pytest.raises(Stop, match="partitions"):
                await apply(prefix, partitions=3)

    asyncio.run(main())


def test_a_log_whose_topics_are_missing_says_how_to_make_them():
    async def main() -> None:
        log = KafkaLog(kafka(), prefix="nobody.", trial=True)
        with pytest.raises(Stop, match="topics apply"):
            await log.start()
        await log.stop()

    asyncio.run(main())


def test_a_dry_run_says_what_it_would_do_and_does_nothing():
    arguments = ["topics", "apply", "--kafka", kafka(), "--trial", "--dry-run", "--partitions", "5"]
    before = admin().list_topics(timeout=10).topics.keys()
    done = CliRunner().invoke(build(), arguments)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line.split(":")[0].split()[-1] for line in lines] == list(TOPICS)
    if not any(topic in before for topic in TOPICS):
        assert all("would create: 5 partitions" in line for line in lines)
    assert admin().list_topics(timeout=10).topics.keys() == before
