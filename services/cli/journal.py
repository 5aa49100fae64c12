"""`paidan journal read|verify`: look at a log file, and let the independent checker judge it. Opens it read-only."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from services.exits import ExitCode, Stop
from services.names import JOURNAL, NAME

if TYPE_CHECKING:
    from matcher.events import Event
    from services.adapters.sqlite import SqliteLog
    from services.verify import Verdict
    from services.wire import Entry

T = TypeVar("T")

File = Annotated[Path, typer.Argument(help="The log, as `up` and `demo` write it.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add `journal read` and `journal verify`."""
    journal = typer.Typer(no_args_is_help=True)
    journal.command("read", epilog=f"Example: {NAME} journal read paidan-demo/log.db --zone haidian --limit 20")(read)
    journal.command("verify", epilog=f"Example: {NAME} journal verify paidan-demo/log.db --json")(verify)
    app.add_typer(journal, name="journal", help="Read what has happened, or check that nothing was lost or doubled.")


def read(
    file: File,
    zone: Annotated[str | None, typer.Option(help="Only events of this zone.")] = None,
    partition: Annotated[int | None, typer.Option(help="Only this partition.")] = None,
    start: Annotated[int, typer.Option("--from", help="First journal offset, in each partition.")] = 0,
    limit: Annotated[int | None, typer.Option(help="At most so many events.")] = None,
) -> None:
    """Print what has happened: a JSON line an event, with the partition and offset of its entry and its index there.

    Works while a writer runs. Events of the partition itself (attempts, parked commands) have zone "*".
    """
    from services.wire import encode, partition_of

    async def show(log: SqliteLog) -> None:
        chosen = partition if partition is not None or zone is None else partition_of(zone, log.partitions)
        _check_partition(file, log, chosen)
        shown = 0
        async for at, offset, entry in _entries(log, chosen, start):
            for index, event in enumerate(_events(file, at, offset, entry)):
                if zone is not None and event.zone != zone:
                    continue
                if limit is not None and shown >= limit:
                    return
                shown += 1
                place = f'{{"partition":{at},"offset":{offset},"index":{index},"event":'.encode()
                sys.stdout.buffer.write(place + encode(event) + b"}\n")

    try:
        _with_log(file, show)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output (`| head`) has seen enough; what is still buffered goes nowhere, silently.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def verify(
    file: File,
    receipts: Annotated[
        Path | None, typer.Option(help="JSON lines of clients' receipts: id, partition, offset.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as one JSON object.")] = False,
) -> None:
    """Check that every command has exactly one answer and nobody is booked twice. Exit 7 if not.

    Computed from commands, journal, parked records and receipts alone, by code that shares nothing with the matcher.
    While a writer runs, commands that it is about to answer count as lost; check again when it is idle or stopped.
    """
    import msgspec

    from services import verify as checker

    given = checker.read_receipts(receipts) if receipts else None
    verdict = _with_log(file, lambda log: checker.verify(log, log.partitions, given))
    print(msgspec.json.encode(verdict).decode() if as_json else _words(verdict))
    if not verdict.sound:
        raise Stop(
            ExitCode.LOG_UNTRUSTED,
            f"The log ({file}) does not hold: ({verdict.lost}) lost, ({verdict.answered_twice}) answered twice, "
            f"({verdict.double_bookings}) double bookings. Keep a copy of the file and report it.",
        )


def _with_log(file: Path, use: Callable[[SqliteLog], Coroutine[Any, Any, T]]) -> T:
    """Open the file read-only, use it in an event loop, close it."""
    import sqlite3

    from services.adapters.sqlite import SqliteLog

    log = SqliteLog(file, read_only=True)
    try:
        return asyncio.run(use(log))
    except sqlite3.DatabaseError as error:
        raise Stop(ExitCode.LOG_UNTRUSTED, f"The log ({file}) is damaged: {error}. Restore a copy.") from error
    finally:
        log.close()


def _check_partition(file: Path, log: SqliteLog, partition: int | None) -> None:
    if partition is not None and not 0 <= partition < log.partitions:
        raise Stop(ExitCode.USAGE, f"The log ({file}) has partitions 0 to ({log.partitions - 1}), not ({partition}).")


async def _entries(log: SqliteLog, partition: int | None, start: int) -> AsyncIterator[tuple[int, int, Entry]]:
    """Yield every entry that holds, from offset `start` on; the chain is followed from its beginning."""
    from services.cursor import Cursor
    from services.reading import Chain, Held

    for at in range(log.partitions) if partition is None else [partition]:
        chain, cursor = Chain(), Cursor(log, JOURNAL, at)
        await cursor.recheck()
        while cursor.backlog:
            for record in await cursor.take(500):
                judged = chain.accept(record.offset, record.value)
                if isinstance(judged, Held) and record.offset >= start:
                    yield at, record.offset, judged.entry


def _events(file: Path, partition: int, offset: int, entry: Entry) -> list[Event]:
    import msgspec

    from services.wire import decode_events

    try:
        return decode_events(entry)
    except msgspec.MsgspecError as error:
        place = f"partition ({partition}), offset ({offset})"
        raise Stop(
            ExitCode.BAD_INPUT, f"The log ({file}) at {place} is newer than this program. Use a newer version."
        ) from error


def _words(verdict: Verdict) -> str:
    lines = [
        f"commands {verdict.commands}, entries {verdict.entries}, events {verdict.events}, "
        f"sign-ins {verdict.sign_ins}, void {verdict.void}, parked {verdict.parked}",
        f"requests {verdict.requests} = closed {verdict.closed} + expired {verdict.expired} "
        f"+ cancelled {verdict.cancelled} + open {verdict.open}",
        f"lost {verdict.lost} (at the end: {verdict.unanswered_at_the_end}), answered twice {verdict.answered_twice}, "
        f"double bookings {verdict.double_bookings}, entries with hashes {verdict.hashed_entries}",
    ]
    if verdict.receipts is None:
        lines.append("No receipts were given: only coverage was checked.")
    else:
        lines.append(f"receipts {verdict.receipts}")
    return "\n".join([*lines, *verdict.findings])
