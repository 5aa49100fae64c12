"""The independent checker finds what is wrong, and only that; `paidan journal` shows it with the right exit code."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from matcher.events import AssignmentHeld, AssignmentReleased, CommandParked, Event, ReleaseReason, TimePassed
from services.adapters.memory import MemoryLog
from services.adapters.sqlite import SqliteLog
from services.cli import journal
from services.exits import ExitCode, Stop
from services.names import COMMANDS, JOURNAL
from services.ports import Message
from services.verify import Receipt, Verdict, read_receipts, verify
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
