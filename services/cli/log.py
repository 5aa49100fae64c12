"""`paidan log copy`: moves a log from its file onto Apache Kafka, record by record, and proves that it is the same."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.exits import ExitCode, Stop
from services.names import LOG_FILE, NAME, TOPICS

if TYPE_CHECKING:
    from services.copying import Copied

PROGRESS_EVERY_S = 2.0


def register(app: typer.Typer) -> None:
    """Add `log copy`."""
    log = typer.Typer(no_args_is_help=True)
    log.callback()(_group)
    log.command("copy", epilog=f"Example: {NAME} log copy --from ./{NAME}-data --kafka 10.0.0.5:9092")(copy)
    app.add_typer(log, name="log", help="The log as a whole.")


def _group() -> None:
    """Keep `log` a group although it has one command."""


def copy(
    source: Annotated[Path, typer.Option("--from", help="Folder of the log, or its file.", show_default=False)],
    kafka: Annotated[str, typer.Option(help="HOST:PORT of brokers, separated by commas.", envvar="PAIDAN_KAFKA")],
    prefix: Annotated[str, typer.Option(help="Goes before every topic's name.")] = "",
    trial: Annotated[bool, typer.Option("--trial", help="Copy into topics that may lose records.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print count and hash of each partition as JSON.")] = False,
) -> None:
    """Copy a log into empty topics of the same number (`topics apply` makes them), each record at its offset.

    Then both are read again and compared. The log's file is locked meanwhile and stays as it is. Only the log: names
    and phones live elsewhere. Interrupted, it leaves topics that no writer accepts: delete them and begin again.
    """
    began = time.monotonic()
    file = source / LOG_FILE if source.is_dir() else source
    if not file.is_file():
        raise Stop(ExitCode.BAD_INPUT, f"There is no log at ({file}). Check --from.")
    copied = asyncio.run(_copy(file, kafka, prefix, trial=trial))
    if as_json:
        import msgspec

        print(msgspec.json.encode(copied).decode())
        return
    for line in _words(copied):
        print(line)
    print(f"Copied and compared in {time.monotonic() - began:.1f} s. From now on write to one of the two only.")


async def _copy(file: Path, kafka: str, prefix: str, *, trial: bool) -> list[Copied]:
    from services.adapters.kafka import KafkaLog
    from services.adapters.sqlite import SqliteLog
    from services.copying import copy as copy_all

    # Opened for writing, for its lock: whoever writes to it already keeps us out, and we keep out who comes now.
    log = SqliteLog(file)
    try:
        target = KafkaLog(kafka, log.partitions, prefix=prefix, trial=trial)
        try:
            await target.start()
            return await copy_all(log, target, log.partitions, _Progress())
        finally:
            await target.stop()
    finally:
        log.close()


class _Progress:
    """Says now and then how far it is, on stderr."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def __call__(self, done: int, everything: int) -> None:
        """Say it if it was some time ago."""
        if time.monotonic() - self._said_at >= PROGRESS_EVERY_S:
            self._said_at = time.monotonic()
            print(f"{done * 100 // max(1, everything)} % ({done} of {everything} steps)", file=sys.stderr, flush=True)


def _words(copied: Sequence[Copied]) -> list[str]:
    lines = []
    for topic in TOPICS:
        parts = [each for each in copied if each.topic == topic]
        records, size_bytes = sum(each.records for each in parts), sum(each.size_bytes for each in parts)
        lines.append(f"{topic}: {len(parts)} partitions, {records} records, {size_bytes / 1e6:.1f} MB, equal")
    return lines
