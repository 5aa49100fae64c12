"""The one writer of a partition (DESIGN 4): catches up, signs in, answers, checks, tells.

Fed by a driver (`deliver`, `assigned`, `stop`); knows the ports `Log` and `Solver` and the core, and nothing of Kafka
or Faust. It keeps no promise by being alone: what makes it the only one is the chain. Anything that it does not expect
is raised out of `run`, and the process ends. It waits only through asyncio, so a loop with its own time controls it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import msgspec

from matcher.events import Event, TimePassed
from services import snapshots
from services.core import Core, Zones
from services.cursor import Cursor
from services.deciding import Group, Outcome, entries, joined
from services.folding import Fold
from services.meters import Meters
from services.names import COMMANDS, JOURNAL, PARKED
from services.parked import RECORDS, Shelf
from services.parking import Reason, attempt
from services.ports import AppendUncertain, Log, LogUntrusted, Message, Record, Solver
from services.reading import Held, SignedIn, Void
from services.wire import Entry, SignIn, encode, encode_events

#: Live: wait this long after the first command for more of them. 0 in lock-step.
LINGER_S = 0.005
GROUP_MAX = 500
#: After a predecessor that died without an entry: what waits then, so many at most, is answered one by one ...
CAREFUL_COMMANDS = 500
#: ... and a command whose n-th try this would be is parked instead.
TRIES_MAX = 3
#: Every so many entries the journal carries the hashes of the zones.
HASH_EVERY = 1000
#: So many entries after the last snapshot there is a new one, whatever the day. Folding them takes about a second.
SNAPSHOT_EVERY = 20_000
#: Busy or idle, the log is asked this often whether something was missed and whether its topics are still the same.
IDLE_S = 30.0
#: How long a dead owner of a partition is taken for alive by those who hand out partitions.
SESSION_S = 10.0
FOLD_RECORDS = 500

Told = Callable[[int, int, Entry, list[Event]], Awaitable[None]]


class Fenced(Exception):
    """Another writer has taken the partition. Expected: the state is thrown away."""


class Writer:
    """Answers the commands of `partition`. `told(partition, offset, entry, events)` gets every entry once it holds.

    `marks_idle`: with nothing to answer after its sign-in it appends an empty entry, so that whoever gets the partition
    next does not take it for one that died while it decided. For drivers whose partitions change hands.
    """

    def __init__(
        self,
        log: Log,
        core: Core,
        solver: Solver,
        *,
        partition: int,
        partitions: int,
        told: Told | None = None,
        linger_s: float = LINGER_S,
        group_max: int = GROUP_MAX,
        hash_every: int = HASH_EVERY,
        snapshot_every: int = SNAPSHOT_EVERY,
        idle_s: float = IDLE_S,
        session_s: float = SESSION_S,
        marks_idle: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
        meters: Meters | None = None,
    ) -> None:
        self.partition = partition
        self._log = log
        self._core = core
        self._solver = solver
        self._partitions = partitions
        self._told = told
        self._linger_s = linger_s
        self._group_max = group_max
        self._hash_every = hash_every
        self._snapshot_every = snapshot_every
        self._idle_s = idle_s
        self._session_s = session_s
        self._marks_idle = marks_idle
        self._now = now
        self._new_id = new_id
        self._meters = meters or Meters()
        self._fold = Fold(core, partition)
        self._commands = Cursor(log, COMMANDS, partition, meters=self._meters)
        self._sign_in_id = ""
        self._careful = 0  # so many commands are still to be answered one by one
        self._known: set[str] = set()
        self._topic_ids: dict[str, str] = {}
        self._stopping = False
        self._nudge = asyncio.Event()  # a new assignment, or stop: ends the pause of a fenced writer
        self._ready = asyncio.Event()
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._looked_at = 0.0  # when the log was last asked what it holds, by the loop's clock
        self._in_hand_at_s: float | None = None  # when the first command in hand was appended
        self._unsaved = 0  # entries since the last snapshot
        self._day: date | None = None  # the zones' day
        self._saved_day: date | None = None
        self._shelf = Shelf(log, partition)
        self._shelf_at = float("-inf")  # when it was looked at last, by the loop's clock

    # --- for the driver --------------------------------------------------------------------------------------------

    @property
    def zones(self) -> Zones:
        """The zones, up to one group ahead of the journal. To look at only."""
        return self._fold.zones

    @property
    def answered(self) -> int:
        """Commands before this offset have their answer in the journal."""
        return self._fold.answered

    @property
    def signed_in(self) -> bool:
        """Whether it holds the partition as far as it knows, and has folded the journal up to its sign-in."""
        return self._ready.is_set()

    @property
    def unanswered(self) -> int:
        """Commands known to be there that have no answer in the journal; 0 until it is ready."""
        return max(0, self._commands.known_end - self._fold.answered) if self.signed_in else 0

    @property
    def parked_open(self) -> int:
        """Records set aside here that nobody has replayed or dropped, as far as it has looked (every 30 s)."""
        return self._shelf.open

    @property
    def oldest_at_s(self) -> float | None:
        """When the oldest unanswered command was appended, seconds since 1970; None while it is not here."""
        return self._commands.head_at_s if self._in_hand_at_s is None else self._in_hand_at_s

    def deliver(self, offset: int, record: Record) -> None:
        """Hand over a command that the driver has got. In any order, repeated or not at all: the Cursor sorts it."""
        self._commands.deliver(offset, record)

    def assigned(self) -> None:
        """Say that this partition was assigned (again): look for what was missed, end a fenced writer's pause."""
        self._nudge.set()
        self._commands.wake()

    def stop(self) -> None:
        """Ask `run` to end after the entry in flight, with a snapshot if something has moved."""
        self._stopping = True
        self._nudge.set()
        self._commands.wake()

    async def ready(self) -> None:
        """Wait until the writer has signed in and folded the journal up to its sign-in."""
        await self._ready.wait()

    async def until_answered(self, offset: int) -> None:
        """Wait until the command at `offset` has its answer in the journal, checked and told."""
        if offset >= self._fold.answered or not self._ready.is_set():
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append((offset, future))
            await future

    def give_up(self, error: BaseException) -> None:
        """Tell those who wait for answers that none will come."""
        waiters, self._waiters = self._waiters, []
        for _, future in waiters:
            if not future.done():
                future.set_exception(error)

    async def run(self) -> None:
        """Write until stopped. Raises whatever is unexpected; the process must end then."""
        while not self._stopping:
            try:
                await self._sign_in()
                await self._work()
                await self._leave()
            except Fenced:
                self._meters.fenced(self.partition)
                await self._pause()
            except AppendUncertain:
                self._meters.uncertain(self.partition)
                await self._pause()

    # --- signing in ------------------------------------------------------------------------------------------------

    async def _sign_in(self) -> None:
        """Take the partition and fold up to the own sign-in. Raises Fenced if it is not the last that holds."""
        self._nudge.clear()
        self._in_hand_at_s = None  # what was in hand when it was fenced is read again
        await self._start()
        # Whoever holds the partition now may go on answering until the sign-in: most of the fold comes before it.
        await self._fold_to((await self._log.bounds(JOURNAL, self.partition)).end - 1)
        self._sign_in_id = self._new_id()
        record = SignIn(id=self._sign_in_id, at=self._now())
        offset = await self._log.append(JOURNAL, self.partition, [Message(encode(record))])
        directly = await self._fold_to(offset)
        if self._fold.chain.last != self._sign_in_id:
            raise Fenced
        self._commands = Cursor(
            self._log,
            COMMANDS,
            self.partition,
            self._fold.answered,
            self._topic_ids.get(COMMANDS),
            meters=self._meters,
        )
        await self._recheck()
        # What killed a predecessor stood in the log before this sign-in; what comes later killed nobody.
        suspected = min(CAREFUL_COMMANDS, self._commands.backlog)
        self._careful = suspected if directly or self._fold.tried else 0
        self._meters.signed_in(self.partition)
        self._ready.set()
        self._wake_waiters()

    async def _start(self) -> None:
        """Begin with the newest snapshot, or with nothing."""
        snapshot = await snapshots.newest(self._log, self._core, self.partition, self._meters)
        self._fold = Fold(self._core, self.partition) if snapshot is None else snapshot.fold
        for topic, topic_id in (snapshot.topic_ids if snapshot else {}).items():
            self._trust(topic, topic_id)
        self._known.clear()
        self._unsaved = 0

    async def _fold_to(self, offset: int) -> bool:
        """Fold the journal up to `offset`; say whether the record there directly followed another sign-in."""
        journal = Cursor(self._log, JOURNAL, self.partition, self._fold.chain.next_offset, self._topic_ids.get(JOURNAL))
        await journal.recheck()
        self._trust(JOURNAL, journal.topic_id)
        judged: Held | SignedIn | Void | None = None
        while journal.next_offset <= offset:
            limit = min(FOLD_RECORDS, offset + 1 - journal.next_offset)
            records = await journal.take(limit)
            if not records:
                raise LogUntrusted(
                    f"({JOURNAL}), partition ({self.partition}) ends before ({offset}), where a sign-in was appended."
                )
            for record in records:
                judged, events = self._fold.accept(record.offset, record.value)
                if isinstance(judged, Held):
                    self._unsaved += 1
                    await self._tell(record.offset, judged.entry, events)
                elif isinstance(judged, Void):
                    self._meters.voids(self.partition, 1)
        return isinstance(judged, SignedIn) and judged.directly

    async def _recheck(self) -> None:
        """Look for commands that nobody brought, and whether both topics are still those that were read."""
        self._looked_at = asyncio.get_running_loop().time()
        await self._commands.recheck()
        self._trust(COMMANDS, self._commands.topic_id)
        self._trust(JOURNAL, (await self._log.bounds(JOURNAL, self.partition)).topic_id)

    async def _trust_both(self) -> None:
        for topic in (COMMANDS, JOURNAL):
            self._trust(topic, (await self._log.bounds(topic, self.partition)).topic_id)

    def _trust(self, topic: str, topic_id: str | None) -> None:
        """Remember a topic's id for the life of this writer. Raises LogUntrusted if it is another one."""
        known = self._topic_ids.setdefault(topic, topic_id or "")
        if known != topic_id:
            raise LogUntrusted(f"({topic}) was made anew: its id is ({topic_id}), it was ({known}).")

    async def _pause(self) -> None:
        """Wait for the next assignment, or until another owner would have been found dead."""
        self._fold = Fold(self._core, self.partition)
        self._ready.clear()
        try:
            async with asyncio.timeout(self._session_s + 2):
                await self._nudge.wait()
        except TimeoutError:
            pass

    # --- answering -------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            if self._nudge.is_set() or loop.time() - self._looked_at >= self._idle_s:
                self._nudge.clear()
                await self._recheck()
            if await self._more_on_the_shelf() and not self._commands.backlog:
                continue
            if not self._commands.backlog:
                if self._marks_idle:
                    await self._mark_life()
                await self._idle()
                continue
            if self._linger_s and self._commands.backlog < self._group_max and not self._careful:
                await asyncio.sleep(self._linger_s)
            records = await self._commands.take(1 if self._careful else self._group_max)
            if records:
                self._in_hand_at_s = records[0].at_s
                await self._answer(records)
                self._in_hand_at_s = None
                await self._save_when_due()

    async def _more_on_the_shelf(self) -> bool:
        """Count now and then what is set aside and open: a little at a time, whoever waits for answers comes first."""
        if asyncio.get_running_loop().time() - self._shelf_at < self._idle_s:
            return False
        more = await self._shelf.read(RECORDS)
        if not more:
            self._shelf_at = asyncio.get_running_loop().time()
        return more

    async def _idle(self) -> None:
        """Wait for news; without any, ask the log whether something was missed."""
        try:
            async with asyncio.timeout(self._idle_s):
                await self._commands.news()
        except TimeoutError:
            await self._recheck()

    async def _answer(self, records: list[Record]) -> None:
        """Decide a group on the private state, append its entries, and only then tell."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        group = Group(self._fold, self._solver, self._partitions, self._known, self._meters)
        if self._careful and await self._tried_too_often(records[0]):
            group.park(records[0], Reason.CRASHES, f"({TRIES_MAX}) writers ended while they decided it")
        else:
            await group.decide(records)
        await self._set_aside(group)
        runs = list(entries(group.outcomes))
        for run in runs:
            await self._append(run, last=run is runs[-1])
        self._careful = max(0, self._careful - len(group.outcomes))
        if self._commands.next_offset != self._fold.answered:
            self._commands.back_to(self._fold.answered)
        self._meters.group(self.partition, len(group.outcomes), loop.time() - began)

    async def _tried_too_often(self, record: Record) -> bool:
        """Note in the journal that the command is tried alone, before it is tried."""
        tried = self._fold.tried
        n = 1 + (tried.n if tried and tried.offset == record.offset else 0)
        event = attempt(self.partition, record, n)
        self._meters.attempt(self.partition, n)
        self._fold.evolve(event)
        await self._commit(self._entry(record.offset, record.offset - 1, encode_events([event])), [event])
        return n >= TRIES_MAX

    async def _set_aside(self, group: Group) -> None:
        if group.parked:
            messages = [parked.message(self.partition) for parked in group.parked]
            await self._log.append(PARKED, self.partition, messages)
            self._shelf_at = float("-inf")
            for parked in group.parked:
                self._meters.parked(COMMANDS, parked.reason)

    async def _append(self, run: list[Outcome], *, last: bool) -> None:
        """Append the entry that answers consecutive commands. `last`: the state is what the journal then says."""
        hashing = last and (self._fold.chain.entries + 1) % self._hash_every == 0
        hashes = self._fold.hashes() if hashing else {}
        entry = self._entry(run[0].offset, run[-1].offset, joined(run), hashes)
        await self._commit(entry, [event for outcome in run for event in outcome.events])

    def _entry(self, first: int, last: int, events: msgspec.Raw, hashes: dict[str, str] | None = None) -> Entry:
        chain = self._fold.chain
        # Unique without chance: the sign-in's id is fresh, and the journal's next offset never comes twice under it.
        return Entry(
            id=f"{self._sign_in_id}.{chain.next_offset}",
            after=chain.last,
            first=first,
            last=last,
            at=self._now(),
            hashes=hashes or {},
            events=events,
        )

    async def _commit(self, entry: Entry, events: list[Event]) -> None:
        """Append, check that nobody else has taken the partition, remember, tell. Raises Fenced."""
        offset = await self._log.append(JOURNAL, self.partition, [Message(encode(entry))])
        await self._check_gap(offset)
        if not isinstance(self._fold.chain.take(offset, entry), Held):
            raise Fenced
        self._fold.answer(entry)
        self._unsaved += 1
        await self._tell(offset, entry, events)
        self._wake_waiters()

    async def _check_gap(self, offset: int) -> None:
        """Read what lies between the last record known and the own one: void records or somebody else's."""
        chain = self._fold.chain
        if offset < chain.next_offset:
            raise LogUntrusted(
                f"({JOURNAL}), partition ({self.partition}) gave offset ({offset}) to an append, but "
                f"({chain.next_offset}) came next: the topic was shortened or made anew."
            )
        while chain.next_offset < offset:
            missing = offset - chain.next_offset
            records = await self._log.read(JOURNAL, self.partition, chain.next_offset, min(missing, FOLD_RECORDS))
            if not records:
                raise LogUntrusted(f"({JOURNAL}), partition ({self.partition}) has nothing at ({chain.next_offset}).")
            for record in records:
                if not isinstance(chain.accept(record.offset, record.value), Void):
                    raise Fenced
            self._meters.voids(self.partition, len(records))

    async def _tell(self, offset: int, entry: Entry, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, TimePassed):
                self._day = max(self._day or event.at.date(), event.at.date())
        if self._told:
            await self._told(self.partition, offset, entry, events)

    def _wake_waiters(self) -> None:
        answered = self._fold.answered
        for offset, future in self._waiters:
            if offset < answered and not future.done():
                future.set_result(None)
        self._waiters = [waiter for waiter in self._waiters if not waiter[1].done()]

    # --- snapshots -------------------------------------------------------------------------------------------------

    async def _save_when_due(self) -> None:
        new_day = self._day is not None and self._day != self._saved_day
        if self._unsaved >= self._snapshot_every or (self._unsaved and new_day):
            await self._save()

    async def _leave(self) -> None:
        """End cleanly: an entry, so that the successor does not take this writer for dead, and a snapshot."""
        await self._mark_life()
        if self._unsaved:
            await self._save()

    async def _mark_life(self) -> None:
        """Append an empty entry if the own sign-in is still the last record, and no command crashed a predecessor."""
        if self._fold.chain.signed and self._fold.tried is None:
            offset = self._fold.answered
            await self._commit(self._entry(offset, offset - 1, encode_events([])), [])
            self._unsaved -= 1

    async def _save(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        # In topics that were made anew it would be another log's state, from which no successor could start.
        await self._trust_both()
        size_bytes = await snapshots.write(self._log, self._fold, self._new_id(), self._now(), self._topic_ids)
        self._unsaved = 0
        self._saved_day = self._day
        self._meters.snapshot(self.partition, size_bytes, loop.time() - began)
