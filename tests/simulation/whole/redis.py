"""As much of Redis as the board uses, in memory: WATCH and MULTI as they are, a connection that can be away.

The product's own `RedisBoard` runs on it. A client waits before and after every round trip; an answer can be lost
after the server has done what it was asked.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Callable, Iterable
from typing import Any

from redis import exceptions

from tests.simulation.whole.lines import FAST_S
from tests.simulation.whole.processes import Dead, Process


class Server:
    """Keys and values. `written`: told after every change."""

    def __init__(self, written: Callable[[], None]) -> None:
        self.keys: dict[str, Any] = {}
        self.away = False
        self._changes: dict[str, int] = {}
        self._count = 0
        self._written = written

    def version(self, key: Any) -> int:
        """A number that changes when the key does."""
        return self._changes.get(_text(key), 0)

    def flush(self) -> None:
        """FLUSHALL."""
        self.replace({})

    def copy(self) -> dict[str, Any]:
        """What a backup holds."""
        return copy.deepcopy(self.keys)

    def replace(self, keys: dict[str, Any]) -> None:
        """Another Redis stands there now."""
        touched = {*self.keys, *keys}
        self.keys = copy.deepcopy(keys)
        for key in touched:
            self._touch(key)

    def run(self, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Run commands as one step."""
        count = self._count
        answers = [getattr(self, f"_{str(verb).lower()}")(_text(key), *rest) for verb, key, *rest in commands]
        if self._count != count:
            self._written()
        return answers

    def _touch(self, key: str) -> None:
        self._count += 1
        self._changes[key] = self._count

    def _at(self, key: str, kind: type[Any]) -> Any:
        """The value to be changed."""
        self._touch(key)
        value = self.keys.setdefault(key, kind())
        assert type(value) is kind, key
        return value

    # --- one method a command --------------------------------------------------------------------------------------

    def _get(self, key: str) -> bytes | None:
        return self.keys.get(key)

    def _mget(self, *keys: Any) -> list[bytes | None]:
        return [self.keys.get(_text(key)) for key in keys]

    def _set(self, key: str, value: Any) -> bool:
        self._touch(key)
        self.keys[key] = _bytes(value)
        return True

    def _setnx(self, key: str, value: Any) -> int:
        return 0 if key in self.keys else int(self._set(key, value))

    def _unlink(self, *keys: Any) -> int:
        found = [_text(key) for key in keys if _text(key) in self.keys]
        for key in found:
            self._touch(key)
            del self.keys[key]
        return len(found)

    _delete = _unlink

    def _hget(self, key: str, field: Any) -> bytes | None:
        return self.keys.get(key, {}).get(_bytes(field))

    def _hmget(self, key: str, *fields: Any) -> list[bytes | None]:
        return [self._hget(key, field) for field in fields]

    def _hgetall(self, key: str) -> dict[bytes, bytes]:
        return dict(self.keys.get(key, {}))

    def _hvals(self, key: str) -> list[bytes]:
        return list(self.keys.get(key, {}).values())

    def _hexists(self, key: str, field: Any) -> bool:
        return _bytes(field) in self.keys.get(key, {})

    def _hset(self, key: str, *pairs: Any) -> int:
        held = self._at(key, dict)
        held.update({_bytes(name): _bytes(value) for name, value in zip(pairs[::2], pairs[1::2], strict=True)})
        return len(pairs) // 2

    def _hdel(self, key: str, *fields: Any) -> int:
        held = self._at(key, dict)
        return sum(held.pop(_bytes(field), None) is not None for field in fields)

    def _sadd(self, key: str, *members: Any) -> int:
        self._at(key, set).update(map(_bytes, members))
        return len(members)

    def _srem(self, key: str, *members: Any) -> int:
        self._at(key, set).difference_update(map(_bytes, members))
        return len(members)

    def _smembers(self, key: str) -> set[bytes]:
        return set(self.keys.get(key, ()))

    def _sismember(self, key: str, member: Any) -> bool:
        return _bytes(member) in self.keys.get(key, ())

    def _llen(self, key: str) -> int:
        return len(self.keys.get(key, ()))

    def _lrange(self, key: str, first: int, last: int) -> list[bytes]:
        held = self.keys.get(key, [])
        return list(held[first : len(held) if last == -1 else last + 1])

    def _rpush(self, key: str, *values: Any) -> int:
        self._at(key, list).extend(map(_bytes, values))
        return len(values)

    def _ltrim(self, key: str, first: int, last: int) -> bool:
        held = self._at(key, list)
        held[:] = held[first : len(held) if last == -1 else last + 1]
        return True

    def _zadd(self, key: str, *pairs: Any) -> int:
        held = self._at(key, dict)
        held.update({_bytes(name): float(score) for score, name in zip(pairs[::2], pairs[1::2], strict=True)})
        return len(pairs) // 2

    def _zrem(self, key: str, *members: Any) -> int:
        return self._hdel(key, *members)

    def _zrange(self, key: str, first: int, last: int) -> list[bytes]:
        return self._ordered(key)[first : last + 1 or None]

    def _zrangebyscore(self, key: str, low: float, high: float) -> list[bytes]:
        held = self.keys.get(key, {})
        return [name for name in self._ordered(key) if low <= held[name] <= high]

    def _zremrangebyrank(self, key: str, first: int, last: int) -> int:
        names = self._ordered(key)
        end = len(names) + last if last < 0 else last
        return self._hdel(key, *names[first : end + 1]) if end >= first else 0

    def _zmscore(self, key: str, *members: Any) -> list[float | None]:
        return [self.keys.get(key, {}).get(_bytes(member)) for member in members]

    def _geoadd(self, key: str, *triples: Any) -> int:
        held = self._at(key, dict)
        held.update({_bytes(name): place for *place, name in zip(triples[::3], triples[1::3], triples[2::3])})  # noqa: B905
        return len(triples) // 3

    def _ordered(self, key: str) -> list[bytes]:
        held = self.keys.get(key, {})
        return sorted(held, key=lambda name: (held[name], name))


class Client:
    """One process's connection, as redis.asyncio offers it."""

    def __init__(self, server: Server, process: Process, dice: random.Random) -> None:
        self.slow_s = FAST_S
        self.server = server
        self._process, self._dice = process, dice

    def pipeline(self, transaction: bool) -> Pipeline:
        """Commands together."""
        return Pipeline(self)

    async def round_trip(self, work: Callable[[], Any]) -> Any:
        """There and back. Raises what a broken connection raises; `work` may be done or not."""
        await self._way()
        self._process.point()
        answer = work()
        self._process.point()
        await self._way(back=True)
        return answer

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        async def one(*arguments: Any) -> Any:
            if verb == "ping":
                return await self.round_trip(lambda: True)
            if verb in ("hmget",):
                arguments = (arguments[0], *arguments[1])
            return (await self.round_trip(lambda: self.server.run([(verb, *arguments)])))[0]

        return one

    async def sscan_iter(self, key: str, count: int) -> Any:
        """Members of a set."""
        for member in await self.smembers(key):
            yield member

    async def _way(self, back: bool = False) -> None:
        if not self._process.alive:
            raise Dead
        await asyncio.sleep(0 if back and self.slow_s <= FAST_S else self._dice.uniform(0, self.slow_s))
        if not self._process.alive:
            raise Dead
        if self.server.away:
            raise exceptions.ConnectionError("away")


class Pipeline:
    """WATCH, then commands at once; after MULTI, and without WATCH, commands together."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._watched: dict[Any, int] = {}
        self._at_once = False
        self._commands: list[tuple[Any, ...]] = []

    async def __aenter__(self) -> Pipeline:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def watch(self, *keys: Any) -> None:
        """The transaction fails if one of them changes."""
        server = self._client.server
        self._at_once = True
        self._watched.update(await self._client.round_trip(lambda: {key: server.version(key) for key in keys}))

    def multi(self) -> None:
        """From here on commands wait."""
        self._at_once = False

    def execute_command(self, *command: Any) -> Any:
        """One command."""
        if self._at_once:
            return self._now(command)
        self._commands.append(command)
        return self

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        return lambda *arguments: self.execute_command(verb, *(arguments or ((),)))

    async def execute(self) -> list[Any]:
        """All that waits. Raises WatchError."""
        answers: list[Any] = await self._client.round_trip(self._done)
        return answers

    def mget(self, *keys: Any) -> Any:
        """See Redis."""
        return self.execute_command("mget", *keys)

    async def _now(self, command: tuple[Any, ...]) -> Any:
        return (await self._client.round_trip(lambda: self._client.server.run([command])))[0]

    def _done(self) -> list[Any]:
        server = self._client.server
        if any(server.version(key) != version for key, version in self._watched.items()):
            raise exceptions.WatchError
        commands, self._commands = self._commands, []
        return server.run(commands)


def _text(key: Any) -> str:
    return key.decode() if isinstance(key, bytes) else str(key)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
