"""Whether our clock agrees with the log's (DESIGN 4.5): the append time of our own Ticks, compared as they come back.

Used by the ticker of the stream: a zone whose partition is not known to agree gets no Tick that moves its time, only a
probe that comes too late for any zone and so changes nothing. One verdict a partition: each has a broker of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from matcher.commands import Command, Tick
from services.meters import Meters
from services.wire import partition_of

LOG = logging.getLogger(__name__)

OFF_S_MAX = 2.0
#: A probe that has not come back after so long is asked again.
PROBE_S = 10.0
#: Before every time of any zone.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

Append = Callable[[Sequence[Command]], Awaitable[list[tuple[int, int]]]]


class Clocks:
    """Compares the wall clock `now` with the brokers' clocks, by what `append` appends and `saw` reports."""

    def __init__(
        self,
        append: Append,
        partitions: int,
        *,
        now: Callable[[], datetime],
        off_s_max: float = OFF_S_MAX,
        meters: Meters | None = None,
    ) -> None:
        self._append = append
        self._partitions = partitions
        self._now = now
        self._off_s_max = off_s_max
        self._meters = meters or Meters()
        self._off_s: dict[int, float] = {}  # by partition, for those that have answered; 0 = agrees
        self._asked: dict[tuple[int, int], tuple[float, float]] = {}  # our clock before and after the append
        self._probed_s: dict[int, float] = {}
        self._early: dict[tuple[int, int], float] | None = None  # came back before the append was answered
        self._ahead_s: float | None = None  # our clock before the machine's running time

    def agrees(self, zone: str) -> bool:
        """Say whether the zone's partition has shown the same time as our clock."""
        return self._off_s.get(partition_of(zone, self._partitions)) == 0

    async def probe(self, zones: Sequence[str]) -> None:
        """Ask the partitions of `zones` for their time, where it is not known to agree and no answer is awaited."""
        now_s = self._now().timestamp()
        self._notice_a_jump(now_s)
        asked: dict[int, str] = {}
        for zone in zones:
            partition = partition_of(zone, self._partitions)
            if self._off_s.get(partition) != 0 and abs(now_s - self._probed_s.get(partition, 0)) >= PROBE_S:
                asked.setdefault(partition, zone)
        if not asked:
            return
        self._probed_s |= dict.fromkeys(asked, now_s)
        try:
            await self.append([_probe(zone) for zone in asked.values()])
        except BaseException:
            for partition in asked:
                self._probed_s.pop(partition, None)
            raise

    async def append(self, commands: Sequence[Command]) -> list[tuple[int, int]]:
        """Append, and expect what was appended to be seen with the log's time. One call at a time."""
        self._early = {}
        before_s = self._now().timestamp()
        try:
            places = await self._append(commands)
        finally:
            early, self._early = self._early, None
        after_s = self._now().timestamp()
        for place in places:
            self._asked[place] = (before_s, after_s)
            if place in early:
                self.saw(*place, early[place])
        return places

    def saw(self, partition: int, offset: int, at_s: float) -> None:
        """Take in the log's own append time of a command: compared if it is one of ours."""
        window = self._asked.pop((partition, offset), None)
        if window is None:
            if self._early is not None:
                self._early[partition, offset] = at_s
            return
        self._probed_s.pop(partition, None)
        before_s, after_s = window
        off_s = at_s - after_s if at_s > after_s else min(0.0, at_s - before_s)
        self._judge(partition, off_s if abs(off_s) > self._off_s_max else 0.0)

    def forget(self, partition: int) -> None:
        """The partition belongs to somebody else now."""
        self._off_s.pop(partition, None)
        self._probed_s.pop(partition, None)
        for place in [place for place in self._asked if place[0] == partition]:
            del self._asked[place]

    def trouble(self) -> str | None:
        """Say in words whether a clock is off."""
        off = {partition: off_s for partition, off_s in self._off_s.items() if off_s}
        if not off:
            return None
        partition, off_s = max(off.items(), key=lambda item: abs(item[1]))
        return f"the clock is ({off_s:+.1f}) s from the broker's of partition ({partition}): no time passes there"

    def _notice_a_jump(self, now_s: float) -> None:
        """A clock that was set is not trusted until a broker agrees: no time that it shows is told before."""
        ahead_s = now_s - asyncio.get_running_loop().time()
        if self._ahead_s is not None and abs(ahead_s - self._ahead_s) > self._off_s_max:
            LOG.warning("the clock jumped by %+.1f s; asking the brokers for the time", ahead_s - self._ahead_s)
            self._off_s = {partition: off_s for partition, off_s in self._off_s.items() if off_s}
            self._probed_s.clear()
        self._ahead_s = ahead_s

    def _judge(self, partition: int, off_s: float) -> None:
        known = self._off_s.get(partition)
        if off_s and not known:
            LOG.error("the clock is %+.1f s from the broker's of partition %s; no ticks there", off_s, partition)
        elif known and not off_s:
            LOG.warning("the clock agrees with the broker's of partition %s again; ticking", partition)
        if off_s != (known or 0.0) or known is None:
            self._meters.clock_off(partition, off_s)
        self._off_s[partition] = off_s


def _probe(zone: str) -> Tick:
    return Tick(id=f"probe.{zone}"[-200:], zone=zone, at=LONG_AGO, beat=0)
