"""The Writer's promises on one partition: refusals, parking, barriers, fencing, tries, sizes.

On every log where the log matters; in virtual time only where the time does.
"""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import pytest

from matcher.events import Attempt, CommandParked, CommandRefused, TimePassed
from matcher.reasons import TooLarge, UnknownZone
from services import deciding, snapshots
from services.adapters.memory import MemoryLog
from services.folding import Fold
from services.meters import Meters
from services.names import COMMANDS, JOURNAL, PARKED, SNAPSHOTS
from services.ports import LogUntrusted, Message, Record
from services.wire import Entry, SignIn, encode, partition_of
from tests.logs import KAFKA, MEMORY, SQLITE
from tests.simulation import toy
from tests.simulation.bench import Bench, Story, names, told_on
from tests.simulation.virtual import run


@pytest.fixture(params=[MEMORY, SQLITE, KAFKA])
def story(request: pytest.FixtureRequest) -> Story:
    return told_on(request, request.param)


def test_a_story_is_answered_in_one_group_and_folds_to_the_writers_own_state(story: Story):
    async def main(bench: Bench) -> None:
        await bench.ask(toy.place("z"), toy.person("z", "ana"), toy.request("z", "r1"), toy.tick("z", 0))
        writer = bench.writer()
        await bench.finish(writer)
        fold, events = await bench.fold()
        assert names(events) == "PlaceDefined VolunteerRegistered RequestSubmitted TimePassed AssignmentHeld"
        assert fold.hashes() == {"z": snapshots.sha256(writer.zones["z"].encode())}
        assert [(entry.first, entry.last) for _, entry, _ in bench.told] == [(0, 3)]
        assert bench.told[0][2] == events

    story(main)


def test_an_unknown_zone_is_refused_and_its_partition_goes_on(story: Story):
    async def main(bench: Bench) -> None:
        await bench.ask(toy.request("nowhere", "r1"), toy.place("z"))
        await bench.finish(bench.writer())
        refused, defined = (await bench.fold())[1]
        assert isinstance(refused, CommandRefused)
        assert refused.reason == UnknownZone(zone="nowhere")
        assert names([defined]) == "PlaceDefined"

    story(main)


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"type":"Tick"}', b'{"type":"Nonsense"}', b"x" * 900_000, b"null"],
    ids=["empty", "broken", "not-utf8", "deep", "fields-missing", "unknown", "900kB", "null"],
)
def test_what_cannot_be_read_is_parked_with_its_bytes_and_the_next_command_is_answered(story: Story, value: bytes):
    async def main(bench: Bench) -> None:
        await bench.ask(toy.place("z"), value, toy.person("z", "ana"))
        await bench.finish(bench.writer())
        _, events = await bench.fold()
        assert names(events) == "PlaceDefined CommandParked VolunteerRegistered"
        assert isinstance(events[1], CommandParked)
        assert events[1].offset == 1
        (parked,) = await bench.log.read(PARKED, 0, 0, 10)
        assert parked.value == value
        assert parked.headers == {
            "reason": events[1].reason, "topic": COMMANDS, "partition": "0", "offset": "1",
        }  # fmt: skip

    story(main)


def test_a_zone_in_the_wrong_partition_is_parked(story: Story):
    async def main(bench: Bench) -> None:
        stranger = next(zone for zone in map(str, range(99)) if partition_of(zone, 2) == 1)
        await bench.ask(toy.place(stranger))
        await bench.finish(bench.writer())
        fold, (parked,) = await bench.fold()
        assert isinstance(parked, CommandParked)
        assert parked.reason.startswith("wrong_partition")
        assert fold.zones == {}

    story(main, partitions=2)


def test_a_tick_holds_up_its_own_zone_only_and_one_entry_answers_both():
    async def main() -> None:
        bench = Bench(solver=toy.ToySolver(solve_s=5))
        await bench.ask(toy.place("a"), toy.place("b"), toy.person("a", "ana"), toy.request("a", "r1"))
        await bench.ask(toy.tick("a", 0), toy.cancel("a", "r1"), toy.person("b", "ben"), toy.request("b", "r2"))
        await bench.ask(toy.tick("b", 0), toy.cancel("b", "r2"))
        loop = asyncio.get_running_loop()
        began = loop.time()
        await bench.finish(bench.writer())
        assert loop.time() - began == pytest.approx(5)  # both solved at once
        _, events = await bench.fold()
        for zone in "ab":
            assert names([event for event in events if event.zone == zone][-4:]) == (
                "TimePassed AssignmentHeld RequestCancelled AssignmentReleased"
            )
        assert len(bench.told) == 1

    run(main())


def test_a_repeated_or_late_tick_changes_nothing_and_solves_nothing():
    async def main() -> None:
        bench = Bench(solver=toy.ToySolver(solve_s=5))
        await bench.ask(toy.place("z"), toy.tick("z", 3))
        await bench.finish(bench.writer())
        await bench.ask(toy.person("z", "ana"), toy.request("z", "r1"), toy.tick("z", 3), toy.tick("z", 1))
        await bench.finish(bench.writer())
        _, events = await bench.fold()
        assert sum(isinstance(event, TimePassed) for event in events) == 1
        assert asyncio.get_running_loop().time() == 0

    run(main())


def test_a_group_too_large_for_one_entry_is_answered_by_several_that_hold(
    story: Story, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(deciding, "ENTRY_BYTES_MAX", 2000)

    async def main(bench: Bench) -> None:
        await bench.ask(toy.place("z"), *(toy.person("z", f"p{n}") for n in range(30)))
        await bench.finish(bench.writer())
        fold, events = await bench.fold()
        assert len(events) == 31
        assert fold.answered == 31
        assert len(bench.told) > 5
        assert all(len(entry.events) <= 2001 for _, entry, _ in bench.told)

    story(main)


def test_one_command_whose_events_do_not_fit_is_refused_and_the_writer_goes_on(
    story: Story, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(deciding, "ENTRY_BYTES_MAX", 2000)

    async def main(bench: Bench) -> None:
        big = msgspec.structs.replace(toy.request("z", "r1"), excluded=("x" * 150,) * 12)
        await bench.ask(toy.place("z"), big, toy.person("z", "ana"))
        await bench.finish(bench.writer())
        fold, events = await bench.fold()
        assert names(events) == "PlaceDefined CommandRefused VolunteerRegistered"
        assert isinstance(events[1], CommandRefused)
        assert isinstance(events[1].reason, TooLarge)
        assert fold.zones["z"].open == []

    story(main)


def test_a_plan_whose_events_do_not_fit_is_refused_after_the_time_has_passed(
    story: Story, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(deciding, "ENTRY_BYTES_MAX", 2000)

    async def main(bench: Bench) -> None:
        people = [toy.person("z", f"p{n}") for n in range(20)]
        await bench.ask(toy.place("z"), *people, *(toy.request("z", f"r{n}") for n in range(20)), toy.tick("z", 0))
        await bench.finish(bench.writer())
        fold, events = await bench.fold()
        assert names(events[-2:]) == "TimePassed CommandRefused"
        assert fold.zones["z"].now > toy.EPOCH

    story(main)


def test_a_writer_that_lost_its_partition_tells_nothing_more_and_comes_back_after_the_session():
    async def main() -> None:
        bench = Bench()
        writer = bench.writer(session_s=10)
        task = asyncio.ensure_future(writer.run())
        await bench.ask(toy.place("z"))
        writer.assigned()
        await writer.until_answered(0)
        other = SignIn(id="other", at=toy.EPOCH)
        at = await bench.log.append(JOURNAL, 0, [Message(encode(other))])
        mine = Entry(id="other.1", after="other", first=1, last=1, at=toy.EPOCH, events=msgspec.Raw(b"[]"))
        await bench.ask(toy.person("z", "ana"))
        await bench.log.append(JOURNAL, 0, [Message(encode(mine))])
        await bench.ask(toy.person("z", "ben"))
        told = len(bench.told)
        writer.assigned()
        await asyncio.sleep(5)
        assert len(bench.told) == told
        await asyncio.sleep(20)
        writer.stop()
        await task
        fold, events = await bench.fold()
        assert fold.answered == 3
        assert names(events) == "PlaceDefined VolunteerRegistered"
        assert events[1].causation_id == "register.ben"
        assert at == 2

    run(main())


def test_void_records_in_the_gap_do_not_stop_a_writer(story: Story):
    async def main(bench: Bench) -> None:
        writer = bench.writer()
        task = asyncio.ensure_future(writer.run())
        await writer.ready()
        stale = Entry(id="ghost.1", after="ghost", first=0, last=0, at=toy.EPOCH, events=msgspec.Raw(b"[]"))
        await bench.log.append(JOURNAL, 0, [Message(encode(stale)), Message(b"\x00garbage")])
        await bench.ask(toy.place("z"))
        writer.assigned()
        await writer.until_answered(0)
        assert (bench.counted.void_records, bench.counted.fenced_times) == (2, 0)
        writer.stop()
        await task
        assert names((await bench.fold())[1]) == "PlaceDefined"

    story(main)


def test_a_command_that_ends_three_writers_is_parked_and_the_rest_is_answered(story: Story):
    async def main(bench: Bench) -> None:
        bench.core = toy.ToyCore(crash_on={"submit.r1"})
        await bench.ask(toy.place("z"))
        await bench.finish(bench.writer())
        await bench.ask(toy.person("z", "ana"), toy.request("z", "r1"), toy.tick("z", 0))
        deaths = 0
        while (await bench.fold())[0].answered < 4:
            with contextlib.suppress(ZeroDivisionError):
                await bench.finish(bench.writer())
                break
            deaths += 1
        _, events = await bench.fold()
        tries = [(event.offset, event.n) for event in events if isinstance(event, Attempt) and event.offset == 2]
        (parked,) = [event for event in events if isinstance(event, CommandParked)]
        assert deaths == 3  # once in the group, twice alone
        assert tries == [(2, 1), (2, 2), (2, 3)]
        assert parked.offset == 2
        assert names(events[-1:]) == "TimePassed"

    story(main)


def test_every_nth_entry_carries_the_hashes_and_a_fold_that_differs_is_not_trusted(story: Story):
    async def main(bench: Bench) -> None:
        await bench.ask(toy.place("z"), *(toy.person("z", f"p{n}") for n in range(9)))
        await bench.finish(bench.writer(group_max=1, hash_every=5))
        hashed = [entry for _, entry, _ in bench.told if entry.hashes]
        assert [entry.last for entry in hashed] == [4, 9]
        fold = Fold(bench.core, 0)
        sign_in, first, *rest = await bench.journal()
        fold.accept(sign_in.offset, sign_in.value)
        fold.accept(first.offset, first.value)
        fold.zones["z"].free.append("stranger")
        with pytest.raises(LogUntrusted, match="not those that the writer had"):
            [fold.accept(record.offset, record.value) for record in rest]

    story(main)


def test_a_writer_starts_from_its_snapshot_and_a_broken_or_foreign_one_is_ignored(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        bench = Bench()
        await bench.ask(toy.place("z"), toy.person("z", "ana"))
        await bench.finish(bench.writer())
        read: list[int] = []
        original = MemoryLog.read

        async def watched(self: MemoryLog, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
            read.extend([offset] if topic == JOURNAL else [])
            return await original(self, topic, partition, offset, limit)

        monkeypatch.setattr(MemoryLog, "read", watched)
        await bench.ask(toy.request("z", "r1"))
        await bench.finish(bench.writer())
        assert min(read) > 0
        read.clear()
        monkeypatch.setattr(snapshots, "FOLD_VERSION", 99)
        await bench.finish(bench.writer())
        assert min(read) == 0

    run(main())


@pytest.mark.parametrize("damage", ["part", "manifest", "hash"])
def test_a_damaged_snapshot_is_no_snapshot_and_the_one_before_is_used(damage: str):
    async def main() -> None:
        bench = Bench()
        await bench.ask(toy.place("z"), toy.person("z", "ana"))
        await bench.finish(bench.writer())
        await bench.ask(toy.person("z", "ben"))
        await bench.finish(bench.writer())
        records = bench.log._records[SNAPSHOTS, 0]
        assert len(records) == 4
        manifest = records[3].value
        if damage == "part":
            records[2] = msgspec.structs.replace(records[2], value=records[2].value[:-5])
        elif damage == "manifest":
            records.pop()
        else:
            wrong = manifest.replace(b'"z":"', b'"z":"00')
            records[3] = msgspec.structs.replace(records[3], value=wrong)
        snapshot = await snapshots.newest(bench.log, bench.core, 0, Meters())
        assert snapshot is not None
        assert snapshot.fold.answered == 2
        assert snapshot.fold.zones["z"].free == ["ana"]

    run(main())


def test_a_large_snapshot_travels_in_parts(story: Story, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(snapshots, "PART_BYTES_MAX", 50)

    async def main(bench: Bench) -> None:
        await bench.ask(toy.place("z"), *(toy.person("z", f"p{n}") for n in range(50)))
        await bench.finish(bench.writer())
        assert (await bench.log.bounds(SNAPSHOTS, 0)).end > 5
        snapshot = await snapshots.newest(bench.log, bench.core, 0, Meters())
        assert snapshot is not None
        assert len(snapshot.fold.zones["z"].free) == 50

    story(main)


def test_commands_made_anew_under_a_snapshot_are_not_trusted():
    async def main() -> None:
        bench = Bench()
        await bench.ask(toy.place("z"))
        await bench.finish(bench.writer())
        bench.log._ids[COMMANDS] = "another"
        with pytest.raises(LogUntrusted):
            await bench.writer().run()

    run(main())


def test_a_writer_with_nothing_to_do_leaves_a_mark_and_its_successor_is_not_careful():
    async def main() -> None:
        for marks, attempts in ((False, 1), (True, 0)):
            bench = Bench()
            killed = asyncio.create_task(bench.writer(marks_idle=marks).run())
            await asyncio.sleep(5)
            killed.cancel()
            await asyncio.wait([killed])
            await bench.ask(toy.place("z"))
            await bench.finish(bench.writer())
            _, events = await bench.fold()
            assert sum(isinstance(event, Attempt) for event in events) == attempts

    run(main())


def test_a_successor_is_careful_with_what_stood_there_when_it_signed_in_and_with_nothing_later():
    async def main() -> None:
        bench = Bench()
        killed = asyncio.create_task(bench.writer().run())
        await asyncio.sleep(5)
        killed.cancel()
        await asyncio.wait([killed])
        await bench.ask(toy.place("z"), toy.person("z", "ana"))
        writer = bench.writer()
        task = asyncio.create_task(writer.run())
        await writer.ready()
        await bench.ask(toy.person("z", "ben"), toy.person("z", "cai"))
        writer.assigned()
        await writer.until_answered(3)
        writer.stop()
        await task
        _, events = await bench.fold()
        assert [event.offset for event in events if isinstance(event, Attempt)] == [0, 1]

    run(main())
