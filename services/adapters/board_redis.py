"""Board in Redis: shared by processes, kept over restarts, deleted and rebuilt from the journal at will.

An entry and the offset up to which it is folded are one MULTI, guarded by WATCH: two feeders of a partition cannot
apply an entry twice, and a feeder that was overtaken changes nothing. Answers come from hashes and indexes, never
from a walk over everything where an index fits (`redis_keys.py`). Works with Redis 6.2 and later.

Told from the journal's start or from `next_offset`; it is the truth of nothing: when it is found emptied it says so
(`BoardLost`, and `stale` with every answer) and waits for `paidan board rebuild`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import WatchError

from matcher.events import Event
from matcher.geo import distance_m
from matcher.reasons import AnyRefusal
from services.adapters.redis_keys import FIRST, KINDS, Keys, best_index
from services.adapters.redis_working import LATITUDE_MAX, Command, decode, decode_zone, take_out
from services.board import Answer, Kind, Near, Receipt
from services.exits import ExitCode, Stop
from services.names import NAME
from services.receipts import remember
from services.wire import partition_of

#: Views fetched together while a list is filled.
CHUNK = 500
#: How often an entry is tried again because another feeder wrote meanwhile.
TRIES = 20
#: Redis measures with another earth and 52 bits: its distances differ from ours by less than this share, and metres.
GEO_SHARE, GEO_M = 0.001, 2.0
#: A redis.asyncio.Redis. Its own types cannot say that every answer is bytes and awaited.
Client = Any
SOCKET_S = 5.0
HEALTH_S = 25


class BoardLost(Stop):
    """The board holds less than it was told: emptied, or another one was put in its place. Exit 4."""

    def __init__(self, partition: int, holds: int, told: int) -> None:
        super().__init__(
            ExitCode.UNREACHABLE,
            f"The board in Redis holds partition ({partition}) up to offset ({holds}), it was told up to ({told}). "
            f"Run `{NAME} board rebuild`; the journal has everything.",
        )


class _StoredReceipt(Receipt, kw_only=True):
    reason: AnyRefusal | str | None = None


_receipts = msgspec.json.Decoder(_StoredReceipt)
_encode = msgspec.json.encode


def connect(url: str) -> Client:
    """A client, not connected yet; it looks after idle connections by itself."""
    return Redis.from_url(
        url,
        socket_keepalive=True,
        socket_timeout=SOCKET_S,
        socket_connect_timeout=SOCKET_S,
        health_check_interval=HEALTH_S,
    )


class RedisBoard:
    """See `Board`. `receipts_max` is a partition's, `closed_max` a zone's."""

    def __init__(
        self,
        client: Client,
        partitions: int,
        receipts_max: int = 200_000,
        closed_max: int = 100_000,
        *,
        prefix: str = f"{NAME}:",
    ) -> None:
        self._client = client
        self._partitions = partitions
        self._receipts_max = receipts_max
        self._closed_max = closed_max
        self._prefix = prefix
        self._keys = Keys(prefix)
        self._told: dict[int, int] = {}

    async def next_offset(self, partition: int) -> int:
        """Return the journal offset from which this partition must be told."""
        await self._follow()
        return int(await self._client.get(self._keys.next(partition)) or 0)

    async def apply(self, partition: int, offset: int, events: Sequence[Event]) -> None:
        """See `Board.apply`. Raises BoardLost, and redis.exceptions.RedisError when Redis does not answer."""
        for _ in range(TRIES):
            try:
                if await self._tried(partition, offset, events):
                    self._told[partition] = max(offset + 1, self._told.get(partition, 0))
                    return
            except WatchError:
                continue
        raise Stop(ExitCode.UNREACHABLE, f"The board's partition ({partition}) is written by others without a pause.")

    async def get(self, zone: str, kind: Kind, key: str) -> Answer:
        """See `Board.get`."""
        if kind == "command":
            receipt, answer = await self._read(zone, lambda k: ("HGET", k.receipts, k.receipt(zone, key)))
            return answer(None if receipt is None else read_receipt(receipt))
        if kind == "zone":
            value, answer = await self._read(zone, lambda k: ("HGET", k.zone(zone).zone, "view"))
            return answer(None if value is None else decode_zone(value))
        value, answer = await self._read(zone, lambda k: ("HGET", k.zone(zone).views(_listed(kind)), key))
        return answer(None if value is None else decode(kind, value))

    async def find(self, zone: str, kind: Kind, limit: int, **equal: str) -> Answer:
        """See `Board.find`."""
        known, answer = await self._read(zone, lambda k: ("HEXISTS", k.zone(zone).zone, "view"))
        if not known:
            return answer(None)
        keys = self._keys.zone(zone)
        near = equal.pop("near", None)
        if near is not None:
            return answer(await self._nearest(zone, Near.parse(near), limit, equal))
        index = best_index(_listed(kind), equal)
        key = keys.index(kind, {field: equal[field] for field in index}) if index else keys.all(kind)
        found: list[Any] = []
        start = 0
        while len(found) < limit:
            size = min(CHUNK, limit) if index and len(index) == len(equal) else CHUNK
            ids = await self._client.zrange(key, start, start + size - 1)
            found += [view for view in await self._views(zone, kind, ids) if _fits(view, equal)]
            start += len(ids)
            if len(ids) < size:
                break
        return answer(found[:limit])

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    # --- writing -----------------------------------------------------------------------------------------------

    async def _tried(self, partition: int, offset: int, events: Sequence[Event]) -> bool:
        """Apply the entry unless it was; False when the generation changed under us. Raises WatchError, BoardLost."""
        keys = self._keys
        async with self._client.pipeline(transaction=True) as pipe:
            await pipe.watch(keys.current, keys.next(partition))
            current = (await pipe.get(keys.current) or FIRST.encode()).decode()
            if current != keys.generation:
                self._keys = Keys(self._prefix, current)
                return False
            stored = int(await pipe.get(keys.next(partition)) or 0)
            await self._check(partition, stored)
            if offset < stored:
                return True
            commands = [*await self._receipts(partition, offset, events)]
            for working in await take_out(self._ask, keys, events, self._closed_max):
                commands += working.changes()
            pipe.multi()
            for command in commands:
                pipe.execute_command(*command)
            pipe.sadd(keys.generations, keys.generation)
            pipe.set(keys.next(partition), offset + 1)
            await pipe.execute()
        return True

    async def _check(self, partition: int, stored: int) -> None:
        told = self._told.get(partition, 0)
        if stored < told:
            await self._client.set(self._keys.stale, "it holds less than it was told")
            raise BoardLost(partition, stored, told)

    async def _receipts(self, partition: int, offset: int, events: Sequence[Event]) -> list[Command]:
        """The commands that keep the receipts of an entry, and forget the oldest."""
        keys = self._keys
        named = {(event.zone, event.causation_id): None for event in events if event.causation_id}
        if not named:
            return []
        fields = [keys.receipt(*name) for name in named]
        values, known = await self._ask([("HMGET", keys.receipts, *fields), ("LLEN", keys.receipt_order(partition))])
        before = {n: read_receipt(value) for n, value in zip(named, values, strict=True) if value is not None}
        receipts = dict(before)
        new: list[str] = []
        for event in events:
            if remember(receipts, partition, offset, event):
                new.append(keys.receipt(event.zone, event.causation_id))
        commands: list[Command] = [
            ("HSET", keys.receipts, keys.receipt(*name), _encode(receipt)) for name, receipt in receipts.items()
        ]
        if new:
            commands.append(("RPUSH", keys.receipt_order(partition), *new))
        beyond = known + len(new) - self._receipts_max
        if beyond > 0:
            [oldest] = await self._ask([("LRANGE", keys.receipt_order(partition), 0, beyond - 1)])
            gone = [*oldest, *new[: max(0, beyond - len(oldest))]]
            commands.append(("LTRIM", keys.receipt_order(partition), beyond, -1))
            commands.append(("HDEL", keys.receipts, *gone))
        return commands

    # --- reading -----------------------------------------------------------------------------------------------

    async def _ask(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands in one round trip, raw answers."""
        async with self._client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            answers: list[Any] = await pipe.execute()
        return answers

    async def _follow(self) -> None:
        """Look up which generation is shown."""
        current = await self._client.get(self._keys.current)
        self._keys = Keys(self._prefix, (current or FIRST.encode()).decode())

    async def _read(self, zone: str, command: Callable[[Keys], Command]) -> tuple[Any, Callable[[object], Answer]]:
        """Run one reading command together with the place that it is true for; a new generation is followed."""
        partition = partition_of(zone, self._partitions)
        while True:
            keys = self._keys
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.get(keys.current).get(keys.next(partition)).get(keys.stale)
                pipe.execute_command(*command(keys))
                current, place, marked, value = await pipe.execute()
            if (current or FIRST.encode()).decode() == keys.generation:
                break
            await self._follow()
        as_of = int(place or 0)
        stale = marked is not None or as_of < self._told.get(partition, 0)

        def answer(found: object) -> Answer:
            return Answer(partition=partition, as_of=as_of, found=found, stale=stale)

        return value, answer

    async def _views(self, zone: str, kind: Kind, ids: Sequence[bytes]) -> list[Any]:
        if not ids:
            return []
        values = await self._client.hmget(self._keys.zone(zone).views(kind), list(ids))
        return [decode(kind, value) for value in values if value is not None]

    async def _nearest(self, zone: str, near: Near, limit: int, equal: Mapping[str, str]) -> list[Any]:
        """Candidates from the GEO index, a little more than asked; then our own distance, exactly."""
        latitude = max(-LATITUDE_MAX, min(LATITUDE_MAX, near.lat))
        reach_m = near.metres * (1 + GEO_SHARE) + GEO_M
        shape = ("FROMLONLAT", near.lon, latitude, "BYRADIUS", reach_m, "m", "ASC", "WITHDIST")
        [candidates] = await self._ask([("GEOSEARCH", self._keys.zone(zone).near, *shape)])
        found: list[tuple[float, str, Any]] = []
        for start in range(0, len(candidates), CHUNK):
            part = candidates[start : start + CHUNK]
            if len(found) >= limit and _surely_farther(float(part[0][1]), sorted(found)[limit - 1][0]):
                break
            for view in await self._views(zone, "request", [name for name, _ in part]):
                metres = distance_m(near.lat, near.lon, view.point.lat, view.point.lon)
                if metres <= near.metres and _fits(view, equal):
                    found.append((metres, view.request, view))
        return [view for _, _, view in sorted(found, key=lambda one: one[:2])[:limit]]


def read_receipt(value: bytes) -> Receipt:
    """Read a stored receipt."""
    stored = _receipts.decode(value)
    return Receipt(**{field: getattr(stored, field) for field in Receipt.__struct_fields__})


def _surely_farther(redis_m: float, metres: float) -> bool:
    return redis_m * (1 - GEO_SHARE) - GEO_M > metres


def _fits(view: object, equal: Mapping[str, str]) -> bool:
    return all(getattr(view, field) == value for field, value in equal.items())


def _listed(kind: Kind) -> Kind:
    if kind not in KINDS:
        raise ValueError(f"A ({kind}) cannot be listed.")
    return kind
