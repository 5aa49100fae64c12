"""`paidan explain --zone`, `paidan diff --zone`: a live zone's journal, in a data folder or on brokers. Reads only.

Called by `explain` and `diff`. The log may be written meanwhile; the answer says up to which offset it is true.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from services.cli.journal import Place, place_of, with_log
from services.exits import ExitCode, Stop

if TYPE_CHECKING:
    from services.adapters.kafka import KafkaLog
    from services.adapters.sqlite import SqliteLog
    from services.explaining.asking import Said
    from services.explaining.questions import History, Language


class Asked(NamedTuple):
    """What is asked of a zone."""

    zone: str
    request: str | None
    person: str | None
    language: Language
    limit: int
    solves: int


def place(file: Path | None, data: Path | None, kafka: str | None, prefix: str | None) -> Place:
    """Return where the log is. Raises Stop (exit 2) for files beside a zone, and for no place or two."""
    if file is not None:
        raise Stop(ExitCode.USAGE, "Give files, or --zone, not both.")
    if (data is None) == (kafka is None):
        raise Stop(ExitCode.USAGE, "With --zone, give --data FOLDER or --kafka HOST:PORT.")
    return place_of(data, kafka, prefix or "")


def explain(asked: Asked, where: Place, *, as_json: bool) -> None:
    """Print the answer. Raises Stop: exit 2 for an id that is not in the journal, 4, 5 or 7 for the log."""
    import msgspec

    from services.explaining.questions import TooLarge, Unknown

    said = with_log(where, lambda log: _ask(log, asked))
    if isinstance(said, Unknown):
        message = f"The {said.thing} ({said.value}) is not in the journal. Check the id and the zone."
        raise Stop(ExitCode.USAGE, message)
    assert not isinstance(said, TooLarge)  # nothing is limited here
    typer.echo(msgspec.json.encode(said).decode() if as_json else "\n".join(said.sentences))


def diff(zone: str, offsets: tuple[int, int], where: Place, language: Language, *, as_json: bool) -> None:
    """Print how two runs of a zone differ. Raises Stop: exit 2 where there is no run, 4, 5 or 7 for the log."""
    import msgspec

    from services.explaining.comparing import NoRun, compare

    history = with_log(where, lambda log: whole(log, zone))
    try:
        said = compare(history, zone, *offsets, language)
    except NoRun as none:
        message = f"Zone ({zone}) has no match run at journal offset ({none.offset}) or before. Check zone and offset."
        raise Stop(ExitCode.USAGE, message) from None
    typer.echo(msgspec.json.encode(said).decode() if as_json else "\n".join(said.sentences))


async def whole(log: SqliteLog | KafkaLog, zone: str) -> History:
    """Return the whole journal of the zone's partition."""
    from services.explaining.reading import history
    from services.wire import partition_of

    return await history(log, partition_of(zone, log.partitions), zone, before=0)


async def newest(log: SqliteLog | KafkaLog, zone: str) -> History:
    """Return what tells the zone's state: the newest snapshot, and the journal from there."""
    from services.explaining.reading import history
    from services.wire import partition_of

    return await history(log, partition_of(zone, log.partitions), zone)


async def _ask(log: SqliteLog | KafkaLog, asked: Asked) -> Said:
    from services.explaining.asking import Explaining
    from services.explaining.process import InThread

    return await Explaining(log, log.partitions, InThread(), limited=False).ask(
        asked.zone,
        request=asked.request,
        person=asked.person,
        language=asked.language,
        limit=asked.limit,
        solves_max=asked.solves,
    )
