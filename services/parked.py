"""What stands in the topic `parked` and what has become of it: open, being replayed, replayed, dropped.

Used by `paidan parked` and by the Writer, which counts what is open. A set-aside record and every word about it stand
in the same partition of `parked`, so all readers see them in one order: the first claim or drop of an open record
holds, whatever comes after it means nothing. A record is (topic, partition, offset); its bytes may stand there twice.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from services.exits import ExitCode, Stop
from services.names import COMMANDS, PARKED
from services.ports import Log, Message, Record
from services.wire import decode_command, partition_of

#: Records read at once: each may be as large as a command may be.
RECORDS = 16
#: Header of a command that is a parked one's replay: which one.
REPLAYS = "replays"
#: Header of a record in `parked` that says what became of another: one of `State`.
ANSWER = "answer"


class State(StrEnum):
    """What has become of a parked record."""

    OPEN = "open"
    #: Somebody has begun; nobody knows yet whether the command was appended.
    REPLAYING = "replaying"
    REPLAYED = "replayed"
    DROPPED = "dropped"


class Identity(msgspec.Struct, frozen=True, order=True):
    """Which record was set aside: where it stands among the commands."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class ParkedRecord(msgspec.Struct, kw_only=True):
    """One record that was set aside. `at`: `parked` (partition is the record's own), offset of its bytes."""

    identity: Identity
    at: int
    at_s: float
    size_bytes: int
    reason: str
    state: State = State.OPEN
    #: Why it was dropped, or who replayed it with what: "unchanged" or "repaired".
    word: str = ""
    #: Where its replay stands among the commands; as long as it is not ended, from where on it may stand.
    replay_partition: int | None = None
    replay_offset: int | None = None
    #: When that was said, by the log's clock.
    answered_s: float | None = None
    #: Which of several claims holds.
    claim: str = ""


class Shelf:
    """The parked records of one partition, as far as they have been read."""

    def __init__(self, log: Log, partition: int) -> None:
        self._log = log
        self._partition = partition
        self._next = 0
        self.records: dict[Identity, ParkedRecord] = {}

    @property
    def open(self) -> int:
        """How many wait for somebody to look at them."""
        return sum(record.state in {State.OPEN, State.REPLAYING} for record in self.records.values())

    async def read(self, records_max: int | None = None) -> bool:
        """Take in what is new, at most so many records; say whether there is more.

        What the log no longer has is not waited for.
        """
        bounds = await self._log.bounds(PARKED, self._partition)
        self._next = max(self._next, bounds.start)
        until = bounds.end if records_max is None else min(bounds.end, self._next + records_max)
        while self._next < until:
            records = await self._log.read(PARKED, self._partition, self._next, min(RECORDS, until - self._next))
            if not records:
                break
            for record in records:
                self._take(record)
            self._next = records[-1].offset + 1
        return until < bounds.end

    async def value(self, record: ParkedRecord) -> bytes:
        """Return the original bytes."""
        [found] = await self._log.read(PARKED, self._partition, record.at, 1)
        return found.value

    def _take(self, record: Record) -> None:
        headers = record.headers
        try:
            identity = Identity(headers["topic"], int(headers["partition"]), int(headers["offset"]))
        except (KeyError, ValueError):
            return  # not ours
        known = self.records.get(identity)
        if ANSWER in headers:
            if known is not None:
                _answered(known, record)
        elif known is None:
            self.records[identity] = ParkedRecord(
                identity=identity,
                at=record.offset,
                at_s=record.at_s,
                size_bytes=len(record.value),
                reason=headers.get("reason", ""),
            )


def _answered(known: ParkedRecord, record: Record) -> None:
    """The one rule: an open record may be claimed or dropped, a claimed one be replayed; the rest means nothing."""
    headers = record.headers
    word, says = headers.get("word", ""), headers[ANSWER]
    claims = known.state is State.OPEN and says == State.REPLAYING
    drops = known.state is State.OPEN and says == State.DROPPED
    ends = known.state is State.REPLAYING and says == State.REPLAYED
    if not (claims or drops or ends):
        return
    known.state, known.answered_s = State(says), record.at_s
    if claims or ends:
        known.replay_partition, known.replay_offset = int(headers["to"]), int(headers["at"])
    if claims or drops:
        known.word, known.claim = word, headers.get("claim", "")


class AlreadyAnswered(Exception):
    """Somebody has replayed or dropped it. `record` says what and when."""

    def __init__(self, record: ParkedRecord) -> None:
        super().__init__(str(record.identity))
        self.record = record


async def drop(log: Log, shelf: Shelf, record: ParkedRecord, reason: str) -> None:
    """Record that nobody will replay it. Raises AlreadyAnswered, AppendUncertain."""
    await _say(log, shelf, record, State.DROPPED, {"word": reason})


async def replay(log: Log, shelf: Shelf, record: ParkedRecord, value: bytes, to: int) -> tuple[int, int]:
    """Append `value` as a command of partition `to`, and record that; return its place.

    First the claim, which only one can win, then the command, then its place. Ended halfway, the next call looks for
    the command that may have been appended, and finishes. Raises AlreadyAnswered, AppendUncertain, MessageTooLarge,
    Stop (exit 5) where the one begun before was another, or nobody can know any more.
    """
    if record.state is State.OPEN:
        original = await shelf.value(record)
        end = (await log.bounds(COMMANDS, to)).end
        word = "unchanged" if value == original else "repaired"
        await _say(log, shelf, record, State.REPLAYING, {"word": word, "to": str(to), "at": str(end)})
    else:
        found = await finish(log, shelf, record)
        if found is not None:
            return found
        if to != record.replay_partition:
            words = f"A replay of ({record.identity}) into partition ({record.replay_partition}) was begun, not ({to})."
            raise Stop(ExitCode.BAD_INPUT, words)
    offset = await log.append(COMMANDS, to, [Message(value, {REPLAYS: str(record.identity)})])
    await _done(log, shelf, record, to, offset)
    return to, offset


async def finish(log: Log, shelf: Shelf, record: ParkedRecord) -> tuple[int, int] | None:
    """End a replay that was begun: record the place of its command, None where it was never appended.

    Raises AlreadyAnswered, AppendUncertain, Stop (exit 5) where nobody can know any more.
    """
    if record.state is not State.REPLAYING:
        raise AlreadyAnswered(record)
    offset, to = await _appended(log, record), record.replay_partition
    if offset is None or to is None:
        return None
    await _done(log, shelf, record, to, offset)
    return to, offset


async def _appended(log: Log, record: ParkedRecord) -> int | None:
    """Look for the command of a replay that was begun: where it could be, from the claim on."""
    assert record.replay_partition is not None
    assert record.replay_offset is not None
    bounds = await log.bounds(COMMANDS, record.replay_partition)
    offset = record.replay_offset
    if bounds.start > offset:
        raise Stop(
            ExitCode.BAD_INPUT,
            f"The replay of ({record.identity}) was begun and not ended, and the commands of that time are gone: "
            "nobody can tell whether it was appended. Ask what was meant anew.",
        )
    while offset < bounds.end:
        records = await log.read(COMMANDS, record.replay_partition, offset, min(500, bounds.end - offset))
        if not records:
            break
        for found in records:
            if found.headers.get(REPLAYS) == str(record.identity):
                return found.offset
        offset = records[-1].offset + 1
    return None


async def _done(log: Log, shelf: Shelf, record: ParkedRecord, to: int, offset: int) -> None:
    await log.append(PARKED, shelf_of(record), [_message(record, State.REPLAYED, {"to": str(to), "at": str(offset)})])
    await shelf.read()


async def _say(log: Log, shelf: Shelf, record: ParkedRecord, state: State, more: dict[str, str]) -> None:
    """Claim or drop, then look who was first. Raises AlreadyAnswered, AppendUncertain."""
    claim = secrets.token_hex(8)
    await log.append(PARKED, shelf_of(record), [_message(record, state, {**more, "claim": claim})])
    await shelf.read()
    if record.claim != claim:
        raise AlreadyAnswered(record)


def shelf_of(record: ParkedRecord) -> int:
    """Return the partition of `parked` that it stands in: that of the command."""
    return record.identity.partition


def _message(record: ParkedRecord, state: State, more: dict[str, str]) -> Message:
    identity = record.identity
    place = {"topic": identity.topic, "partition": str(identity.partition), "offset": str(identity.offset)}
    return Message(b"", {ANSWER: state, **place, **more})


def home_of(value: bytes, partitions: int) -> int:
    """Return the partition that a command belongs to. Raises Unreadable."""
    return partition_of(decode_command(value).zone, partitions)


def time_of(at_s: float) -> datetime:
    """Return a time of the log's clock."""
    return datetime.fromtimestamp(at_s, UTC)
