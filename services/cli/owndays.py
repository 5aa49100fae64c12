"""A city's own calendar days, read from the log in a data folder. Called by `paidan calendar`; opens it read-only."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from services.exits import ExitCode, Stop
from services.names import JOURNAL, LOG_FILE

if TYPE_CHECKING:
    from matcher.calendar import YearDays
    from services.adapters.sqlite import SqliteLog

#: Read from the log at once.
RECORDS = 500


def read(data: Path, zone: str) -> tuple[dict[date, bool], dict[int, YearDays]]:
    """Return day -> worked?, and the national years that the zone was told, as its journal says it.

    Raises Stop: no log, damaged, newer, unknown zone.
    """
    import sqlite3

    from services.adapters.sqlite import SqliteLog
    from services.ports import LogUntrusted

    log = SqliteLog(data / LOG_FILE, read_only=True)
    try:
        return asyncio.run(_folded(log, zone))
    except sqlite3.DatabaseError as error:
        raise Stop(ExitCode.LOG_UNTRUSTED, f"The log in ({data}) is damaged: {error}. Restore a copy.") from error
    except LogUntrusted as error:
        raise Stop(ExitCode.LOG_UNTRUSTED, f"The log in ({data}) cannot be trusted: {error}") from error
    finally:
        log.close()


async def _folded(log: SqliteLog, zone: str) -> tuple[dict[date, bool], dict[int, YearDays]]:
    """Fold the zone's partition, whole: this log keeps everything."""
    from services.core import Matching
    from services.cursor import Cursor
    from services.folding import Fold
    from services.wire import partition_of

    partition = partition_of(zone, log.partitions)
    fold, cursor = Fold(Matching(), partition), Cursor(log, JOURNAL, partition)
    await cursor.recheck()
    while cursor.backlog:
        for record in await cursor.take(RECORDS):
            fold.accept(record.offset, record.value)
    if zone not in fold.zones:
        raise Stop(ExitCode.BAD_INPUT, f"Zone ({zone}) is not in this log. Check its name, or leave --zone out.")
    found = fold.zones[zone]
    return dict(found.own_days), dict(found.years or {})
