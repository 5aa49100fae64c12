"""A partition's folded state, written so that a writer need not fold the whole journal (DESIGN 4.9).

Parts first, the manifest last: no manifest, a missing part, a bad hash or another fold version means no snapshot.
A snapshot is a convenience; the journal alone is the truth.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
import zstandard

from services.core import Core
from services.folding import Fold, sha256
from services.meters import Meters
from services.names import SNAPSHOTS
from services.ports import Log, Message, Record
from services.reading import Chain

#: Raised whenever `evolve` or a zone's encoding gives another state for the same events: old snapshots are ignored.
FOLD_VERSION = 1

PART_BYTES_MAX = 768 << 10
#: Records looked at per step back from the topic's end.
WINDOW = 8


class Manifest(msgspec.Struct, frozen=True, kw_only=True, tag="Manifest", tag_field="type"):
    """What a snapshot is: written last, so that its presence says that the parts are there."""

    id: str
    fold_version: int
    at: datetime
    #: Offset of the first part; parts of other snapshots may lie between.
    first: int
    parts: int
    chain: Chain
    #: Commands before this offset are answered.
    answered: int
    #: Topic -> id of the topics that the state was folded from.
    topic_ids: dict[str, str]
    #: Zone -> sha256 of its canonical encoding.
    zones: dict[str, str]


class Snapshot(msgspec.Struct, frozen=True):
    """A state that was found whole."""

    fold: Fold
    topic_ids: dict[str, str]


_manifests = msgspec.json.Decoder(Manifest)
_states = msgspec.msgpack.Decoder(dict[str, bytes])


async def write(log: Log, fold: Fold, snapshot_id: str, at: datetime, topic_ids: dict[str, str]) -> int:
    """Write the state; return its size in bytes. Only while it is not ahead of the journal and stands still."""
    states = {zone: bytes(fold.zones[zone].encode()) for zone in sorted(fold.zones)}
    packed = zstandard.compress(msgspec.msgpack.encode(states))
    parts = [packed[start : start + PART_BYTES_MAX] for start in range(0, len(packed), PART_BYTES_MAX)]
    headers = {"snapshot": snapshot_id}
    offsets = [await log.append(SNAPSHOTS, fold.partition, [Message(part, headers)]) for part in parts]
    manifest = Manifest(
        id=snapshot_id,
        fold_version=FOLD_VERSION,
        at=at,
        first=offsets[0],
        parts=len(parts),
        chain=fold.chain,
        answered=fold.answered,
        topic_ids=topic_ids,
        zones={zone: sha256(state) for zone, state in states.items()},
    )
    await log.append(SNAPSHOTS, fold.partition, [Message(msgspec.json.encode(manifest))])
    return len(packed)


async def newest(log: Log, core: Core, partition: int, meters: Meters) -> Snapshot | None:
    """Return the newest snapshot that is whole and of this fold version, or None."""
    async for manifest, offset in _newest_first(log, partition):
        snapshot = await _revive(log, core, partition, manifest, offset)
        if snapshot is not None:
            return snapshot
        meters.snapshot_ignored(partition)
    return None


async def state_of(
    log: Log, partition: int, zone: str, before: int | None = None
) -> tuple[Manifest, bytes | None] | None:
    """Return the newest whole snapshot's manifest and one zone's state in it, None where there is no snapshot.

    `before`: only snapshots of what stands before this journal offset. Unpacking leaves the event loop alone.
    """
    async for manifest, offset in _newest_first(log, partition):
        if before is None or manifest.chain.next_offset < before:
            parts = await _parts(log, partition, manifest, offset)
            states = None if parts is None else await asyncio.to_thread(_states_of, manifest, parts)
            if states is not None:
                return manifest, states.get(zone)
    return None


async def upto(log: Log, core: Core, partition: int, offset: int) -> Snapshot | None:
    """Return the newest whole snapshot of what stands before this journal offset, or None."""
    async for manifest, at in _newest_first(log, partition):
        if manifest.chain.next_offset <= offset:
            snapshot = await _revive(log, core, partition, manifest, at)
            if snapshot is not None:
                return snapshot
    return None


async def each(log: Log, partition: int) -> AsyncIterator[tuple[Manifest, bool]]:
    """Yield every snapshot's manifest, newest first, and whether its parts are there and are what it says."""
    async for manifest, offset in _newest_first(log, partition):
        parts = await _parts(log, partition, manifest, offset)
        yield manifest, parts is not None and _states_of(manifest, parts) is not None


async def _newest_first(log: Log, partition: int) -> AsyncIterator[tuple[Manifest, int]]:
    """Yield every manifest with its offset."""
    bounds = await log.bounds(SNAPSHOTS, partition)
    until = bounds.end
    while until > bounds.start:
        since = max(bounds.start, until - WINDOW)
        for record in reversed(await log.read(SNAPSHOTS, partition, since, until - since)):
            manifest = _manifest(record)
            if manifest is not None:
                yield manifest, record.offset
        until = since


def renamed(record: Record, topic_ids: dict[str, str]) -> Message:
    """Return the record for a copy of its log: a manifest names the copy's topics, old id -> new id."""
    manifest = _manifest(record)
    if manifest is None or not set(manifest.topic_ids.values()) <= topic_ids.keys():
        return Message(record.value, record.headers)
    ids = {topic: topic_ids[topic_id] for topic, topic_id in manifest.topic_ids.items()}
    return Message(msgspec.json.encode(msgspec.structs.replace(manifest, topic_ids=ids)), record.headers)


def _manifest(record: Record) -> Manifest | None:
    if "snapshot" in record.headers:
        return None
    try:
        return _manifests.decode(record.value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


async def _revive(log: Log, core: Core, partition: int, manifest: Manifest, offset: int) -> Snapshot | None:
    parts = await _parts(log, partition, manifest, offset)
    states = None if parts is None else _states_of(manifest, parts)
    if states is None:
        return None
    fold = Fold(core, partition)
    fold.chain = manifest.chain
    fold.answered = manifest.answered
    fold.zones = {zone: core.revive(state) for zone, state in states.items()}
    return Snapshot(fold, manifest.topic_ids)


async def _parts(log: Log, partition: int, manifest: Manifest, offset: int) -> list[bytes] | None:
    """Return all parts of a snapshot of this fold version, else None."""
    if manifest.fold_version != FOLD_VERSION or manifest.first >= offset:
        return None
    records = await log.read(SNAPSHOTS, partition, manifest.first, offset - manifest.first)
    parts = [record.value for record in records if record.headers.get("snapshot") == manifest.id]
    return parts if len(parts) == manifest.parts else None


def _states_of(manifest: Manifest, parts: list[bytes]) -> dict[str, bytes] | None:
    """Return zone -> its encoding, None where it is not what the manifest says."""
    states = _unpack(parts)
    if states is None or {zone: sha256(state) for zone, state in states.items()} != manifest.zones:
        return None
    return states


def _unpack(parts: list[bytes]) -> dict[str, bytes] | None:
    try:
        return _states.decode(zstandard.decompress(b"".join(parts)))
    except (zstandard.ZstdError, msgspec.MsgspecError):
        return None
