"""The reading rule and the cursor: the two small things that every reader of the log stands on."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.adapters.memory import MemoryLog
from services.cursor import Cursor
from services.names import JOURNAL
from services.ports import LogUntrusted, Message, Record
from services.reading import VOID, Chain, Held, SignedIn
from services.wire import Entry, SignIn, encode
from tests.simulation import toy


def sign_in(name: str) -> bytes:
    return encode(SignIn(id=name, at=toy.EPOCH))


def entry(name: str, after: str) -> bytes:
    return encode(Entry(id=name, after=after, first=0, last=-1, at=toy.EPOCH))


def verdicts(*values: bytes) -> str:
    chain = Chain()
    letters = {Held: "H", SignedIn: "S", type(VOID): "-"}
    return "".join(letters[type(chain.accept(offset, value))] for offset, value in enumerate(values))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([sign_in("a"), entry("a1", "a"), entry("a2", "a1")], "SHH"),
        ([entry("a1", "")], "-"),
        ([sign_in("a"), entry("a1", "a"), entry("a1", "a")], "SH-"),
        ([sign_in("a"), sign_in("b"), entry("a1", "a"), entry("b1", "b")], "SS-H"),
        ([sign_in("a"), sign_in("b"), sign_in("a"), entry("b1", "b")], "SS-H"),
        ([sign_in("a"), b"\x00", b"{}", b"", entry("a1", "a")], "S---H"),
    ],
    ids=["a chain", "before any sign-in", "repeated", "of a fenced writer", "sign-in repeated late", "garbage between"],
)
def test_a_record_holds_only_if_it_follows_the_last_that_holds(values: list[bytes], expected: str):
    assert verdicts(*values) == expected


def test_an_entry_with_events_of_the_future_keeps_its_place_in_the_chain():
    future = entry("a1", "a").replace(b'"events":[]', b'"events":[{"type":"NotYetInvented","x":1}]')
    assert verdicts(sign_in("a"), future, entry("a2", "a1")) == "SHH"


def test_a_chain_comes_back_from_its_bytes_and_goes_on():
    chain = Chain()
    chain.accept(0, sign_in("a"))
    chain = msgspec.json.decode(msgspec.json.encode(chain), type=Chain)
    assert isinstance(chain.accept(1, entry("a1", "a")), Held)
    assert chain.accept(2, sign_in("a")) is VOID


def test_a_jump_in_the_journal_is_not_trusted():
    chain = Chain()
    with pytest.raises(LogUntrusted):
        chain.accept(1, sign_in("a"))


def test_a_sign_in_knows_whether_the_one_before_died_without_an_entry():
    chain = Chain()
    judged = [chain.accept(n, value) for n, value in enumerate([sign_in("a"), sign_in("b"), entry("b1", "b")])]
    judged.append(chain.accept(3, sign_in("c")))
    assert [verdict.directly for verdict in judged if isinstance(verdict, SignedIn)] == [False, True, False]


# --- the cursor ----------------------------------------------------------------------------------------------------


async def log_of(count: int) -> MemoryLog:
    log = MemoryLog(1)
    await log.append(JOURNAL, 0, [Message(b"%d" % n) for n in range(count)])
    return log


@given(
    st.lists(st.integers(0, 19), max_size=60),
    st.integers(1, 7),
    st.integers(1, 6),
)
def test_each_offset_comes_once_and_in_order_whatever_is_delivered(deliveries: list[int], limit: int, inbox: int):
    async def main() -> list[int]:
        log = await log_of(20)
        cursor = Cursor(log, JOURNAL, 0, inbox_max=inbox)
        taken: list[int] = []
        for n, offset in enumerate(deliveries):
            cursor.deliver(offset, Record(offset, 0.0, b"%d" % offset))
            if n % 3 == 0:
                taken += [record.offset for record in await cursor.take(limit)]
        await cursor.recheck()
        while cursor.backlog:
            taken += [record.offset for record in await cursor.take(limit)]
        return taken

    assert asyncio.run(main()) == list(range(20))


def test_a_hole_at_the_end_that_no_delivery_shows_is_found_by_the_recheck():
    async def main() -> None:
        cursor = Cursor(await log_of(3), JOURNAL, 0)
        assert await cursor.take(10) == []
        await cursor.recheck()
        assert [record.offset for record in await cursor.take(10)] == [0, 1, 2]

    asyncio.run(main())


def test_what_is_delivered_beyond_the_room_in_memory_is_read_from_the_log():
    async def main() -> None:
        log = MemoryLog(1)
        values = [bytes([n]) * 400 for n in range(6)]
        await log.append(JOURNAL, 0, [Message(value) for value in values])
        cursor = Cursor(log, JOURNAL, 0, inbox_bytes_max=1000)
        for offset in range(6):
            cursor.deliver(offset, Record(offset, 0.0, b"delivered".ljust(400)))
        taken: list[bytes] = []
        while cursor.backlog:
            taken += [record.value[:9] for record in await cursor.take(10)]
        assert taken == [b"delivered"] * 2 + [value[:9] for value in values[2:]]

    asyncio.run(main())


def test_what_was_not_used_comes_again():
    async def main() -> None:
        cursor = Cursor(await log_of(5), JOURNAL, 0)
        await cursor.recheck()
        await cursor.take(4)
        cursor.back_to(2)
        assert [record.offset for record in await cursor.take(10)] == [2, 3, 4]

    asyncio.run(main())


@pytest.mark.parametrize("change", ["shorter", "begins later", "made anew"])
def test_a_log_that_changed_behind_a_reader_is_not_trusted(change: str, monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        log = await log_of(5)
        bounds = await log.bounds(JOURNAL, 0)
        changed = {
            "shorter": msgspec.structs.replace(bounds, end=2),
            "begins later": msgspec.structs.replace(bounds, start=4),
            "made anew": msgspec.structs.replace(bounds, topic_id="other"),
        }

        async def answer(topic: str, partition: int):
            return changed[change]

        cursor = Cursor(log, JOURNAL, 0, next_offset=3, topic_id=bounds.topic_id)
        await cursor.recheck()
        monkeypatch.setattr(log, "bounds", answer)
        with pytest.raises(LogUntrusted):
            await cursor.recheck()

    asyncio.run(main())
