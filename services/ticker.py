"""Time for live zones (DESIGN 4.5): a Tick a beat to every zone with something waiting, a minute's otherwise.

Started by Embedded when it is given a beat; off in lock-step, where the driver appends the Ticks itself. At most one
unanswered Tick a zone: under load the beat grows, nothing is coalesced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from matcher.commands import Command, Tick
from services.core import ZoneState

BEAT_S = 1.0
#: How often a zone is told the time when nothing waits for it.
QUIET_S = 60.0

Append = Callable[[Sequence[Command]], Awaitable[list[tuple[int, int]]]]
Answered = Callable[[int, int], Awaitable[None]]


class Ticker:
    """Appends Ticks for `zones()` until cancelled. `now` is the wall clock."""

    def __init__(
        self,
        append: Append,
        answered: Answered,
        zones: Callable[[], Mapping[str, ZoneState]],
        *,
        now: Callable[[], datetime],
        beat_s: float = BEAT_S,
        quiet_s: float = QUIET_S,
    ) -> None:
        self._append = append
        self._answered = answered
        self._zones = zones
        self._now = now
        self._beat_s = beat_s
        self._quiet_s = quiet_s
        self._unanswered: dict[str, asyncio.Task[None]] = {}
        self._told: dict[str, datetime] = {}

    async def run(self) -> None:
        """Beat until cancelled; raises what an append or an answer raises."""
        try:
            while True:
                await self._beat()
                await asyncio.sleep(self._beat_s)
        finally:
            for waiting in self._unanswered.values():
                waiting.cancel()

    async def _beat(self) -> None:
        for zone in [zone for zone, waiting in self._unanswered.items() if waiting.done()]:
            self._unanswered.pop(zone).result()
        at = self._now()
        zones = [zone for zone, state in self._zones().items() if self._due(zone, state, at)]
        places = await self._append([self._tick(zone, at) for zone in zones]) if zones else []
        for zone, (partition, offset) in zip(zones, places, strict=True):
            self._told[zone] = at
            self._unanswered[zone] = asyncio.ensure_future(self._answered(partition, offset))

    def _due(self, zone: str, state: ZoneState, at: datetime) -> bool:
        if zone in self._unanswered:
            return False
        told = self._told.get(zone)
        return told is None or state.waiting() or (at - told).total_seconds() >= self._quiet_s

    def _tick(self, zone: str, at: datetime) -> Tick:
        # Numbered by the clock: beats stay in order over restarts without being remembered.
        beat = int(at.timestamp() / self._beat_s)
        return Tick(id=f"tick.{zone}.{beat}"[-200:], zone=zone, at=at, beat=beat)
