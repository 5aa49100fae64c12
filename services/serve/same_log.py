"""Whether the log, and what the board was told from, is still the log that this process opened.

Run by the roles that read no journal (`api`, `worker`): the writers and followers notice by themselves. Topics that
were made anew take appends as if nothing had happened, and a board told from the old ones would go on answering.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from services.board import BoardAway
from services.exits import ExitCode, Stop
from services.names import COMMANDS, JOURNAL, NAME
from services.ports import Log, LogUntrusted

LOOK_S = 2.0


class Told(Protocol):
    """A board that knows from which journals it was told. May raise BoardAway."""

    async def topic_ids(self) -> set[str]:
        """Return the ids of the journals that its places stand in."""


class SameLog:
    """`board`: None where the process shows none."""

    def __init__(self, log: Log, board: Told | None = None, *, look_s: float = LOOK_S) -> None:
        self._log = log
        self._board = board
        self._look_s = look_s

    async def run(self) -> None:
        """Look until cancelled. Raises LogUntrusted."""
        while True:
            await asyncio.sleep(self._look_s)
            try:
                await self.look()
            except BoardAway:
                continue
            except Stop as stop:
                if stop.code is not ExitCode.UNREACHABLE:
                    raise

    async def look(self) -> None:
        """Ask once. Raises LogUntrusted, BoardAway, Stop (exit 4)."""
        await self._log.bounds(COMMANDS, 0)
        journal = (await self._log.bounds(JOURNAL, 0)).topic_id
        others = (await self._board.topic_ids() if self._board else set()) - {journal}
        if others:
            raise LogUntrusted(
                f"The board was told from journal ({', '.join(sorted(others))}), the log's is ({journal}). "
                f"If the log is the right one, run `{NAME} board rebuild`."
            )
