"""The log as lists in this process: for tests, simulations and stories. Gone when the process ends."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence

from services import sizes
from services.names import PARTITIONS, TOPICS
from services.ports import Bounds, Message, Record


class MemoryLog:
    """Port `Log` in memory. `clock` gives the append time, seconds since 1970."""

    def __init__(self, partitions: int = PARTITIONS, clock: Callable[[], float] = time.time) -> None:
        self.partitions = partitions
        self._clock = clock
        self._ids = {topic: secrets.token_hex(8) for topic in TOPICS}
        self._records: dict[tuple[str, int], list[Record]] = {
            (topic, partition): [] for topic in TOPICS for partition in range(partitions)
        }

    async def append(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        """Append all, in order; return the first one's offset. Raises MessageTooLarge."""
        sizes.check(topic, messages)
        records = self._records[topic, partition]
        first, at_s = len(records), self._clock()
        records.extend(
            Record(offset, at_s, bytes(message.value), dict(message.headers))
            for offset, message in enumerate(messages, first)
        )
        return first

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        """Return up to `limit` records from `offset` on; [] at the end."""
        return self._records[topic, partition][offset : offset + limit]

    async def bounds(self, topic: str, partition: int) -> Bounds:
        """Say what can be read now."""
        return Bounds(0, len(self._records[topic, partition]), self._ids[topic])
