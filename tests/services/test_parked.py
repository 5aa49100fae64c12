"""Poison of every shape is set aside and nothing waits behind it; what was set aside is replayed once, or dropped."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner

from services.adapters.memory import MemoryLog
from services.adapters.sqlite import SqliteLog
from services.cli import build
from services.exits import ExitCode, Stop
from services.names import COMMANDS, JOURNAL, LOG_FILE, PARKED
from services.outline import outline
from services.parked import REPLAYS, AlreadyAnswered, Identity, Shelf, State, drop, replay
from services.ports import Message
from services.verify import verify
from services.wire import encode, partition_of
from tests.brokers import fresh_topics, kafka, needs_kafka, opened
from tests.logs import KAFKA, MEMORY, SQLITE
from tests.simulation import toy
from tests.simulation.bench import Bench, Story, names, told_on
from tests.simulation.virtual import run

CANARY = "13800138000"
STRANGER = next(zone for zone in map(str, range(99)) if partition_of(zone, 2) == 1)
POISON = {
    "empty, or a null value on Kafka": b"",
    "truncated": encode(toy.person("z", CANARY))[:40],
    "not UTF-8": b'{"type":"SubmitRequest","id":"\xff\xfe' + CANARY.encode() + b'"}',
    "huge": b'"' + CANARY.encode() * 80_000 + b'"',
    "deeply nested": b'{"zone":' * 60_000,
    "wrong types": b'{"type":"CancelRequest","id":"c","zone":"z","at":"2026-01-01T00:00:00Z","request":'
    + b"13800138000}",
    "a list": b"[1,2,3]",
    "null": b"null",
    "a number": b"1e999",
    "of the next version": b'{"type":"Praise' + CANARY.encode() + b'","id":"c","zone":"z","at":"2026-01-01T00:00:00Z"}',
    "a field of the next version": encode(toy.place("z"))[:-1] + b',"color":"' + CANARY.encode() + b'"}',
    "a key as value": b'{"' + CANARY.encode() + b'":1}',
    "a zone that lives elsewhere": encode(toy.person(STRANGER, CANARY)),
}


@pytest.fixture(params=[MEMORY, SQLITE, KAFKA])
def story(request: pytest.FixtureRequest) -> Story:
    return told_on(request, request.param)


async def shelf_of(log: Any, partition: int = 0) -> Shelf:
    shelf = Shelf(log, partition)
    await shelf.read()
    return shelf


@pytest.mark.parametrize("where", ["first", "in the middle", "last", "fifty in a row"])
def test_poison_of_every_shape_is_set_aside_wherever_it_stands_and_the_others_are_answered(story: Story, where: str):
    async def main(bench: Bench) -> None:
        poison = list(POISON.values()) * (4 if where == "fifty in a row" else 1)
        good: list[Any] = [toy.place("z"), toy.person("z", "ana"), toy.request("z", "r1"), toy.tick("z", 0)]
        cut = {"first": 0, "in the middle": 2, "last": 4, "fifty in a row": 2}[where]
        for each in [*good[:cut], *poison, *good[cut:]]:
            await bench.ask(each)
        await bench.finish(bench.writer())
        _, events = await bench.fold()
        told = [event for event in events if type(event).__name__ != "CommandParked"]
        assert names(told) == "PlaceDefined VolunteerRegistered RequestSubmitted TimePassed AssignmentHeld"
        shelf = await shelf_of(bench.log)
        assert [identity.offset for identity in shelf.records] == list(range(cut, cut + len(poison)))
        assert [await shelf.value(record) for record in shelf.records.values()] == poison
        assert CANARY not in repr(shelf.records)
        assert CANARY not in repr([event for event in events if type(event).__name__ == "CommandParked"])
        assert CANARY not in json.dumps([outline(value) for value in poison])
        assert shelf.open == len(poison)
        assert (await verify(bench.log, 2)).sound

    story(main, partitions=2)


@pytest.mark.parametrize("shape", POISON)
def test_the_outline_of_poison_is_made_of_our_own_words(shape: str):
    assert CANARY not in json.dumps(outline(POISON[shape]))


def test_the_outline_shows_known_fields_kinds_and_lengths():
    form = outline(b'{"type":"CancelRequest","id":"abc","request":7,"who":"Wang"}')
    assert form == {"type": "CancelRequest", "id": "text of 3", "request": "number", "unknown fields": "1"}


def test_what_was_set_aside_for_its_partition_is_replayed_unchanged_into_its_own(story: Story):
    async def main(bench: Bench) -> None:
        await bench.ask(toy.place(STRANGER))
        await bench.finish(bench.writer())
        shelf = await shelf_of(bench.log)
        [record] = shelf.records.values()
        place = await replay(bench.log, shelf, record, await shelf.value(record), 1)
        assert place == (1, 0)
        await bench.finish_other(1)
        [again] = (await shelf_of(bench.log)).records.values()
        assert (again.state, again.word, again.replay_partition, again.replay_offset) == (
            State.REPLAYED, "unchanged", 1, 0,
        )  # fmt: skip
        assert (await verify(bench.log, 2)).sound

    story(_with_two(main), partitions=2)


def _with_two(main: Callable[[Any], Coroutine[Any, Any, None]]) -> Callable[[Bench], Coroutine[Any, Any, None]]:
    async def both(bench: Any) -> None:
        async def finish_other(partition: int) -> None:
            writer = bench.writer(partition=partition)
            task = asyncio.ensure_future(writer.run())
            await writer.until_answered((await bench.log.bounds(COMMANDS, partition)).end - 1)
            writer.stop()
            await task

        bench.finish_other = finish_other
        await main(bench)

    return both


def test_a_second_replay_or_drop_does_nothing(story: Story):
    async def main(bench: Bench) -> None:
        await bench.ask(toy.place("z"), b"{", b"[")
        await bench.finish(bench.writer())
        shelf = await shelf_of(bench.log)
        first, second = shelf.records.values()
        mended = encode(toy.person("z", "ana"))
        await replay(bench.log, shelf, first, mended, 0)
        await drop(bench.log, shelf, second, "a load test")
        for do in (lambda s, r: replay(bench.log, s, r, mended, 0), lambda s, r: drop(bench.log, s, r, "again")):
            late = await shelf_of(bench.log)
            for record in late.records.values():
                with pytest.raises(AlreadyAnswered):
                    await do(late, record)
        await bench.finish(bench.writer())
        _, events = await bench.fold()
        assert names(events).count("VolunteerRegistered") == 1
        end = await shelf_of(bench.log)
        assert [(r.state, r.word) for r in end.records.values()] == [
            (State.REPLAYED, "repaired"), (State.DROPPED, "a load test"),
        ]  # fmt: skip
        assert end.open == 0
        verdict = await verify(bench.log, 1)
        assert (verdict.sound, verdict.parked) == (True, 2)

    story(main)


def test_two_who_replay_at_the_same_time_append_one_command(story: Story):
    async def main(bench: Bench) -> None:
        await bench.ask(b"{")
        await bench.finish(bench.writer())
        shelves = [await shelf_of(bench.log), await shelf_of(bench.log)]
        [first], [second] = (shelf.records.values() for shelf in shelves)
        value = encode(toy.place("z"))
        done = await asyncio.gather(
            replay(bench.log, shelves[0], first, value, 0),
            replay(bench.log, shelves[1], second, value, 0),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in done) == ["AlreadyAnswered", "tuple"]
        assert (await bench.log.bounds(COMMANDS, 0)).end == 2

    story(main)


class Dying:
    """A log whose caller ends just before, or just after, its n-th append."""

    def __init__(self, log: MemoryLog, appends: int, after: bool) -> None:
        self.log, self.left, self.after = log, appends, after
        self.read, self.bounds, self.partitions = log.read, log.bounds, log.partitions

    async def append(self, topic: str, partition: int, messages: list[Message]) -> int:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise KeyboardInterrupt
        offset = await self.log.append(topic, partition, messages)
        if self.left == 0:
            raise KeyboardInterrupt
        return offset


@pytest.mark.parametrize("appends", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
def test_a_replay_that_ended_halfway_is_finished_by_the_next_and_asked_once(appends: int, after: bool):
    async def main() -> None:
        bench = Bench()
        await bench.ask(toy.place("z"), b"{")
        await bench.finish(bench.writer())
        value = encode(toy.person("z", "ana"))
        dying = Dying(bench.log, appends, after)
        shelf = await shelf_of(dying)
        with pytest.raises(KeyboardInterrupt):
            await replay(dying, shelf, *shelf.records.values(), value, 0)
        await bench.ask(toy.person("z", "ben"))  # somebody else's, meanwhile
        shelf = await shelf_of(bench.log)
        [record] = shelf.records.values()
        if record.state is not State.REPLAYED:
            await replay(bench.log, shelf, record, value, 0)
        commands = await bench.log.read(COMMANDS, 0, 0, 99)
        assert [r.value for r in commands if r.headers.get(REPLAYS)] == [value]
        [record] = (await shelf_of(bench.log)).records.values()
        assert record.state is State.REPLAYED
        assert commands[record.replay_offset].value == value

    run(main())


def test_a_replay_begun_so_long_ago_that_nobody_can_tell_is_refused():
    async def main() -> None:
        bench = Bench()
        await bench.ask(b"{")
        await bench.finish(bench.writer())
        dying = Dying(bench.log, 1, after=True)
        shelf = await shelf_of(dying)
        with pytest.raises(KeyboardInterrupt):
            await replay(dying, shelf, *shelf.records.values(), b"{}", 0)
        shelf = await shelf_of(bench.log)
        held = bench.log.bounds

        async def trimmed(topic: str, partition: int) -> Any:
            bounds = await held(topic, partition)
            return msgspec.structs.replace(bounds, start=1, end=9) if topic == COMMANDS else bounds

        shelf_log = Dying(bench.log, 9, after=False)
        shelf_log.bounds = trimmed
        [record] = shelf.records.values()
        record.replay_offset = 0
        with pytest.raises(Stop, match="nobody can tell") as stop:
            await replay(shelf_log, shelf, record, b"{}", 0)
        assert stop.value.code is ExitCode.BAD_INPUT

    run(main())


def test_bytes_that_stand_twice_are_one_record_and_words_about_none_mean_nothing():
    async def main() -> None:
        log = MemoryLog(1)
        about = {"topic": COMMANDS, "partition": "0", "offset": "4"}
        nobody = {**about, "offset": "9", "answer": "dropped"}
        late = {**about, "answer": "replayed", "to": "0", "at": "1"}
        messages = [Message(b"", nobody), Message(b"{", about), Message(b"{", about), Message(b"", late)]
        await log.append(PARKED, 0, [*messages, Message(b"foreign", {}), Message(b"foreign", {**about, "offset": "x"})])
        shelf = await shelf_of(log)
        assert [(r.identity, r.state) for r in shelf.records.values()] == [(Identity(COMMANDS, 0, 4), State.OPEN)]

    run(main())


def test_a_writer_counts_what_is_open_and_sees_within_half_a_minute_that_somebody_dropped_it():
    async def main() -> None:
        bench = Bench()
        await bench.ask(toy.place("z"), *[b"{"] * 40)
        writer = bench.writer()
        task = asyncio.ensure_future(writer.run())
        await writer.until_answered(40)
        await asyncio.sleep(1)
        assert writer.parked_open == 40
        shelf = await shelf_of(bench.log)
        for record in list(shelf.records.values())[:30]:
            await drop(bench.log, shelf, record, "a load test")
        await asyncio.sleep(61)
        assert writer.parked_open == 10
        writer.stop()
        await task
        again = bench.writer()
        task = asyncio.ensure_future(again.run())
        await again.ready()
        await asyncio.sleep(1)
        assert again.parked_open == 10
        again.stop()
        await task

    run(main())


# --- the command line


def town(folder: Path, *values: bytes) -> Path:
    """Write a log in which these commands were answered."""

    async def main() -> None:
        log = SqliteLog(folder / LOG_FILE, 2)
        try:
            bench = Bench(log)
            await bench.ask(*values)
            await bench.finish(bench.writer())
        finally:
            log.close()

    asyncio.run(main())
    return folder


def paidan(*words: str) -> Any:
    return CliRunner().invoke(build(), list(words))


def test_parked_records_are_listed_shown_replayed_and_dropped_in_a_folder(tmp_path: Path):
    home = next(zone for zone in map(str, range(99)) if partition_of(zone, 2) == 0)
    folder = str(town(tmp_path, encode(toy.place(home)), POISON["truncated"], POISON["not UTF-8"]))
    listed = paidan("parked", "list", "--data", folder)
    assert listed.exit_code == 0
    assert "0/1" in listed.output
    assert "[open]" in listed.output
    shown = paidan("parked", "show", "0/1", "--data", folder)
    assert "not JSON" in shown.output
    assert CANARY not in listed.output + shown.output
    raw = paidan("parked", "show", "0/2", "--raw", "--data", folder)
    assert raw.stdout_bytes == POISON["not UTF-8"]

    unread = paidan("parked", "replay", "0/1", "--data", folder)
    assert isinstance(unread.exception, Stop)
    assert unread.exception.code is ExitCode.REJECTED_ROWS
    assert "cannot be read" in unread.output
    mended = tmp_path / "mended.json"
    mended.write_bytes(encode(toy.person(home, "ana")))
    replayed = paidan("parked", "replay", "0/1", "--repaired", str(mended), "--data", folder)
    assert "replayed as paidan.commands/0/3" in replayed.output
    dropped = paidan("parked", "drop", "0/2", "--reason", "a load test", "--data", folder)
    assert dropped.exit_code == 0
    twice = paidan("parked", "replay", "0/1", "0/2", "--data", folder)
    assert "left: it was replayed repaired as paidan.commands/0/3" in twice.output
    assert "left: it was dropped: a load test" in twice.output
    assert paidan("parked", "list", "--data", folder).stdout == ""
    lines = paidan("parked", "list", "--all", "--json", "--data", folder).stdout.splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["replayed", "dropped"]


def test_a_place_that_is_none_or_was_not_set_aside_is_a_wrong_use(tmp_path: Path):
    folder = str(town(tmp_path, b"{"))
    for words in (["show", "0/7"], ["show", "x"], ["show", "5/0"], ["replay"], ["drop", "0/0"]):
        stop = paidan("parked", *words, "--data", folder).exception
        assert isinstance(stop, Stop), words
        assert stop.code is ExitCode.USAGE, words


def _produce_nothing(topic: str) -> None:
    """Append a record without any value, as only Kafka has them."""
    producer = Producer({"bootstrap.servers": kafka()})
    producer.produce(topic, value=None, partition=0)
    assert producer.flush(30) == 0


@pytest.mark.kafka
@needs_kafka[1]
def test_on_kafka_poison_is_set_aside_within_two_seconds_and_replayed_by_the_command_line(tmp_path: Path):
    mended = tmp_path / "mended.json"
    mended.write_bytes(encode(toy.place("z")))

    async def main(prefix: str) -> None:
        async with opened(prefix, 2) as log:
            bench = Bench(log)
            writer = bench.writer()
            task = asyncio.ensure_future(writer.run())
            await writer.ready()
            await bench.ask(*list(POISON.values())[:-1])
            await asyncio.to_thread(_produce_nothing, prefix + COMMANDS)
            began = time.monotonic()
            writer.assigned()
            await writer.until_answered(len(POISON) - 1)
            took_s = time.monotonic() - began
            writer.stop()
            await task
            shelf = await shelf_of(log)
            commands = await log.read(COMMANDS, 0, 0, 99)
            late_s = max(record.at_s - commands[record.identity.offset].at_s for record in shelf.records.values())
            print(f"set aside after {late_s:.3f} s, answered after {took_s:.3f} s")
            assert len(shelf.records) == len(POISON)
            assert late_s <= 2

    async def whole() -> None:
        async with fresh_topics(2) as prefix:
            await main(prefix)
            at = ["--kafka", kafka(), "--prefix", prefix]
            listed = await asyncio.to_thread(paidan, "parked", "list", *at)
            assert listed.stdout.count("[open]") == len(POISON)
            done = await asyncio.to_thread(paidan, "parked", "replay", "0/1", "--repaired", str(mended), *at)
            assert f"replayed as paidan.commands/{partition_of('z', 2)}/" in done.output
            async with opened(prefix, 2) as log:
                assert (await shelf_of(log)).open == len(POISON) - 1
                journal = (await log.bounds(JOURNAL, 0)).end
                assert journal > 0

    asyncio.run(whole())
