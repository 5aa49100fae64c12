"""The plain-loop driver: log, writers and readers in one process and one event loop. Used by `up`, `demo` and tests.

Owns every partition. What it appends it hands to the writers directly; the log is read only for what it did not
append itself. Nothing here decides; a writer that fails ends everything (`failed`).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from matcher.commands import Command
from services.asking import asked
from services.core import Core, ZoneState
from services.feed import Feed
from services.meters import Meters
from services.names import COMMANDS, PARTITIONS
from services.ports import Log, Message, Record, Solver
from services.reading import Reader
from services.ticker import Ticker
from services.writer import GROUP_MAX, HASH_EVERY, LINGER_S, SNAPSHOT_EVERY, Writer


class Embedded:
    """One process that owns all partitions of `log`. `beat_s`: seconds of a live beat; None = lock-step, no ticker."""

    def __init__(
        self,
        log: Log,
        core: Core,
        solver: Solver,
        *,
        partitions: int = PARTITIONS,
        linger_s: float = LINGER_S,
        group_max: int = GROUP_MAX,
        hash_every: int = HASH_EVERY,
        snapshot_every: int = SNAPSHOT_EVERY,
        beat_s: float | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
        meters: Meters | None = None,
    ) -> None:
        self.partitions = partitions
        self._log = log
        self._beat_s = beat_s
        self._now = now
        self._readers: list[Reader] = []
        self._feeds = [Feed(log, partition, self._readers, meters) for partition in range(partitions)]
        self._writers = [
            Writer(
                log,
                core,
                solver,
                partition=partition,
                partitions=partitions,
                told=self._feeds[partition].told,
                linger_s=linger_s,
                group_max=group_max,
                hash_every=hash_every,
                snapshot_every=snapshot_every,
                now=now,
                meters=meters,
                new_id=new_id,
            )
            for partition in range(partitions)
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._ticking: asyncio.Task[None] | None = None
        self._failure: asyncio.Future[None] | None = None

    def subscribe(self, reader: Reader) -> None:
        """Tell `reader` every entry, from the journal's start on. Only before `start`."""
        if self._tasks:
            raise RuntimeError("Subscribe before start: a reader sees the journal from its beginning.")
        self._readers.append(reader)

    async def start(self) -> None:
        """Sign in everywhere, fold what is there, bring the readers up to it. Raises what a writer raises."""
        self._failure = asyncio.get_running_loop().create_future()
        for writer in self._writers:
            task = asyncio.create_task(writer.run(), name=f"writer-{writer.partition}")
            task.add_done_callback(self._ended)
            self._tasks.append(task)
        await self._all_ready()
        for feed in self._feeds:
            await feed.catch_up()
        if self._beat_s is not None:
            ticker = Ticker(self.append, self.answered, self.zones, now=self._now, beat_s=self._beat_s)
            self._ticking = asyncio.create_task(ticker.run(), name="ticker")
            self._ticking.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End the ticker, let every writer finish the entry in flight and save its state. Raises a writer's failure."""
        if self._ticking:
            self._ticking.cancel()
            await asyncio.wait([self._ticking])
        for writer in self._writers:
            writer.stop()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.give_up(
                RuntimeError("The log was closed before this command was answered; it will be at next start.")
            )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def failed(self) -> None:
        """Wait for ever; raises what a writer or the ticker raised. The process must end then."""
        if self._failure is None:
            raise RuntimeError("Not started.")
        await asyncio.shield(self._failure)

    async def append(self, commands: Sequence[Command]) -> list[tuple[int, int]]:
        """See `services.asking.asked`."""
        return await asked(commands, self.append_raw, self.partitions)

    async def append_raw(self, partition: int, values: list[bytes]) -> int:
        """Append bytes as they are to a partition's commands; return the first offset. Raises MessageTooLarge."""
        first = await self._log.append(COMMANDS, partition, [Message(value) for value in values])
        at_s = time.time()
        writer = self._writers[partition]
        for offset, value in enumerate(values, first):
            writer.deliver(offset, Record(offset, at_s, value))
        return first

    async def answered(self, partition: int, offset: int) -> None:
        """Wait until the command there is answered and all readers have been told. Raises a writer's failure."""
        if self._failure is not None and self._failure.done():
            await self._failure
        await self._writers[partition].until_answered(offset)

    def zones(self) -> Mapping[str, ZoneState]:
        """Return all zones, to look at only; they may be one group ahead of the journal."""
        zones: dict[str, ZoneState] = {}
        for writer in self._writers:
            zones.update(writer.zones)
        return MappingProxyType(zones)

    def writers(self) -> Sequence[Writer]:
        """Return the writers, to look at only."""
        return self._writers

    def _ended(self, task: asyncio.Task[None]) -> None:
        """One failure is everybody's: whoever waits for an answer learns it."""
        if task.cancelled() or task.exception() is None or self._failure is None:
            return
        error = task.exception()
        assert error is not None
        for writer in self._writers:
            writer.give_up(error)
        if not self._failure.done():
            self._failure.set_exception(error)
            self._failure.exception()  # whoever does not ask for it is told by `stop`

    async def _all_ready(self) -> None:
        assert self._failure is not None
        ready = asyncio.ensure_future(self._each_ready())
        await asyncio.wait({ready, self._failure}, return_when=asyncio.FIRST_COMPLETED)
        if self._failure.done():
            ready.cancel()
            await self._failure
        await ready

    async def _each_ready(self) -> None:
        for writer in self._writers:
            await writer.ready()
