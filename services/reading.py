"""The one reading rule of the journal (DESIGN 4.3): which records hold. Pure; every reader uses it, nobody else judges.

A reader keeps its `Chain` together with its output (state, transaction, snapshot), never apart from it.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from matcher.events import Event
from services.exits import ExitCode, Stop
from services.ports import LogUntrusted
from services.wire import Entry, SignIn, decode_envelope, decode_events


class Held(msgspec.Struct, frozen=True):
    """The entry holds: what it says has happened."""

    entry: Entry


class SignedIn(msgspec.Struct, frozen=True):
    """A writer took the partition. `directly`: the one before it died without an entry."""

    id: str
    directly: bool


class Void(msgspec.Struct, frozen=True):
    """The record means nothing to anybody."""


VOID = Void()


class Reader(Protocol):
    """Somebody who is told what has happened, in order per partition, only once it holds."""

    def entry(self, partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
        """Take in one holding entry of the journal."""


def events_of(partition: int, offset: int, entry: Entry) -> list[Event]:
    """Decode the events of an entry that holds. Raises Stop (exit 5) where this version does not know one of them.

    It stays in the chain; but whoever went on without it would hold a state that nobody else has.
    """
    try:
        return decode_events(entry)
    except msgspec.MsgspecError as error:
        place = f"partition ({partition}), offset ({offset})"
        raise Stop(
            ExitCode.BAD_INPUT,
            f"The journal's entry at {place} is newer than this program. Use a newer version; nothing is lost.",
        ) from error


class Chain(msgspec.Struct):
    """Where a reader stands in one journal partition."""

    #: The offset that comes next.
    next_offset: int = 0
    #: Id of the last sign-in or entry that held; "" before the first.
    last: str = ""
    #: Whether that one is a sign-in.
    signed: bool = False
    #: How many entries have held.
    entries: int = 0
    #: Ids of all sign-ins that held.
    seen: set[str] = msgspec.field(default_factory=set)

    def accept(self, offset: int, value: bytes) -> Held | SignedIn | Void:
        """Judge the record at `offset`. Raises LogUntrusted if it is not the next one."""
        return self.take(offset, decode_envelope(value))

    def take(self, offset: int, record: SignIn | Entry | None) -> Held | SignedIn | Void:
        """Judge a decoded record (None: it could not be decoded)."""
        if offset != self.next_offset:
            raise LogUntrusted(f"The journal gave offset ({offset}) where ({self.next_offset}) comes next.")
        self.next_offset += 1
        if isinstance(record, SignIn):
            return self._sign_in(record)
        if isinstance(record, Entry):
            return self._entry(record)
        return VOID

    def _sign_in(self, record: SignIn) -> SignedIn | Void:
        if record.id in self.seen:
            return VOID
        directly, self.signed = self.signed, True
        self.seen.add(record.id)
        self.last = record.id
        return SignedIn(record.id, directly)

    def _entry(self, record: Entry) -> Held | Void:
        if not self.last or record.after != self.last:
            return VOID
        self.last, self.signed = record.id, False
        self.entries += 1
        return Held(record)
