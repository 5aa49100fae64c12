"""Commands that this API has taken and whose answer the board does not show yet. The measure of "too much".

Told of appends by the command routes and of answers by `services/projecting.py`; lives on the event loop.
"""

from __future__ import annotations

import heapq

from matcher.events import Event
from services.wire import Entry

Key = tuple[str, str]


class Pending:
    """(zone, command id) -> digest of its body, from before the append until the answer is on the board."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._digests: dict[Key, str] = {}
        self._places: dict[int, list[tuple[int, Key]]] = {}
        self._answered: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._digests)

    @property
    def full(self) -> bool:
        """True when no more may be taken."""
        return len(self._digests) >= self._limit

    def digest(self, key: Key) -> str | None:
        """Digest of the body taken under this id, or None."""
        return self._digests.get(key)

    def take(self, key: Key, digest: str) -> None:
        """A command is about to be appended."""
        self._digests[key] = digest

    def appended(self, key: Key, partition: int, offset: int) -> None:
        """It stands at this offset of commands. (Its answer may have come first.)"""
        if offset <= self._answered.get(partition, -1):
            self._digests.pop(key, None)
        else:
            heapq.heappush(self._places.setdefault(partition, []), (offset, key))

    def drop(self, key: Key) -> None:
        """The append failed."""
        self._digests.pop(key, None)

    def entry(self, partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
        """Commands up to `entry.last` are answered."""
        self._answered[partition] = max(entry.last, self._answered.get(partition, -1))
        places = self._places.get(partition, [])
        while places and places[0][0] <= entry.last:
            self._digests.pop(heapq.heappop(places)[1], None)
