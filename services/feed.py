"""A partition's holding entries for the readers of this process: from the journal's start, then live, each once.

Fed by the Writer; what the Writer did not tell (before its snapshot, sign-ins, voids) is read from the log. Events are
decoded once for all readers. Readers keep no offset of their own here: their output lives as long as this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from matcher.events import Event
from services.cursor import Cursor
from services.meters import Meters
from services.names import JOURNAL
from services.ports import Log
from services.reading import Chain, Held, Reader, events_of
from services.wire import Entry

RECORDS = 500


class Feed:
    """Tells `readers` the entries of one journal partition."""

    def __init__(self, log: Log, partition: int, readers: Sequence[Reader], meters: Meters | None = None) -> None:
        self._partition = partition
        self._readers = readers
        self._chain = Chain()
        self._cursor = Cursor(log, JOURNAL, partition, meters=meters)
        self._turn = asyncio.Lock()  # catching up and being told must not cross

    async def told(self, partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
        """Take an entry from the Writer; fill what lies before it, ignore it if it was told already."""
        if not self._readers:
            return
        async with self._turn:
            if offset > self._chain.next_offset:
                await self._fill(offset)
            if offset == self._chain.next_offset and isinstance(self._chain.take(offset, entry), Held):
                self._show(offset, entry, events)

    async def catch_up(self) -> None:
        """Read the journal up to the end it has now."""
        if self._readers:
            async with self._turn:
                await self._fill(None)

    async def _fill(self, end: int | None) -> None:
        cursor = self._cursor
        cursor.next_offset = self._chain.next_offset
        await cursor.recheck()
        end = cursor.next_offset + cursor.backlog if end is None else end
        while cursor.next_offset < end:
            for record in await cursor.take(min(RECORDS, end - cursor.next_offset)):
                judged = self._chain.accept(record.offset, record.value)
                if isinstance(judged, Held):
                    events = events_of(self._partition, record.offset, judged.entry)
                    self._show(record.offset, judged.entry, events)

    def _show(self, offset: int, entry: Entry, events: list[Event]) -> None:
        for reader in self._readers:
            reader.entry(self._partition, offset, entry, events)
