"""The board in Redis beside the one in memory: the same journal, the same answer to every question."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from matcher.events import Event
from services.adapters.board_memory import MemoryBoard
from services.adapters.board_redis import BoardLost, RedisBoard, connect
from services.adapters.memory import MemoryLog
from services.adapters.redis_keys import KINDS, Keys
from services.adapters.redis_rebuild import rebuild, remove
from services.board import Board, Kind
from services.cursor import Cursor
from services.following import Following
from services.names import JOURNAL
from services.parking import NO_ZONE
from services.ports import Bounds, Log, Message, Record
from services.projecting import BoardFollower
from services.reading import Chain, Held
from services.wire import decode_events
from tests.contracts.conftest import PARTITIONS

pytestmark = pytest.mark.redis
Told = tuple[int, int, list[Event]]


async def entries(log: Log, at_least: int = 50) -> list[Told]:
    """Every holding entry: (partition, offset, events)."""
    found: list[Told] = []
    for partition in range(PARTITIONS):
        chain, cursor = Chain(), Cursor(log, JOURNAL, partition)
        await cursor.recheck()
        while cursor.backlog:
            for record in await cursor.take(500):
                judged = chain.accept(record.offset, record.value)
                if isinstance(judged, Held):
                    found.append((partition, record.offset, decode_events(judged.entry)))
    assert len(found) > at_least
    return sorted(found, key=lambda one: one[1])  # the partitions side by side


@asynccontextmanager
async def redis_board(url: str, **limits: int) -> AsyncIterator[tuple[Redis, str, RedisBoard]]:
    """A board under a prefix of its own, removed afterwards."""
    client, prefix = connect(url), f"test:{secrets.token_hex(6)}:"
    try:
        yield client, prefix, RedisBoard(client, PARTITIONS, prefix=prefix, **limits)
    finally:
        keys = Keys(prefix)
        for name in await client.smembers(keys.generations):
            await remove(client, Keys(prefix, name.decode()), PARTITIONS)
        await client.unlink(keys.current, keys.stale, keys.generations)
        left = [key async for key in client.scan_iter(match=f"{prefix}*", count=1000)]
        await client.aclose()
        assert left == []


async def tell(board: Board, told: list[Told]) -> None:
    for partition, offset, events in told:
        await board.apply(partition, offset, events)


def _ids(told: list[Told]) -> set[tuple[str, Kind, str]]:
    """Everything that any event names, in its zone, and the command that caused it."""
    ids: set[tuple[str, Kind, str]] = set()
    for _, _, events in told:
        for event in events:
            ids |= {(event.zone, "zone", event.zone), (event.zone, "command", event.causation_id)}
            for thing in (event, getattr(event, "command", None)):
                ids |= {(event.zone, kind, name) for kind in KINDS if isinstance(name := getattr(thing, kind, 0), str)}
    return ids | {(zone, "assignment", name) for zone, kind, name in ids if kind == "offer"}


async def answers(board: Board, told: list[Told]) -> dict[Any, Any]:
    """Every view, every list, every index, every limit."""
    seen: dict[Any, Any] = {}
    ids = sorted(_ids(told))
    for zone, kind, name in ids:
        seen[zone, kind, name] = (await board.get(zone, kind, name)).found
    people = sorted({(zone, name) for zone, kind, name in ids if kind == "volunteer"})
    for zone in {zone for zone, _, _ in ids}:
        for kind in KINDS:
            for limit in (3, 100_000):
                seen[zone, kind, "all", limit] = (await board.find(zone, kind, limit)).found
        for state in ("submitted", "matching", "assigned", "unassignable", "completed", "rated", "closed", "cancelled"):
            seen[zone, "in", state] = (await board.find(zone, "request", 1000, state=state)).found
        for circle in ("42.31,-71.09,300", "42.31,-71.09,1200", "42.4,-71,100000", "89.9,0,1000"):
            seen[zone, "near", circle] = (await board.find(zone, "request", 20, near=circle)).found
    for zone, person in people:
        for kind in ("offer", "assignment"):
            seen[zone, kind, "of", person] = (await board.find(zone, kind, 1000, volunteer=person)).found
            for state in ("sent", "accepted", "declined", "tentative", "committed", "done", "released"):
                equal = {"volunteer": person, "state": state}
                seen[zone, kind, person, state] = (await board.find(zone, kind, 1000, **equal)).found
    return seen


async def same(one: Board, other: Board, told: list[Told]) -> int:
    """Check that both answer alike; return how many found something."""
    expected, seen = await answers(one, told), await answers(other, told)
    for question, answer in expected.items():
        assert seen[question] == answer, question
    return sum(1 for answer in expected.values() if answer)


@pytest.mark.parametrize("limits", [{}, {"closed_max": 3}, {"closed_max": 0}])
def test_the_same_journal_gives_the_same_answers(log: MemoryLog, redis_url: str, limits: dict[str, int]) -> None:
    async def check() -> None:
        told = await entries(log)
        memory = MemoryBoard(PARTITIONS, **limits)
        async with redis_board(redis_url, **limits) as (_, _, board):
            third = len(told) // 3
            for part in (told[:third], told[third:]):
                await tell(memory, part)
                await tell(board, part)
                assert await same(memory, board, told) > 100

    asyncio.run(check())


def test_repeats_and_replays_change_nothing(log: MemoryLog, redis_url: str) -> None:
    async def check() -> None:
        told = await entries(log)
        memory = MemoryBoard(PARTITIONS)
        await tell(memory, told)
        async with redis_board(redis_url) as (client, prefix, board):
            dice = random.Random(7)
            at = 0
            while at < len(told):
                end = min(len(told), at + dice.randint(1, 9))
                await tell(board, told[max(0, at - dice.randint(0, 9)) : end])
                at = end
            await tell(RedisBoard(client, PARTITIONS, prefix=prefix), told)
            await same(memory, board, told)

    asyncio.run(check())


def test_two_feeders_of_the_same_partitions_apply_every_entry_once(log: MemoryLog, redis_url: str) -> None:
    async def check() -> None:
        told = await entries(log)
        memory = MemoryBoard(PARTITIONS)
        await tell(memory, told)
        async with redis_board(redis_url) as (client, prefix, board):
            other = RedisBoard(client, PARTITIONS, prefix=prefix)
            await asyncio.gather(tell(board, told), tell(other, told))
            await same(memory, board, told)

    asyncio.run(check())


def test_an_emptied_board_says_so_and_a_rebuilt_one_is_equal(log: MemoryLog, redis_url: str) -> None:
    async def check() -> None:
        told = [one for one in await entries(log) if one[2]]
        memory = MemoryBoard(PARTITIONS)
        await tell(memory, told)
        async with redis_board(redis_url) as (client, prefix, board):
            await tell(board, told[:-1])
            partition, offset, events = told[-1]
            zone = next(event.zone for event in events if event.zone != NO_ZONE)
            emptied = [key async for key in client.scan_iter(match=f"{prefix}*", count=1000)]
            await client.delete(*emptied)
            answer = await board.get(zone, "zone", zone)
            assert (answer.found, answer.as_of, answer.stale) == (None, 0, True)
            with pytest.raises(BoardLost, match="board rebuild"):
                await board.apply(partition, offset, events)
            assert (await RedisBoard(client, PARTITIONS, prefix=prefix).get(zone, "zone", zone)).stale
            rebuilt = await rebuild(client, log, PARTITIONS, prefix=prefix)
            assert rebuilt.entries == len(await entries(log))
            await board.apply(partition, offset, events)
            assert not (await board.get(zone, "zone", zone)).stale
            assert await board.next_offset(partition) == offset + 1
            await same(memory, board, told)

    asyncio.run(check())


def test_a_rebuild_takes_the_place_of_a_wrong_board_and_can_be_told_on(log: MemoryLog, redis_url: str) -> None:
    async def check() -> None:
        told = await entries(log)
        memory = MemoryBoard(PARTITIONS)
        await tell(memory, told)
        async with redis_board(redis_url) as (client, prefix, board):
            await tell(board, told[: len(told) // 2])
            await rebuild(client, log, PARTITIONS, prefix=prefix)
            await rebuild(client, log, PARTITIONS, prefix=prefix)
            await tell(board, told[len(told) // 2 :])
            await same(memory, board, told)
            assert len(await client.smembers(Keys(prefix).generations)) == 1

    asyncio.run(check())


class Earlier:
    """Port `Log` as it was when each journal partition had so many records: what a rebuild has read by its end."""

    def __init__(self, log: MemoryLog, ends: dict[int, int]) -> None:
        self._log = log
        self._ends = ends

    async def append(self, topic: str, partition: int, messages: list[Message]) -> int:
        raise NotImplementedError

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        return await self._log.read(topic, partition, offset, min(limit, self._ends[partition] - offset))

    async def bounds(self, topic: str, partition: int) -> Bounds:
        bounds = await self._log.bounds(topic, partition)
        return Bounds(bounds.start, self._ends[partition], bounds.topic_id)


def test_what_was_told_while_it_was_rebuilt_is_marked_missing_until_it_is_told_again(
    log: MemoryLog, redis_url: str
) -> None:
    """Also to a reader that has seen nothing of the board before."""

    async def check() -> None:
        told = await entries(log)
        memory = MemoryBoard(PARTITIONS)
        await tell(memory, told)
        halves = {p: (await log.bounds(JOURNAL, p)).end // 2 for p in range(PARTITIONS)}
        async with redis_board(redis_url) as (client, prefix, board):
            followings = [Following(log, p, BoardFollower(board), idle_s=0.01) for p in range(PARTITIONS)]
            await tell(board, told)
            await rebuild(client, Earlier(log, halves), PARTITIONS, prefix=prefix)
            fresh = RedisBoard(client, PARTITIONS, prefix=prefix)
            for zone, kind, name in sorted(_ids(told)):
                seen, expected = await fresh.get(zone, kind, name), (await memory.get(zone, kind, name)).found
                assert seen.stale or seen.found == expected, (zone, kind, name)
            tasks = [asyncio.create_task(following.run()) for following in followings]
            await asyncio.gather(*(following.caught_up() for following in followings))
            await asyncio.gather(*(_unmarked(fresh, zone) for zone in {zone for zone, _, _ in _ids(told)} - {NO_ZONE}))
            await same(memory, fresh, told)
            for following in followings:
                following.stop()
            await asyncio.gather(*tasks)

    asyncio.run(check())


async def _unmarked(board: RedisBoard, zone: str) -> None:
    async with asyncio.timeout(30):
        while (await board.get(zone, "zone", zone)).stale:  # noqa: ASYNC110 - another one's Redis
            await asyncio.sleep(0.01)


def test_a_partition_forgets_its_oldest_receipts(log: MemoryLog, redis_url: str) -> None:
    async def check() -> None:
        told = await entries(log)
        told = [one for one in told if one[0] == told[0][0]]  # in memory the limit is for all partitions together
        memory = MemoryBoard(PARTITIONS, receipts_max=5)
        await tell(memory, told)
        async with redis_board(redis_url, receipts_max=5) as (_, _, board):
            await tell(board, told)
            await same(memory, board, told)

    asyncio.run(check())
