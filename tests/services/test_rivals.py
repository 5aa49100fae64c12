"""Several writers of one partition, dead ones, forgers: one answer to each command, on every log, for every reader."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import msgspec
import pytest

from matcher.events import Event
from services.cursor import Cursor
from services.feed import Feed
from services.names import JOURNAL
from services.ports import Message
from services.reading import SignedIn
from services.verify import Receipt, Verdict, verify
from services.wire import Entry, SignIn, encode
from services.writer import Writer
from tests.logs import KAFKA, MEMORY, SQLITE
from tests.simulation import stories, toy
from tests.simulation.bench import Bench, Story, names, told_on
from tests.simulation.gate import Gate

#: A fenced writer pauses for the session and 2 s: in these stories for a tenth of a second.
SOON = {"session_s": -1.9}


@pytest.fixture(params=[MEMORY, SQLITE, KAFKA])
def story(request: pytest.FixtureRequest) -> Story:
    return told_on(request, request.param)


class Seen:
    """A reader of the process: what it was told, by offset."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.events: list[Event] = []

    def entry(self, partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
        self.offsets.append(offset)
        self.events += events


async def every_reader_agrees(bench: Bench, *, void: int, receipts: dict[str, Receipt] | None = None) -> Verdict:
    """The fold, a feed and the independent checker see the same events and the same void records."""
    fold, events = await bench.fold()
    seen = Seen()
    await Feed(bench.log, 0, [seen]).catch_up()
    verdict = await verify(bench.log, bench.log.partitions, receipts)
    assert verdict.sound, verdict.findings
    assert seen.events == events
    assert verdict.void == void
    assert verdict.events == len(events)
    assert fold.answered == verdict.commands
    return verdict


async def sent_to(writer: Writer, bench: Bench, *commands) -> None:
    """Ask, and wait until this writer has answered."""
    end = await bench.ask(*commands)
    writer.assigned()
    await writer.until_answered(end - 1)


async def ended(task: asyncio.Task[None]) -> None:
    """The process is gone: nothing of it runs on."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_an_older_writer_that_wakes_up_is_fenced_and_its_entry_is_void_for_every_reader(story: Story):
    async def main(bench: Bench) -> None:
        line = Gate(bench.log)
        older, newer = bench.writer(line), bench.writer()
        old = asyncio.ensure_future(older.run())
        await sent_to(older, bench, toy.place("z"), toy.person("z", "ana"))
        line.hold(line.send)
        await bench.ask(toy.request("z", "r1"), toy.tick("z", 0))
        older.assigned()
        await line.sending.wait()
        new = asyncio.ensure_future(newer.run())
        await sent_to(newer, bench, toy.request("z", "r2"))
        told = len(bench.told)
        line.send.set()
        await bench.counted.until(lambda counted: counted.fenced_times == 1)
        assert len(bench.told) == told
        await sent_to(newer, bench, toy.tick("z", 1))
        assert bench.counted.void_records == 1
        await ended(old)
        newer.stop()
        await new
        _, events = await bench.fold()
        assert names(events).count("AssignmentHeld") == 1
        await every_reader_agrees(bench, void=1)

    story(main)


def test_a_fenced_writer_that_is_still_assigned_takes_the_partition_again(story: Story):
    async def main(bench: Bench) -> None:
        older, newer = bench.writer(**SOON), bench.writer()
        old = asyncio.ensure_future(older.run())
        await sent_to(older, bench, toy.place("z"))
        new = asyncio.ensure_future(newer.run())
        await newer.ready()
        await sent_to(older, bench, toy.person("z", "ana"), toy.person("z", "ben"))
        assert bench.counted.fenced_times == 1
        for writer in (older, newer):
            writer.stop()
        await asyncio.gather(old, new)
        _, events = await bench.fold()
        # The newer one ended without an entry: for all that its successor knows, a command has killed it.
        assert names(events) == "PlaceDefined" + " Attempt VolunteerRegistered" * 2

    story(main)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_writers_that_both_hold_the_partition_for_theirs_answer_every_command_once(story: Story, seed: int):
    async def main(bench: Bench) -> None:
        dice = random.Random(f"rivals {seed}")
        bench.solver = toy.ToySolver(0.001)
        writers = [bench.writer(group_max=3, **SOON), bench.writer(group_max=3, **SOON)]
        running = [asyncio.ensure_future(writer.run()) for writer in writers]
        receipts: dict[str, Receipt] = {}
        end = 0
        for step in stories.random_story(dice, 60):
            end = await bench.ask(step)
            receipts |= stories.receipt(step, end - 1)
            chosen = dice.choice(writers)
            chosen.assigned()
            if dice.random() < 0.3:
                await chosen.until_answered(end - 1)
        for writer in writers:
            writer.assigned()
        answers = [asyncio.ensure_future(writer.until_answered(end - 1)) for writer in writers]
        await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        for task in (*answers, *running):
            await ended(task)
        verdict = await verify(bench.log, 1, receipts)
        assert verdict.sound, verdict.findings
        assert verdict.sign_ins > 2
        assert bench.counted.fenced_times > 0
        seen = Seen()
        await Feed(bench.log, 0, [seen]).catch_up()
        assert {offset for offset, _, _ in bench.told} <= set(seen.offsets)

    story(main)


def test_a_writer_that_dies_between_append_and_check_has_answered_and_its_successor_goes_on(story: Story):
    async def main(bench: Bench) -> None:
        line = Gate(bench.log)
        dead = bench.writer(line)
        task = asyncio.ensure_future(dead.run())
        await sent_to(dead, bench, toy.place("z"), toy.person("z", "ana"))
        line.hold(line.answer)
        told = len(bench.told)
        await bench.ask(toy.request("z", "r1"), toy.tick("z", 0))
        dead.assigned()
        await line.landed.wait()
        await ended(task)
        assert len(bench.told) == told
        await bench.ask(toy.person("z", "ben"))
        await bench.finish(bench.writer())
        assert [(entry.first, entry.last) for _, entry, _ in bench.told if entry.last >= entry.first][-2:] == [
            (2, 3),
            (4, 4),
        ]
        assert names((await bench.fold())[1]) == (
            "PlaceDefined VolunteerRegistered RequestSubmitted TimePassed AssignmentHeld VolunteerRegistered"
        )
        await every_reader_agrees(bench, void=0)

    story(main)


def test_forged_and_unreadable_journal_records_are_counted_and_void_and_the_writer_goes_on(story: Story):
    async def main(bench: Bench) -> None:
        await bench.ask(toy.place("z"))
        await bench.finish(bench.writer())
        writer = bench.writer()
        task = asyncio.ensure_future(writer.run())
        await sent_to(writer, bench, toy.person("z", "ana"))
        tip, known = await chain(bench)
        forged = [encode(entry_after(after)) for after in (known[0], "nobody", "", tip[:-1])]
        forged += [encode(SignIn(id=each, at=toy.EPOCH)) for each in known]
        forged += [b"", b"\x00\xff", b"null", b"[]", b'{"type":"Entry"}', b'{"type":"SignIn","id":7}', b"[" * 50_000]
        for value in forged:
            await bench.log.append(JOURNAL, 0, [Message(value, {"who": "a stranger"})])
        await sent_to(writer, bench, toy.person("z", "ben"))
        assert bench.counted.void_records == len(forged)
        assert bench.counted.fenced_times == 0
        writer.stop()
        await task
        await every_reader_agrees(bench, void=len(forged))
        await bench.ask(toy.person("z", "eva"))
        await bench.finish(bench.writer())
        assert names((await bench.fold())[1]) == "PlaceDefined" + " VolunteerRegistered" * 3
        await every_reader_agrees(bench, void=len(forged))

    story(main)


async def chain(bench: Bench) -> tuple[str, list[str]]:
    """Return the last id that holds, and every sign-in's id."""
    fold, cursor, signed = (await bench.fold())[0], Cursor(bench.log, JOURNAL, 0), []
    await cursor.recheck()
    again = type(fold.chain)()
    while cursor.backlog:
        for record in await cursor.take(100):
            judged = again.accept(record.offset, record.value)
            signed += [judged.id] if isinstance(judged, SignedIn) else []
    return again.last, signed


def entry_after(after: str) -> Entry:
    """Return what a writer would write for the next command, but after this id."""
    return Entry(id="forged", after=after, first=2, last=2, at=toy.EPOCH, events=msgspec.Raw(b"[]"))
