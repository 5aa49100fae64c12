"""Streams for tests on a real broker: started, stopped, watched; and a follower that tells what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from matcher.commands import Command
from services.asking import Asking
from services.following import HeldEntry, Place
from services.ports import Log
from services.reading import Reader
from services.stream.cluster import Cluster
from services.stream.driver import Stream
from tests.brokers import kafka
from tests.simulation import toy

DEADLINE_S = 60.0


class Heard:
    """What any of the streams' followers was told, first time only: streams take partitions from one another."""

    def __init__(self, readers: Sequence[Reader] = ()) -> None:
        self.answered: dict[int, int] = {}
        self.told: dict[int, int] = {}
        self._readers = readers
        self._news = asyncio.Condition()

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Place) -> None:
        for held in entries:
            if held.offset > self.told.get(partition, -1):
                self.told[partition] = held.offset
                self.answered[partition] = max(self.answered.get(partition, 0), held.entry.last + 1)
                for reader in self._readers:
                    reader.entry(partition, held.offset, held.entry, held.events)
        async with self._news:
            self._news.notify_all()

    async def until(self, partition: int, offset: int) -> None:
        """Wait until the command there is answered and told."""
        async with asyncio.timeout(DEADLINE_S), self._news:
            await self._news.wait_for(lambda: self.answered.get(partition, 0) > offset)


class Telling:
    """A follower that begins each partition at its start and passes everything on."""

    def __init__(self, heard: Heard) -> None:
        self.heard = heard
        self.mine: set[int] = set()

    async def begin(self, partition: int) -> Place:
        self.mine.add(partition)
        return Place()

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Place) -> None:
        await self.heard.take(partition, entries, place)

    def live(self, partition: int) -> None:
        pass

    def end(self, partition: int) -> None:
        self.mine.discard(partition)


class Chain:
    """The lock-step driver's chain over streams: asks the log, waits for the followers."""

    def __init__(self, log: Log, partitions: int, heard: Heard, streams: Sequence[Stream]) -> None:
        self._asking = Asking(log, partitions)
        self._heard = heard
        self._streams = streams

    async def append(self, commands: Sequence[Command]) -> list[tuple[int, int]]:
        return await self._asking.append(commands)

    async def answered(self, partition: int, offset: int) -> None:
        await self._heard.until(partition, offset)

    def zones(self) -> Mapping[str, Any]:
        return {zone: state for stream in self._streams for zone, state in stream.zones().items()}


def stream(log: Log, prefix: str, folder: Path, heard: Heard, partitions: int, **options: Any) -> Stream:
    """Make a stream of the group that goes with the prefix; `folder` must be its own."""
    cluster = Cluster(
        bootstrap=kafka(), prefix=prefix, group=f"{prefix}group", member=options.pop("member", ""), data_dir=folder
    )
    parts = {"core": toy.ToyCore(), "solver": toy.ToySolver(0), "beat_s": None, "linger_s": 0.0, **options}
    followers = {agent: Telling(heard) for agent in parts.pop("agents", ("projecting",))}
    core, solver = parts.pop("core"), parts.pop("solver")
    return Stream(log, core, solver, followers, cluster, partitions=partitions, **parts)


@asynccontextmanager
async def running(made: Stream) -> AsyncIterator[Stream]:
    """Start a stream, wait until it is ready, stop it at the end."""
    try:
        await made.start()
        await eventually(lambda: made.ready)
        yield made
    finally:
        await made.stop()


async def eventually(holds: Any) -> None:
    """Poll until it holds; a real group decides when."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
