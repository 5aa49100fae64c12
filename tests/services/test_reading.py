"""The reading rule and the cursor: the two small things that every reader of the log stands on."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.adapters.memory import MemoryLog
from services.cursor import Cursor
from services.exits import ExitCode, Stop
from services.meters import Meters
from services.names import JOURNAL
from services.ports import Bounds, LogUntrusted, Message, Record
from services.reading import VOID, Chain, Held, SignedIn, events_of
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


def test_a_chain_counts_the_entries_that_held():
    chain = Chain()
    for offset, value in enumerate([sign_in("a"), entry("a1", "a"), entry("a1", "a"), b"{}", entry("a2", "a1")]):
        chain.accept(offset, value)
    assert (chain.entries, chain.next_offset, chain.last, chain.seen) == (2, 5, "a2", {"a"})


def test_events_that_this_version_does_not_know_are_named_by_their_place_and_stop_the_reader():
    future = Entry(id="e", after="s", first=0, last=0, at=toy.EPOCH, events=msgspec.Raw(b'[{"type":"NotYet"}]'))
    with pytest.raises(Stop, match=r"at partition \(3\), offset \(9\) is newer than this program") as stop:
        events_of(3, 9, future)
    assert stop.value.code == ExitCode.BAD_INPUT


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


@pytest.mark.parametrize(
    ("begins", "bounds", "words"),
    [
        (3, Bounds(0, 5, "new"), r"partition \(0\) was made anew: its id is \(new\), it was \(old\)"),
        (3, Bounds(4, 5, "old"), r"partition \(0\) begins at \(4\); offset \(3\) was not read yet"),
        (3, Bounds(0, 2, "old"), r"partition \(0\) ends at \(2\); offset \(2\) was read before"),
    ],
    ids=["made anew", "begins later", "shorter"],
)
def test_what_changed_behind_a_reader_is_named(begins: int, bounds: Bounds, words: str):
    async def main() -> None:
        cursor = Cursor(Told(bounds), JOURNAL, 0, next_offset=begins, topic_id="old")
        with pytest.raises(LogUntrusted, match=rf"\({JOURNAL}\), {words}"):
            await cursor.recheck()

    asyncio.run(main())


def test_a_reader_may_stand_at_the_very_beginning_and_at_the_very_end():
    async def main() -> None:
        for place in (2, 5):
            cursor = Cursor(Told(Bounds(2, 5, "old")), JOURNAL, 0, next_offset=place)
            await cursor.recheck()
            assert (cursor.backlog, cursor.known_end) == (5 - place, 5)

    asyncio.run(main())


def test_the_topics_identity_is_remembered_from_the_first_look():
    async def main() -> None:
        log = Told(Bounds(0, 5, "old"))
        cursor = Cursor(log, JOURNAL, 0)
        await cursor.recheck()
        assert cursor.topic_id == "old"
        log.told = Bounds(0, 5, "new")
        with pytest.raises(LogUntrusted, match="made anew"):
            await cursor.recheck()

    asyncio.run(main())


class Told(MemoryLog):
    """A log that says of its bounds what it is told to, and of its records too where `given` is set."""

    given: list[Record] | None = None

    def __init__(self, told: Bounds) -> None:
        super().__init__(1)
        self.told = told

    async def bounds(self, topic: str, partition: int) -> Bounds:
        return self.told

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        if self.given is not None:
            return self.given
        return [record(n) for n in range(offset, min(offset + limit, self.told.end))]


def record(offset: int, value: bytes = b"read") -> Record:
    return Record(offset, float(offset), value)


def test_neither_a_late_delivery_nor_an_old_look_at_the_log_takes_back_what_is_known_to_be_there():
    async def main() -> None:
        cursor = Cursor(Told(Bounds(0, 3, "id")), JOURNAL, 0)
        cursor.deliver(5, record(5))
        cursor.deliver(2, record(2))
        assert cursor.known_end == 6
        await cursor.recheck()
        assert (cursor.known_end, cursor.backlog) == (6, 6)

    asyncio.run(main())


def test_a_record_that_was_taken_and_is_brought_again_changes_nothing():
    async def main() -> None:
        cursor = Cursor(Told(Bounds(0, 2, "id")), JOURNAL, 0)
        await cursor.recheck()
        assert len(await cursor.take(2)) == 2
        cursor.deliver(0, record(0))
        cursor.deliver(1, record(1))
        assert (cursor.backlog, cursor.head_at_s, await cursor.take(5)) == (0, None, [])

    asyncio.run(main())


def test_the_age_of_the_next_record_is_known_only_while_it_is_here():
    cursor = Cursor(Told(Bounds(0, 9, "id")), JOURNAL, 0, next_offset=3)
    assert cursor.head_at_s is None
    cursor.deliver(4, record(4))
    assert cursor.head_at_s is None
    cursor.deliver(3, record(3))
    assert cursor.head_at_s == 3.0


@pytest.mark.parametrize(
    ("rooms", "kept"), [({"inbox_max": 2}, 2), ({"inbox_bytes_max": 800}, 2), ({"inbox_bytes_max": 799}, 1)]
)
def test_as_many_records_are_kept_as_there_is_room_for_and_the_room_is_free_again_afterwards(
    rooms: dict[str, int], kept: int
):
    async def main() -> None:
        cursor = Cursor(Told(Bounds(0, 4, "id")), JOURNAL, 0, **rooms)
        for begin in (0, 2):
            for offset in range(begin, 4):
                cursor.deliver(offset, record(offset, b"d" * 400))
            brought = [one.value for one in await cursor.take(10)]
            assert brought == [b"d" * 400] * kept
            if kept < 2:
                await cursor.take(2 - kept)

    asyncio.run(main())


def test_what_was_brought_beyond_a_step_back_is_not_taken_before_it_and_leaves_room():
    async def main() -> None:
        cursor = Cursor(Told(Bounds(0, 4, "id")), JOURNAL, 0, inbox_bytes_max=1500)
        for offset in range(4):
            cursor.deliver(offset, record(offset, b"d" * 400))
        await cursor.take(2)
        cursor.back_to(1)
        for offset in range(1, 4):
            cursor.deliver(offset, record(offset, b"e" * 500))
        assert [(one.offset, one.value[:1]) for one in await cursor.take(10)] == [(1, b"e"), (2, b"e"), (3, b"e")]

    asyncio.run(main())


@pytest.mark.parametrize("given", [[], [record(1)], [record(0), record(2)]], ids=["nothing", "another", "a hole"])
def test_a_log_that_does_not_hold_what_it_says_is_not_trusted(given: list[Record]):
    async def main() -> None:
        log = Told(Bounds(0, 4, "id"))
        log.given = given
        cursor = Cursor(log, JOURNAL, 0)
        await cursor.recheck()
        words = r"partition \(0\) has no record at \(0\), though it is said to end at \(4\)"
        with pytest.raises(LogUntrusted, match=rf"\({JOURNAL}\), {words}"):
            await cursor.take(4)
        assert cursor.next_offset == 0

    asyncio.run(main())


class Counting(Meters):
    """Meters that remember what was read back."""

    def __init__(self) -> None:
        self.counted: list[tuple[int, int]] = []

    def read_back(self, partition: int, records: int) -> None:
        self.counted.append((partition, records))


def test_what_no_driver_brought_is_counted():
    async def main() -> None:
        meters = Counting()
        cursor = Cursor(Told(Bounds(0, 4, "id")), JOURNAL, 0, meters=meters)
        cursor.deliver(0, record(0))
        await cursor.recheck()
        assert [len(await cursor.take(3)) for _ in range(3)] == [1, 3, 0]
        assert meters.counted == [(0, 3)]

    asyncio.run(main())


class Meanwhile(Told):
    """A log during whose reads the driver brings the same records."""

    cursor: Cursor

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        for n in range(offset, self.told.end):
            self.cursor.deliver(n, record(n, b"brought"))
        return await super().read(topic, partition, offset, limit)


def test_what_is_read_while_a_driver_brings_it_is_taken_once():
    async def main() -> None:
        log = Meanwhile(Bounds(0, 4, "id"))
        log.cursor = cursor = Cursor(log, JOURNAL, 0)
        await cursor.recheck()
        taken = [await cursor.take(2), await cursor.take(9), await cursor.take(9)]
        assert [[one.offset for one in some] for some in taken] == [[0, 1], [2, 3], []]
        assert [one.value for one in taken[1]] == [b"brought"] * 2

    asyncio.run(main())


async def woken(cursor: Cursor) -> bool:
    """Whether somebody who waits for news is woken at once."""
    waiting = asyncio.create_task(cursor.news())
    for _ in range(3):
        await asyncio.sleep(0)
    done = waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return done


def test_news_are_what_can_be_taken_and_a_wake_is_heard_once():
    async def main() -> None:
        log = Told(Bounds(0, 2, "id"))
        cursor = Cursor(log, JOURNAL, 0)
        assert not await woken(cursor)
        await cursor.recheck()
        assert await woken(cursor)
        assert await woken(cursor)  # nobody has taken anything
        await cursor.take(1)
        assert await woken(cursor)
        await cursor.take(1)
        assert not await woken(cursor)
        await cursor.recheck()
        assert not await woken(cursor)  # the log has nothing new
        cursor.wake()
        assert await woken(cursor)
        assert not await woken(cursor)
        cursor.deliver(2, record(2))
        assert await woken(cursor)
        log.told = Bounds(0, 3, "id")
        await cursor.take(9)
        assert not await woken(cursor)
        cursor.back_to(1)
        assert await woken(cursor)

    asyncio.run(main())


def test_a_wait_that_was_woken_without_anything_to_take_waits_again():
    async def main() -> None:
        cursor = Cursor(Told(Bounds(0, 2, "id")), JOURNAL, 0)
        cursor.wake()
        await cursor.recheck()
        assert await woken(cursor)
        assert len(await cursor.take(1)) == 1
        cursor.deliver(1, record(1))
        assert await woken(cursor)

    asyncio.run(main())
