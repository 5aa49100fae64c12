"""Roles that read no journal notice that the log, or what the board was told from, is another one."""

from __future__ import annotations

import asyncio

import pytest

from services.adapters.memory import MemoryLog
from services.board import BoardAway
from services.exits import ExitCode, Stop
from services.names import JOURNAL
from services.ports import Bounds, LogUntrusted
from services.serve.same_log import SameLog

DEADLINE_S = 10.0


class Anew(MemoryLog):
    """A log that may be away, or made anew."""

    def __init__(self) -> None:
        super().__init__(1)
        self.trouble: Exception | None = None
        self.asked = asyncio.Semaphore(0)

    async def bounds(self, topic: str, partition: int) -> Bounds:
        self.asked.release()
        if self.trouble is not None:
            raise self.trouble
        return await super().bounds(topic, partition)


class Shows:
    """A board told from these journals."""

    def __init__(self, *ids: str) -> None:
        self.ids = set(ids)
        self.away = False

    async def topic_ids(self) -> set[str]:
        if self.away:
            raise BoardAway("away")
        return self.ids


def test_a_log_made_anew_ends_the_watch_and_one_that_is_away_does_not() -> None:
    async def check() -> None:
        log, board = Anew(), Shows()
        board.away = True
        watch = asyncio.create_task(SameLog(log, board, look_s=0.001).run())
        for trouble in (Stop(ExitCode.UNREACHABLE, "away"), None):
            log.trouble, log.asked = trouble, asyncio.Semaphore(0)
            async with asyncio.timeout(DEADLINE_S):
                for _ in range(5):
                    await log.asked.acquire()
            assert not watch.done()
        log.trouble = LogUntrusted("made anew")
        with pytest.raises(LogUntrusted):
            await asyncio.wait_for(watch, DEADLINE_S)

    asyncio.run(check())


def test_a_board_told_from_another_journal_is_refused_and_an_empty_one_is_not() -> None:
    async def check() -> None:
        log = MemoryLog(1)
        mine = (await log.bounds(JOURNAL, 0)).topic_id
        for good in (Shows(), Shows(mine)):
            await SameLog(log, good).look()
        with pytest.raises(LogUntrusted, match="board rebuild"):
            await SameLog(log, Shows(mine, "another")).look()

    asyncio.run(check())
