"""`paidan parked list|show|replay|drop`: what could not be read or decided, and what is to become of it.

Reads and writes the topic `parked` alone, and appends commands; who has the partition answers them as any other.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.journal import Kafka, Prefix, place_of, with_log
from services.exits import ExitCode, Stop
from services.names import COMMANDS, NAME

if TYPE_CHECKING:
    from services.adapters.kafka import KafkaLog
    from services.adapters.sqlite import SqliteLog
    from services.parked import Identity, ParkedRecord, Shelf

Data = Annotated[
    Path | None, typer.Option("--data", help="The log, as `up` and `demo` write it, or its folder.", show_default=False)
]
Which = Annotated[str, typer.Argument(help="PARTITION/OFFSET, as `list` shows it.", metavar="PLACE")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
WORD_MAX = 200


def register(app: typer.Typer) -> None:
    """Put `parked` with its subcommands on the app."""
    parked = typer.Typer(no_args_is_help=True)
    at = f"--data ./{NAME}-data"
    parked.command("list", epilog=f"Example: {NAME} parked list {at}")(list_parked)
    parked.command("show", epilog=f"Example: {NAME} parked show 3/1712 {at}")(show)
    parked.command("replay", epilog=f"Example: {NAME} parked replay 3/1712 --repaired mended.json {at}")(replay)
    parked.command("drop", epilog=f"Example: {NAME} parked drop 3/1712 --reason 'sent by a load test' {at}")(drop)
    app.add_typer(parked, name="parked", help="Commands that were set aside: look, ask again, or let them go.")


def list_parked(
    everything: Annotated[bool, typer.Option("--all", help="Also what was replayed or dropped.")] = False,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    as_json: Json = False,
    data: Data = None,
    kafka: Kafka = None,
    prefix: Prefix = "",
) -> None:
    """List what was set aside: where it stands among the commands, since when, how large, why. Nothing of its content.

    Works while a writer runs.
    """

    async def look(opened: SqliteLog | KafkaLog) -> list[ParkedRecord]:
        _check(opened, partition)
        shelves = range(opened.partitions) if partition is None else [partition]
        return [record for at in shelves for record in (await _shelf(opened, at)).records.values()]

    found = with_log(place_of(data, kafka, prefix), look)
    shown = [record for record in found if everything or _is_open(record)]
    for record in shown:
        typer.echo(_as_json(record) if as_json else _line(record))
    if not as_json:
        typer.echo(f"{sum(map(_is_open, found))} open, {len(found)} in all", err=True)


def show(
    which: Which,
    raw: Annotated[bool, typer.Option("--raw", help="Write the original bytes, which may hold anything.")] = False,
    data: Data = None,
    kafka: Kafka = None,
    prefix: Prefix = "",
) -> None:
    """Show one record: why it was set aside, what became of it, and its form without its content.

    `--raw` writes the bytes as they came, and nothing else: they may hold personal data, so mind where they go.
    """
    import hashlib

    from services.outline import outline

    identity = _identity(which)

    async def look(opened: SqliteLog | KafkaLog) -> tuple[ParkedRecord, bytes]:
        shelf, record = await _found(opened, identity)
        return record, await shelf.value(record)

    record, value = with_log(place_of(data, kafka, prefix), look)
    if raw:
        sys.stdout.buffer.write(value)
        sys.stdout.flush()
        return
    import json

    typer.echo(_line(record))
    typer.echo(f"sha256  {hashlib.sha256(value).hexdigest()}")
    typer.echo(f"form    {json.dumps(outline(value), ensure_ascii=False)}")


def replay(
    which: Annotated[list[str] | None, typer.Argument(help="PARTITION/OFFSET, as `list` shows it.")] = None,
    repaired: Annotated[Path | None, typer.Option(help="The bytes to ask instead; one PLACE only.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All open records that can be read now.")] = False,
    data: Data = None,
    kafka: Kafka = None,
    prefix: Prefix = "",
) -> None:
    """Append what was set aside as a command again, as it was or repaired, to its zone's partition; that is recorded.

    What was replayed or dropped before is left alone. Ended halfway, run it again. Of a log in a folder `up` must not
    run; it answers when it starts. Exit 3: some of them were not replayed.
    """
    _one_choice(which, everything)
    if repaired is not None and len(which or []) != 1:
        raise Stop(ExitCode.USAGE, "With --repaired, name one record.")
    instead = None if repaired is None else _bytes_of(repaired)
    identities = [_identity(each) for each in which or []]

    async def act(opened: SqliteLog | KafkaLog) -> int:
        return await _each(opened, identities, lambda shelf, record: _replay(opened, shelf, record, instead))

    _report(with_log(place_of(data, kafka, prefix), act, read_only=False))


def drop(
    which: Annotated[list[str] | None, typer.Argument(help="PARTITION/OFFSET, as `list` shows it.")] = None,
    reason: Annotated[str, typer.Option(help="Why nobody will replay it; no names, no numbers of people.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All open records.")] = False,
    data: Data = None,
    kafka: Kafka = None,
    prefix: Prefix = "",
) -> None:
    """Say that a record will not be replayed, and why; that is recorded, and the bytes stay. Exit 3: some were not."""
    _one_choice(which, everything)
    if not 0 < len(reason) <= WORD_MAX:
        raise Stop(ExitCode.USAGE, f"Give --reason, of at most ({WORD_MAX}) characters.")
    identities = [_identity(each) for each in which or []]

    async def act(opened: SqliteLog | KafkaLog) -> int:
        return await _each(opened, identities, lambda shelf, record: _drop(opened, shelf, record, reason))

    _report(with_log(place_of(data, kafka, prefix), act, read_only=False))


# --- one record


async def _replay(log: Any, shelf: Shelf, record: ParkedRecord, instead: bytes | None) -> str:
    from services import parked
    from services.wire import Unreadable

    if record.state is not parked.State.OPEN and (found := await parked.finish(log, shelf, record)) is not None:
        return f"replayed as {COMMANDS}/{found[0]}/{found[1]}"
    value = await shelf.value(record) if instead is None else instead
    try:
        to = parked.home_of(value, log.partitions)
    except Unreadable as error:
        raise _Left(f"cannot be read: {error}. Repair it (--repaired), use a newer version, or drop it") from error
    partition, offset = await parked.replay(log, shelf, record, value, to)
    return f"replayed as {COMMANDS}/{partition}/{offset}"


async def _drop(log: Any, shelf: Shelf, record: ParkedRecord, reason: str) -> str:
    from services import parked

    await parked.drop(log, shelf, record, reason)
    return "dropped"


class _Left(Exception):
    """Nothing was done with this record; the text says why."""


async def _each(log: Any, wanted: list[Identity], do: Callable[[Shelf, ParkedRecord], Awaitable[str]]) -> int:
    """Do it to each record, all open ones where none is named; say what came of it. Return how many were left."""
    from services.parked import AlreadyAnswered
    from services.ports import AppendUncertain, MessageTooLarge

    left = 0
    for shelf, record in await _chosen(log, wanted):
        try:
            said = await do(shelf, record)
        except _Left as why:
            said, left = f"left: it {why}", left + 1
        except AlreadyAnswered as before:
            said = f"left: it was {_became(before.record)}"
        except MessageTooLarge as error:
            said, left = f"left: {error}", left + 1
        except AppendUncertain as error:
            words = f"{record.identity}: the log's answer was lost ({error}). Run it again; it looks what is there."
            raise Stop(ExitCode.UNREACHABLE, words) from error
        typer.echo(f"{record.identity}  {said}")
    return left


async def _chosen(log: Any, wanted: list[Identity]) -> list[tuple[Shelf, ParkedRecord]]:
    if wanted:
        return [await _found(log, identity) for identity in wanted]
    shelves = [await _shelf(log, partition) for partition in range(log.partitions)]
    return [(shelf, record) for shelf in shelves for record in shelf.records.values() if _is_open(record)]


async def _found(log: Any, identity: Identity) -> tuple[Shelf, ParkedRecord]:
    _check(log, identity.partition)
    shelf = await _shelf(log, identity.partition)
    if identity not in shelf.records:
        raise Stop(ExitCode.USAGE, f"({identity}) was not set aside. See `{NAME} parked list --all`.")
    return shelf, shelf.records[identity]


async def _shelf(log: Any, partition: int) -> Shelf:
    from services.parked import Shelf

    shelf = Shelf(log, partition)
    await shelf.read()
    return shelf


# --- words


def _check(log: Any, partition: int | None) -> None:
    if partition is not None and partition >= log.partitions:
        raise Stop(ExitCode.USAGE, f"The log has partitions 0 to ({log.partitions - 1}), not ({partition}).")


def _identity(text: str) -> Identity:
    from services.parked import Identity

    partition, slash, offset = text.removeprefix(f"{COMMANDS}/").partition("/")
    if not slash or not partition.isdecimal() or not offset.isdecimal():
        raise Stop(ExitCode.USAGE, f"({text}) is no place. Give PARTITION/OFFSET, as `{NAME} parked list` shows it.")
    return Identity(COMMANDS, int(partition), int(offset))


def _one_choice(which: list[str] | None, everything: bool) -> None:
    if bool(which) == everything:
        raise Stop(ExitCode.USAGE, "Name records by PARTITION/OFFSET, or give --all.")


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Stop(ExitCode.BAD_INPUT, f"({file}) cannot be read: {error.strerror}.") from error


def _is_open(record: ParkedRecord) -> bool:
    from services.parked import State

    return record.state in {State.OPEN, State.REPLAYING}


def _line(record: ParkedRecord) -> str:
    from services.parked import time_of

    identity = record.identity
    when = time_of(record.at_s).isoformat(timespec="seconds")
    place = f"{identity.partition}/{identity.offset}"
    return f"{place}  {when}  {record.size_bytes} B  {record.reason}  [{_became(record)}]"


def _became(record: ParkedRecord) -> str:
    from services.parked import State

    if record.state is State.REPLAYED:
        return f"replayed {record.word} as {COMMANDS}/{record.replay_partition}/{record.replay_offset}"
    if record.state is State.REPLAYING:
        return "being replayed, not ended: replay it again"
    return f"dropped: {record.word}" if record.state is State.DROPPED else "open"


def _as_json(record: ParkedRecord) -> str:
    import msgspec

    from services.parked import time_of

    said = msgspec.to_builtins(record)
    said["parked_at"] = time_of(said.pop("at_s"))
    answered_s = said.pop("answered_s")
    said["answered_at"] = None if answered_s is None else time_of(answered_s)
    for internal in ("at", "claim"):
        del said[internal]
    return msgspec.json.encode({**said.pop("identity"), **said}).decode()


def _report(left: int) -> None:
    if left:
        raise Stop(ExitCode.REJECTED_ROWS, f"({left}) were left as they were.")
