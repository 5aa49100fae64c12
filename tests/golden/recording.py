"""Whole logs, kept: `python -m tests.golden.recording VERSION` records one, `read` gives any of them back.

Recorded once a release and never again. Writers come and go while it is recorded, one of them without having noticed
that it was overtaken; what could not be read is replayed or dropped.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import itertools
import json
import sys
from pathlib import Path
from typing import Any, get_args

from matcher.events import AnyEvent
from services.adapters.memory import MemoryLog
from services.core import Matching
from services.embedded import Embedded
from services.names import COMMANDS, JOURNAL, TOPICS
from services.parked import Shelf, drop, replay
from services.ports import Log, Message
from services.reading import Chain, Held
from services.replaying import Replayed
from services.replaying import replay as replayed
from services.solving import InlineSolver
from services.wire import Entry, SignIn, Unreadable, decode_command, decode_events, encode, partition_of
from tests.golden import story
from tests.stories.story import BEGIN

FOLDER = Path(__file__).parent / "journals"
PARTITIONS = 4
SEED = 20261123
#: Commands asked at once, how often hashes and snapshots are written: small, so that a small log has many of them.
GROUP, HASH_EVERY, SNAPSHOT_EVERY = 9, 10, 60
RUNS = 3


def releases() -> list[str]:
    """Return the versions of which there is a log."""
    return sorted(path.name.removesuffix(".jsonl.gz") for path in FOLDER.glob("*.jsonl.gz"))


def expected(version: str) -> dict[str, Any]:
    """Return what a version's log folds to."""
    found: dict[str, Any] = json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))
    return found


def lines(version: str) -> list[dict[str, Any]]:
    """Return a version's log, record by record."""
    with gzip.open(FOLDER / f"{version}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


async def read(version: str, log: Log) -> None:
    """Append a version's log to an empty one of the same number of partitions."""
    for (topic, partition), own in itertools.groupby(lines(version), lambda line: (line["topic"], line["partition"])):
        assert await log.append(topic, partition, [_message(line) for line in own]) == 0


def _message(line: dict[str, Any]) -> Message:
    value = base64.b64decode(line["base64"]) if "base64" in line else line["value"].encode()
    return Message(value, line.get("headers", {}))


async def record(seed: int = SEED) -> MemoryLog:
    """Play the story through writers that come and go."""
    log = MemoryLog(PARTITIONS, clock=BEGIN.timestamp)
    values = list(story.asked(seed))
    ids = (f"w{number}" for number in itertools.count())
    share = -(-len(values) // RUNS)
    for part in _batched(values, share):
        await _play(log, part, ids)
        await _disturb(log)
    await _clear_the_shelf(log)
    await _play(log, [], ids)
    return log


async def summary(log: Log, version: str) -> dict[str, Any]:
    """Return what today's code folds a log to."""
    return {"version": version, "partitions": PARTITIONS, **stable(await replayed(log, range(PARTITIONS)))}


def stable(found: Replayed) -> dict[str, Any]:
    """Return the part that is the same at every run."""
    names = ("records", "entries", "events", "sign_ins", "void", "hashed_entries", "snapshots", "runs", "zones")
    return {name: getattr(found, name) for name in (*names, "state_sha256")}


async def kinds(log: Log) -> set[str]:
    """Return the names of the events that the journal holds."""
    found = set()
    for partition in range(PARTITIONS):
        chain = Chain()
        for record in await log.read(JOURNAL, partition, 0, 10**9):
            judged = chain.accept(record.offset, record.value)
            if isinstance(judged, Held):
                found |= {type(event).__name__ for event in decode_events(judged.entry)}
    return found


async def _play(log: MemoryLog, values: list[bytes], ids: Any) -> None:
    chain = Embedded(
        log, Matching(), InlineSolver(), partitions=PARTITIONS, linger_s=0, hash_every=HASH_EVERY,
        snapshot_every=SNAPSHOT_EVERY, now=lambda: BEGIN, new_id=lambda: next(ids),
    )  # fmt: skip
    await chain.start()
    for group in _batched(values, GROUP):
        by_partition: dict[int, list[bytes]] = {}
        for value in group:
            by_partition.setdefault(_home(value), []).append(value)
        for partition, own in by_partition.items():
            first = await chain.append_raw(partition, own)
            await chain.answered(partition, first + len(own) - 1)
    end = (await log.bounds(COMMANDS, 0)).end
    await chain.answered(0, end - 1)
    await chain.stop()


def _home(value: bytes) -> int:
    try:
        return partition_of(decode_command(value).zone, PARTITIONS)
    except Unreadable:
        return 0


async def _disturb(log: MemoryLog) -> None:
    """Leave what an overtaken writer, a stranger and a wrong producer would."""
    late = Entry(id="late", after="w0", first=0, last=0, at=BEGIN)
    again = SignIn(id="w0", at=BEGIN)
    for partition in range(PARTITIONS):
        strangers = [Message(encode(late)), Message(b"no record"), Message(encode(again))]
        await log.append(JOURNAL, partition, strangers)
    stranger = next(value for value in story.asked(SEED) if _home(value) != 1)
    await log.append(COMMANDS, 1, [Message(stranger)])


async def _clear_the_shelf(log: MemoryLog) -> None:
    for partition in range(PARTITIONS):
        shelf = Shelf(log, partition)
        await shelf.read()
        for number, parked in enumerate(list(shelf.records.values())):
            if partition == 1:
                value = await shelf.value(parked)
                await replay(log, shelf, parked, value, _home(value))
            elif number % 2:
                await drop(log, shelf, parked, "nobody knows what it was")


def _batched(values: list[bytes], size: int) -> list[list[bytes]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


async def _write(version: str) -> None:
    if version in releases():
        raise SystemExit(f"({version}) is recorded already, and people have logs like it: it is never made again.")
    log = await record()
    missing = {kind.__name__ for kind in get_args(AnyEvent)} - await kinds(log)
    if missing:
        raise SystemExit(f"The story (tests/golden/story.py) never comes to {sorted(missing)}. Let it, then record.")
    FOLDER.mkdir(exist_ok=True)
    with gzip.GzipFile(FOLDER / f"{version}.jsonl.gz", "wb", mtime=0) as file:
        for topic in TOPICS:
            for partition in range(PARTITIONS):
                for found in await log.read(topic, partition, 0, 10**9):
                    file.write(json.dumps(_line(topic, partition, found), ensure_ascii=False).encode() + b"\n")
    said = {**await summary(log, version), "kinds": sorted(await kinds(log)), "decides_otherwise": {}}
    (FOLDER / f"{version}.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def _line(topic: str, partition: int, record: Any) -> dict[str, Any]:
    line = {"topic": topic, "partition": partition, "offset": record.offset}
    try:
        line["value"] = record.value.decode()
    except UnicodeDecodeError:
        line["base64"] = base64.b64encode(record.value).decode()
    return {**line, "headers": record.headers} if record.headers else line


if __name__ == "__main__":
    asyncio.run(_write(sys.argv[1]))
