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
            # Partitions that changed hands were left in order: nobody was taken for dead.
            assert first.owned == second.owned == frozenset()

    asyncio.run(main())


def test_a_replacement_under_the_same_member_takes_over_and_the_replaced_one_ends(tmp_path: Path):
    async def main() -> None:
        async with fresh_topics(PARTITIONS) as prefix, opened(prefix) as log, opened(prefix) as other_log:
            heard = Heard()
            old = stream(log, prefix, tmp_path / "a", heard, PARTITIONS, member="one")
            await old.start()
            await ask(log, heard, [toy.place(zone) for zone in ZONES])
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
