"""Commands that this API has taken and whose answer the board does not show yet. The measure of "too much".

Told of appends by the command routes; of answers by `services/projecting.py` where the board is in this process, else
by `watching.py`, which asks the board. Lives on the event loop.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import OrderedDict
from collections.abc import Mapping

from matcher.events import CommandParked, Event
from services.metrics import Metrics
from services.wire import Entry

PARKED_MAX = 1_000

Key = tuple[str, str]


class Pending:
    """(zone, command id) -> digest of its body, from before the append until the answer is on the board."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._digests: dict[Key, str] = {}
        #: appends under way: their end, which whoever repeats the command waits for
        self._appending: dict[Key, asyncio.Future[None]] = {}
        self._places: dict[int, list[tuple[int, Key]]] = {}
        self._answered: dict[int, int] = {}
        self._parked: OrderedDict[Key, str] = OrderedDict()
        self._empty = asyncio.Event()
        self._empty.set()
        #: something stands in the log and waits for its answer
        self._placed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._digests)

    @property
    def full(self) -> bool:
        """True when no more may be taken."""
        return len(self._digests) >= self._limit

    def show(self, metrics: Metrics) -> None:
        """Set the gauges: how many wait, and from how many on no more are taken."""
        metrics.set("commands_unanswered", len(self))
        metrics.set("commands_unanswered_limit", self._limit)

    def digest(self, key: Key) -> str | None:
        """Digest of the body taken under this id, or None."""
        return self._digests.get(key)

    def take(self, key: Key, digest: str) -> None:
        """A command is about to be appended."""
        self._digests[key] = digest
        self._appending[key] = asyncio.get_running_loop().create_future()
        self._empty.clear()

    async def stands(self, key: Key) -> None:
        """Wait until the append under way has ended; raise what it raised. Only then may a repeat be answered."""
        appending = self._appending.get(key)
        if appending is not None:
            await asyncio.shield(appending)

    async def emptied(self) -> None:
        """Wait until nothing is pending."""
        await self._empty.wait()

    def appended(self, key: Key, partition: int, offset: int) -> None:
        """It stands at this offset of commands. (Its answer may have come first.)"""
        self._ended(key)
        if offset <= self._answered.get(partition, -1):
            self.drop(key)
        else:
            heapq.heappush(self._places.setdefault(partition, []), (offset, key))
            self._placed.set()

    def failed(self, key: Key, error: Exception) -> None:
        """The append failed, or nobody knows: so for everybody who asked for it."""
        self._ended(key, error)
        self.drop(key)

    def drop(self, key: Key) -> None:
        """Wait for it no more: it is answered, or was never appended."""
        self._ended(key)
        self._digests.pop(key, None)
        if not self._digests:
            self._empty.set()

    def entry(self, partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
        """Commands up to `entry.last` are answered, and the board of this process shows it."""
        self._answered[partition] = max(entry.last, self._answered.get(partition, -1))
        parked = {event.offset: event.reason for event in events if isinstance(event, CommandParked)}
        self.settle(partition, entry.last + 1, parked)

    async def placed(self) -> None:
        """Wait until something stands in the log and waits for its answer."""
        await self._placed.wait()

    def waiting(self, partition: int, before: int) -> list[int]:
        """Offsets before this one at which commands of this API wait for their answer."""
        return [offset for offset, _ in self._places.get(partition, []) if offset < before]

    def settle(self, partition: int, before: int, parked: Mapping[int, str]) -> None:
        """The commands before this offset are answered and shown; `parked`: why those at these offsets were set aside.

        One that is appended to such a place later is settled by the next call.
        """
        places = self._places.get(partition, [])
        while places and places[0][0] < before:
            offset, key = heapq.heappop(places)
            if offset in parked:
                self._park(key, parked[offset])
            self.drop(key)
        if not any(self._places.values()):
            self._placed.clear()

    def parked(self, key: Key) -> str | None:
        """Why the command was parked, or None. The journal knows a parked command by its offset only."""
        return self._parked.get(key)

    def _ended(self, key: Key, error: Exception | None = None) -> None:
        appending = self._appending.pop(key, None)
        if appending is None or appending.done():
            return
        if error is None:
            appending.set_result(None)
        else:
            appending.set_exception(error)
            appending.exception()  # where nobody repeats it, nobody asks

    def _park(self, key: Key, reason: str) -> None:
        self._parked[key] = reason
        if len(self._parked) > PARKED_MAX:
            self._parked.popitem(last=False)
