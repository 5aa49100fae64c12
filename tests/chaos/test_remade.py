"""What can leave commands of a topic that was made anew unanswered for ever: a place kept by the topic's name.

With plain clients on Apache Kafka, to the number; and that our own reader does not do it (docs/chaos.md says why this
matters).
"""

from __future__ import annotations

import asyncio
import secrets

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.cursor import Cursor
from services.names import COMMANDS
from services.ports import LogUntrusted, Message
from tests.brokers import fresh_topics, kafka, needs_kafka, opened
from tests.services.test_made_anew import made_anew

pytestmark = [*needs_kafka, pytest.mark.slow]
OLD, NEW = 300, 1000
DEADLINE_S = 120.0


def number(n: int) -> Message:
    return Message(str(n).encode())


async def seen(consumer: AIOKafkaConsumer, last: int) -> list[int]:
    """Take records until this one."""
    found: list[int] = []
    while last not in found:
        found += [int(record.value) for each in (await consumer.getmany(timeout_ms=500)).values() for record in each]
    return found


def test_a_plain_reader_goes_on_at_its_old_place_and_never_sees_what_stands_before_it_in_the_new_topic() -> None:
    async def main() -> list[int]:
        async with fresh_topics(1) as prefix, asyncio.timeout(DEADLINE_S):
            place = TopicPartition(prefix + COMMANDS, 0)
            consumer = AIOKafkaConsumer(
                bootstrap_servers=kafka(), group_id=prefix + secrets.token_hex(4), auto_offset_reset="earliest"
            )
            await consumer.start()
            try:
                consumer.assign([place])
                async with opened(prefix, 1) as log:
                    await log.append(COMMANDS, 0, [number(n) for n in range(OLD)])
                    assert await seen(consumer, OLD - 1) == list(range(OLD))
                consumer.pause(place)
                await made_anew(prefix, (COMMANDS,))
                async with opened(prefix, 1) as log:
                    await log.append(COMMANDS, 0, [number(n) for n in range(NEW)])
                consumer.resume(place)
                return await seen(consumer, NEW - 1)
            finally:
                await consumer.stop()

    assert asyncio.run(main()) == list(range(OLD, NEW)), "it missed as many as the old topic held, and says nothing"


def test_a_committed_offset_written_after_the_topic_was_made_anew_hides_as_many_from_whoever_comes_next() -> None:
    async def main() -> tuple[int | None, list[int]]:
        async with fresh_topics(1) as prefix, asyncio.timeout(DEADLINE_S):
            place, group = TopicPartition(prefix + COMMANDS, 0), prefix + secrets.token_hex(4)
            options = {"bootstrap_servers": kafka(), "group_id": group, "enable_auto_commit": False}
            old = AIOKafkaConsumer(**options, auto_offset_reset="earliest")
            await old.start()
            try:
                old.assign([place])
                async with opened(prefix, 1) as log:
                    await log.append(COMMANDS, 0, [number(n) for n in range(OLD)])
                    await seen(old, OLD - 1)
                await made_anew(prefix, (COMMANDS,))
                await old.commit({place: OLD})
            finally:
                await old.stop()
            # A reader who asks earlier finds no such place and begins anew: so it is not seen every time.
            async with opened(prefix, 1) as log:
                await log.append(COMMANDS, 0, [number(n) for n in range(NEW)])
            new = AIOKafkaConsumer(**options, auto_offset_reset="earliest")
            await new.start()
            try:
                new.assign([place])
                return await new.committed(place), await seen(new, NEW - 1)
            finally:
                await new.stop()

    committed, found = asyncio.run(main())
    assert committed == OLD
    assert found == list(range(OLD, NEW))


def test_our_reader_says_that_the_topic_is_another_one_however_much_it_holds() -> None:
    async def main() -> None:
        async with fresh_topics(1) as prefix, opened(prefix, 1) as log, asyncio.timeout(DEADLINE_S):
            await log.append(COMMANDS, 0, [number(n) for n in range(OLD)])
            reader = Cursor(log, COMMANDS, 0)
            await reader.recheck()
            while await reader.take(100):
                pass
            await made_anew(prefix, (COMMANDS,))
            async with opened(prefix, 1) as another:
                await another.append(COMMANDS, 0, [number(n) for n in range(NEW)])
            with pytest.raises(LogUntrusted, match="made anew"):
                await reader.recheck()

    asyncio.run(main())
