"""The chain as a client of other processes sees it: appends commands, follows every journal partition, owns none.

Used by `paidan demo` on brokers in place of `Embedded`. It folds the same zones from the same entries, but decides
nothing: stream processes answer. Where news come from is the caller's choice (`Tail`); holes are read from the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from matcher.commands import Command
from services.asking import Asking
from services.core import Core, ZoneState
from services.demo.figures import Stages
from services.exits import ExitCode, Stop
from services.folding import Fold
from services.following import Following, HeldEntry, Place
from services.names import JOURNAL, NAME
from services.ports import Log, Record
from services.reading import Reader

#: Longer than a takeover with all its time-outs.
PATIENCE_S = 120.0


class Tail(Protocol):
    """Brings what is appended to the journal (`services.adapters.kafka_tailing.KafkaTail`)."""

    async def start(self, offsets: Mapping[int, int], deliver: Callable[[Sequence[tuple[int, Record]]], None]) -> None:
        """Bring every record from these offsets (by partition) on, in the caller's loop."""

    async def stop(self) -> None:
        """Bring nothing more."""

    async def failed(self) -> None:
        """Wait for ever; raises what ended it."""


class Remote:
    """A `services.demo.lockstep.Chain` whose commands others answer. `patience_s`: how long an answer may take."""

    def __init__(
        self,
        log: Log,
        core: Core,
        tail: Tail,
        *,
        partitions: int,
        patience_s: float = PATIENCE_S,
        stages: Stages | None = None,
    ) -> None:
        self.partitions = partitions
        self._log = log
        self._tail = tail
        self._asking = Asking(log, partitions)
        self._patience_s = patience_s
        self._stages = stages or Stages()
        self._told = _Told(core, partitions, self._stages)
        self._followings = [Following(log, partition, self._told) for partition in range(partitions)]
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: asyncio.Future[None] | None = None

    def subscribe(self, reader: Reader) -> None:
        """Tell `reader` every entry, from the journal's start on. Only before `start`."""
        if self._tasks:
            raise RuntimeError("Subscribe before start: a reader sees the journal from its beginning.")
        self._told.readers.append(reader)

    async def start(self) -> None:
        """Take in the journal up to its end. Raises what a follower raises."""
        self._failure = asyncio.get_running_loop().create_future()
        # First the news, then the past: what is appended between the two is brought, or read, or both.
        bounds = await asyncio.gather(*(self._log.bounds(JOURNAL, each) for each in range(self.partitions)))
        await self._tail.start({partition: each.end for partition, each in enumerate(bounds)}, self._deliver)
        self._begin("news of the journal", self._tail.failed())
        for following in self._followings:
            self._begin(f"follows {following.partition}", following.run())
        for following in self._followings:
            await self._or_failure(following.caught_up())

    async def stop(self) -> None:
        """Follow no more. Raises what ended a follower before."""
        for following in self._followings:
            following.stop()
        await self._tail.stop()
        if self._tasks:
            self._tasks[0].cancel()  # it waits for ever
            await asyncio.wait(self._tasks)
        self._told.give_up(RuntimeError("The run was ended before this command was answered."))
        if self._failure is not None and self._failure.done():
            await self._failure

    async def append(self, commands: Sequence[Command]) -> list[tuple[int, int]]:
        """See `services.asking.asked`."""
        with self._stages.timed("append"):
            return await self._asking.append(commands)

    async def answered(self, partition: int, offset: int) -> None:
        """Wait until the command there is answered and all readers have been told.

        Raises what a follower raised, and Stop (exit 4) when nobody answers.
        """
        with self._stages.timed("answer"):
            try:
                async with asyncio.timeout(self._patience_s):
                    await self._told.until_answered(partition, offset)
            except TimeoutError:
                raise Stop(
                    ExitCode.UNREACHABLE,
                    f"Nobody has answered command ({offset}) of partition ({partition}) in {self._patience_s:.0f} s. "
                    f"Check that `{NAME} serve stream` runs on this log.",
                ) from None

    def zones(self) -> Mapping[str, ZoneState]:
        """Return all zones as the journal says, to look at only."""
        return MappingProxyType(self._told.zones)

    def _deliver(self, news: Sequence[tuple[int, Record]]) -> None:
        for partition, record in news:
            self._followings[partition].deliver(record.offset, record)

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """One failure is everybody's: whoever waits for an answer learns it."""
        if task.cancelled() or task.exception() is None or self._failure is None:
            return
        error = task.exception()
        assert error is not None
        self._told.give_up(error)
        if not self._failure.done():
            self._failure.set_exception(error)
            self._failure.exception()  # whoever does not ask for it is told by `stop`

    async def _or_failure(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._failure is not None
        task = asyncio.ensure_future(work)
        await asyncio.wait({task, self._failure}, return_when=asyncio.FIRST_COMPLETED)
        if self._failure.done():
            task.cancel()
            await self._failure
        await task


class _Told:
    """A `Follower` in memory: folds the zones of all partitions, tells the readers, then those who wait."""

    def __init__(self, core: Core, partitions: int, stages: Stages) -> None:
        self.readers: list[Reader] = []
        self.zones: dict[str, Any] = {}
        self._folds = [Fold(core, partition) for partition in range(partitions)]
        self._waiters: dict[int, list[tuple[int, asyncio.Future[None]]]] = {each: [] for each in range(partitions)}
        self._failure: BaseException | None = None
        self._stages = stages

    async def begin(self, partition: int) -> Place:
        """Start from the journal's beginning: the readers see all of it."""
        return Place()

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Place) -> None:
        """Fold, tell, and wake who waits for an answer among them."""
        fold = self._folds[partition]
        for held in entries:
            with self._stages.timed("fold"):
                fold.take(held.offset, held.entry, held.events)
            with self._stages.timed("tell"):
                for reader in self.readers:
                    reader.entry(partition, held.offset, held.entry, held.events)
        self.zones.update(fold.zones)
        self._wake(partition, fold.answered)

    def live(self, partition: int) -> None:
        """Nothing changes: past and news count alike."""

    def end(self, partition: int) -> None:
        """Keep what was folded: the run's end is looked at after the last answer."""

    async def until_answered(self, partition: int, offset: int) -> None:
        """Wait for the answer, checked and told. Raises what ended a follower."""
        if self._failure is not None:
            raise self._failure
        if offset >= self._folds[partition].answered:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters[partition].append((offset, future))
            await future

    def give_up(self, error: BaseException) -> None:
        """Tell those who wait, and those who will, that no answer comes."""
        self._failure = self._failure or error
        for waiters in self._waiters.values():
            for _, future in waiters:
                if not future.done():
                    future.set_exception(error)
            waiters.clear()

    def _wake(self, partition: int, answered: int) -> None:
        waiting = []
        for offset, future in self._waiters[partition]:
            if offset >= answered:
                waiting.append((offset, future))
            elif not future.done():
                future.set_result(None)
        self._waiters[partition] = waiting
