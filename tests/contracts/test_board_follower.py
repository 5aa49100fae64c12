"""The board in Redis as a follower of the journal: batches, restarts, rivals, a board that is emptied or away."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import pytest
from msgspec.structs import replace

from matcher.events import CommandParked
from services.adapters.board_memory import MemoryBoard
from services.adapters.board_redis import RedisBoard, connect
from services.adapters.memory import MemoryLog
from services.adapters.redis_rebuild import rebuild
from services.board import BoardAway
from services.following import BeginAgain, Following, HeldEntry, Place
from services.names import JOURNAL
from services.parking import NO_ZONE
from services.projecting import BoardFollower
from services.reading import Held
from services.wire import Entry, decode_events
from tests.contracts.conftest import PARTITIONS
from tests.contracts.test_board import AT, HOME, OPEN, ZONE
from tests.contracts.test_board_redis import entries, redis_board, same, tell

pytestmark = pytest.mark.redis


async def followed(log: MemoryLog, board: RedisBoard, follower: BoardFollower | None = None) -> None:
    """Tell a board everything that the journal holds now, as a process would that has all partitions."""
    follower = follower or BoardFollower(board)
    followings = [Following(log, partition, follower) for partition in range(PARTITIONS)]
    tasks = [asyncio.create_task(following.run()) for following in followings]
    for following, task in zip(followings, tasks, strict=True):
        ready = asyncio.create_task(following.caught_up())
        await asyncio.wait([ready, task], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        following.stop()
    await asyncio.gather(*tasks)


async def journal_of(log: MemoryLog, partition: int) -> list[tuple[HeldEntry | None, Place]]:
    """Every record of a partition: the entry, if it holds, and the place after it."""
    place, seen = Place(), []
    end = (await log.bounds(JOURNAL, partition)).end
    place.topic_id = (await log.bounds(JOURNAL, partition)).topic_id
    for record in await log.read(JOURNAL, partition, 0, end):
        judged = place.chain.accept(record.offset, record.value)
        held = HeldEntry(record.offset, judged.entry, decode_events(judged.entry)) if isinstance(judged, Held) else None
        seen.append((held, _copy(place)))
    return seen


def _copy(place: Place) -> Place:
    return Place(chain=replace(place.chain, seen=set(place.chain.seen)), topic_id=place.topic_id)


@pytest.mark.parametrize("limits", [{}, {"closed_max": 3}, {"closed_max": 0}])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_entries_told_in_batches_give_the_same_answers_as_one_by_one(
    log: MemoryLog,
    redis_url: str,
    limits: dict[str, int],
    seed: int,
) -> None:
    async def check() -> None:
        dice = random.Random(seed)
        memory = MemoryBoard(PARTITIONS, **limits)
        told = await entries(log)
        await tell(memory, told)
        async with redis_board(redis_url, **limits) as (_, _, board):
            for partition in range(PARTITIONS):
                await board.begin(partition)
                records = await journal_of(log, partition)
                at = 0
                while at < len(records):
                    part = records[at : at + dice.choice((1, 3, 40, 400))]
                    await board.take(partition, [held for held, _ in part if held], part[-1][1])
                    at += len(part)
                assert await board.place(partition) == (records[-1][1] if records else Place())
            assert await same(memory, board, told) > 100

    asyncio.run(check())


def test_a_follower_goes_on_where_the_board_stands_and_says_which_commands_are_answered(
    log: MemoryLog,
    redis_url: str,
) -> None:
    async def check() -> None:
        told = await entries(log)
        memory = MemoryBoard(PARTITIONS)
        await tell(memory, told)
        async with redis_board(redis_url) as (client, prefix, board):
            await followed(log, board)
            await followed(log, RedisBoard(client, PARTITIONS, prefix=prefix))
            await same(memory, board, told)
            answered = await RedisBoard(client, PARTITIONS, prefix=prefix).answered()
            for partition in range(PARTITIONS):
                held = [held for held, _ in await journal_of(log, partition) if held]
                if held:
                    assert answered[partition] == held[-1].entry.last + 1

    asyncio.run(check())


def test_two_followers_of_the_same_partitions_apply_every_entry_once(log: MemoryLog, redis_url: str) -> None:
    async def check() -> None:
        told = await entries(log)
        memory = MemoryBoard(PARTITIONS)
        await tell(memory, told)
        async with redis_board(redis_url) as (client, prefix, board):
            other = RedisBoard(client, PARTITIONS, prefix=prefix)
            await asyncio.gather(followed(log, board), followed(log, other))
            await same(memory, board, told)

    asyncio.run(check())


def test_a_board_emptied_under_its_follower_is_told_again_and_never_answers_wrongly_meanwhile(
    log: MemoryLog,
    redis_url: str,
) -> None:
    async def check() -> None:
        told = await entries(log)
        memory = MemoryBoard(PARTITIONS)
        await tell(memory, told)
        zone = next(event.zone for _, _, events in told for event in events if event.zone != NO_ZONE)
        async with redis_board(redis_url) as (client, prefix, board):
            follower = BoardFollower(board)
            followings = [Following(log, partition, follower, idle_s=0.01) for partition in range(PARTITIONS)]
            tasks = [asyncio.create_task(following.run()) for following in followings]
            for following in followings:
                await following.caught_up()
            shown = await whole(board, zone)
            assert shown.found is not None
            emptied = [key async for key in client.scan_iter(match=f"{prefix}*", count=1000)]
            await client.delete(*emptied)
            reader = RedisBoard(client, PARTITIONS, prefix=prefix)
            answer = await reader.get(zone, "zone", zone)
            assert answer.stale or answer == shown
            again = await whole(reader, zone)
            assert again == shown
            for following in followings:
                await following.caught_up()
                following.stop()
            await asyncio.gather(*tasks)
            await same(memory, board, told)

    asyncio.run(check())


async def whole(board: RedisBoard, zone: str) -> Any:
    """Wait for an answer that is not marked stale."""
    until = time.monotonic() + 20
    while (answer := await board.get(zone, "zone", zone)).stale:
        assert time.monotonic() < until, "the board was not told again"
        await asyncio.sleep(0.01)
    return answer


def test_a_board_put_back_to_an_earlier_state_is_told_what_it_lacks(log: MemoryLog, redis_url: str) -> None:
    async def check() -> None:
        told = await entries(log)
        memory = MemoryBoard(PARTITIONS)
        await tell(memory, told)
        async with redis_board(redis_url) as (client, prefix, board):
            partition = told[0][0]
            records = await journal_of(log, partition)
            await board.begin(partition)
            half = records[: len(records) // 2]
            await board.take(partition, [held for held, _ in half if held], half[-1][1])
            kept = {key: await client.dump(key) async for key in client.scan_iter(match=f"{prefix}*")}
            follower = BoardFollower(board)
            await followed(log, board, follower)
            await client.delete(*[key async for key in client.scan_iter(match=f"{prefix}*")])
            for key, value in kept.items():
                await client.restore(key, 0, value)
            with pytest.raises(BeginAgain):
                await follower.take(partition, (), records[-1][1])
            assert (await follower.begin(partition)).chain.next_offset == len(half)
            await followed(log, board, follower)
            await same(memory, board, told)

    asyncio.run(check())


def test_a_rebuilt_board_is_followed_on(log: MemoryLog, redis_url: str) -> None:
    async def check() -> None:
        told = await entries(log)
        memory = MemoryBoard(PARTITIONS)
        await tell(memory, told)
        async with redis_board(redis_url) as (client, prefix, board):
            await rebuild(client, log, PARTITIONS, prefix=prefix)
            for partition in range(PARTITIONS):
                records = await journal_of(log, partition)
                assert await board.place(partition) == records[-1][1]
            await followed(log, board)
            for partition, offset in (await board.answered()).items():
                assert offset == max((h.entry.last + 1 for h, _ in await journal_of(log, partition) if h), default=0)
            await same(memory, board, told)

    asyncio.run(check())


def test_parked_commands_are_known_by_their_offsets(redis_url: str) -> None:
    async def check() -> None:
        async with redis_board(redis_url) as (_, _, board):
            place = await board.begin(HOME)
            parked = CommandParked(zone=NO_ZONE, at=AT, causation_id="x", offset=1, reason="unreadable: not JSON")
            entry = Entry(id="a", after="", first=0, last=1, at=AT)
            place.chain.next_offset = 1
            await board.take(HOME, [HeldEntry(0, entry, [*OPEN, parked])], place)
            assert await board.parked(HOME, [0, 1, 2]) == {1: "unreadable: not JSON"}
            assert await board.answered() == {HOME: 2}

    asyncio.run(check())


def test_a_partition_is_stale_until_its_follower_has_caught_up(redis_url: str) -> None:
    async def check() -> None:
        async with redis_board(redis_url) as (_, _, board):
            assert (await board.get(ZONE, "zone", ZONE)).stale
            await board.begin(HOME)
            assert (await board.get(ZONE, "zone", ZONE)).stale
            await board.filled(HOME)
            assert not (await board.get(ZONE, "zone", ZONE)).stale

    asyncio.run(check())


def test_a_list_that_was_cut_short_because_the_board_was_emptied_meanwhile_is_marked(
    log: MemoryLog, redis_url: str
) -> None:
    class Emptied(RedisBoard):
        async def _views(self, zone: str, kind: Any, ids: Any) -> list[Any]:
            client = connect(redis_url)
            await client.delete(*[key async for key in client.scan_iter(match=f"{self._prefix}*", count=1000)])
            await client.aclose()
            return await super()._views(zone, kind, ids)

    async def check() -> None:
        told = await entries(log)
        zone = next(event.zone for _, _, events in told for event in events if event.zone != NO_ZONE)
        async with redis_board(redis_url) as (client, prefix, board):
            await tell(board, told)
            assert not (await board.find(zone, "request", 5)).stale
            answer = await Emptied(client, PARTITIONS, prefix=prefix).find(zone, "request", 5)
            assert (answer.found, answer.stale) == ([], True)

    asyncio.run(check())


class Shaky:
    """A board that is away for some calls."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.asked_in_vain = asyncio.Event()
        self.marked = asyncio.Event()
        self.taken: list[str] = []

    def _answer(self, what: str) -> Place:
        if self.away:
            self.away -= 1
            self.asked_in_vain.set()
            raise BoardAway("gone")
        self.taken.append(what)
        return Place()

    async def begin(self, partition: int) -> Place:
        return self._answer("begin")

    async def take(self, partition: int, entries: Any, place: Place) -> None:
        self._answer("take")

    async def filled(self, partition: int) -> None:
        self._answer("filled")
        self.marked.set()


def test_a_follower_waits_for_a_board_that_is_away_says_so_and_skips_nothing() -> None:
    async def check() -> None:
        board = Shaky(3)
        follower = BoardFollower(board, pause_s=0.001)
        place = await follower.begin(0)
        assert await follower.trouble() == "the board is being filled"
        board.away = 1_000_000
        board.asked_in_vain.clear()
        taking = asyncio.create_task(follower.take(0, (), place))
        await board.asked_in_vain.wait()
        assert await follower.trouble() == "gone"
        board.away = 0
        await taking
        follower.live(0)
        await board.marked.wait()
        assert await follower.trouble() is None
        assert board.taken == ["begin", "take", "filled"]
        follower.end(0)

    asyncio.run(check())
