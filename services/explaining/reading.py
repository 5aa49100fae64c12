"""Reads what an explanation needs of a log: a snapshot of the zone, and the journal from there to its end.

Called on the event loop of the API and of `paidan explain`; it only fetches, folding is the answering side's.
"""

from __future__ import annotations

from services import snapshots
from services.explaining.questions import History
from services.names import JOURNAL
from services.ports import Log, LogUntrusted
from services.reading import Chain

#: Read from the log at once.
RECORDS = 500


class TooFar(Exception):
    """There is more between the snapshot and the journal's end than may be read."""


async def history(
    log: Log,
    partition: int,
    zone: str,
    *,
    before: int | None = None,
    records_max: int | None = None,
    bytes_max: int | None = None,
) -> History:
    """Return the partition's journal from the newest snapshot on. Raises TooFar, LogUntrusted.

    `before`: from the newest snapshot that ends before this journal offset, else from the journal's beginning.
    """
    bounds = await log.bounds(JOURNAL, partition)
    found = await snapshots.state_of(log, partition, zone, before)
    if found is not None and found[0].topic_ids.get(JOURNAL) == bounds.topic_id:
        chain, state = found[0].chain, found[1]
    else:
        chain, state = Chain(), None
    first = chain.next_offset
    if records_max is not None and bounds.end - first > records_max:
        raise TooFar
    records: list[tuple[int, bytes]] = []
    size_bytes = 0
    while first + len(records) < bounds.end:
        at = first + len(records)
        read = await log.read(JOURNAL, partition, at, min(RECORDS, bounds.end - at))
        records += [(record.offset, record.value) for record in read]
        size_bytes += sum(len(record.value) for record in read)
        if not read:
            raise LogUntrusted(f"({JOURNAL}), partition ({partition}) has no record at ({at}).")
        if bytes_max is not None and size_bytes > bytes_max:
            raise TooFar
    return History(partition=partition, chain=chain, state=state, records=records, whole=first == 0)
