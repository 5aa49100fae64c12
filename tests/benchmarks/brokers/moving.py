"""Partitions that change hands under a steady load: for how long nobody answers them.

Two stream processes share four partitions; each partition is asked something every 50 ms. `silence`: the longest time
between two answers of one partition that an independent reader could read, from the moment of the change on. No Ticks.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from matcher.commands import Command
from producers.city import requests
from services.asking import Asking
from services.demo.site import Site
from services.names import JOURNAL
from services.settings import Settings
from tests.benchmarks.brokers import mix
from tests.benchmarks.brokers.hearing import Hearing
from tests.benchmarks.brokers.place import append, load_now, log_of, place, spread
from tests.processes import Served, ready, until

PARTITIONS = 4
ZONES = [mix.zone_of(partition, PARTITIONS) for partition in range(PARTITIONS)]
#: Each partition is asked so often.
PACE_S = 0.05
#: Answers count on until so long after the change is over.
AFTER_S = 2.0
#: Asked of a zone at most: a minute of it is 1,200.
ASKED_MAX = 12_000
MEMBERS = ("a", "b")


def measure(rounds: int) -> dict[str, Any]:
    """Return the silences of each way to lose and to change a process, in seconds."""
    ways: dict[str, Any] = {}
    load = [load_now()]
    for name, work in (
        ("kill -9", _killed),
        ("kill -9, started again as the same member", _killed_and_back),
        ("rolling restart", _rolled),
        ("rolling restart, handed to the same member", _handed_over),
    ):
        ways[name] = asyncio.run(_of(work, rounds))
        load.append(load_now())
    return {"rounds": rounds, "pace_ms": PACE_S * 1000, "load": [min(load), max(load)], "ways": ways}


class _Town:
    """Two streams, somebody who asks, somebody who reads."""

    def __init__(self, settings: Settings, environment: dict[str, str], folder: Path, hearing: Hearing) -> None:
        self.site = Site(settings)
        self.streams: dict[str, Served] = {}
        self._environment = environment
        self._folder = folder
        self._hearing = hearing
        self._count = itertools.count()

    async def start(self, name: str, *, member: bool) -> None:
        """Start a stream under a name, and wait until it takes work."""
        here = self._folder / f"{name}{next(self._count)}"
        environment = self._environment | {"PAIDAN_DATA_DIR": str(here), "PAIDAN_MEMBER": name if member else ""}
        made = Served(here, "serve", "stream", **environment)
        self.streams[name] = made
        await _thread(lambda: until(lambda: ready(made.url), lambda: made.said))

    async def balanced(self) -> None:
        """Wait until both own two partitions and each partition answers."""

        def even() -> bool:
            owners = list(self.site.owners().values())
            return len(owners) == PARTITIONS and all(owners.count(owner) == PARTITIONS // 2 for owner in owners)

        await _thread(lambda: until(even))
        await self.answering(range(PARTITIONS), time.perf_counter())

    async def answering(self, partitions: Any, since_s: float) -> None:
        """Wait until each of the partitions has answered after a moment."""
        late = float("inf")
        await _thread(lambda: until(lambda: all(self._hearing.answers().of(p, since_s, late) for p in partitions)))

    def silence(self, partition: int, since_s: float, until_s: float) -> float:
        """The longest time between two answers; the first one counts from `since_s`."""
        times = [since_s, *self._hearing.answers().of(partition, since_s, until_s), until_s]
        return max(later - earlier for earlier, later in itertools.pairwise(times))


async def _of(work: Callable[[_Town, int], Any], rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, place(PARTITIONS, PAIDAN_BEAT_S="0") as (settings, environment):
        await asyncio.to_thread(append, settings, [command for zone in ZONES for command in mix.opening(zone)])
        with Hearing(str(settings.kafka), settings.prefix + JOURNAL, PARTITIONS) as hearing:
            town = _Town(settings, environment, Path(folder), hearing)
            try:
                async with _asked(settings):
                    silences: list[float] = await work(town, rounds)
            finally:
                for stream in town.streams.values():
                    if stream.process.poll() is None:
                        stream.kill()
    return {"silences": len(silences), **{key: round(value, 2) for key, value in spread(silences).items()}}


async def _killed(town: _Town, rounds: int, *, back: bool = False) -> list[float]:
    """Kill one of the two again and again, in turn; the other takes over, or a successor of the same member."""
    silences: list[float] = []
    for name in MEMBERS:
        await town.start(name, member=True)
    for number in range(rounds):
        name = MEMBERS[number % 2]
        await town.balanced()
        lost = [partition for partition, owner in town.site.owners().items() if owner == name]
        began = time.perf_counter()
        town.streams[name].kill()
        if back:
            await town.start(name, member=True)
        await town.answering(lost, began + PACE_S)
        await asyncio.sleep(AFTER_S)
        end = time.perf_counter()
        silences += [town.silence(partition, began, end) for partition in lost]
        if not back:
            await town.start(name, member=True)
    return silences


async def _killed_and_back(town: _Town, rounds: int) -> list[float]:
    return await _killed(town, rounds, back=True)


async def _rolled(town: _Town, rounds: int, *, member: bool = False) -> list[float]:
    """Restart both, one after the other; the silence of each partition over all of it."""
    for name in MEMBERS:
        await town.start(name, member=member)
    silences: list[float] = []
    for _ in range(max(1, rounds // 2)):
        await town.balanced()
        began = time.perf_counter()
        for name in MEMBERS:
            before = town.streams[name]
            if not member:
                await _thread(lambda before=before: before.end(signal.SIGTERM))
            await town.start(name, member=member)
            if member:
                await _thread(before.ended)
            await town.balanced()
        await asyncio.sleep(AFTER_S)
        end = time.perf_counter()
        silences += [town.silence(partition, began, end) for partition in range(PARTITIONS)]
    return silences


async def _handed_over(town: _Town, rounds: int) -> list[float]:
    return await _rolled(town, rounds, member=True)


@asynccontextmanager
async def _asked(settings: Settings) -> AsyncIterator[None]:
    """Ask every partition at the pace while the block lasts."""
    log = log_of(settings)
    await log.start()
    asking = Asking(log, PARTITIONS)
    wanted = zip(*(requests(1, mix.DAY, ASKED_MAX, zone=zone) for zone in ZONES), strict=True)
    under_way: set[asyncio.Task[Any]] = set()

    async def ask() -> None:
        due_s = time.perf_counter()
        for commands in wanted:
            due_s += PACE_S
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            task = asyncio.create_task(_append(asking, commands))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

    work = asyncio.create_task(ask())
    try:
        yield
        if work.done():
            work.result()
            raise RuntimeError("Everything was asked before the measurement was over.")
    finally:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        await asyncio.gather(*under_way)
        await log.stop()


async def _append(asking: Asking, commands: tuple[Command, ...]) -> None:
    await asking.append(commands)


async def _thread(work: Callable[[], Any]) -> None:
    await asyncio.to_thread(work)
