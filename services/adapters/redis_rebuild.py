"""Makes the board in Redis anew from the journal: folded in memory, written beside the old one, then shown at once.

Called by `paidan board rebuild`. While it runs the old board answers, marked stale; a rebuild that is killed leaves
the mark and some keys, which the next one removes. No KEYS, no FLUSHALL: it deletes what it knows by name.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from services.adapters.board_redis import Client
from services.adapters.redis_keys import FIRST, Keys
from services.adapters.redis_working import Command, Working
from services.board import Receipt
from services.cursor import Cursor
from services.exits import ExitCode, Stop
from services.names import JOURNAL, NAME
from services.ports import Log
from services.reading import Chain, Held
from services.receipts import remember
from services.viewing import Fold
from services.wire import decode_events

RECORDS = 500
#: Commands sent to Redis together.
CHUNK = 5_000


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
        fold, receipts, place, held = await _folded(log, partition, closed_max, receipts_max)
        entries += held
        zones += len(fold.zones)
        requests += sum(len(zone.requests) for zone in fold.zones.values())
        await _write(client, _commands(new, partition, fold, receipts, place))
    async with client.pipeline(transaction=True) as pipe:
        pipe.set(new.current, new.generation)
        pipe.delete(new.stale)
        await pipe.execute()
    await _remove_others(client, prefix, new.generation, partitions)
    return Rebuilt(entries, zones, requests)


Receipts = OrderedDict[tuple[str, str], Receipt]


async def _folded(log: Log, partition: int, closed_max: int, receipts_max: int) -> tuple[Fold, Receipts, int, int]:
    """Fold one partition: views, receipts, the offset that comes next, how many entries held."""
    fold, receipts, place = Fold(closed_max), OrderedDict[tuple[str, str], Receipt](), 0
    chain, cursor = Chain(), Cursor(log, JOURNAL, partition)
    await cursor.recheck()
    while cursor.backlog:
        for record in await cursor.take(RECORDS):
            judged = chain.accept(record.offset, record.value)
            if not isinstance(judged, Held):
                continue
            try:
                events = decode_events(judged.entry)
            except msgspec.MsgspecError as error:
                where = f"partition ({partition}), offset ({record.offset})"
                raise Stop(ExitCode.BAD_INPUT, f"The journal at {where} is newer than this program.") from error
            fold.apply(events)
            for event in events:
                if remember(receipts, partition, record.offset, event) and len(receipts) > receipts_max:
                    receipts.popitem(last=False)
            place = record.offset + 1
    return fold, receipts, place, chain.entries


def _commands(keys: Keys, partition: int, fold: Fold, receipts: Receipts, place: int) -> Iterator[Command]:
    for (zone, command), receipt in receipts.items():
        field = keys.receipt(zone, command)
        yield ("HSET", keys.receipts, field, msgspec.json.encode(receipt))
        yield ("RPUSH", keys.receipt_order(partition), field)
    for zone_fold in fold.zones.values():
        yield from Working.whole(zone_fold, keys).changes()
    if place:
        yield ("SET", keys.next(partition), place)


async def _write(client: Client, commands: Iterable[Command]) -> None:
    left = iter(commands)
    while part := list(islice(left, CHUNK)):
        async with client.pipeline(transaction=False) as pipe:
            for command in part:
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
    places = [name(partition) for partition in range(partitions) for name in (keys.next, keys.receipt_order)]
    await client.unlink(keys.zones, keys.receipts, *places)
    await client.srem(keys.generations, keys.generation)
