"""The log in the middle and each process's line to it: slow, cut, answers lost, what was sent there late or twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from services.adapters.memory import MemoryLog
from services.names import TOPICS
from services.ports import AppendUncertain, Bounds, Message, Record
from tests.simulation.whole.processes import Dead, Process, world_time

Appended = Callable[[str, int, Sequence[Record]], None]

#: What was held up on its way arrives after so many seconds at most.
HELD_UP_S = 15.0
#: A line that is well takes up to so long there, and no time back.
FAST_S = 0.01


class Middle(MemoryLog):
    """The brokers: never wait, never fail, tell `appended` of everything that is there from now on."""

    def __init__(self, partitions: int, appended: Appended) -> None:
        super().__init__(partitions, lambda: world_time().timestamp())
        self._ids = {topic: f"id.{topic}" for topic in TOPICS}
        self._appended = appended

    def put(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        """Append at once. Raises MessageTooLarge."""
        appending = self.append(topic, partition, messages)
        try:
            appending.send(None)
        except StopIteration as there:
            first = int(there.value)
        else:
            raise AssertionError("The memory log waits for nothing.")
        self._appended(topic, partition, self._records[topic, partition][first:])
        return first

    def spoil(self, topic: str, partition: int, offset: int) -> None:
        """Turn a bit of what is stored."""
        records = self._records[topic, partition]
        record = records[offset]
        value = bytes([record.value[0] ^ 1, *record.value[1:]])
        records[offset] = Record(offset, record.at_s, value, record.headers)


class Line:
    """Port `Log`: one process's connection. `cut`: share of appends whose answer is lost, one way or another."""

    def __init__(self, middle: Middle, process: Process, dice: random.Random, slow_s: float = FAST_S) -> None:
        self.partitions = middle.partitions
        self.cut = 0.0
        self.slow_s = slow_s
        self._middle, self._process, self._dice = middle, process, dice

    async def append(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        """See `Log.append`."""
        await self._way()
        first = self.send(topic, partition, messages)
        await self._back()
        return first

    def send(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        """Append without waiting. Raises AppendUncertain, Dead."""
        self._process.point()
        fate = self._dice.random() / self.cut if self.cut else 1.0
        if fate < 0.3:  # never sent
            raise AppendUncertain
        if fate < 0.6:  # there when nobody expects it any more
            self._later(topic, partition, messages)
            raise AppendUncertain
        first = self._middle.put(topic, partition, messages)
        if fate < 0.8:  # there, and once more later
            self._later(topic, partition, messages)
        elif fate < 1.0:  # there, but the answer is lost
            raise AppendUncertain
        self._process.point()
        return first

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        """See `Log.read`."""
        await self._way()
        records = await self._middle.read(topic, partition, offset, limit)
        await self._back()
        return records

    async def bounds(self, topic: str, partition: int) -> Bounds:
        """See `Log.bounds`."""
        await self._way()
        bounds = await self._middle.bounds(topic, partition)
        await self._back()
        return bounds

    async def _way(self) -> None:
        if not self._process.alive:
            raise Dead
        await asyncio.sleep(self._dice.uniform(0, self.slow_s))
        if not self._process.alive:
            raise Dead

    async def _back(self) -> None:
        """The answer's way: another step, and as slow as the line is when it is slow."""
        await asyncio.sleep(self._dice.uniform(0, self.slow_s) if self.slow_s > FAST_S else 0)
        if not self._process.alive:
            raise Dead

    def _later(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        delay_s = self._dice.uniform(0, HELD_UP_S)
        asyncio.get_running_loop().call_later(delay_s, self._middle.put, topic, partition, messages)
