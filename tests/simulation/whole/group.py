"""The group that hands out partitions: heartbeats, a session time-out, rebalances; and Faust's hints, badly delivered.

`Member` is the product's own `Stream`, whose way into the group is this one instead of Faust's.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from services.names import COMMANDS, JOURNAL
from services.ports import Record
from services.stream.driver import Stream
from tests.simulation.whole.processes import Process

SESSION_S = 4.0
HEARTBEAT_S = 1.0


class Group:
    """Who has which partition, as far as the coordinator knows."""

    def __init__(self, partitions: int, dice: random.Random) -> None:
        self._partitions, self._dice = partitions, dice
        self._seen: dict[Process, float] = {}
        self._cut_off: dict[str, float] = {}
        self.shares: dict[Process, frozenset[int]] = {}
        self.members: dict[Process, Member] = {}

    async def run(self) -> None:
        """Look for those who are silent, for ever."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            now_s = asyncio.get_running_loop().time()
            silent = [process for process, at_s in self._seen.items() if now_s - at_s > SESSION_S]
            for process in silent:
                del self._seen[process]
            if silent:
                self.rebalance()

    def beat(self, process: Process) -> frozenset[int] | None:
        """A heartbeat arrives: what the process has now; None: the coordinator does not hear it."""
        now_s = asyncio.get_running_loop().time()
        if self._cut_off.get(process.name, -1.0) > now_s:
            return None
        new = process not in self._seen
        self._seen[process] = now_s
        if new:
            self.rebalance()
        return self.shares[process]

    def leave(self, process: Process) -> None:
        """A member says goodbye."""
        if self._seen.pop(process, None) is not None:
            self.rebalance()

    def cut_off(self, name: str, for_s: float) -> None:
        """The coordinator hears nothing of a member, who works on."""
        self._cut_off[name] = asyncio.get_running_loop().time() + for_s

    def rebalance(self) -> None:
        """Hand out everything anew; members hear of it with their next heartbeat."""
        members = sorted(self._seen, key=lambda process: process.name)
        self._dice.shuffle(members)
        self.shares = {
            process: frozenset(range(self._partitions)[n :: len(members)]) for n, process in enumerate(members)
        }

    def hint(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        """Bring records to whoever lives: to some late, to some twice, to some never, topics in any order."""
        loop = asyncio.get_running_loop()
        for process, member in list(self.members.items()):
            if not process.alive:
                del self.members[process]
                continue
            for record in records:
                for _ in range(self._dice.choice((0, 1, 1, 1, 1, 1, 2))):
                    delay_s = self._dice.choice((0.0, 0.0, 0.0, self._dice.uniform(0, 3)))
                    loop.call_later(delay_s, member.brought, topic, partition, record)


class Member(Stream):
    """See `Stream`. `process` and `group` stand for Faust."""

    process: Process
    group: Group

    def brought(self, topic: str, partition: int, record: Record) -> None:
        """What Faust would have fetched."""
        if topic == COMMANDS:
            self.process.hear(lambda: self._command(partition, record))
        elif topic == JOURNAL:
            for agent in self._followers:
                self.process.hear(lambda agent=agent: self._record(agent, partition, record))

    async def _join(self) -> None:
        self.group.members[self.process] = self
        self._run(self._beats(), "heartbeats")

    async def _beats(self) -> None:
        has: Any = None
        while True:
            mine = self.group.beat(self.process)
            if mine is not None and mine != has:
                has = mine
                self._assigned(mine)
            await asyncio.sleep(HEARTBEAT_S)

    async def stop(self) -> None:
        """See `Stream.stop`."""
        await super().stop()
        self.group.leave(self.process)
