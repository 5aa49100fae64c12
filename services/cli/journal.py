"""`paidan journal read|verify`: look at a log, and let the independent checker judge it. Opens it for reading only."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import typer

from services.exits import ExitCode, Stop
from services.names import JOURNAL, LOG_FILE, NAME

if TYPE_CHECKING:
    from services.adapters.kafka import KafkaLog
    from services.adapters.sqlite import SqliteLog
    from services.verify import Verdict
    from services.wire import Entry

T = TypeVar("T")

File = Annotated[
    Path | None, typer.Argument(help="The log, as `up` and `demo` write it, or its folder.", show_default=False)
]
Kafka = Annotated[
    str | None, typer.Option(help="Instead of a file: HOST:PORT of brokers, separated by commas.", show_default=False)
]
Prefix = Annotated[str, typer.Option(help="With --kafka: what goes before every topic's name.")]


class Place(NamedTuple):
    """Where the log is: a file, or brokers and the prefix of the topics."""

    file: Path | None
    kafka: str | None
    prefix: str

    def __str__(self) -> str:
        return str(self.file) if self.kafka is None else f"{self.prefix}* at {self.kafka}"


def register(app: typer.Typer) -> None:
    """Add `journal read` and `journal verify`."""
    journal = typer.Typer(no_args_is_help=True)
    journal.command("read", epilog=f"Example: {NAME} journal read paidan-demo/log.db --zone haidian --limit 20")(read)
    journal.command("verify", epilog=f"Example: {NAME} journal verify paidan-demo/log.db --json")(verify)
    app.add_typer(journal, name="journal", help="Read what has happened, or check that nothing was lost or doubled.")


def read(
    file: File = None,
    zone: Annotated[str | None, typer.Option(help="Only events of this zone.")] = None,
    partition: Annotated[int | None, typer.Option(help="Only this partition.")] = None,
    start: Annotated[int, typer.Option("--from", help="First journal offset, in each partition.")] = 0,
    limit: Annotated[int | None, typer.Option(help="At most so many events.")] = None,
    kafka: Kafka = None,
    prefix: Prefix = "",
) -> None:
    """Print what has happened: a JSON line an event, with the partition and offset of its entry and its index there.

    Works while a writer runs. Events of the partition itself (attempts, parked commands) have zone "*".
    """
    from services.reading import events_of
    from services.wire import encode, partition_of

    place = place_of(file, kafka, prefix)

    async def show(log: SqliteLog | KafkaLog) -> None:
        chosen = partition if partition is not None or zone is None else partition_of(zone, log.partitions)
        _check_partition(place, log, chosen)
        shown = 0
        async for at, offset, entry in _entries(log, chosen, start):
            for index, event in enumerate(events_of(at, offset, entry)):
                if zone is not None and event.zone != zone:
                    continue
                if limit is not None and shown >= limit:
                    return
                shown += 1
                start_of_line = f'{{"partition":{at},"offset":{offset},"index":{index},"event":'.encode()
                sys.stdout.buffer.write(start_of_line + encode(event) + b"}\n")

    try:
        with_log(place, show)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output (`| head`) has seen enough; what is still buffered goes nowhere, silently.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def verify(
    file: File = None,
    receipts: Annotated[
        Path | None, typer.Option(help="JSON lines of clients' receipts: id, partition, offset.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as one JSON object.")] = False,
    kafka: Kafka = None,
    prefix: Prefix = "",
) -> None:
    """Check that every command has exactly one answer and nobody is booked twice. Exit 7 if not.

    Computed from commands, journal, parked records and receipts alone, by code that shares nothing with the matcher.
    With receipts it lists every command that was acknowledged and is gone.
    While a writer runs, commands that it is about to answer count as lost; check again when it is idle or stopped.
    """
    import msgspec

    from services import verify as checker

    given = checker.read_receipts(receipts) if receipts else None
    place = place_of(file, kafka, prefix)
    verdict = with_log(place, lambda log: checker.verify(log, log.partitions, given))
    print(msgspec.json.encode(verdict).decode() if as_json else _words(verdict))
    if not verdict.sound:
        raise Stop(
            ExitCode.LOG_UNTRUSTED,
            f"The log ({place}) does not hold: ({verdict.lost}) lost, ({verdict.answered_twice}) answered twice, "
            f"({verdict.double_bookings}) double bookings. Keep a copy of it and report it.",
        )


def place_of(file: Path | None, kafka: str | None, prefix: str) -> Place:
    if (file is None) == (kafka is None):
        raise Stop(ExitCode.USAGE, "Give the log's file, or --kafka HOST:PORT.")
    return Place(file / LOG_FILE if file is not None and file.is_dir() else file, kafka, prefix)


def with_log(
    place: Place, use: Callable[[SqliteLog | KafkaLog], Coroutine[Any, Any, T]], *, read_only: bool = True
) -> T:
    """Open the log, for reading only unless asked otherwise, use it in an event loop, close it."""
    if place.file is None:
        return asyncio.run(_with_topics(place, use, read_only))
    return _with_file(place.file, use, read_only)


async def _with_topics(
    place: Place, use: Callable[[SqliteLog | KafkaLog], Coroutine[Any, Any, T]], read_only: bool
) -> T:
    from services.adapters.kafka import KafkaLog

    assert place.kafka is not None
    # What a weak log still has may be read.
    log = KafkaLog(place.kafka, prefix=place.prefix, trial=True)
    try:
        await log.start(read_only=read_only)
        return await use(log)
    finally:
        await log.stop()


def _with_file(file: Path, use: Callable[[SqliteLog | KafkaLog], Coroutine[Any, Any, T]], read_only: bool) -> T:
    import sqlite3

    from services.adapters.sqlite import SqliteLog

    if not file.is_file():
        raise Stop(ExitCode.BAD_INPUT, f"There is no log at ({file}). Check the path.")
    log = SqliteLog(file, read_only=read_only)
    try:
        return asyncio.run(use(log))
    except sqlite3.DatabaseError as error:
        raise Stop(ExitCode.LOG_UNTRUSTED, f"The log ({file}) is damaged: {error}. Restore a copy.") from error
    finally:
        log.close()


def _check_partition(place: Place, log: SqliteLog | KafkaLog, partition: int | None) -> None:
    if partition is not None and not 0 <= partition < log.partitions:
        raise Stop(ExitCode.USAGE, f"The log ({place}) has partitions 0 to ({log.partitions - 1}), not ({partition}).")


async def _entries(
    log: SqliteLog | KafkaLog, partition: int | None, start: int
) -> AsyncIterator[tuple[int, int, Entry]]:
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
    gone = [f"Acknowledged and gone: ({each.id}) at ({each.partition}, {each.offset})." for each in verdict.gone]
    return "\n".join([*lines, *verdict.findings, *gone])
