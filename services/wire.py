"""The bytes of the log: how commands, sign-ins and entries are written and read. The only codec.

The envelope of a journal record is decoded apart from its events: an entry whose events this version does not know
still holds its place in the chain (DESIGN 4.3).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from aiokafka.partitioner import murmur2

from matcher.commands import AnyCommand, Command
from matcher.events import AnyEvent, Event
from matcher.terms import Time

#: Limits of DESIGN 4.9, in bytes.
COMMAND_BYTES_MAX = 1 << 20
MESSAGE_BYTES_MAX = 8 << 20
ENTRY_BYTES_MAX = 4 << 20
BODY_BYTES_MAX = 512 << 10


class SignIn(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """A writer takes the partition. `id` is fresh and random on every try."""

    id: str
    at: Time


class Entry(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """The answer to the commands at [first, last]; an empty range (last = first - 1) answers none.

    `after`: id of the sign-in or entry before it in the chain. `hashes`: on every 1,000th entry, zone -> sha256 of
    the zone's canonical encoding after this entry.
    """

    id: str
    after: str
    first: int
    last: int
    at: Time
    hashes: dict[str, str] = {}
    events: msgspec.Raw = msgspec.Raw(b"[]")


class Unreadable(Exception):
    """Bytes that are no command; the text says why, without their content."""


_encoder = msgspec.json.Encoder(order="deterministic")
_command: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyCommand)
_envelope: msgspec.json.Decoder[Any] = msgspec.json.Decoder(SignIn | Entry)
_events: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[AnyEvent])


def encode(thing: Command | Event | SignIn | Entry) -> bytes:
    """Encode one command, event or journal record as JSON, keys in a fixed order."""
    return _encoder.encode(thing)


def encode_events(events: list[Event]) -> msgspec.Raw:
    """Encode an entry's events."""
    return msgspec.Raw(_encoder.encode(events))


def decode_command(value: bytes) -> Command:
    """Decode a command. Raises Unreadable with a reason that holds nothing of the content."""
    try:
        command: Command = _command.decode(value)
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8") from error
    except msgspec.ValidationError as error:
        raise Unreadable(f"not a known command: {_without_values(str(error))}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    return command


def decode_envelope(value: bytes) -> SignIn | Entry | None:
    """Decode a journal record's envelope; None when it is none (the record is void)."""
    try:
        record: SignIn | Entry = _envelope.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return record


def decode_events(entry: Entry) -> list[Event]:
    """Decode an entry's events. Raises msgspec.ValidationError for events newer than this program."""
    events: list[Event] = _events.decode(entry.events)
    return events


#: Zones whose partition is remembered; a stream of invented names must not fill the memory.
HOMES_MAX = 10_000


@lru_cache(HOMES_MAX)
def partition_of(zone: str, partitions: int) -> int:
    """Where a zone lives: Kafka's murmur2 of the zone's UTF-8 bytes, as its Java client computes it."""
    return int((murmur2(zone.encode()) & 0x7FFFFFFF) % partitions)


def _without_values(message: str) -> str:
    """Keep msgspec's words about types and the path, drop what it quotes of the content."""
    what, at, where = message.partition(" - at ")
    if "'" in what:
        what = "unknown type or value"
    elif "unknown field" in what:
        what = "unknown field"
    return what + at + where
