"""Readers before writers (DESIGN 4.3): a version N beside an N+1, on a list and on Kafka.

N+1 is simulated by what it writes: entries with an event, a field or a reason that N does not have, in the chain
as they should be; and by a codec that knows one command more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from matcher.commands import AnyCommand, Command
from matcher.events import TimePassed
from services import wire
from services.embedded import Embedded
from services.exits import ExitCode, Stop
from services.explaining.reading import history
from services.explaining.story import Story as ZoneStory
from services.feed import Feed
from services.folding import Fold
from services.following import Following, HeldEntry, Place
from services.names import COMMANDS, JOURNAL
from services.parked import Shelf, replay
from services.ports import Log, Message
from services.reading import Chain, Held
from services.verify import verify
from services.wire import Entry, SignIn, encode
from tests.logs import KAFKA, MEMORY
from tests.simulation import toy
from tests.simulation.bench import Bench, Story, names, told_on

PASSED = encode(TimePassed(zone="z", at=toy.EPOCH, causation_id="t", beat=1))
NEWER = {
    "an unknown event": b'{"type":"VolunteerPraised","zone":"z","at":"2026-11-02T00:00:00Z","causation_id":"p"}',
    "a known event with an unknown field": PASSED[:-1] + b',"season":"rain"}',
    "a refusal with an unknown reason": (
        b'{"type":"CommandRefused","zone":"z","at":"2026-11-02T00:00:00Z","causation_id":"p","command":'
        + encode(toy.person("z", "ana")) + b',"reason":{"code":"NotToday"}}'
    ),
    "an event whose command has an unknown field": (
        b'{"type":"PlaceDefined","zone":"z","at":"2026-11-02T00:00:00Z","causation_id":"p","command":'
        + encode(toy.place("z"))[:-1] + b',"color":"red"}}'
    ),
}  # fmt: skip


@dataclass
class NextVersion:
    """A writer of version N+1, as far as a reader of N can see it: what it appends."""

    log: Log

    async def answer(self, event: bytes, upto: int) -> int:
        """Sign in and answer the commands before `upto` with this event; return the entry's offset."""
        chain, answered = Chain(), 0
        for record in await self.log.read(JOURNAL, 0, 0, 10**6):
            judged = chain.accept(record.offset, record.value)
            if isinstance(judged, Held):
                answered = max(answered, judged.entry.last + 1)
        signed = SignIn(id="next", at=toy.EPOCH)
        entry = Entry(id="next.1", after="next", first=answered, last=upto - 1, at=toy.EPOCH)
        entry = msgspec.structs.replace(entry, events=msgspec.Raw(b"[" + event + b"]"))
        # Its envelopes may say more than ours: what a reader does not know of an envelope is no matter of the chain.
        more = encode(signed)[:-1] + b',"program":"paidan 9"}'
        return 1 + await self.log.append(JOURNAL, 0, [Message(more), Message(encode(entry))])


@pytest.fixture(params=[MEMORY, KAFKA])
def story(request: pytest.FixtureRequest) -> Story:
    return told_on(request, request.param)


class Silent:
    """A follower and reader that keeps nothing."""

    async def begin(self, partition: int) -> Place:
        return Place()

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Place) -> None:
        pass

    def entry(self, *told: Any) -> None:
        pass

    def live(self, partition: int) -> None:
        pass

    def end(self, partition: int) -> None:
        pass


async def writer(bench: Bench) -> None:
    await bench.writer().run()


async def embedded(bench: Bench) -> None:
    chain = Embedded(bench.log, bench.core, bench.solver, partitions=1, linger_s=0)
    try:
        await chain.start()
    finally:
        await asyncio.gather(chain.stop(), return_exceptions=True)


async def follower(bench: Bench) -> None:
    await Following(bench.log, 0, Silent()).run()


async def feed(bench: Bench) -> None:
    await Feed(bench.log, 0, [Silent()]).catch_up()


async def folding(bench: Bench) -> None:
    await bench.fold()


async def explaining(bench: Bench) -> None:
    ZoneStory(await history(bench.log, 0, "z", before=0), "z")


async def checker(bench: Bench) -> None:
    await verify(bench.log, 1)


READERS = [writer, embedded, follower, feed, folding, explaining, checker]


@pytest.mark.parametrize("newer", NEWER)
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_every_reader_of_this_version_stops_at_what_a_newer_one_wrote_and_says_so(
    story: Story, newer: str, reader: Callable[[Bench], Any]
):
    async def main(bench: Bench) -> None:
        await bench.ask(toy.place("z"), toy.person("z", "ana"))
        await bench.finish(bench.writer())
        end = await bench.ask(toy.tick("z", 1))
        offset = await NextVersion(bench.log).answer(NEWER[newer], end)
        with pytest.raises(Stop, match=rf"offset \({offset}\) is newer than this program") as stop:
            await reader(bench)
        assert stop.value.code is ExitCode.BAD_INPUT

    story(main)


def test_a_reader_of_this_version_stops_at_the_newer_entry_and_has_taken_in_all_before_it(story: Story):
    async def main(bench: Bench) -> None:
        await bench.ask(toy.place("z"), toy.person("z", "ana"))
        await bench.finish(bench.writer())
        before = (await bench.fold())[0].hashes()
        offset = await NextVersion(bench.log).answer(NEWER["an unknown event"], 2)
        fold = Fold(bench.core, 0)
        records = await bench.journal()
        for record in records[:offset]:
            fold.accept(record.offset, record.value)
        with pytest.raises(Stop):
            fold.accept(offset, records[offset].value)
        assert fold.hashes() == before
        assert fold.chain.last == "next.1"  # in the chain all the same
        assert fold.chain.next_offset == offset + 1

    story(main)


class Praise(Command, frozen=True, kw_only=True):
    """A command of the next version."""

    volunteer: str


class NextCore(toy.ToyCore):
    """Decides what this version's core does, and the new command as a registration."""

    def decide(self, zones: dict[str, Any], command: Command, plan: Any = None) -> list[Any]:
        if isinstance(command, Praise):
            known = toy.person(command.zone, command.volunteer)
            return super().decide(zones, msgspec.structs.replace(known, id=command.id), plan)
        return super().decide(zones, command, plan)


def test_a_newer_command_is_set_aside_by_this_version_and_replayed_once_everybody_is_newer(
    story: Story, monkeypatch: pytest.MonkeyPatch
):
    async def main(bench: Bench) -> None:
        praise = Praise(id="p1", zone="z", at=toy.EPOCH, volunteer="ana")
        await bench.ask(toy.place("z"), praise, toy.person("z", "ben"))
        await bench.finish(bench.writer())
        assert names((await bench.fold())[1]) == "PlaceDefined CommandParked VolunteerRegistered"

        # The roll-out: this partition's owner is now of the next version; what N set aside is asked again.
        monkeypatch.setattr(wire, "_command", msgspec.json.Decoder(AnyCommand | Praise))
        bench.core = NextCore()
        shelf = Shelf(bench.log, 0)
        await shelf.read()
        [record] = shelf.records.values()
        await replay(bench.log, shelf, record, await shelf.value(record), 0)
        await bench.finish(bench.writer())
        fold, events = await bench.fold()
        assert names(events) == "PlaceDefined CommandParked VolunteerRegistered VolunteerRegistered"
        assert fold.zones["z"].free == ["ben", "ana"]
        assert shelf.open == 0
        assert (await verify(bench.log, 1)).sound

    story(main)


def test_while_a_newer_writer_holds_one_partition_this_version_goes_on_in_the_others(story: Story):
    async def main(bench: Bench) -> None:
        home = [next(zone for zone in map(str, range(99)) if wire.partition_of(zone, 2) == at) for at in (0, 1)]
        await bench.log.append(COMMANDS, 0, [Message(encode(toy.place(home[0])))])
        await NextVersion(bench.log).answer(NEWER["an unknown event"], 1)
        await bench.log.append(COMMANDS, 1, [Message(encode(toy.place(home[1])))])
        ours = bench.writer(partition=1)
        task = asyncio.ensure_future(ours.run())
        await ours.until_answered(0)
        with pytest.raises(Stop, match="newer"):
            await bench.writer(partition=0).run()
        await bench.log.append(COMMANDS, 1, [Message(encode(toy.person(home[1], "ana")))])
        ours.assigned()
        await ours.until_answered(1)
        assert ours.zones[home[1]].free == ["ana"]
        ours.stop()
        await task

    story(main, partitions=2)
