"""Time for live zones (DESIGN 4.5): a Tick a beat to every zone with something waiting, a minute's otherwise.

Started by Embedded and Stream when they are given a beat; off in lock-step, where the driver appends the Ticks itself.
At most one unanswered Tick a zone: under load the beat grows, nothing is coalesced. With `clocks` only zones whose
broker's clock agrees with ours are told the time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from matcher.commands import Tick
from services.clocks import Append, Clocks
from services.core import ZoneState
from services.ports import AppendUncertain

LOG = logging.getLogger(__name__)

BEAT_S = 1.0
#: How often a zone is told the time when nothing waits for it.
QUIET_S = 60.0

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
        clocks: Clocks | None = None,
    ) -> None:
        self._append = clocks.append if clocks else append
        self._clocks = clocks
        self._answered = answered
        self._zones = zones
        self._now = now
        self._beat_s = beat_s
        self._quiet_s = quiet_s
        self._unanswered: dict[str, asyncio.Task[None]] = {}
        self._told: dict[str, datetime] = {}

    async def run(self) -> None:
        """Beat until cancelled; raises what an append or an answer raises. A beat whose append is uncertain is lost."""
        try:
            while True:
                try:
                    await self._beat()
                except AppendUncertain:
                    LOG.warning("a beat's ticks may not have been appended; the next beat repeats them")
                await asyncio.sleep(self._beat_s)
        finally:
            for waiting in self._unanswered.values():
                waiting.cancel()

    async def _beat(self) -> None:
        for zone in [zone for zone, waiting in self._unanswered.items() if waiting.done()]:
            self._unanswered.pop(zone).result()
        there = self._zones()
        if self._clocks is not None:
            await self._clocks.probe(list(there))
        at = self._now()
        zones = [zone for zone, state in there.items() if self._due(zone, state, at)]
        places = await self._append([self._tick(zone, at) for zone in zones]) if zones else []
        for zone, (partition, offset) in zip(zones, places, strict=True):
            self._told[zone] = at
            self._unanswered[zone] = asyncio.ensure_future(self._answered(partition, offset))

    def _due(self, zone: str, state: ZoneState, at: datetime) -> bool:
        if zone in self._unanswered or not (self._clocks is None or self._clocks.agrees(zone)):
            return False
        told = self._told.get(zone)
        return told is None or state.waiting() or (at - told).total_seconds() >= self._quiet_s

    def _tick(self, zone: str, at: datetime) -> Tick:
        # Numbered by the clock: beats stay in order over restarts without being remembered.
        beat = int(at.timestamp() / self._beat_s)
        return Tick(id=f"tick.{zone}.{beat}"[-200:], zone=zone, at=at, beat=beat)
