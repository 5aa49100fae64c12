"""A partition's state as its journal says: chain, answered commands, zones. Folding never solves and never decides.

Used by the Writer (which then runs ahead of it by one group) and by anybody who needs a state at (partition, offset).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from matcher.events import Attempt, Event
from services.core import Core, Zones
from services.parking import NO_ZONE
from services.ports import LogUntrusted
from services.reading import Chain, Held, SignedIn, Void, events_of
from services.wire import Entry


class Tried(msgspec.Struct, frozen=True):
    """A command that is being tried alone and has no answer yet."""

    offset: int
    n: int


class Fold:
    """The state of one partition after the journal records seen so far."""

    def __init__(self, core: Core, partition: int) -> None:
        self.core = core
        self.partition = partition
        self.chain = Chain()
        self.zones: Zones = {}
        #: Commands before this offset have their answer in the journal.
        self.answered = 0
        self.tried: Tried | None = None

    def accept(self, offset: int, value: bytes) -> tuple[Held | SignedIn | Void, list[Event]]:
        """Take in the journal record at `offset`; return the judgement and, if it holds, its events.

        Raises LogUntrusted, or Stop(BAD_INPUT) for events that this version does not know.
        """
        judged = self.chain.accept(offset, value)
        if not isinstance(judged, Held):
            return judged, []
        events = events_of(self.partition, offset, judged.entry)
        self.take(offset, judged.entry, events)
        return judged, events

    def take(self, offset: int, entry: Entry, events: Sequence[Event]) -> None:
        """Take in an entry that was judged to hold, with its events. Raises LogUntrusted."""
        for event in events:
            self.evolve(event)
        self.answer(entry)
        self._compare(offset, entry)

    def evolve(self, event: Event) -> None:
        """Take one event into its zone; events of the partition itself change no zone."""
        if event.zone != NO_ZONE:
            self.core.evolve(self.zones, event)
        elif isinstance(event, Attempt):
            self.tried = Tried(event.offset, event.n)

    def answer(self, entry: Entry) -> None:
        """Count the entry's commands as answered. Raises LogUntrusted if they are not the next ones."""
        if entry.last < entry.first:
            return
        if entry.first != self.answered:
            raise LogUntrusted(
                f"Entry ({entry.id}) of partition ({self.partition}) answers from ({entry.first}) on, "
                f"but ({self.answered}) comes next."
            )
        self.answered = entry.last + 1
        self.tried = None

    def hashes(self) -> dict[str, str]:
        """Return zone -> sha256 of its canonical encoding."""
        return {zone: sha256(self.zones[zone].encode()) for zone in sorted(self.zones)}

    def _compare(self, offset: int, entry: Entry) -> None:
        if entry.hashes:
            self.compare(entry.hashes, offset, "the writer had")

    def compare(self, hashes: Mapping[str, str], offset: int, whose: str) -> None:
        """Hold the zones against hashes that somebody else took at this place. Raises LogUntrusted."""
        own = self.hashes()
        if hashes != own:
            differing = sorted(zone for zone in own.keys() | hashes.keys() if own.get(zone) != hashes.get(zone))
            raise LogUntrusted(
                f"The zones folded up to partition ({self.partition}), offset ({offset}) are not those that {whose}: "
                f"({len(differing)}) differ, the first is ({differing[0]}). "
                "Fold with the version that wrote them, and report it."
            )


def sha256(data: bytes) -> str:
    """Return the hash in hex."""
    return hashlib.sha256(data).hexdigest()
