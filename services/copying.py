"""Copies a whole log into an empty one, every record at its offset, and proves that both are equal.

Called by `paidan log copy`; knows only the port `Log`. Nobody may write to either log meanwhile. A record's value and
headers are copied as they are, but for one thing: a snapshot's manifest names the topics that it was folded from, and
in the copy it names the copy's. Append times are the copy's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from services import snapshots
from services.exits import ExitCode, Stop
from services.names import COMMANDS, JOURNAL, PARKED, SNAPSHOTS, TOPICS
from services.ports import AppendUncertain, Log, LogUntrusted, Message, Record

#: Commands last: half a copy answers commands that it does not have, and no writer takes it for a log.
ORDER = (JOURNAL, PARKED, SNAPSHOTS, COMMANDS)
CHUNK_RECORDS = 200

Progress = Callable[[int, int], None]


class Copied(msgspec.Struct, frozen=True):
    """One partition of both logs: so many records, with this hash over their values and headers."""

    topic: str
    partition: int
    records: int
    size_bytes: int
    sha256: str


async def copy(source: Log, target: Log, partitions: int, progress: Progress) -> list[Copied]:
    """Copy and compare; `progress(done, all)` counts records, each twice: once copied, once compared.

    Raises Stop (exit 5: the target is not empty or somebody writes to it; exit 4: the answer to an append was lost),
    LogUntrusted when the logs differ afterwards.
    """
    places = [(topic, partition) for topic in ORDER for partition in range(partitions)]
    await _empty(target, places)
    ends = {place: (await source.bounds(*place)).end for place in places}
    renames = {(await source.bounds(topic, 0)).topic_id: (await target.bounds(topic, 0)).topic_id for topic in TOPICS}
    counted = _Count(2 * sum(ends.values()), progress)
    for place in places:
        await _copy(source, target, place, ends[place], renames, counted)
    return [await _compare(source, target, place, ends[place], renames, counted) for place in places]


class _Count:
    def __init__(self, everything: int, progress: Progress) -> None:
        self._done = 0
        self._all = everything
        self._progress = progress

    def add(self, records: int) -> None:
        self._done += records
        self._progress(self._done, self._all)


async def _empty(target: Log, places: list[tuple[str, int]]) -> None:
    for topic, partition in places:
        bounds = await target.bounds(topic, partition)
        if (bounds.start, bounds.end) != (0, 0):
            raise Stop(
                ExitCode.BAD_INPUT,
                f"({topic}), partition ({partition}) of the target has had ({bounds.end}) records. "
                "Copy into topics that were just made; delete those of a copy that was broken off.",
            )


async def _copy(
    source: Log, target: Log, place: tuple[str, int], end: int, renames: dict[str, str], counted: _Count
) -> None:
    offset = 0
    while offset < end:
        messages = [_copied(place[0], record, renames) for record in await _read(source, place, offset, end)]
        try:
            first = await target.append(*place, messages)
        except AppendUncertain as error:
            words = f"The copy was broken off at ({place[0]}), partition ({place[1]}), offset ({offset}): {error} "
            raise Stop(
                ExitCode.UNREACHABLE, words + "Delete the target's topics, make them anew, copy again."
            ) from error
        if first != offset:
            raise Stop(
                ExitCode.BAD_INPUT,
                f"Somebody else writes to ({place[0]}), partition ({place[1]}) of the target: ({first}) came where "
                f"({offset}) was next. Stop them, make new topics, copy again.",
            )
        offset += len(messages)
        counted.add(len(messages))


async def _compare(
    source: Log, target: Log, place: tuple[str, int], end: int, renames: dict[str, str], counted: _Count
) -> Copied:
    """Read both again. Raises LogUntrusted."""
    words = f"({place[0]}), partition ({place[1]})"
    for log, name in ((source, "source"), (target, "target")):
        there = (await log.bounds(*place)).end
        if there != end:
            raise LogUntrusted(f"{words} of the {name} ends at ({there}), not at ({end}): somebody writes to it.")
    wanted, got, size_bytes, offset = hashlib.sha256(), hashlib.sha256(), 0, 0
    while offset < end:
        theirs = await _read(source, place, offset, end)
        ours = await _read(target, place, offset, offset + len(theirs))
        for record in theirs:
            _take(wanted, _copied(place[0], record, renames))
        for record in ours:
            _take(got, Message(record.value, record.headers))
            size_bytes += len(record.value)
        offset += len(theirs)
        counted.add(len(theirs))
    if wanted.digest() != got.digest():
        raise LogUntrusted(f"{words} of the target is not what was copied. Delete the target's topics, copy again.")
    return Copied(*place, end, size_bytes, got.hexdigest())


def _copied(topic: str, record: Record, renames: dict[str, str]) -> Message:
    return snapshots.renamed(record, renames) if topic == SNAPSHOTS else Message(record.value, record.headers)


async def _read(log: Log, place: tuple[str, int], offset: int, end: int) -> list[Record]:
    records: list[Record] = []
    wanted = min(CHUNK_RECORDS, end - offset)
    while len(records) < wanted:
        more = await log.read(*place, offset + len(records), wanted - len(records))
        if not more or more[0].offset != offset + len(records):
            raise LogUntrusted(f"({place[0]}), partition ({place[1]}) has nothing at ({offset + len(records)}).")
        records += more
    return records


def _take(digest: hashlib._Hash, message: Message) -> None:
    """Count in one record; lengths first, so that no two lists of records look alike."""
    for part in (message.value, *(word.encode() for pair in sorted(message.headers.items()) for word in pair)):
        digest.update(len(part).to_bytes(8, "big") + part)
    digest.update(b"\xff" * 8)
