"""A reader of one journal partition in a process that may lose it: reads, judges, hands over what holds.

Started by the drivers for each partition and each `Follower` (board, jobs, metrics). The follower keeps the place
together with its output and says where to go on; what a driver delivers is a hint, holes are read from the log
(DESIGN 4.4). Whatever it does not expect is raised out of `run`, and the process ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Protocol

import msgspec

from matcher.events import Event
from services.cursor import Cursor
from services.meters import Meters
from services.names import JOURNAL
from services.ports import Log, Record
from services.reading import Chain, Held, events_of
from services.wire import Entry

log = logging.getLogger(__name__)

#: Records read, and at most entries handed over, together.
RECORDS = 500
#: With nothing new the log is asked this often whether something was missed.
IDLE_S = 30.0
#: And the follower looks this often whether its output is still there: a board that was emptied is wrong until then.
LOOK_S = 5.0


class Place(msgspec.Struct, kw_only=True):
    """Where a follower stands in one partition. Kept in one transaction with its output."""

    chain: Chain = msgspec.field(default_factory=Chain)
    #: Id of the journal's topic; "" before it was ever read.
    topic_id: str = ""


class HeldEntry(msgspec.Struct, frozen=True):
    """An entry that holds, decoded, at its journal offset."""

    offset: int
    entry: Entry
    events: list[Event]


class BeginAgain(Exception):
    """Raised by a follower whose output was lost: it is asked anew where it stands, and told again from there."""


class Follower(Protocol):
    """Takes in what has happened, in order per partition, each entry once."""

    async def begin(self, partition: int) -> Place:
        """Take the partition; say where the output of it stands."""

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Place) -> None:
        """Take in entries and keep `place`, which is after the last of them, in the same transaction.

        `entries` may be empty: only the place has moved (sign-ins, voids), or it is quiet and the follower may look
        whether its output is still there. Raises BeginAgain when it is not.
        """

    def live(self, partition: int) -> None:
        """The past is taken in: what comes now is news."""

    def end(self, partition: int) -> None:
        """Give the partition up; another process has it now."""


class Following:
    """One follower on one partition, from `run` until it is stopped. `agent`: its name in the metrics, if any.

    `gather_s`: news wait until so long after the hand-over before, and go together; the first after a silence at once.
    """

    def __init__(
        self,
        log: Log,
        partition: int,
        follower: Follower,
        *,
        agent: str = "",
        gather_s: float = 0.0,
        idle_s: float = IDLE_S,
        meters: Meters | None = None,
    ) -> None:
        self.partition = partition
        self._log = log
        self._follower = follower
        self._agent = agent
        self._gather_s = gather_s
        self._idle_s = idle_s
        self._meters = meters or Meters()
        self._place = Place()
        self._cursor: Cursor | None = None
        self._stopped = asyncio.Event()
        self._recheck = False
        self._caught_up = asyncio.Event()
        self._taken_at = float("-inf")  # when news were handed over last, by the loop's clock

    @property
    def backlog(self) -> int:
        """Records known to be there and not taken in."""
        return self._cursor.backlog if self._cursor else 0

    @property
    def next_offset(self) -> int:
        """Every record before it is taken in."""
        return self._place.chain.next_offset

    def deliver(self, offset: int, record: Record) -> None:
        """Hand over a record that the driver has got. In any order, repeated or not at all."""
        if self._cursor is not None:
            self._cursor.deliver(offset, record)

    @property
    def up_to_date(self) -> bool:
        """Whether the journal has been taken in up to the end that it had at the start."""
        return self._caught_up.is_set()

    def assigned(self) -> None:
        """Say that this partition was assigned (again): look for what was missed."""
        self._recheck = True
        if self._cursor is not None:
            self._cursor.wake()

    def stop(self) -> None:
        """Ask `run` to end after what it has in hand."""
        self._stopped.set()
        if self._cursor is not None:
            self._cursor.wake()

    async def caught_up(self) -> None:
        """Wait until the journal has been taken in up to the end that it had at the start."""
        await self._caught_up.wait()

    async def run(self) -> None:
        """Follow until stopped. Raises LogUntrusted, Stop (exit 5: a newer journal), and what the follower raises."""
        place = await self._follower.begin(self.partition)
        try:
            while not await self._followed(place):
                place = await self._follower.begin(self.partition)
        finally:
            self._follower.end(self.partition)

    async def _followed(self, place: Place) -> bool:
        """Follow until stopped; False when the output was lost meanwhile."""
        self._caught_up.clear()
        try:
            await self._follow(place)
        except BeginAgain:
            log.warning("what a follower had made was lost; it begins again", extra={"partition": self.partition})
            return False
        return True

    async def _follow(self, place: Place) -> None:
        self._place = place
        cursor = Cursor(
            self._log, JOURNAL, self.partition, place.chain.next_offset, place.topic_id or None, meters=self._meters
        )
        self._cursor = cursor
        await cursor.recheck()
        place.topic_id = cursor.topic_id or ""
        while not self._stopped.is_set():
            if self._recheck:
                self._recheck = False
                await cursor.recheck()
            if cursor.backlog:
                await self._gathered(cursor)
                await self._take(await cursor.take(RECORDS))
                continue
            if not self._caught_up.is_set():
                self._caught_up.set()
                self._follower.live(self.partition)
            await self._idle(cursor)

    async def _gathered(self, cursor: Cursor) -> None:
        """Wait for the turn of what has come; the past, a full hand-over and the end wait for nobody."""
        loop = asyncio.get_running_loop()
        wait_s = self._taken_at + self._gather_s - loop.time()
        if wait_s > 0 and self._caught_up.is_set() and cursor.backlog < RECORDS:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), wait_s)
        self._taken_at = loop.time()

    async def _take(self, records: Sequence[Record]) -> None:
        held: list[HeldEntry] = []
        for record in records:
            judged = self._place.chain.accept(record.offset, record.value)
            if isinstance(judged, Held):
                events = events_of(self.partition, record.offset, judged.entry)
                held.append(HeldEntry(record.offset, judged.entry, events))
        await self._follower.take(self.partition, held, self._place)
        if self._agent and held:
            self._meters.progress(self._agent)

    async def _idle(self, cursor: Cursor) -> None:
        """Wait for news; without any, let the follower look, and at last ask the log whether something was missed."""
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + self._idle_s
        while not cursor.backlog and now_s() < until_s:
            try:
                async with asyncio.timeout(min(LOOK_S, until_s - now_s())):
                    await cursor.news()
                return
            except TimeoutError:
                if now_s() >= until_s:
                    await cursor.recheck()
                if not cursor.backlog:
                    await self._follower.take(self.partition, (), self._place)
