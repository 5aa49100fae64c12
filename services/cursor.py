"""A reader's own place in one partition (DESIGN 4.4): each offset once, in order, whatever a driver delivers.

Used by the Writer on commands and by every reader of the journal. It trusts no one's acknowledgements: what it was
not given it reads from the log, up to the end that the log stated at the last `recheck`.
"""

from __future__ import annotations

import asyncio
from collections import deque

from services.meters import Meters
from services.ports import Log, LogUntrusted, Record

#: Delivered records kept in memory; what comes beyond is read from the log when its turn comes.
INBOX_MAX = 2000
#: The same in bytes of their values: a partition's share of memory, however large its commands are.
INBOX_BYTES_MAX = 16 << 20


class Cursor:
    """Yields the records of (topic, partition) from `next_offset` on. `topic_id`: as remembered, None at first."""

    def __init__(
        self,
        log: Log,
        topic: str,
        partition: int,
        next_offset: int = 0,
        topic_id: str | None = None,
        *,
        inbox_max: int = INBOX_MAX,
        inbox_bytes_max: int = INBOX_BYTES_MAX,
        meters: Meters | None = None,
    ) -> None:
        self.next_offset = next_offset
        self.topic_id = topic_id
        self._log = log
        self._topic = topic
        self._partition = partition
        self._inbox: deque[Record] = deque()  # exactly the offsets from next_offset on
        self._inbox_max = inbox_max
        self._inbox_bytes = 0
        self._inbox_bytes_max = inbox_bytes_max
        self._known_end = next_offset
        self._news = asyncio.Event()
        self._meters = meters or Meters()

    @property
    def backlog(self) -> int:
        """How many records are known to be there and not yet taken."""
        return self._known_end - self.next_offset

    @property
    def known_end(self) -> int:
        """Records before this offset are known to be there."""
        return self._known_end

    @property
    def head_at_s(self) -> float | None:
        """When the next record was appended, seconds since 1970; None while it is not here."""
        return self._inbox[0].at_s if self._inbox else None

    def deliver(self, offset: int, record: Record) -> None:
        """Use a record that a driver brought if it is the next one; else only remember that it exists."""
        if offset == self.next_offset + len(self._inbox) and self._has_room(record):
            self._inbox.append(record)
            self._inbox_bytes += len(record.value)
        if offset >= self._known_end:
            self._known_end = offset + 1
            self._news.set()

    async def recheck(self) -> None:
        """Ask the log what it holds and plan to read up to there. Raises LogUntrusted; never skips."""
        bounds = await self._log.bounds(self._topic, self._partition)
        place = f"({self._topic}), partition ({self._partition})"
        if self.topic_id is not None and bounds.topic_id != self.topic_id:
            raise LogUntrusted(f"{place} was made anew: its id is ({bounds.topic_id}), it was ({self.topic_id}).")
        if bounds.start > self.next_offset:
            raise LogUntrusted(f"{place} begins at ({bounds.start}); offset ({self.next_offset}) was not read yet.")
        if bounds.end < self.next_offset:
            raise LogUntrusted(f"{place} ends at ({bounds.end}); offset ({self.next_offset - 1}) was read before.")
        self.topic_id = bounds.topic_id
        if bounds.end > self._known_end:
            self._known_end = bounds.end
            self._news.set()

    async def take(self, limit: int) -> list[Record]:
        """Return up to `limit` records and step past them; [] when nothing more is known to be there."""
        if self._inbox:
            records = [self._pop() for _ in range(min(limit, len(self._inbox)))]
        elif self.backlog:
            records = await self._read(min(limit, self.backlog))
        else:
            records = []
        self.next_offset += len(records)
        if not self.backlog:
            self._news.clear()
        return records

    def back_to(self, offset: int) -> None:
        """Take up again at an earlier offset: what was taken beyond it was not used."""
        self._inbox.clear()
        self._inbox_bytes = 0
        self.next_offset = offset
        self._news.set()

    async def news(self) -> None:
        """Wait until something is there to be taken, or somebody calls `wake`."""
        await self._news.wait()
        if not self.backlog:
            self._news.clear()

    def wake(self) -> None:
        """End a wait for news although there may be none (the reader is asked to stop)."""
        self._news.set()

    async def _read(self, limit: int) -> list[Record]:
        records = await self._log.read(self._topic, self._partition, self.next_offset, limit)
        offsets = [record.offset for record in records]
        if not records or offsets != list(range(self.next_offset, self.next_offset + len(records))):
            raise LogUntrusted(
                f"({self._topic}), partition ({self._partition}) has no record at ({self.next_offset}), "
                f"though it is said to end at ({self._known_end})."
            )
        self._meters.read_back(self._partition, len(records))
        # A driver may have brought the same ones meanwhile.
        for _ in range(min(len(records), len(self._inbox))):
            self._pop()
        return records

    def _has_room(self, record: Record) -> bool:
        return len(self._inbox) < self._inbox_max and self._inbox_bytes + len(record.value) <= self._inbox_bytes_max

    def _pop(self) -> Record:
        record = self._inbox.popleft()
        self._inbox_bytes -= len(record.value)
        return record
