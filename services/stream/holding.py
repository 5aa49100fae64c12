"""One owned partition: its Writer and its followers, from the moment it was assigned until it is given up.

Made and ended by `driver.Stream`. Whatever ends a part by an exception is told to the driver, which ends the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from services.following import Following
from services.ports import Record
from services.writer import Writer

#: What is in hand may take so long to finish; then it is cut off. The chain makes the cut harmless.
PATIENCE_S = 3.0


class LetGo(Exception):
    """The partition belongs to somebody else now, who answers what was asked."""


class Holding:
    """Runs `writer` and `followings` (by agent) once `after` is done: the same partition's former holding."""

    def __init__(
        self,
        writer: Writer,
        followings: Mapping[str, Following],
        failed: Callable[[BaseException], None],
        after: asyncio.Future[Any] | None = None,
    ) -> None:
        self.writer = writer
        self.followings = dict(followings)
        self._failed = failed
        self._after = after
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; never waits."""
        self._run(self.writer.run, f"writer-{self.writer.partition}")
        for name, following in self.followings.items():
            self._run(following.run, f"{name}-{following.partition}")

    @property
    def ready(self) -> bool:
        """Whether the writer has signed in and the followers have caught up."""
        return self.writer.signed_in and all(following.up_to_date for following in self.followings.values())

    def deliver(self, agent: str, record: Record) -> None:
        """Hand a record of the journal to the follower that `agent` feeds."""
        self.followings[agent].deliver(record.offset, record)

    def assigned(self) -> None:
        """Assigned again: look for what was missed meanwhile."""
        self.writer.assigned()
        for following in self.followings.values():
            following.assigned()

    async def end(self, patience_s: float = PATIENCE_S) -> None:
        """Give the partition up: finish what is in hand, cut it off after `patience_s`."""
        self.writer.stop()
        for following in self.followings.values():
            following.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=patience_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)
        self.writer.give_up(LetGo())

    def _run(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        task = asyncio.create_task(self._in_turn(work), name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    async def _in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        if self._after is not None:
            await asyncio.wait([self._after])
        await work()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)
