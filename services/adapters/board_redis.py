"""Board in Redis: shared by processes, kept over restarts, deleted and rebuilt from the journal at will.

Entries and the place in the journal up to which they are folded are one MULTI, guarded by WATCH: two feeders of a
partition cannot apply an entry twice, and a feeder that was overtaken changes nothing. Answers come from hashes and
indexes, never from a walk over everything where an index fits (`redis_keys.py`). Works with Redis 6.2 and later.

Told by `projecting.BoardFollower`, from the place that stands here. It is the truth of nothing: when it is found
emptied it says so (`BoardLost`, and `stale` with every answer) until it has been told again, by the follower or by
`paidan board rebuild`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from redis import exceptions as trouble
from redis.asyncio import Redis

from matcher.events import Event
from matcher.geo import distance_m
from matcher.reasons import AnyRefusal
from services.adapters.redis_keys import FIRST, KINDS, Keys, best_index
from services.adapters.redis_merging import merged
from services.adapters.redis_place import Batch, batches, place_commands, read_parked, read_place
from services.adapters.redis_working import LATITUDE_MAX, Command, decode, decode_zone, take_out
from services.board import Answer, BoardAway, BoardLost, Kind, Near, Receipt
from services.following import HeldEntry, Place
from services.names import NAME
from services.receipts import remember
from services.wire import partition_of

#: Views fetched together while a list is filled.
CHUNK = 500
#: How often a batch is tried again because another feeder wrote meanwhile.
TRIES = 20
#: Events folded and written together; a larger MULTI would hold everybody else's answers, and our own loop.
EVENTS_MAX = 500
#: Redis measures with another earth and 52 bits: its distances differ from ours by less than this share, and metres.
GEO_SHARE, GEO_M = 0.001, 2.0
#: A redis.asyncio.Redis. Its own types cannot say that every answer is bytes and awaited.
Client = Any
SOCKET_S = 5.0
HEALTH_S = 25


#: Redis cannot do it now, though it may in a while.
_AWAY = (
    trouble.ConnectionError,
    trouble.TimeoutError,
    trouble.ReadOnlyError,
    trouble.OutOfMemoryError,
    trouble.TryAgainError,
    OSError,
)
_REFUSING = ("MISCONF", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN")


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


@contextmanager
def reaching() -> Iterator[None]:
    """Raise BoardAway for what passes by itself; everything else as it is."""
    try:
        yield
    except (trouble.RedisError, OSError) as error:
        if isinstance(error, _AWAY) or str(error).startswith(_REFUSING):
            raise BoardAway(f"The board in Redis does not answer ({type(error).__name__}).") from error
        raise


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
        #: partition -> offset up to which the board has been told, or has shown once, as far as we know
        self._told: dict[int, int] = {}
        #: partition -> how many sign-in ids stand on the board
        self._signed: dict[int, int] = {}

    async def topic_ids(self) -> set[str]:
        """Return the ids of the journals from which the board was told, as far as its feeders say. Raises BoardAway."""
        with reaching():
            [stored] = await self._current(lambda keys: [("HVALS", keys.places)])
        return {read_place(value, ()).topic_id for value in stored} - {""}

    # --- for a feeder ------------------------------------------------------------------------------------------

    async def next_offset(self, partition: int) -> int:
        """Return the journal offset from which this partition must be told."""
        return (await self._stored(partition))[1] or 0

    async def apply(self, partition: int, offset: int, events: Sequence[Event]) -> None:
        """See `Board.apply`. Raises BoardLost, BoardAway."""
        try:
            await self._write(Batch(partition, [(offset, events)], offset + 1))
        except BoardLost:
            await self._client.set(self._keys.stale, "it holds less than it was told")
            raise

    async def begin(self, partition: int) -> Place:
        """Say from where this partition must be told, and mark it as being filled where something is missing.

        Raises BoardAway.
        """
        with reaching():
            place, stored = await self._stored(partition)
            if stored is None or stored < self._told.get(partition, 0):
                async with self._client.pipeline(transaction=True) as pipe:
                    pipe.sadd(self._keys.generations, self._keys.generation)
                    pipe.sadd(self._keys.filling, partition)
                    pipe.setnx(self._keys.next(partition), 0)
                    await pipe.execute()
        self._told[partition] = stored or 0
        self._signed[partition] = len(place.chain.seen)
        return place

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Place) -> None:
        """Put entries on the board, and `place` with the last of them. Raises BoardLost, BoardAway."""
        for batch in batches(partition, entries, place, EVENTS_MAX):
            await self._write(batch)

    async def filled(self, partition: int) -> None:
        """The partition has been told everything that there was. Raises BoardAway."""
        with reaching():
            await self._client.srem(self._keys.filling, partition)

    # --- for everybody -----------------------------------------------------------------------------------------

    async def place(self, partition: int) -> Place:
        """Return where the partition's feeder stands in the journal. Raises BoardAway."""
        with reaching():
            return (await self._stored(partition))[0]

    async def answered(self) -> dict[int, int]:
        """Return partition -> commands before this offset are answered, and the board shows it. Raises BoardAway."""
        with reaching():
            [values] = await self._current(lambda keys: [("HGETALL", keys.answered)])
        return {int(partition): int(offset) for partition, offset in _pairs(values)}

    async def parked(self, partition: int, offsets: Iterable[int]) -> dict[int, str]:
        """Return why those of the commands at these offsets were set aside that were. Raises BoardAway."""
        wanted = sorted(offsets)
        if not wanted:
            return {}
        with reaching():
            [members] = await self._current(
                lambda keys: [("ZRANGEBYSCORE", keys.parked(partition), wanted[0], wanted[-1])]
            )
        found = read_parked(members)
        return {offset: found[offset] for offset in wanted if offset in found}

    async def trouble(self) -> str | None:
        """Say why nobody can be told anything now, or None: a check of `Readiness`."""
        try:
            with reaching():
                await self._client.ping()
        except BoardAway as away:
            return str(away)
        return None

    async def get(self, zone: str, kind: Kind, key: str) -> Answer:
        """See `Board.get`."""
        with reaching():
            return await self._get(zone, kind, key)

    async def find(self, zone: str, kind: Kind, limit: int, **equal: str) -> Answer:
        """See `Board.find`."""
        with reaching():
            answer = await self._find(zone, kind, limit, equal)
            # It took several questions: the board may have been emptied between them.
            _, after = await self._read(zone, lambda k: ("HEXISTS", k.zone(zone).zone, "view"))
        return msgspec.structs.replace(answer, stale=answer.stale or after(None).stale)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _get(self, zone: str, kind: Kind, key: str) -> Answer:
        if kind == "command":
            receipt, answer = await self._read(zone, lambda k: ("HGET", k.receipts, k.receipt(zone, key)))
            return answer(None if receipt is None else read_receipt(receipt))
        if kind == "zone":
            value, answer = await self._read(zone, lambda k: ("HGET", k.zone(zone).zone, "view"))
            return answer(None if value is None else decode_zone(value))
        value, answer = await self._read(zone, lambda k: ("HGET", k.zone(zone).views(_listed(kind)), key))
        return answer(None if value is None else decode(kind, value))

    async def _find(self, zone: str, kind: Kind, limit: int, equal: dict[str, str]) -> Answer:
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

    # --- writing -----------------------------------------------------------------------------------------------

    async def _write(self, batch: Batch) -> None:
        """Raises BoardLost, BoardAway."""
        with reaching():
            for _ in range(TRIES):
                try:
                    if await self._tried(batch):
                        self._told[batch.partition] = max(batch.next_offset, self._told.get(batch.partition, 0))
                        return
                except trouble.WatchError:
                    continue
        raise BoardAway(f"The board's partition ({batch.partition}) is written by others without a pause.")

    async def _tried(self, batch: Batch) -> bool:
        """Write the batch unless it was; False when the generation changed under us. Raises WatchError, BoardLost."""
        keys, partition = self._keys, batch.partition
        async with self._client.pipeline(transaction=True) as pipe:
            await pipe.watch(keys.current, keys.next(partition))
            current, stored = await pipe.mget(keys.current, keys.next(partition))
            if (current or FIRST.encode()).decode() != keys.generation:
                self._keys = Keys(self._prefix, (current or FIRST.encode()).decode())
                return False
            holds = -1 if stored is None else int(stored)
            if holds < self._told.get(partition, -1):
                raise BoardLost(partition, max(holds, 0), self._told[partition])
            if batch.next_offset <= holds:
                return True
            commands = await self._commands(batch.since(holds))
            pipe.multi()
            for command in merged(commands):
                pipe.execute_command(*command)
            await pipe.execute()
        if batch.place is not None:
            self._signed[partition] = len(batch.place.chain.seen)
        return True

    async def _commands(self, batch: Batch) -> list[Command]:
        keys = self._keys
        commands = list(place_commands(keys, batch, self._signed.get(batch.partition, 0)))
        events = batch.events
        if events:
            commands += await self._receipts(batch)
            for working in await take_out(self._ask, keys, events, self._closed_max):
                commands += working.changes()
        return commands

    async def _receipts(self, batch: Batch) -> list[Command]:
        """The commands that keep the receipts of a batch, and forget the oldest."""
        partition, events = batch.partition, batch.events
        keys = self._keys
        named = {(event.zone, event.causation_id): None for event in events if event.causation_id}
        if not named:
            return []
        fields = [keys.receipt(*name) for name in named]
        values, known = await self._ask([("HMGET", keys.receipts, *fields), ("LLEN", keys.receipt_order(partition))])
        before = {n: read_receipt(value) for n, value in zip(named, values, strict=True) if value is not None}
        receipts = dict(before)
        new: list[str] = []
        for offset, its in batch.entries:
            for event in its:
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

    async def _current(self, commands: Callable[[Keys], Sequence[Command]]) -> list[Any]:
        """Run reading commands together on the generation that is shown."""
        while True:
            keys = self._keys
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.get(keys.current)
                for command in commands(keys):
                    pipe.execute_command(*command)
                answers: list[Any] = await pipe.execute()
            current = answers.pop(0)
            if (current or FIRST.encode()).decode() == keys.generation:
                return answers
            self._keys = Keys(self._prefix, (current or FIRST.encode()).decode())

    async def _stored(self, partition: int) -> tuple[Place, int | None]:
        """The partition's place, and the offset up to which it is folded: None when nobody ever began it."""
        value, signed, stored = await self._current(
            lambda keys: [
                ("HGET", keys.places, partition),
                ("SMEMBERS", keys.signed(partition)),
                ("GET", keys.next(partition)),
            ]
        )
        return read_place(value, signed), None if stored is None else int(stored)

    async def _read(self, zone: str, command: Callable[[Keys], Command]) -> tuple[Any, Callable[[object], Answer]]:
        """Run one reading command together with the place that it is true for."""
        partition = partition_of(zone, self._partitions)
        place, filling, marked, value = await self._current(
            lambda keys: [
                ("GET", keys.next(partition)),
                ("SISMEMBER", keys.filling, partition),
                ("GET", keys.stale),
                command(keys),
            ]
        )
        as_of, told = int(place or 0), self._told.get(partition, 0)
        stale = place is None or bool(filling) or marked is not None or as_of < told
        if place is not None:
            self._told[partition] = max(as_of, told)

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


def _pairs(values: Any) -> Iterable[tuple[bytes, bytes]]:
    """The fields of a hash, as the client has them or as Redis sends them."""
    return values.items() if isinstance(values, dict) else zip(values[::2], values[1::2], strict=True)


def _surely_farther(redis_m: float, metres: float) -> bool:
    return redis_m * (1 - GEO_SHARE) - GEO_M > metres


def _fits(view: object, equal: Mapping[str, str]) -> bool:
    return all(getattr(view, field) == value for field, value in equal.items())


def _listed(kind: Kind) -> Kind:
    if kind not in KINDS:
        raise ValueError(f"A ({kind}) cannot be listed.")
    return kind
