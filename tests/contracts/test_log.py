"""The promises of the port `Log`, asked of every adapter. A new adapter joins by one line in ADAPTERS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from services.names import COMMANDS, JOURNAL, PARKED
from services.ports import Log, Message, MessageTooLarge
from services.wire import COMMAND_BYTES_MAX, MESSAGE_BYTES_MAX
from tests.logs import KAFKA, KAFKA_OF_THREE, MEMORY, SQLITE

ADAPTERS = [MEMORY, SQLITE, KAFKA, KAFKA_OF_THREE]

Try = Callable[[Callable[[Log], Coroutine[Any, Any, Any]]], Any]


@pytest.fixture(params=ADAPTERS)
def with_log(request: pytest.FixtureRequest) -> Try:
    """Run one coroutine with a fresh log of four partitions."""

    async def attempt(use: Callable[[Log], Coroutine[Any, Any, Any]]) -> Any:
        async with request.param(request, 4) as log:
            return await use(log)

    return lambda use: asyncio.run(attempt(use))


def messages(*values: bytes) -> list[Message]:
    return [Message(value) for value in values]


def test_an_empty_partition_has_nothing_to_read(with_log: Try):
    async def use(log: Log) -> None:
        bounds = await log.bounds(COMMANDS, 0)
        assert (bounds.start, bounds.end) == (0, 0)
        assert bounds.topic_id
        assert await log.read(COMMANDS, 0, 0, 10) == []

    with_log(use)


def test_offsets_are_dense_and_counted_apart_for_each_topic_and_partition(with_log: Try):
    async def use(log: Log) -> None:
        assert await log.append(COMMANDS, 0, messages(b"a", b"b")) == 0
        assert await log.append(COMMANDS, 1, messages(b"c")) == 0
        assert await log.append(JOURNAL, 0, messages(b"d")) == 0
        assert await log.append(COMMANDS, 0, messages(b"e")) == 2
        assert [(r.offset, r.value) for r in await log.read(COMMANDS, 0, 0, 10)] == [(0, b"a"), (1, b"b"), (2, b"e")]
        assert (await log.bounds(COMMANDS, 0)).end == 3

    with_log(use)


def test_a_read_begins_where_it_is_told_and_stops_at_the_limit(with_log: Try):
    async def use(log: Log) -> None:
        await log.append(JOURNAL, 3, messages(*(b"%d" % n for n in range(10))))
        assert [record.value for record in await log.read(JOURNAL, 3, 4, 3)] == [b"4", b"5", b"6"]
        assert [record.value for record in await log.read(JOURNAL, 3, 8, 30)] == [b"8", b"9"]
        assert await log.read(JOURNAL, 3, 10, 5) == []
        assert await log.read(JOURNAL, 3, 0, 0) == []

    with_log(use)


def test_bytes_and_headers_come_back_as_they_went_in(with_log: Try):
    value = bytes(range(256)) * 3

    async def use(log: Log) -> None:
        await log.append(PARKED, 0, [Message(value, {"reason": "不是 JSON", "offset": "7"}), Message(b"")])
        first, second = await log.read(PARKED, 0, 0, 2)
        assert (first.value, first.headers) == (value, {"reason": "不是 JSON", "offset": "7"})
        assert (second.value, second.headers) == (b"", {})
        assert first.at_s > 1.7e9

    with_log(use)


def test_a_command_beyond_1_mib_is_refused_and_nothing_of_its_append_is_there(with_log: Try):
    async def use(log: Log) -> None:
        await log.append(COMMANDS, 0, messages(bytes(COMMAND_BYTES_MAX)))
        with pytest.raises(MessageTooLarge):
            await log.append(COMMANDS, 0, messages(b"small", bytes(COMMAND_BYTES_MAX + 1)))
        assert (await log.bounds(COMMANDS, 0)).end == 1

    with_log(use)


def test_other_topics_take_8_mib(with_log: Try):
    async def use(log: Log) -> None:
        assert await log.append(JOURNAL, 0, messages(bytes(MESSAGE_BYTES_MAX))) == 0
        with pytest.raises(MessageTooLarge):
            await log.append(JOURNAL, 0, messages(bytes(MESSAGE_BYTES_MAX + 1)))

    with_log(use)


def test_appends_made_at_once_get_ranges_that_do_not_mix(with_log: Try):
    async def use(log: Log) -> None:
        wishes = [log.append(COMMANDS, n % 2, messages(*[b"%d" % n] * 7)) for n in range(40)]
        firsts = await asyncio.gather(*wishes)
        for n, first in enumerate(firsts):
            assert {record.value for record in await log.read(COMMANDS, n % 2, first, 7)} == {b"%d" % n}

    with_log(use)


def test_a_topic_has_one_id_in_all_its_partitions_and_keeps_it(with_log: Try):
    async def use(log: Log) -> None:
        ids = {(await log.bounds(COMMANDS, partition)).topic_id for partition in range(4)}
        assert len(ids) == 1
        assert (await log.bounds(JOURNAL, 0)).topic_id not in ids
        await log.append(COMMANDS, 0, messages(b"a"))
        assert (await log.bounds(COMMANDS, 0)).topic_id in ids

    with_log(use)
