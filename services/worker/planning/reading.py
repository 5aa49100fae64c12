"""Reads from the log what a job takes: the state that it names, and what came after it.

Called on the worker's loop by `process.py`; it only fetches, folding is the planning process's.
"""

from __future__ import annotations

from services import snapshots
from services.jobs import Rematch
from services.names import JOURNAL
from services.ports import Log, LogUntrusted
from services.reading import Chain
from services.worker.planning.questions import Question, Records, State

#: Read from the log at once.
RECORDS = 500


async def question(log: Log, job: Rematch, *, kept: bool) -> Question:
    """Return the job with what it takes. `kept`: the process holds its state. Raises LogUntrusted, Stop (exit 4)."""
    bounds = await log.bounds(JOURNAL, job.partition)
    after = await records(log, job.partition, job.offset + 1, bounds.end)
    if kept:
        return Question(job=job, state=None, after=after)
    found = await snapshots.state_of(log, job.partition, job.zone, job.offset + 2)
    if found is not None and found[0].topic_ids.get(JOURNAL) == bounds.topic_id:
        chain, zone = found[0].chain, found[1]
    else:
        chain, zone = Chain(), None
    upto = await records(log, job.partition, chain.next_offset, job.offset + 1)
    return Question(job=job, state=State(chain=chain, zone=zone, records=upto), after=after)


async def records(log: Log, partition: int, first: int, end: int) -> Records:
    """Return the journal's records [first, end). Raises LogUntrusted where one is missing."""
    found: Records = []
    while first + len(found) < end:
        at = first + len(found)
        read = await log.read(JOURNAL, partition, at, min(RECORDS, end - at))
        if not read:
            raise LogUntrusted(f"({JOURNAL}), partition ({partition}) has no record at ({at}).")
        found += [(record.offset, record.value) for record in read]
    return found
