"""Makes the board in Redis anew from the journal: folded in memory, written beside the old one, then shown at once.

Called by `paidan board rebuild`. While it runs the old board answers, marked stale; what it was told meanwhile
is told again to the new one by its follower. A rebuild that is killed leaves the mark and some keys, which the next one
removes. No KEYS, no FLUSHALL: it deletes what it knows by name.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec
from redis.exceptions import WatchError

from matcher.events import CommandParked, Event
from services.adapters.board_redis import Client
from services.adapters.redis_keys import FIRST, Keys
from services.adapters.redis_merging import merged
from services.adapters.redis_place import Batch, place_commands
from services.adapters.redis_working import Command, Working
from services.board import Receipt
from services.cursor import Cursor
from services.exits import ExitCode, Stop
from services.following import Place
from services.names import JOURNAL, NAME
from services.ports import Log
from services.reading import Held, events_of
from services.receipts import remember
from services.viewing import Fold
from services.wire import Entry

RECORDS = 500
#: Commands sent to Redis together.
CHUNK = 5_000
#: How often the pointer is tried again because a follower wrote meanwhile.
TRIES = 1_000


class Rebuilt(msgspec.Struct, frozen=True):
    """What was made: how many entries were folded, zones and views written."""

    entries: int
    zones: int
    requests: int


async def rebuild(
    client: Client,
    log: Log,
    partitions: int,
    receipts_max: int = 200_000,
    closed_max: int = 100_000,
    *,
    prefix: str = f"{NAME}:",
) -> Rebuilt:
    """Fold the whole journal and put the result in the place of the board. Raises LogUntrusted, Stop, RedisError."""
    old = Keys(prefix)
    new = Keys(prefix, secrets.token_hex(4))
    await client.set(old.stale, "being rebuilt")
    await client.sadd(old.generations, new.generation)
    entries = zones = requests = 0
    for partition in range(partitions):
        made = await _folded(log, partition, closed_max, receipts_max)
        entries += made.place.chain.entries
        zones += len(made.fold.zones)
        requests += sum(len(zone.requests) for zone in made.fold.zones.values())
        await _write(client, _commands(new, made))
    await _show(client, new, partitions)
    await _remove_others(client, prefix, new.generation, partitions)
    return Rebuilt(entries, zones, requests)


async def _show(client: Client, new: Keys, partitions: int) -> None:
    """Change the pointer. Partitions that were told more meanwhile are marked until their follower tells it again.

    It does so at its next entry, or within 5 s: it finds less than it told. Raises Stop.
    """
    for _ in range(TRIES):
        async with client.pipeline(transaction=True) as pipe:
            await pipe.watch(new.current)
            shown = (await pipe.get(new.current) or FIRST.encode()).decode()
            told = [Keys(new.prefix, shown).next(partition) for partition in range(partitions)]
            await pipe.watch(*told)
            before = await pipe.mget(told)
            after = await pipe.mget([new.next(partition) for partition in range(partitions)])
            behind = [n for n in range(partitions) if int(after[n] or 0) < int(before[n] or 0)]
            pipe.multi()
            if behind:
                pipe.sadd(new.filling, *behind)
            pipe.set(new.current, new.generation)
            pipe.delete(new.stale)
            try:
                await pipe.execute()
            except WatchError:
                continue
            return
    raise Stop(ExitCode.UNREACHABLE, "The board is written without a pause, so it cannot be replaced. Try again.")


class _Made(msgspec.Struct):
    """One partition, folded."""

    partition: int
    fold: Fold
    place: Place = msgspec.field(default_factory=Place)
    receipts: OrderedDict[tuple[str, str], Receipt] = msgspec.field(default_factory=OrderedDict)
    parked: list[Event] = []
    answered: int = 0


async def _folded(log: Log, partition: int, closed_max: int, receipts_max: int) -> _Made:
    """Fold one partition up to its end."""
    made = _Made(partition, Fold(closed_max))
    cursor = Cursor(log, JOURNAL, partition)
    await cursor.recheck()
    made.place.topic_id = cursor.topic_id or ""
    while cursor.backlog:
        for record in await cursor.take(RECORDS):
            judged = made.place.chain.accept(record.offset, record.value)
            if not isinstance(judged, Held):
                continue
            events = events_of(partition, record.offset, judged.entry)
            _take(made, record.offset, judged.entry, events, receipts_max)
    return made


def _take(made: _Made, offset: int, entry: Entry, events: list[Event], receipts_max: int) -> None:
    made.fold.apply(events)
    made.answered = entry.last + 1
    made.parked += [event for event in events if isinstance(event, CommandParked)]
    for event in events:
        if remember(made.receipts, made.partition, offset, event) and len(made.receipts) > receipts_max:
            made.receipts.popitem(last=False)


def _commands(keys: Keys, made: _Made) -> Iterator[Command]:
    for (zone, command), receipt in made.receipts.items():
        field = keys.receipt(zone, command)
        yield ("HSET", keys.receipts, field, msgspec.json.encode(receipt))
        yield ("RPUSH", keys.receipt_order(made.partition), field)
    for zone_fold in made.fold.zones.values():
        yield from Working.whole(zone_fold, keys).changes()
    next_offset = made.place.chain.next_offset
    batch = Batch(made.partition, [(next_offset, made.parked)], next_offset, made.place, made.answered)
    yield from place_commands(keys, batch, 0)


async def _write(client: Client, commands: Iterable[Command]) -> None:
    left = iter(commands)
    while part := list(islice(left, CHUNK)):
        async with client.pipeline(transaction=False) as pipe:
            for command in merged(part):
                pipe.execute_command(*command)
            await pipe.execute()


async def _remove_others(client: Client, prefix: str, kept: str, partitions: int) -> None:
    """Delete every generation but the one that is shown."""
    known = {name.decode() for name in await client.smembers(Keys(prefix).generations)}
    for generation in (known | {FIRST}) - {kept}:
        await remove(client, Keys(prefix, generation), partitions)


async def remove(client: Client, keys: Keys, partitions: int) -> None:
    """Delete one generation, key by key."""
    for zone in [name.decode() for name in await client.smembers(keys.zones)]:
        its = keys.zone(zone)
        async for index in client.sscan_iter(its.indexes, count=RECORDS):
            await client.unlink(index)
        await client.unlink(*its.fixed())
    await client.unlink(
        *keys.of_all(), *(key for partition in range(partitions) for key in keys.of_partition(partition))
    )
    await client.srem(keys.generations, keys.generation)
