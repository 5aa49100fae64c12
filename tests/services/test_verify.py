"""The independent checker finds what is wrong, and only that; `paidan journal` shows it with the right exit code."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from matcher import commands as c
from matcher.events import (
    AssignmentHeld,
    AssignmentReleased,
    CommandParked,
    Event,
    NoShowRecorded,
    Outcome,
    ReleaseReason,
    RequestCancelled,
    RequestClosed,
    RequestReopened,
    RequestSubmitted,
    TimePassed,
    WorkFinished,
)
from matcher.terms import Point, Requirement
from services.adapters.memory import MemoryLog
from services.adapters.sqlite import SqliteLog
from services.cli import journal
from services.exits import ExitCode, Stop
from services.names import COMMANDS, JOURNAL, PARKED
from services.ports import Bounds, Message, Record
from services.verify import CHUNK_RECORDS, FINDINGS_MAX, Receipt, Verdict, read_receipts, verify
from services.wire import Entry, SignIn, encode, encode_events
from tests.simulation import toy


def entry(number: int, first: int, last: int, *events: Event, after: str | None = None) -> Entry:
    before = after or ("s" if number == 1 else f"e{number - 1}")
    return Entry(
        id=f"e{number}", after=before, first=first, last=last, at=toy.EPOCH, events=encode_events(list(events))
    )


def held(assignment: str, person: str, begin_h: float, end_h: float) -> AssignmentHeld:
    begin, end = (toy.EPOCH + timedelta(hours=hours) for hours in (begin_h, end_h))
    return AssignmentHeld(
        zone="z", at=toy.EPOCH, causation_id="c", assignment=assignment, request=assignment, requirement="1",
        volunteer=person, departure=begin, start=begin, end=end,
    )  # fmt: skip


def released(assignment: str) -> AssignmentReleased:
    return AssignmentReleased(
        zone="z", at=toy.EPOCH, causation_id="c", assignment=assignment, reason=ReleaseReason.OFFER_EXPIRED
    )


def passed(causation: str) -> TimePassed:
    return TimePassed(zone="z", at=toy.EPOCH, causation_id=causation, beat=0)


def judged(commands: int, *records: Entry, receipts: dict[str, Receipt] | None = None) -> Verdict:
    async def main() -> Verdict:
        log = MemoryLog(1)
        await log.append(COMMANDS, 0, [Message(b"{}")] * commands)
        signed = SignIn(id="s", at=toy.EPOCH)
        await log.append(JOURNAL, 0, [Message(encode(record)) for record in (signed, *records)])
        return await verify(log, 1, receipts)

    return asyncio.run(main())


def test_every_command_answered_once_is_sound():
    verdict = judged(3, entry(1, 0, 1), entry(2, 2, 2))
    assert verdict.sound
    assert (verdict.commands, verdict.entries, verdict.lost) == (3, 2, 0)


def test_a_hole_is_lost():
    verdict = judged(4, entry(1, 0, 0), entry(2, 2, 3))
    assert (verdict.lost, verdict.unanswered_at_the_end, verdict.sound) == (1, 0, False)


def test_what_nobody_has_answered_yet_is_lost_and_said_to_be_at_the_end():
    verdict = judged(4, entry(1, 0, 1))
    assert (verdict.lost, verdict.unanswered_at_the_end) == (2, 2)


def test_a_command_answered_by_two_entries_is_doubled():
    verdict = judged(2, entry(1, 0, 1), entry(2, 1, 1))
    assert (verdict.answered_twice, verdict.sound) == (1, False)


def test_answers_beyond_the_end_of_the_commands_are_not_sound():
    assert not judged(1, entry(1, 0, 4)).sound


def test_an_entry_that_does_not_follow_the_chain_answers_nothing():
    verdict = judged(1, entry(1, 0, 0, after="somebody else"))
    assert (verdict.void, verdict.lost) == (1, 1)


def test_two_live_assignments_of_one_person_that_overlap_are_a_double_booking():
    assert judged(1, entry(1, 0, 0, held("a", "ana", 1, 3), held("b", "ana", 2, 4))).double_bookings == 1


@pytest.mark.parametrize(
    "events",
    [
        (held("a", "ana", 1, 2), held("b", "ana", 2, 3)),
        (held("a", "ana", 1, 3), held("b", "ben", 2, 4)),
        (held("a", "ana", 1, 3), released("a"), held("b", "ana", 2, 4)),
    ],
    ids=["touching", "two people", "released before"],
)
def test_these_are_no_double_bookings(events: tuple[Event, ...]):
    assert judged(1, entry(1, 0, 0, *events)).double_bookings == 0


def test_a_receipt_without_any_event_is_lost_although_its_offset_is_covered():
    receipts = {name: Receipt(name, 0, n) for n, name in enumerate(["known", "gone"])}
    verdict = judged(2, entry(1, 0, 1, passed("known")), receipts=receipts)
    assert (verdict.lost, verdict.receipts) == (1, 2)
    assert verdict.gone == [Receipt("gone", 0, 1)]


def test_a_receipt_of_a_parked_command_is_not_lost_but_missing_bytes_are_told():
    parked = CommandParked(zone="*", at=toy.EPOCH, causation_id="x", offset=0, reason="unreadable")
    verdict = judged(1, entry(1, 0, 0, parked), receipts={"r": Receipt("r", 0, 0)})
    assert (verdict.lost, verdict.parked, verdict.parked_without_bytes) == (0, 1, 1)


def test_half_a_last_line_of_receipts_is_nobodys_and_rubbish_before_it_is_refused(tmp_path: Path):
    file = tmp_path / "receipts.jsonl"
    file.write_text('{"id":"a","partition":0,"offset":3}\n{"id":"b","part')
    assert read_receipts(file) == {"a": Receipt("a", 0, 3)}
    file.write_text('rubbish\n{"id":"b","partition":0,"offset":3}\n')
    with pytest.raises(Stop, match=r"Line \(1\)"):
        read_receipts(file)


SIGNED = SignIn(id="s", at=toy.EPOCH)


async def written(log: MemoryLog, partition: int, commands: int, *records: Entry | SignIn) -> MemoryLog:
    """Put commands and journal records into a log."""
    await log.append(COMMANDS, partition, [Message(b"{}")] * commands)
    await log.append(JOURNAL, partition, [Message(encode(record)) for record in records])
    return log


class WithoutOldCommands(MemoryLog):
    """A log that has deleted its first two commands, as Kafka does after weeks; its journal is whole."""

    async def bounds(self, topic: str, partition: int) -> Bounds:
        bounds = await super().bounds(topic, partition)
        return msgspec.structs.replace(bounds, start=2) if topic == COMMANDS else bounds


@pytest.mark.parametrize(
    ("entries", "lost", "twice"),
    [
        ([entry(1, 0, 1), entry(2, 2, 3)], 0, 0),
        ([entry(1, 0, 2), entry(2, 3, 3)], 0, 0),
        ([entry(1, 0, 0), entry(2, 2, 3)], 1, 0),
        ([entry(1, 0, 1), entry(2, 1, 3)], 1, 1),
        ([entry(1, 2, 3)], 0, 0),
        ([entry(1, 3, 3)], 1, 0),
    ],
    ids=["sound", "across", "a hole in what is gone", "twice in what is gone", "from there on", "a hole after it"],
)
def test_answers_to_commands_that_are_too_old_to_be_there_are_judged_like_the_others(
    entries: list[Entry], lost: int, twice: int
):
    log = asyncio.run(written(WithoutOldCommands(1), 0, 4, SIGNED, *entries))
    verdict = asyncio.run(verify(log, 1))
    assert (verdict.commands, verdict.lost, verdict.answered_twice) == (2, lost, twice)


def test_commands_answered_twice_are_counted_each_and_named():
    verdict = judged(4, entry(1, 0, 3), entry(2, 1, 2))
    assert (verdict.answered_twice, verdict.lost) == (2, 2)
    assert verdict.findings == [f"Command (0, {offset}) is answered by two entries." for offset in (1, 2)]


def test_an_entry_that_answers_nothing_changes_no_count_of_answers():
    verdict = judged(2, entry(1, 0, 0), entry(2, 1, 0), entry(3, 1, 1))
    assert verdict.sound
    assert (verdict.entries, verdict.findings) == (3, [])
    assert judged(2, entry(1, 0, 0), entry(2, 2, 1), entry(3, 1, 1)).sound


def test_a_sound_log_answered_to_its_very_end_leaves_nothing_unanswered():
    assert judged(2, entry(1, 0, 1)).unanswered_at_the_end == 0
    beyond = judged(2, entry(1, 0, 2))
    assert (beyond.answered_twice, beyond.unanswered_at_the_end, beyond.lost) == (1, 0, 0)
    assert beyond.findings == ["Partition (0) answers commands beyond its end (2)."]


def test_what_is_missing_is_named_with_its_place_and_why():
    assert judged(3, entry(1, 1, 1)).findings == [
        "Command (0, 0): no entry answers it.", "Command (0, 2): no entry answers it yet.",
    ]  # fmt: skip


def test_only_so_many_findings_are_spelled_out_but_all_are_counted():
    verdict = judged(FINDINGS_MAX + 20)
    assert (verdict.lost, len(verdict.findings)) == (FINDINGS_MAX + 20, FINDINGS_MAX)


def test_every_one_of_the_four_faults_alone_makes_a_log_unsound():
    assert Verdict().sound
    faults = ("lost", "answered_twice", "double_bookings", "parked_without_bytes")
    assert not any(Verdict(**{fault: 1}).sound for fault in faults)


def test_sign_ins_entries_events_void_records_and_hashes_are_counted():
    hashed = msgspec.structs.replace(entry(2, 2, 2, passed("c2")), hashes={"z": "0"})
    records = [
        entry(9, 0, 0, after="s"), SIGNED, SIGNED, entry(1, 0, 1, passed("c0"), passed("c1")), hashed,
        SignIn(id="t", at=toy.EPOCH), entry(3, 3, 3), SIGNED, entry(4, 3, 3, after="t"),
    ]  # fmt: skip
    verdict = asyncio.run(_verdict_of(4, records))
    assert (verdict.sign_ins, verdict.entries, verdict.events) == (2, 3, 3)
    assert (verdict.hashed_entries, verdict.void, verdict.commands) == (1, 4, 4)
    assert verdict.sound


async def _verdict_of(commands: int, records: list[Entry | SignIn]) -> Verdict:
    return await verify(await written(MemoryLog(1), 0, commands, *records), 1)


def test_every_partition_is_judged_by_itself_and_the_numbers_are_over_all():
    async def main() -> Verdict:
        log = await written(MemoryLog(2), 0, 2, SIGNED, entry(1, 0, 1, passed("a"), held("h", "ana", 1, 2)))
        await written(log, 1, 3, SignIn(id="t", at=toy.EPOCH), entry(1, 0, 1, passed("b"), after="t"))
        receipts = {"a": Receipt("a", 0, 0), "b": Receipt("b", 1, 0), "lost": Receipt("lost", 1, 2)}
        return await verify(log, 2, {**receipts, "early": Receipt("early", 0, 1)})

    verdict = asyncio.run(main())
    assert (verdict.commands, verdict.entries, verdict.events, verdict.sign_ins) == (5, 2, 3, 2)
    assert [receipt.id for receipt in verdict.gone] == ["early", "lost"]
    assert (verdict.unanswered_at_the_end, verdict.lost, verdict.receipts) == (1, 1 + 2, 4)


def test_gone_receipts_are_listed_by_partition_and_then_by_place():
    receipts = {name: Receipt(name, 0, place) for name, place in (("b", 5), ("a", 7), ("c", 2))}
    assert [receipt.id for receipt in judged(0, receipts=receipts).gone] == ["c", "b", "a"]


def test_a_log_is_read_in_pieces_to_its_end():
    count = 2 * CHUNK_RECORDS + 3
    entries = [entry(number + 1, number, number) for number in range(count)]
    verdict = judged(count, *entries)
    assert (verdict.entries, verdict.sound) == (count, True)


class Limited(MemoryLog):
    """A log that notes how many records it was asked for."""

    asked: int = 0

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        left = (await self.bounds(topic, partition)).end - offset
        assert 0 < limit <= min(CHUNK_RECORDS, left)
        self.asked += 1
        return await super().read(topic, partition, offset, limit)


def test_never_more_is_asked_for_than_a_piece_and_than_is_there():
    log = asyncio.run(written(Limited(1), 0, 2, SIGNED, entry(1, 0, 1), *[SIGNED] * CHUNK_RECORDS))
    assert asyncio.run(verify(log, 1)).sound
    assert log.asked == 2


class Changed(MemoryLog):
    """A log that answers the journal's reads with what it is told to."""

    answer: list[Record]

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        records = await super().read(topic, partition, offset, limit)
        return self.answer if topic == JOURNAL else records


@pytest.mark.parametrize(
    ("answer", "words"),
    [([], r"partition \(0\) has nothing at \(0\)"), ([Record(1, 0.0, b"{}")], r"partition \(0\) jumps at \(0\)")],
    ids=["nothing", "another offset"],
)
def test_a_log_that_does_not_give_what_it_says_it_has_is_not_trusted(answer: list[Record], words: str):
    log = Changed(1)
    log.answer = answer
    asyncio.run(written(log, 0, 1, SIGNED, entry(1, 0, 0)))
    with pytest.raises(Stop, match=words) as stop:
        asyncio.run(verify(log, 1))
    assert stop.value.code == ExitCode.LOG_UNTRUSTED


def test_a_journal_that_is_newer_than_the_program_is_said_to_be_so():
    future = msgspec.structs.replace(entry(1, 0, 0), events=msgspec.Raw(b'[{"type":"NotYetInvented"}]'))
    with pytest.raises(Stop, match=r"partition \(0\), offset \(1\) is newer") as stop:
        judged(1, future)
    assert stop.value.code == ExitCode.BAD_INPUT


# --- whose time is held ---


def at(kind: type[Event], **fields: object) -> Event:
    return kind(zone="z", at=toy.EPOCH, causation_id="c", **fields)


def asked(kind: type[c.Command], **fields: object) -> c.Command:
    return kind(id="c", zone="z", at=toy.EPOCH, **fields)


@pytest.mark.parametrize(
    "end",
    [at(WorkFinished, command=asked(c.Finish, assignment="a")), at(NoShowRecorded, assignment="a"), released("a")],
    ids=["finished", "no-show", "released"],
)
def test_an_assignment_that_has_ended_holds_nobody(end: Event):
    assert judged(1, entry(1, 0, 0, held("a", "ana", 1, 3), end, held("b", "ana", 2, 4))).double_bookings == 0
    other = held("other", "ana", 5, 6)
    again = judged(1, entry(1, 0, 0, held("a", "ana", 1, 3), other, end, held("b", "ana", 5, 6)))
    assert again.double_bookings == 1


@pytest.mark.parametrize(
    ("begin_h", "end_h", "doubled"),
    [(0, 1, 0), (0, 1.5, 1), (1, 2, 1), (1.2, 1.4, 1), (0, 4, 1), (2, 3, 0)],
    ids=["before", "into", "the same", "within", "around", "after"],
)
def test_two_holds_of_one_person_overlap_only_where_they_share_time(begin_h: float, end_h: float, doubled: int):
    verdict = judged(1, entry(1, 0, 0, held("a", "ana", 1, 2), held("b", "ana", begin_h, end_h)))
    assert verdict.double_bookings == doubled
    assert verdict.findings == ["(ana) of zone (z) is held by (a) and (b)."] * doubled


def test_the_time_of_a_hold_begins_with_the_departure():
    early = msgspec.structs.replace(held("b", "ana", 3, 4), departure=toy.EPOCH + timedelta(hours=1))
    assert judged(1, entry(1, 0, 0, held("a", "ana", 0, 2), early)).double_bookings == 1


def test_people_of_the_same_name_in_two_zones_are_two_people():
    other = msgspec.structs.replace(held("a", "ana", 1, 3), zone="y")
    assert judged(1, entry(1, 0, 0, held("a", "ana", 1, 3), other)).double_bookings == 0


def test_an_end_without_a_beginning_ends_nothing():
    assert judged(1, entry(1, 0, 0, released("never"), held("a", "ana", 1, 2))).sound


# --- requests and what was set aside ---


def submitted(name: str, zone: str = "z") -> Event:
    command = c.SubmitRequest(
        id="c", zone=zone, at=toy.EPOCH, request=name, point=Point(lat=0, lon=0), duration_minutes=60,
        latest=toy.EPOCH, requirements=(Requirement(people=1),),
    )  # fmt: skip
    return RequestSubmitted(
        zone=zone, at=toy.EPOCH, causation_id="c", command=command, earliest=toy.EPOCH, latest=toy.EPOCH
    )


def test_every_request_is_counted_once_where_it_has_come_to():
    cancelled = at(RequestCancelled, command=asked(c.CancelRequest, request="b"))
    verdict = judged(
        1,
        entry(
            1, 0, 0, *(submitted(name) for name in "abcdefg"), submitted("a", zone="y"), cancelled,
            at(RequestClosed, request="c", outcome=Outcome.EXPIRED),
            at(RequestClosed, request="d", outcome=Outcome.FULFILLED),
            at(RequestClosed, request="g", outcome=Outcome.FAILED),
            at(RequestClosed, request="e", outcome=Outcome.FULFILLED),
            at(RequestReopened, request="e", earliest=toy.EPOCH, latest=toy.EPOCH),
        ),
    )  # fmt: skip
    assert (verdict.requests, verdict.open, verdict.cancelled) == (8, 4, 1)
    assert (verdict.expired, verdict.closed) == (1, 2)


def parked(offset: int) -> Event:
    return CommandParked(zone="*", at=toy.EPOCH, causation_id="x", offset=offset, reason="unreadable")


def test_the_bytes_of_what_was_set_aside_are_looked_for_by_their_place():
    async def main() -> Verdict:
        log = await written(MemoryLog(1), 0, 3, SIGNED, entry(1, 0, 2, parked(0), parked(1), parked(2)))
        headers = [
            {"topic": COMMANDS, "offset": "0"}, {"topic": COMMANDS, "offset": "0"},
            {"topic": JOURNAL, "offset": "1"}, {"topic": COMMANDS, "offset": "2", "answer": "dropped"},
            {"topic": COMMANDS},
        ]  # fmt: skip
        await log.append(PARKED, 0, [Message(b"x", one) for one in headers])
        return await verify(log, 1)

    verdict = asyncio.run(main())
    assert (verdict.parked, verdict.parked_without_bytes, verdict.sound) == (3, 2, False)
    assert verdict.findings == [
        f"Command (0, {offset}) was set aside, but its bytes are not in ({PARKED})." for offset in (1, 2)
    ]


def test_a_receipt_is_answered_only_by_what_was_set_aside_at_its_own_place():
    async def main() -> Verdict:
        log = await written(MemoryLog(2), 0, 2, SIGNED, entry(1, 0, 1, parked(0)))
        await written(log, 1, 1, SignIn(id="t", at=toy.EPOCH), entry(1, 0, 0, after="t"))
        there = [Receipt("here", 0, 0), Receipt("beside", 0, 1), Receipt("elsewhere", 1, 0)]
        return await verify(log, 2, {receipt.id: receipt for receipt in there})

    assert [receipt.id for receipt in asyncio.run(main()).gone] == ["beside", "elsewhere"]


def test_receipts_that_are_not_there_end_with_5(tmp_path: Path):
    with pytest.raises(Stop, match="cannot be read") as stop:
        read_receipts(tmp_path / "none.jsonl")
    assert stop.value.code == ExitCode.BAD_INPUT


def test_rubbish_in_the_middle_of_receipts_is_named_by_its_line(tmp_path: Path):
    file = tmp_path / "receipts.jsonl"
    file.write_bytes(b'{"id":"a","partition":0,"offset":3}\n\xff\n{"id":"b","partition":0,"offset":4}\n')
    words = f"Line (2) of the receipts ({file}) is no receipt. Give one JSON object a line."
    with pytest.raises(Stop, match=f"^{re.escape(words)}$") as stop:
        read_receipts(file)
    assert stop.value.code == ExitCode.BAD_INPUT


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.callback()(lambda: None)
    journal.register(app)
    return app


@pytest.fixture
def file(tmp_path: Path) -> Path:
    async def main() -> None:
        await log.append(COMMANDS, 1, [Message(b"{}")] * 2)
        signed = SignIn(id="s", at=toy.EPOCH)
        records = [signed, entry(1, 0, 0, passed("c0")), entry(2, 1, 1, held("a", "ana", 1, 2), released("a"))]
        await log.append(JOURNAL, 1, [Message(encode(record)) for record in records])

    log = SqliteLog(tmp_path / "log.db", 2)
    asyncio.run(main())
    log.close()
    return tmp_path / "log.db"


def test_journal_read_prints_a_json_line_an_event(app: typer.Typer, file: Path):
    result = CliRunner().invoke(app, ["journal", "read", str(file)])
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    places = [(line["partition"], line["offset"], line["index"], line["event"]["type"]) for line in lines]
    assert places == [(1, 1, 0, "TimePassed"), (1, 2, 0, "AssignmentHeld"), (1, 2, 1, "AssignmentReleased")]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--from", "2"], 2), (["--limit", "1"], 1), (["--partition", "0"], 0),
        (["--partition", "1", "--zone", "z"], 3), (["--partition", "1", "--zone", "y"], 0),
    ],
)  # fmt: skip
def test_journal_read_shows_only_what_was_asked_for(app: typer.Typer, file: Path, options: list[str], count: int):
    result = CliRunner().invoke(app, ["journal", "read", str(file), *options])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == count


def test_journal_verify_of_a_sound_log_ends_with_0(app: typer.Typer, file: Path):
    result = CliRunner().invoke(app, ["journal", "verify", str(file), "--json"])
    assert result.exit_code == 0
    assert msgspec.json.decode(result.stdout, type=Verdict).commands == 2


def test_journal_verify_of_a_log_that_lost_something_ends_with_7(app: typer.Typer, file: Path):
    log = SqliteLog(file, 2)
    asyncio.run(log.append(COMMANDS, 0, [Message(b"{}")]))
    log.close()
    result = CliRunner().invoke(app, ["journal", "verify", str(file)])
    assert isinstance(result.exception, Stop)
    assert result.exception.code == ExitCode.LOG_UNTRUSTED
    assert "lost 1" in result.stdout


@pytest.mark.parametrize("command", ["read", "verify"])
def test_a_file_that_is_no_log_ends_with_5(app: typer.Typer, tmp_path: Path, command: str):
    result = CliRunner().invoke(app, ["journal", command, str(tmp_path / "none.db")])
    assert isinstance(result.exception, Stop)
    assert result.exception.code == ExitCode.BAD_INPUT


def test_a_damaged_file_ends_with_7(app: typer.Typer, file: Path):
    content = bytearray(file.read_bytes())
    content[8192:] = b"\x55" * (len(content) - 8192)
    file.write_bytes(content)
    result = CliRunner().invoke(app, ["journal", "verify", str(file)])
    assert isinstance(result.exception, Stop)
    assert result.exception.code in {ExitCode.LOG_UNTRUSTED, ExitCode.BAD_INPUT}
