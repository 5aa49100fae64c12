"""Random stories under random faults: two writers on one partition, one of them stopped and resumed, killed ones,
deliveries late, repeated and missing, answers of appends lost. Afterwards an independent checker judges the log.

`PAIDAN_SEEDS` says how many stories are played (200), `PAIDAN_SEED` plays one again.
"""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import pytest

from matcher.commands import Command
from matcher.events import Event
from services.adapters.memory import MemoryLog
from services.names import COMMANDS, JOURNAL, PARKED
from services.parking import Reason
from services.ports import AppendUncertain, Message, Record
from services.reading import Chain, Held
from services.verify import Receipt
from services.wire import Entry
from services.writer import Writer
from tests.simulation import stories
from tests.simulation.faults import Line
from tests.simulation.virtual import run

ONE = os.environ.get("PAIDAN_SEED")
SEEDS = [int(ONE)] if ONE else range(int(os.environ.get("PAIDAN_SEEDS", "200")))

STORY_S = 60.0
#: No story may take longer: somebody would be waiting for ever.
VIRTUAL_S = 3600.0


class World:
    """One partition, its client, and processes that come, freeze and die."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.core, self.solver = stories.CORES["toy" if seed % 4 else "matcher"]
        self.log = MemoryLog(1)
        self.receipts: dict[str, Receipt] = {}
        self.told: set[tuple[int, str]] = set()
        self.alive: dict[Writer, tuple[asyncio.Future[None], Line]] = {}

    def spawn(self, **options: Any) -> Writer:
        """Start a process with a writer of its own habits."""
        line = Line(self.log, self.dice, cut=self.dice.choice([0.0, 0.1]), slow_s=self.dice.choice([0.001, 0.5]))
        habits = {
            "linger_s": self.dice.choice([0.0, 0.05]),
            "group_max": self.dice.choice([1, 3, 500]),
            "snapshot_every": self.dice.choice([2, 10**6]),
            "idle_s": 5.0,
            "session_s": 3.0,
            "hash_every": 3,
        }
        solver = self.solver(self.dice.choice([0.0, 0.2, 5.0]))
        writer = Writer(
            line, self.core(), solver, partition=0, partitions=1, told=self.tell, new_id=self.new_id,
            **{**habits, **options},
        )  # fmt: skip
        self.alive[writer] = (asyncio.ensure_future(writer.run()), line)
        return writer

    async def tell(self, partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
        self.told.add((offset, entry.id))

    def new_id(self) -> str:
        return f"{self.dice.getrandbits(64):x}"

    async def client(self, story: list[Command | bytes]) -> None:
        """Say everything, again where the answer was lost, and bring it to the writers badly."""
        line = Line(self.log, self.dice, cut=0.1)
        for step in story:
            await asyncio.sleep(self.dice.expovariate(len(story) / STORY_S))
            while True:
                try:
                    offset = await line.append(COMMANDS, 0, [Message(stories.as_bytes(step))])
                    break
                except AppendUncertain:
                    continue
            self.receipts.update(stories.receipt(step, offset))
            self.deliver(offset, Record(offset, 0.0, stories.as_bytes(step)))

    def deliver(self, offset: int, record: Record) -> None:
        loop = asyncio.get_running_loop()
        for writer in self.alive:
            for _ in range(self.dice.choice([0, 1, 1, 1, 2])):
                loop.call_later(self.dice.choice([0.0, 0.0, self.dice.uniform(0, 3)]), writer.deliver, offset, record)

    async def fate(self) -> None:
        """Freeze, wake, kill, start, reassign: at random, two or three processes at a time."""
        while True:
            await asyncio.sleep(self.dice.expovariate(1 / 4))
            writer = self.dice.choice(list(self.alive))
            task, line = self.alive[writer]
            what = self.dice.random()
            if what < 0.35:
                line.stop()
            elif what < 0.7:
                line.resume()
            elif what < 0.85:
                writer.assigned()
            else:
                task.cancel()
                del self.alive[writer]
            while len(self.alive) < 2:
                self.spawn()

    async def play(self, story: list[Command | bytes]) -> None:
        for _ in range(2):
            self.spawn()
        fate = asyncio.ensure_future(self.fate())
        await self.client(story)
        fate.cancel()
        for writer, (_, line) in self.alive.items():
            line.resume()
            writer.assigned()
        await asyncio.sleep(self.dice.choice([0.0, 1.0, 30.0]))
        await self.end()

    async def end(self) -> None:
        """The zombies stay in the world; one last process gets a good line and finishes."""
        last = self.spawn()
        zombies = [writer for writer in self.alive if writer is not last]
        await asyncio.sleep(40)
        for zombie in zombies:
            task, _ = self.alive.pop(zombie)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()
        task, _ = self.alive.pop(last)
        task.cancel()
        final = Writer(self.log, self.core(), self.solver(0.0), partition=0, partitions=1, new_id=self.new_id)
        finishing = asyncio.ensure_future(final.run())
        await asyncio.sleep(60)
        await final.until_answered((await self.log.bounds(COMMANDS, 0)).end - 1)
        final.stop()
        await finishing

    async def judge(self) -> None:
        await stories.sound(self.log, self.receipts)
        assert self.told <= await holding(self.log), "something was told that does not hold"
        parked = await self.log.read(PARKED, 0, 0, 10**6)
        if not any(record.headers["reason"].startswith(Reason.CRASHES) for record in parked):
            assert await stories.zone_events(self.log, self.core()) == await self.undisturbed()

    async def undisturbed(self) -> dict[str, list[Event]]:
        """Let one writer with a good line answer the same commands."""
        again = MemoryLog(1)
        records = await self.log.read(COMMANDS, 0, 0, 10**6)
        await again.append(COMMANDS, 0, [Message(record.value) for record in records])
        writer = Writer(again, self.core(), self.solver(0.0), partition=0, partitions=1, linger_s=0)
        task = asyncio.ensure_future(writer.run())
        await writer.until_answered(len(records) - 1)
        writer.stop()
        await task
        return await stories.zone_events(again, self.core())


async def holding(log: MemoryLog) -> set[tuple[int, str]]:
    chain, held = Chain(), set()
    for record in await log.read(JOURNAL, 0, 0, 10**6):
        judged = chain.accept(record.offset, record.value)
        if isinstance(judged, Held):
            held.add((record.offset, judged.entry.id))
    return held


async def played(seed: int) -> None:
    world = World(seed)
    async with asyncio.timeout(VIRTUAL_S):
        await world.play(stories.random_story(world.dice, world.dice.randrange(10, 60)))
        await world.judge()


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_or_told_wrongly(seed: int):
    try:
        run(played(seed))
    except BaseException:
        print(f"replay: PAIDAN_SEED={seed} python -m pytest tests/simulation/test_random_stories.py")
        raise
