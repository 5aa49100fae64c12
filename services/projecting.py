"""The journal's readers that feed a board: one for a board of this process, one for a board that processes share.

`Projecting` is subscribed by `services/runtime.py`: entries are applied in order by one task, so that a slow board
never holds the writer, and a listener hears of an entry only when the board shows it. `BoardFollower` is driven by
`services/following.py` in a process that may lose partitions; it waits for a board that is away, and never skips.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from matcher.events import Event
from services.board import Board, BoardAway, BoardLost
from services.following import BeginAgain, HeldEntry, Place
from services.wire import Entry

log = logging.getLogger(__name__)

#: A board that is away is asked again after so many seconds, twice as many each time.
PAUSE_S, PAUSE_S_MAX = 0.05, 5.0

Found = TypeVar("Found")


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


class KeptBoard(Protocol):
    """A board that keeps the place in the journal together with the views. Every call may raise BoardAway."""

    async def begin(self, partition: int) -> Place:
        """Say from where this partition must be told, and mark it as being filled where something is missing."""

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Place) -> None:
        """Put entries on the board, and the place with them. Raises BoardLost when it holds less than it was told."""

    async def filled(self, partition: int) -> None:
        """The partition has been told everything that there was."""


class BoardFollower:
    """See `following.Follower`. A board that was emptied is told again, from what it still holds."""

    def __init__(self, board: KeptBoard, *, pause_s: float = PAUSE_S, pause_s_max: float = PAUSE_S_MAX) -> None:
        self._board = board
        self._pause_s = pause_s
        self._pause_s_max = pause_s_max
        self._away: dict[int, str] = {}
        self._filling: set[int] = set()
        self._marking: dict[int, asyncio.Task[None]] = {}

    async def begin(self, partition: int) -> Place:
        """See `Follower.begin`. Waits while the board is away."""
        self._filling.add(partition)
        return await self._patiently(partition, lambda: self._board.begin(partition))

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Place) -> None:
        """See `Follower.take`. Waits while the board is away; raises BeginAgain when it was emptied."""
        marking = self._marking.get(partition)
        if marking is not None and marking.done():
            marking.result()
        try:
            await self._patiently(partition, lambda: self._board.take(partition, entries, place))
        except BoardLost as lost:
            raise BeginAgain(str(lost)) from lost

    def live(self, partition: int) -> None:
        """See `Follower.live`."""
        self._filling.discard(partition)
        self._unmark(partition)
        self._marking[partition] = asyncio.create_task(
            self._patiently(partition, lambda: self._board.filled(partition)), name=f"board-filled-{partition}"
        )

    def end(self, partition: int) -> None:
        """See `Follower.end`."""
        self._unmark(partition)
        self._away.pop(partition, None)
        self._filling.discard(partition)

    @property
    def away(self) -> bool:
        """Whether the board does not answer."""
        return bool(self._away)

    async def trouble(self) -> str | None:
        """Say why the board is behind, or None: a check of `Readiness`."""
        if self._away:
            return next(iter(self._away.values()))
        return "the board is being filled" if self._filling else None

    def _unmark(self, partition: int) -> None:
        marking = self._marking.pop(partition, None)
        if marking is not None:
            marking.cancel()

    async def _patiently(self, partition: int, ask: Callable[[], Awaitable[Found]]) -> Found:
        """Ask until the board answers. Nothing is skipped and nobody else is held: the journal waits in the log."""
        pause_s = self._pause_s
        while True:
            try:
                found = await ask()
            except BoardAway as away:
                if partition not in self._away:
                    log.warning("the board does not answer; its follower waits", extra={"partition": partition})
                self._away[partition] = str(away)
            else:
                self._away.pop(partition, None)
                return found
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._pause_s_max)
