"""Folds a journal from the log alone and holds the result against every hash that its writers left (DESIGN 4.9).

Called by `paidan replay` and by the tests of golden journals. It decides nothing and solves nothing. What is compared:
the zones with the hashes that every 1,000th entry carries and with those of each snapshot; the commands that entries
answer, with those that come next; the policy that each match run names, with the one in force just then.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from matcher.events import Event, MatchRunFinished
from matcher.policy import Policy, sha256
from services import snapshots
from services.core import Matching
from services.cursor import Cursor
from services.folding import Fold
from services.folding import sha256 as digest
from services.names import JOURNAL
from services.ports import Log, LogUntrusted
from services.reading import Held, SignedIn
from services.snapshots import FOLD_VERSION, Manifest

RECORDS = 500


class Mismatch(msgspec.Struct, frozen=True):
    """The first place of a partition at which the log is not what it says; folding ends there."""

    partition: int
    offset: int
    words: str


class Replayed(msgspec.Struct, kw_only=True):
    """What was folded and what agreed. All numbers are over the partitions that were asked for."""

    partitions: int = 0
    #: Journal offsets read, sign-ins and void records among them.
    records: int = 0
    entries: int = 0
    events: int = 0
    sign_ins: int = 0
    void: int = 0
    #: Entries that carry hashes, and snapshots: all of them agree with the fold where there is no mismatch.
    hashed_entries: int = 0
    snapshots: int = 0
    #: Snapshots of another fold version, or with parts missing or damaged: nobody starts from them.
    snapshots_unusable: int = 0
    #: Match runs; each names the policy that was in force.
    runs: int = 0
    #: Zone -> sha256 of its canonical encoding at the end.
    zones: dict[str, str] = {}
    #: One hash over all of them.
    state_sha256: str = ""
    mismatches: list[Mismatch] = []
    #: Wall time; everything else is the same at every run.
    seconds: float = 0.0


async def replay(log: Log, partitions: Sequence[int], first: int = 0, last: int | None = None) -> Replayed:
    """Fold journal offsets up to `last` (None: all) of each partition.

    `first`: from the newest snapshot that ends before it, else from the beginning. Raises Stop (exit 5: a newer
    journal; exit 4), LogUntrusted where the log cannot even be read as one.
    """
    began = time.perf_counter()
    found = Replayed(partitions=len(partitions))
    for partition in partitions:
        await _Partition(log, partition, found).fold(first, last)
    found.zones = dict(sorted(found.zones.items()))
    found.state_sha256 = digest("".join(f"{zone} {own}\n" for zone, own in found.zones.items()).encode())
    found.seconds = time.perf_counter() - began
    return found


class _Partition:
    """One partition's fold and what it is held against."""

    def __init__(self, log: Log, partition: int, found: Replayed) -> None:
        self._log = log
        self._partition = partition
        self._found = found
        self._taken: dict[int, list[Manifest]] = {}

    async def fold(self, first: int, last: int | None) -> None:
        fold = await self._begun(first)
        await self._find_snapshots()
        cursor = Cursor(self._log, JOURNAL, self._partition, fold.chain.next_offset)
        await cursor.recheck()
        offset = fold.chain.next_offset
        try:
            self._compare(fold)
            while cursor.backlog and (last is None or offset <= last):
                room = RECORDS if last is None else min(RECORDS, last + 1 - offset)
                for record in await cursor.take(room):
                    offset = record.offset
                    self._take(fold, offset, record.value)
                offset = cursor.next_offset
        except LogUntrusted as error:
            self._found.mismatches.append(Mismatch(self._partition, offset, str(error)))
        self._found.zones |= fold.hashes()

    async def _begun(self, first: int) -> Fold:
        snapshot = await snapshots.upto(self._log, Matching(), self._partition, first) if first else None
        fold = _Watched(self._found, self._partition)
        if snapshot is not None:
            fold.chain, fold.answered, fold.zones = snapshot.fold.chain, snapshot.fold.answered, snapshot.fold.zones
        return fold

    async def _find_snapshots(self) -> None:
        async for manifest, whole in snapshots.each(self._log, self._partition):
            if whole and manifest.fold_version == FOLD_VERSION:
                self._taken.setdefault(manifest.chain.next_offset, []).append(manifest)
            else:
                self._found.snapshots_unusable += 1

    def _take(self, fold: Fold, offset: int, value: bytes) -> None:
        judged, events = fold.accept(offset, value)
        self._found.records += 1
        if isinstance(judged, Held):
            self._found.entries += 1
            self._found.events += len(events)
            self._found.hashed_entries += bool(judged.entry.hashes)
        elif isinstance(judged, SignedIn):
            self._found.sign_ins += 1
        else:
            self._found.void += 1
        self._compare(fold)

    def _compare(self, fold: Fold) -> None:
        """Hold the fold against snapshots that were taken here. Raises LogUntrusted."""
        at = fold.chain.next_offset
        for manifest in self._taken.pop(at, []):
            fold.compare(manifest.zones, at - 1, f"snapshot ({manifest.id}) holds")
            if (fold.answered, fold.chain.last) != (manifest.answered, manifest.chain.last):
                raise LogUntrusted(f"Snapshot ({manifest.id}) stands elsewhere in the chain than its offset says.")
            self._found.snapshots += 1


class _Watched(Fold):
    """A fold that looks at what decisions say they were made with."""

    def __init__(self, found: Replayed, partition: int) -> None:
        super().__init__(Matching(), partition)
        self._found = found
        self._hashes: dict[str, tuple[Policy, str]] = {}

    def evolve(self, event: Event) -> None:
        """Take one event in. Raises LogUntrusted for a run under another policy than the one in force."""
        if isinstance(event, MatchRunFinished) and event.zone in self.zones:
            self._found.runs += 1
            own = self._policy_sha256(event.zone)
            if event.policy_sha256 != own:
                raise LogUntrusted(
                    f"The run of zone ({event.zone}), beat ({event.beat}) names policy ({event.policy_sha256}); "
                    f"in force is ({own})."
                )
        super().evolve(event)

    def _policy_sha256(self, zone: str) -> str:
        policy = self.zones[zone].policy
        known = self._hashes.get(zone)
        if known is None or known[0] is not policy:
            known = self._hashes[zone] = (policy, sha256(policy))
        return known[1]
