"""What a follower is told: each entry that holds, once, in order, from where its output stands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from services.adapters.memory import MemoryLog
from services.following import RECORDS, Following, HeldEntry, Place
from services.meters import Meters
from services.names import JOURNAL
from services.ports import LogUntrusted, Message
from services.wire import Entry, SignIn, encode, encode_events

AT = datetime(2026, 1, 5, tzinfo=UTC)


class Kept:
    """A follower that keeps its place with what it was told."""

    def __init__(self, place: Place | None = None, until: str = "") -> None:
        self.place = place or Place()
        self.until = until
        self.heard = asyncio.Event()
        self.told: list[str] = []
        self.together: list[list[str]] = []
        self.is_live = False
        self.ended = False

    async def begin(self, partition: int) -> Place:
        return self.place

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Place) -> None:
        self.together.append([held.entry.id for held in entries])
        self.told += self.together[-1]
        self.place = place
        if self.until in self.told:
            self.heard.set()

    def live(self, partition: int) -> None:
        self.is_live = True

    def end(self, partition: int) -> None:
        self.ended = True


def entry(entry_id: str, after: str) -> bytes:
    return encode(Entry(id=entry_id, after=after, first=0, last=-1, at=AT, hashes={}, events=encode_events([])))


async def journal(*values: bytes) -> MemoryLog:
    log = MemoryLog(1)
    await log.append(JOURNAL, 0, [Message(value) for value in values])
    return log


async def followed(log: MemoryLog, kept: Kept) -> Kept:
    following = Following(log, 0, kept)
    task = asyncio.create_task(following.run())
    ready = asyncio.create_task(following.caught_up())
    await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    following.stop()
    await task
    return kept


SIGNED = encode(SignIn(id="w1", at=AT))


def test_only_what_holds_is_told() -> None:
    async def story() -> None:
        log = await journal(SIGNED, entry("a", "w1"), entry("forged", "nobody"), b"not an envelope", entry("b", "a"))
        kept = await followed(log, Kept())
        assert kept.told == ["a", "b"]
        assert kept.is_live
        assert kept.ended

    asyncio.run(story())


def test_it_goes_on_where_the_output_stands() -> None:
    async def story() -> None:
        log = await journal(SIGNED, entry("a", "w1"))
        first = await followed(log, Kept())
        await log.append(JOURNAL, 0, [Message(entry("b", "a"))])
        second = await followed(log, Kept(first.place))
        assert second.told == ["b"]

    asyncio.run(story())


def test_a_record_that_was_never_delivered_is_read() -> None:
    async def story() -> None:
        log = await journal(SIGNED)
        kept = Kept(until="b")
        following = Following(log, 0, kept)
        task = asyncio.create_task(following.run())
        await following.caught_up()
        await log.append(JOURNAL, 0, [Message(entry("a", "w1")), Message(entry("b", "a"))])
        [_, last] = await log.read(JOURNAL, 0, 1, 2)
        following.deliver(last.offset, last)
        await kept.heard.wait()
        following.stop()
        await task
        assert kept.told == ["a", "b"]

    asyncio.run(story())


async def caught_up_with(log: MemoryLog, kept: Kept) -> tuple[Following, asyncio.Task[None]]:
    """A follower that hands over once an hour, after the past."""
    following = Following(log, 0, kept, gather_s=3600.0)
    task = asyncio.create_task(following.run())
    await following.caught_up()
    return following, task


async def bring(log: MemoryLog, following: Following, *values: bytes) -> None:
    first = await log.append(JOURNAL, 0, [Message(value) for value in values])
    for record in await log.read(JOURNAL, 0, first, len(values)):
        following.deliver(record.offset, record)


def test_news_that_are_gathered_are_told_together_and_the_end_waits_for_no_more_of_them() -> None:
    async def story() -> None:
        log = await journal(SIGNED, entry("a", "w1"))
        kept = Kept()
        following, task = await caught_up_with(log, kept)
        for name, after in (("b", "a"), ("c", "b"), ("d", "c")):
            await bring(log, following, entry(name, after))
            await asyncio.sleep(0)
        following.stop()
        await task
        assert kept.together == [["a"], ["b", "c", "d"]]

    asyncio.run(story())


def test_a_full_hand_over_waits_for_nothing() -> None:
    async def story() -> None:
        log = await journal(SIGNED, entry("0", "w1"))
        kept = Kept(until=str(RECORDS))
        following, task = await caught_up_with(log, kept)
        await bring(log, following, *(entry(str(n), str(n - 1)) for n in range(1, RECORDS + 1)))
        async with asyncio.timeout(10):
            await kept.heard.wait()
        following.stop()
        await task
        assert len(kept.told) == RECORDS + 1

    asyncio.run(story())


def test_a_journal_that_is_shorter_than_the_output_is_not_trusted() -> None:
    async def story() -> None:
        log = await journal(SIGNED, entry("a", "w1"))
        kept = await followed(log, Kept())
        with pytest.raises(LogUntrusted, match="was made anew"):
            await followed(MemoryLog(1), kept)

    asyncio.run(story())


def test_a_partition_assigned_again_is_looked_at_again_at_once():
    async def main() -> None:
        kept = Kept(until="b")
        log = await journal(encode(SignIn(id="s1", at=AT)), entry("a", "s1"))
        following = Following(log, 0, kept)
        task = asyncio.create_task(following.run())
        await following.caught_up()
        await log.append(JOURNAL, 0, [Message(entry("b", "a"))])
        following.assigned()
        async with asyncio.timeout(10):
            await kept.heard.wait()
        following.stop()
        await task
        assert kept.told == ["a", "b"]

    asyncio.run(main())


class Noted(Meters):
    def __init__(self) -> None:
        self.agents: list[str] = []

    def progress(self, agent: str) -> None:
        self.agents.append(agent)


def test_its_meters_are_told_when_it_took_an_entry_and_not_when_it_took_a_sign_in() -> None:
    async def story() -> list[str]:
        noted = Noted()
        for values in ((SIGNED,), (SIGNED, entry("a", "w1"))):
            following = Following(await journal(*values), 0, Kept(), agent="scoring", meters=noted)
            task = asyncio.create_task(following.run())
            await following.caught_up()
            following.stop()
            await task
        return noted.agents

    assert asyncio.run(story()) == ["scoring"]
