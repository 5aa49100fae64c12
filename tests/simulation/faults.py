"""A log between unreliable lines: what can happen to a process that talks to it, at every point where it waits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Generator, Sequence
from typing import Any

from services.adapters.memory import MemoryLog
from services.ports import AppendUncertain, Bounds, Message, Record


class Crash(BaseException):
    """The process is gone: no handler of the program may see it."""


class CrashAt:
    """Runs a coroutine and drops it for good at its n-th wait (0 = before it begins)."""

    def __init__(self, program: Coroutine[Any, Any, Any], at: int) -> None:
        self._program = program
        self._at = at

    def __await__(self) -> Generator[Any, Any, Any]:
        waits = 0
        step = self._program.send
        value: Any = None
        while True:
            if waits == self._at:
                self._program.close()
                raise Crash
            try:
                waited_for = step(value)
            except StopIteration as end:
                return end.value
            waits += 1
            step, value = self._program.send, None
            try:
                yield waited_for
            except BaseException as error:
                step, value = self._program.throw, error  # type: ignore[assignment]


class SteppingLog(MemoryLog):
    """Waits once before and once after every effect, so that a crash can fall between."""

    async def append(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        await asyncio.sleep(0)
        first = await super().append(topic, partition, messages)
        await asyncio.sleep(0)
        return first

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        await asyncio.sleep(0)
        records = await super().read(topic, partition, offset, limit)
        await asyncio.sleep(0)
        return records

    async def bounds(self, topic: str, partition: int) -> Bounds:
        await asyncio.sleep(0)
        bounds = await super().bounds(topic, partition)
        await asyncio.sleep(0)
        return bounds


class Line:
    """One process's connection to the log: slow, sometimes cut, and frozen while the process is stopped."""

    def __init__(self, log: MemoryLog, dice: random.Random, *, cut: float = 0.0, slow_s: float = 0.01) -> None:
        self.partitions = log.partitions
        self._log = log
        self._dice = dice
        self._cut = cut
        self._slow_s = slow_s
        self._going = asyncio.Event()
        self._going.set()

    def stop(self) -> None:
        """SIGSTOP: whatever the process waits for, it goes no further."""
        self._going.clear()

    def resume(self) -> None:
        """SIGCONT."""
        self._going.set()

    async def append(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        await self._wait()
        fate = self._dice.random() / self._cut if self._cut else 1.0
        if fate < 0.3:  # never sent
            raise AppendUncertain
        if fate < 0.6:  # sent, held up on the way, there when nobody expects it any more
            delay_s = self._dice.uniform(0, 20)
            asyncio.get_running_loop().call_later(delay_s, _later, self._log, topic, partition, messages)
            raise AppendUncertain
        first = await self._log.append(topic, partition, messages)
        await self._wait()
        if fate < 0.8:  # there, and once more later: a producer that did not hear the answer in time
            asyncio.get_running_loop().call_later(
                self._dice.uniform(0, 20), _later, self._log, topic, partition, messages
            )
        elif fate < 1.0:  # there, but the answer is lost
            raise AppendUncertain
        return first

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        await self._wait()
        records = await self._log.read(topic, partition, offset, limit)
        await self._wait()
        return records

    async def bounds(self, topic: str, partition: int) -> Bounds:
        await self._wait()
        bounds = await self._log.bounds(topic, partition)
        await self._wait()
        return bounds

    async def _wait(self) -> None:
        await asyncio.sleep(self._dice.uniform(0, self._slow_s))
        await self._going.wait()


def _later(log: MemoryLog, topic: str, partition: int, messages: Sequence[Message]) -> None:
    arriving = log.append(topic, partition, messages)
    try:
        arriving.send(None)
    except StopIteration:
        return
    raise AssertionError("The memory log waits for nothing.")
