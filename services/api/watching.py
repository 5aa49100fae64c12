"""Asks a board of another process what it shows by now, while this API waits for an answer; else asks nothing.

Started by the entry point beside the API (`paidan serve api`). It reads no journal. A board that is away is asked
again: what is pending stays pending, and is dropped only when the board has said that it shows the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from services.api.pending import Pending
from services.board import BoardAway

#: Seconds between two questions: as long as a client waits at most beyond the answer.
PAUSE_S = 0.03
#: A board that is away is asked more and more seldom, down to this.
PAUSE_S_MAX = 1.0


class Answering(Protocol):
    """A board that says which commands are answered. Both may raise BoardAway."""

    async def answered(self) -> dict[int, int]:
        """Return partition -> commands before this offset are answered, and the board shows it."""

    async def parked(self, partition: int, offsets: Iterable[int]) -> dict[int, str]:
        """Return why those of the commands at these offsets were set aside that were."""


class Watching:
    """Feeds `pending` from `board`."""

    def __init__(
        self, board: Answering, pending: Pending, *, pause_s: float = PAUSE_S, pause_s_max: float = PAUSE_S_MAX
    ) -> None:
        self._board = board
        self._pending = pending
        self._pause_s = pause_s
        self._pause_s_max = pause_s_max

    async def run(self) -> None:
        """Ask while anything is pending; ends only by cancellation or by a bug."""
        pause_s = self._pause_s
        while True:
            await self._pending.placed()
            try:
                await self._look()
                pause_s = self._pause_s
            except BoardAway:
                pause_s = min(2 * pause_s, self._pause_s_max)
            await asyncio.sleep(pause_s)

    async def _look(self) -> None:
        for partition, before in (await self._board.answered()).items():
            offsets: list[int] = []
            parked: dict[int, str] = {}
            while (found := self._pending.waiting(partition, before)) != offsets:  # more may come while we ask
                offsets, parked = found, await self._board.parked(partition, found)
            if offsets:
                self._pending.settle(partition, before, parked)
