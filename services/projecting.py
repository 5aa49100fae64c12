"""The journal reader that feeds the board, and then those who wait for it.

Subscribed by `services/runtime.py`. Entries are applied in order by one task, so that a slow board never holds the
writer; a listener hears of an entry only when the board shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from matcher.events import Event
from services.board import Board
from services.wire import Entry


class Listener(Protocol):
    """Somebody who follows the journal."""

    def entry(self, partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
        """Hear of the entry that holds this journal offset."""


class Projecting:
    """Queue between the journal and a board."""

    def __init__(self, board: Board, listeners: Sequence[Listener] = ()) -> None:
        self._board = board
        self._listeners = tuple(listeners)
        self._queue: asyncio.Queue[tuple[int, int, Entry, list[Event]]] = asyncio.Queue()

    def entry(self, partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
        """Take an entry from the journal reader."""
        self._queue.put_nowait((partition, offset, entry, events))

    @property
    def waiting(self) -> int:
        """Entries taken but not yet on the board."""
        return self._queue.qsize()

    async def run(self) -> None:
        """Apply entries for ever; ends only by cancellation or by a bug."""
        while True:
            partition, offset, entry, events = await self._queue.get()
            await self._board.apply(partition, offset, events)
            for listener in self._listeners:
                listener.entry(partition, offset, entry, events)
            self._queue.task_done()

    async def caught_up(self) -> None:
        """Wait until everything taken so far is on the board."""
        await self._queue.join()
