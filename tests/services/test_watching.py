"""What an API without a journal knows of its commands: asked of the board while it waits, and nothing dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from services.api.pending import Pending
from services.api.watching import Watching
from services.board import BoardAway

KEY = ("z1", "c1")


class Board:
    """Says what it is told to say; away while told so. `asked` counts."""

    def __init__(self) -> None:
        self.shown: dict[int, int] = {}
        self.aside: dict[int, str] = {}
        self.away = False
        self.asked = 0
        self.was_asked = asyncio.Event()
        self.while_asked = lambda: None

    async def answered(self) -> dict[int, int]:
        self.asked += 1
        self.was_asked.set()
        if self.away:
            raise BoardAway("gone")
        return dict(self.shown)

    async def parked(self, partition: int, offsets: Iterable[int]) -> dict[int, str]:
        self.while_asked()
        return {offset: self.aside[offset] for offset in offsets if offset in self.aside}

    async def again(self) -> None:
        """Wait until it was asked once more, from beginning to end."""
        for _ in range(2):
            self.was_asked.clear()
            await self.was_asked.wait()


class Story:
    def __init__(self) -> None:
        self.board, self.pending = Board(), Pending(10)
        self.task = asyncio.create_task(Watching(self.board, self.pending, pause_s=0.001).run())

    def take(self, key: tuple[str, str], offset: int) -> None:
        self.pending.take(key, "digest")
        self.pending.appended(key, 0, offset)

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


def test_nothing_is_asked_while_nothing_waits() -> None:
    async def check() -> None:
        story = Story()
        story.board.shown = {0: 6}
        story.pending.take(KEY, "digest")
        for _ in range(20):
            await asyncio.sleep(0)
        assert story.board.asked == 0
        story.pending.appended(KEY, 0, 5)
        await story.pending.emptied()
        assert story.board.asked == 1
        await story.end()

    asyncio.run(check())


def test_a_command_waits_until_the_board_shows_its_answer() -> None:
    async def check() -> None:
        story = Story()
        story.take(KEY, 5)
        story.board.shown = {0: 5, 1: 100}
        await story.board.again()
        assert story.pending.digest(KEY) == "digest"
        story.board.shown = {0: 6}
        await story.pending.emptied()
        assert story.pending.parked(KEY) is None
        await story.end()

    asyncio.run(check())


def test_a_board_that_is_away_drops_nothing() -> None:
    async def check() -> None:
        story = Story()
        story.board.away = True
        story.take(KEY, 5)
        await story.board.again()
        assert story.pending.digest(KEY) == "digest"
        story.board.away, story.board.shown = False, {0: 6}
        await story.pending.emptied()
        await story.end()

    asyncio.run(check())


def test_a_parked_command_is_known_by_its_offset_even_if_it_is_appended_while_the_board_is_asked() -> None:
    async def check() -> None:
        story, late = Story(), ("z1", "late")
        story.board.shown, story.board.aside = {0: 9}, {4: "unreadable", 5: "crashes"}

        def append_late() -> None:
            story.board.while_asked = lambda: None
            story.take(late, 4)

        story.board.while_asked = append_late
        story.take(KEY, 5)
        await story.pending.emptied()
        assert (story.pending.parked(KEY), story.pending.parked(late)) == ("crashes", "unreadable")
        await story.end()

    asyncio.run(check())
