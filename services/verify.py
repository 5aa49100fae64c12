"""The independent checker (DESIGN 7): from commands, journal, parked and receipts alone, was anything lost or doubled?

Used by `journal verify`, the demo's summary, the simulation and the crash tests. It shares nothing with the writer or
the core but the wire structs: the reading rule stands here a second time, on purpose.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from matcher import events as happened
from services.exits import ExitCode, Stop
from services.names import COMMANDS, JOURNAL, PARKED
from services.ports import Log, Record
from services.wire import Entry, SignIn, decode_envelope, decode_events

CHUNK_RECORDS = 500
#: So many findings are spelled out; the numbers count all.
FINDINGS_MAX = 100


class Receipt(msgspec.Struct, frozen=True):
    """What the log answered to a client: its command `id` stands at (`partition`, `offset`) of commands."""

    id: str
    partition: int
    offset: int


class Verdict(msgspec.Struct, kw_only=True):
    """What the checker found. All numbers are over all partitions."""

    commands: int = 0
    entries: int = 0
    events: int = 0
    sign_ins: int = 0
    void: int = 0
    hashed_entries: int = 0
    #: Command offsets without exactly one holding entry, plus receipts without event, refusal or parked record.
    lost: int = 0
    #: Of those, offsets at the very end of their partition: perhaps a writer is still about to answer them.
    unanswered_at_the_end: int = 0
    #: Command offsets that two holding entries answer.
    answered_twice: int = 0
    #: Pairs of one person's live assignments that overlap.
    double_bookings: int = 0
    #: Records in `parked` by identity (topic, partition, offset); and CommandParked events without such a record.
    parked: int = 0
    parked_without_bytes: int = 0
    requests: int = 0
    closed: int = 0
    expired: int = 0
    cancelled: int = 0
    open: int = 0
    #: None: no receipts were given, only coverage was checked.
    receipts: int | None = None
    findings: list[str] = []
    #: Every receipt whose command has no event, refusal or parked record: acknowledged, and gone.
    gone: list[Receipt] = []

    @property
    def sound(self) -> bool:
        """Whether nothing is lost, doubled or contradictory."""
        return not (self.lost or self.answered_twice or self.double_bookings or self.parked_without_bytes)

    def find(self, words: str) -> None:
        """Spell out one finding."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings = [*self.findings, words]


async def verify(log: Log, partitions: int, receipts: Mapping[str, Receipt] | None = None) -> Verdict:
    """Read everything once and judge it. `receipts`: by command id; None checks coverage only."""
    verdict = Verdict(receipts=None if receipts is None else len(receipts))
    owed = dict(receipts or {})
    requests: dict[tuple[str, str], str] = {}
    for partition in range(partitions):
        await _partition(log, partition, verdict, requests, owed)
    _count(verdict, requests)
    verdict.gone = sorted(owed.values(), key=lambda receipt: (receipt.partition, receipt.offset))
    verdict.lost += len(verdict.gone)
    return verdict


def read_receipts(path: Path) -> dict[str, Receipt]:
    """Read a receipts file: JSON lines of {"id", "partition", "offset"}. Raises Stop(BAD_INPUT)."""
    decoder = msgspec.json.Decoder(Receipt)
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise Stop(ExitCode.BAD_INPUT, f"The receipts ({path}) cannot be read: {error.strerror}.") from error
    receipts: dict[str, Receipt] = {}
    for number, line in enumerate(lines, 1):
        try:
            receipt = decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            # A process that was killed while it wrote may have left half a last line: nobody was told of that one.
            if number == len(lines):
                continue
            words = f"Line ({number}) of the receipts ({path}) is no receipt. Give one JSON object a line."
            raise Stop(ExitCode.BAD_INPUT, words) from error
        receipts[receipt.id] = receipt
    return receipts


async def _partition(
    log: Log,
    partition: int,
    verdict: Verdict,
    requests: dict[tuple[str, str], str],
    owed: dict[str, Receipt],
) -> None:
    commands = await log.bounds(COMMANDS, partition)
    coverage = _Coverage(partition, commands.start, commands.end, verdict)
    people = _People(verdict)
    set_aside: set[int] = set()
    rule = _Rule(verdict)
    async for record in _records(log, JOURNAL, partition):
        entry = rule.holds(record.value)
        if entry is None:
            continue
        coverage.answered(entry.first, entry.last)
        for event in _events(entry, partition, record.offset):
            verdict.events += 1
            owed.pop(event.causation_id, None)
            people.see(event)
            _see_request(requests, event)
            if isinstance(event, happened.CommandParked):
                set_aside.add(event.offset)
    coverage.finish()
    verdict.commands += commands.end - commands.start
    await _see_parked(log, partition, verdict, set_aside)
    for receipt in [r for r in owed.values() if r.partition == partition and r.offset in set_aside]:
        del owed[receipt.id]


async def _see_parked(log: Log, partition: int, verdict: Verdict, set_aside: set[int]) -> None:
    """Compare the parked bytes with the events that say so; a crash may have left bytes twice or before an answer."""
    there: set[int] = set()
    async for record in _records(log, PARKED, partition):
        # Beside the bytes stand words about them ("answer": replayed, dropped), which hold none.
        if record.headers.get("topic") == COMMANDS and "answer" not in record.headers:
            there.add(int(record.headers.get("offset", -1)))
    verdict.parked += len(set_aside)
    for offset in sorted(set_aside - there):
        verdict.parked_without_bytes += 1
        verdict.find(f"Command ({partition}, {offset}) was set aside, but its bytes are not in ({PARKED}).")


async def _records(log: Log, topic: str, partition: int) -> AsyncIterator[Record]:
    bounds = await log.bounds(topic, partition)
    offset = bounds.start
    while offset < bounds.end:
        records = await log.read(topic, partition, offset, min(CHUNK_RECORDS, bounds.end - offset))
        if not records:
            raise Stop(ExitCode.LOG_UNTRUSTED, f"({topic}), partition ({partition}) has nothing at ({offset}).")
        for record in records:
            if record.offset != offset:
                raise Stop(ExitCode.LOG_UNTRUSTED, f"({topic}), partition ({partition}) jumps at ({offset}).")
            yield record
            offset += 1


def _events(entry: Entry, partition: int, offset: int) -> list[happened.Event]:
    try:
        return decode_events(entry)
    except msgspec.MsgspecError as error:
        place = f"partition ({partition}), offset ({offset})"
        raise Stop(
            ExitCode.BAD_INPUT, f"The journal's entry at {place} is newer than this program. Use a newer version."
        ) from error


class _Rule:
    """Which journal records hold: the rule of DESIGN 4.3, written down a second time."""

    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self._tip: str | None = None
        self._signed: set[str] = set()

    def holds(self, value: bytes) -> Entry | None:
        """Return the entry if the next record is one that holds."""
        record = decode_envelope(value)
        if isinstance(record, SignIn) and record.id not in self._signed:
            self._signed.add(record.id)
            self._tip = record.id
            self._verdict.sign_ins += 1
        elif isinstance(record, Entry) and record.after == self._tip:
            self._tip = record.id
            self._verdict.entries += 1
            self._verdict.hashed_entries += bool(record.hashes)
            return record
        else:
            self._verdict.void += 1
        return None


class _Coverage:
    """Which command offsets have an answer: from the first that is there, or that was answered, to the end.

    Commands are kept for weeks, the journal for ever: answers to what is gone by now are judged all the same.
    """

    def __init__(self, partition: int, start: int, end: int, verdict: Verdict) -> None:
        self._partition = partition
        self._end = end
        self._verdict = verdict
        self._next = start
        self._begun = False

    def answered(self, first: int, last: int) -> None:
        """Take in one entry's range. Ranges must follow one another."""
        if last < first:
            return
        if not self._begun:
            self._begun, self._next = True, min(self._next, first)
        self._missing(first, "no entry answers it")
        for offset in range(first, min(last + 1, self._next)):
            self._verdict.answered_twice += 1
            self._verdict.lost += 1
            self._verdict.find(f"Command ({self._partition}, {offset}) is answered by two entries.")
        self._next = max(self._next, last + 1)

    def finish(self) -> None:
        """Count what nothing has answered by the end."""
        if self._next > self._end:
            self._verdict.answered_twice += 1
            self._verdict.find(f"Partition ({self._partition}) answers commands beyond its end ({self._end}).")
        self._verdict.unanswered_at_the_end += max(0, self._end - self._next)
        self._missing(self._end, "no entry answers it yet")

    def _missing(self, until: int, words: str) -> None:
        for offset in range(self._next, until):
            self._verdict.lost += 1
            self._verdict.find(f"Command ({self._partition}, {offset}): {words}.")


class _People:
    """Whose time is held, from when until when."""

    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self._live: dict[tuple[str, str], dict[str, tuple[datetime, datetime]]] = {}
        self._whose: dict[tuple[str, str], str] = {}

    def see(self, event: happened.Event) -> None:
        """Follow one event."""
        if isinstance(event, happened.AssignmentHeld):
            self._hold(event)
        elif isinstance(event, happened.AssignmentReleased | happened.NoShowRecorded):
            self._end(event.zone, event.assignment)
        elif isinstance(event, happened.WorkFinished):
            self._end(event.zone, event.command.assignment)

    def _hold(self, event: happened.AssignmentHeld) -> None:
        mine = self._live.setdefault((event.zone, event.volunteer), {})
        for other, (departure, end) in mine.items():
            if departure < event.end and event.departure < end:
                self._verdict.double_bookings += 1
                self._verdict.find(
                    f"({event.volunteer}) of zone ({event.zone}) is held by ({other}) and ({event.assignment})."
                )
        mine[event.assignment] = (event.departure, event.end)
        self._whose[event.zone, event.assignment] = event.volunteer

    def _end(self, zone: str, assignment: str) -> None:
        volunteer = self._whose.pop((zone, assignment), None)
        if volunteer is not None:
            self._live[zone, volunteer].pop(assignment, None)


def _see_request(requests: dict[tuple[str, str], str], event: happened.Event) -> None:
    if isinstance(event, happened.RequestSubmitted):
        requests[event.zone, event.command.request] = "open"
    elif isinstance(event, happened.RequestCancelled):
        requests[event.zone, event.command.request] = "cancelled"
    elif isinstance(event, happened.RequestReopened):
        requests[event.zone, event.request] = "open"
    elif isinstance(event, happened.RequestClosed):
        expired = event.outcome is happened.Outcome.EXPIRED
        requests[event.zone, event.request] = "expired" if expired else "closed"


def _count(verdict: Verdict, requests: dict[tuple[str, str], str]) -> None:
    states = list(requests.values())
    verdict.requests = len(states)
    verdict.closed = states.count("closed")
    verdict.expired = states.count("expired")
    verdict.cancelled = states.count("cancelled")
    verdict.open = states.count("open")
