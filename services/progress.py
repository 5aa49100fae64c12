"""Whether the owned partitions move: what waits in the log against what was taken, every few seconds.

Run by `stream/driver.py` and `runtime.py`; its words go to readiness and liveness. A broker that does not answer is
not this process's trouble. It also asks for the identity of the topics, so that a log made anew is noticed while
nothing else happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from services.exits import Stop
from services.names import COMMANDS, JOURNAL
from services.ports import Log, LogUntrusted

LOOK_S = 5.0
#: What has not moved for half a minute must be said by then, and may have moved just after a look.
STUCK_S = 30.0 - LOOK_S
#: `/livez` waits for as long again: starting a process anew is worse than waiting for a broker's new leader.
PATIENCE_S = 30.0
WRITER = "writer"


class Answers(Protocol):
    """The part of `services.writer.Writer` that is looked at."""

    @property
    def answered(self) -> int:
        """Commands before this offset have their answer."""


class Follows(Protocol):
    """The part of `services.following.Following` that is looked at."""

    @property
    def next_offset(self) -> int:
        """Every record of the journal before it is taken in."""


class Owned(Protocol):
    """One owned partition: who answers it, and by name who follows its journal."""

    @property
    def writer(self) -> Answers:
        """Who answers."""

    @property
    def followings(self) -> Mapping[str, Follows]:
        """Who follows."""


@dataclass(frozen=True)
class Writing:
    """See `Owned`: a partition whose readers are told by its writer."""

    writer: Answers
    followings: Mapping[str, Follows] = field(default_factory=dict)


@dataclass
class _Seen:
    """How far a reader was when it last moved, or had nothing to do."""

    at: int
    since_s: float
    waiting: int = 0


class Progress:
    """Watches the partitions that `holdings()` returns."""

    def __init__(
        self,
        log: Log,
        holdings: Callable[[], Mapping[int, Owned]],
        *,
        look_s: float = LOOK_S,
        stuck_s: float = STUCK_S,
    ) -> None:
        self._log = log
        self._holdings = holdings
        self._look_s = look_s
        self._stuck_s = stuck_s
        self._seen: dict[tuple[int, str], _Seen] = {}

    async def run(self) -> None:
        """Look until cancelled. Raises LogUntrusted."""
        while True:
            await asyncio.sleep(self._look_s)
            await self.look()

    async def look(self) -> None:
        """Compare once. Raises LogUntrusted."""
        holdings = dict(self._holdings())
        for place in [place for place in self._seen if place[0] not in holdings]:
            del self._seen[place]
        try:
            # Also with nothing to own: a group loses its partitions when the topics are deleted.
            for topic in (COMMANDS, JOURNAL):
                await self._log.bounds(topic, 0)
            for partition, holding in holdings.items():
                end = (await self._log.bounds(COMMANDS, partition)).end
                self._note(partition, WRITER, holding.writer.answered, end)
                end = (await self._log.bounds(JOURNAL, partition)).end
                for name, following in holding.followings.items():
                    self._note(partition, name, following.next_offset, end)
        except LogUntrusted:
            raise
        except Stop:
            self._seen.clear()

    def trouble(self, but: Collection[str] = ()) -> str | None:
        """Say in words what has not moved for too long although something waits; `but`: names that are not asked."""
        now_s = asyncio.get_running_loop().time()
        stuck = [
            f"partition ({partition}), {name}: nothing taken for ({now_s - seen.since_s:.0f}) s, ({seen.waiting}) wait"
            for (partition, name), seen in sorted(self._seen.items())
            if name not in but and seen.waiting > 0 and now_s - seen.since_s >= self._stuck_s
        ]
        if not stuck:
            return None
        return stuck[0] + (f"; and ({len(stuck) - 1}) more" if stuck[1:] else "")

    def _note(self, partition: int, name: str, at: int, end: int) -> None:
        now_s = asyncio.get_running_loop().time()
        seen = self._seen.setdefault((partition, name), _Seen(at, now_s))
        if at != seen.at or at >= end:
            seen.at, seen.since_s = at, now_s
        seen.waiting = end - at
