"""What a feeder of the board in Redis keeps beside the views: its place in the journal, answered and parked commands.

Called by `board_redis.py` (in the transaction that writes the views) and by `redis_rebuild.py`. Says what is written
and how it is read; opens nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from matcher.events import CommandParked, Event
from services.adapters.redis_keys import Keys
from services.adapters.redis_working import Command
from services.following import HeldEntry, Place
from services.reading import Chain

#: Parked commands remembered of a partition; the oldest are forgotten first.
PARKED_MAX = 10_000


class _Stored(msgspec.Struct):
    """A place without its sign-in ids, which stand in a set of their own: they are many and seldom new."""

    next_offset: int
    last: str
    signed: bool
    entries: int
    topic_id: str


_decoder = msgspec.json.Decoder(_Stored)


class Batch(msgspec.Struct, frozen=True):
    """What one transaction puts on the board. `place` None: only views, receipts and `next_offset` move."""

    partition: int
    #: journal offset and events of each entry, in order
    entries: list[tuple[int, Sequence[Event]]]
    next_offset: int
    place: Place | None = None
    answered: int | None = None

    @property
    def events(self) -> list[Event]:
        """The events of all entries."""
        return [event for _, events in self.entries for event in events]

    def since(self, offset: int) -> Batch:
        """Without the entries before an offset, which are on the board."""
        kept = [entry for entry in self.entries if entry[0] >= offset]
        return msgspec.structs.replace(self, entries=kept)


def batches(partition: int, entries: Sequence[HeldEntry], place: Place, events_max: int) -> Iterator[Batch]:
    """Cut entries into transactions of a bearable size; the last one keeps the place."""
    part: list[tuple[int, Sequence[Event]]] = []
    size = 0
    answered: int | None = None
    for held in entries:
        if part and size + len(held.events) > events_max:
            yield Batch(partition, part, part[-1][0] + 1, answered=answered)
            part, size = [], 0
        part.append((held.offset, held.events))
        size += len(held.events)
        answered = held.entry.last + 1
    yield Batch(partition, part, place.chain.next_offset, place, answered)


def place_commands(keys: Keys, batch: Batch, signed: int) -> Iterator[Command]:
    """Keep the place. `signed`: how many sign-in ids are there already."""
    partition = batch.partition
    yield ("SADD", keys.generations, keys.generation)
    yield ("SET", keys.next(partition), batch.next_offset)
    yield from parked_commands(keys, partition, batch.events)
    if batch.answered is not None:
        yield ("HSET", keys.answered, partition, batch.answered)
    if batch.place is None:
        return
    chain = batch.place.chain
    stored = _Stored(chain.next_offset, chain.last, chain.signed, chain.entries, batch.place.topic_id)
    yield ("HSET", keys.places, partition, msgspec.json.encode(stored))
    if len(chain.seen) != signed:
        yield ("SADD", keys.signed(partition), *sorted(chain.seen))


def parked_commands(keys: Keys, partition: int, events: Iterable[Event]) -> Iterator[Command]:
    """Keep why commands were set aside."""
    parked = [event for event in events if isinstance(event, CommandParked)]
    for event in parked:
        yield ("ZADD", keys.parked(partition), event.offset, f"{event.offset} {event.reason}")
    if parked:
        yield ("ZREMRANGEBYRANK", keys.parked(partition), 0, -1 - PARKED_MAX)


def read_place(value: bytes | None, signed: Iterable[bytes]) -> Place:
    """Read a stored place; one that was never stored is the journal's start."""
    if value is None:
        return Place()
    stored = _decoder.decode(value)
    chain = Chain(
        next_offset=stored.next_offset,
        last=stored.last,
        signed=stored.signed,
        entries=stored.entries,
        seen={name.decode() for name in signed},
    )
    return Place(chain=chain, topic_id=stored.topic_id)


def read_parked(members: Iterable[bytes]) -> dict[int, str]:
    """Read offsets of parked commands and their reasons."""
    pairs = (member.decode().split(" ", 1) for member in members)
    return {int(offset): reason for offset, reason in pairs}
