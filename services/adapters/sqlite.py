"""The log as one SQLite file: durable on one machine, no server. Opened by the entry point (`up`, `demo`, `journal`).

One thread writes; all appends that wait are one transaction (WAL, synchronous FULL: on the disk when `append`
returns). Another thread and connection read. One process at a time may write; others open it read-only.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import queue
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from services import sizes
from services.exits import ExitCode, Stop
from services.names import NAME, PARTITIONS, TOPICS
from services.ports import Bounds, Message, Record

#: "paid" in ASCII: SQLite's own field for saying whose file it is.
APPLICATION_ID = 0x70616964
FORMAT = 1

#: A record's key is its stream's number and its offset in one integer: one narrow tree, ranges are scans.
OFFSET_BITS = 40
_OFFSETS = 1 << OFFSET_BITS

#: Rows of one INSERT. Each statement lets go of the interpreter once, so fewer statements mean fewer waits for it.
ROWS = (128, 16, 1)

_SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE streams (
    stream INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL, topic_id TEXT NOT NULL,
    UNIQUE (topic, partition)
);
CREATE TABLE records (place INTEGER PRIMARY KEY, at_s REAL NOT NULL, value BLOB NOT NULL, headers TEXT);
"""

Row = tuple[int, float, bytes, str | None]


@dataclass(frozen=True)
class _Stream:
    number: int
    topic_id: str


@dataclass(frozen=True)
class _Append:
    """One caller's wish and where the answer goes."""

    stream: _Stream
    messages: Sequence[Message]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[int]


class SqliteLog:
    """Port `Log` in one file. `clock` gives the append time, seconds since 1970."""

    def __init__(
        self,
        path: Path | str,
        partitions: int | None = None,
        *,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open, or create with `partitions` (16). Raises Stop(BAD_INPUT): no such log, other count, another writer."""
        self.path = Path(path)
        self._clock = clock
        self._lock = None if read_only else _lock(self.path)
        try:
            self._connection = _open_read_only(self.path) if read_only else _open(self.path, partitions or PARTITIONS)
        except BaseException:
            self._unlock()
            raise
        try:
            self._streams = _streams(self._connection)
            self.partitions = 1 + max(partition for _, partition in self._streams)
            _check_partitions(self.path, self.partitions, partitions)
        except BaseException as error:
            self._connection.close()
            self._unlock()
            if isinstance(error, sqlite3.DatabaseError):
                raise Stop(ExitCode.LOG_UNTRUSTED, f"The log ({path}) is damaged: {error}. Restore a copy.") from error
            raise
        self._reads = ThreadPoolExecutor(1, thread_name_prefix="log-reads")
        self._reader = self._connection if read_only else _connect(self.path)
        self._ends = {} if read_only else _ends(self._connection, self._streams)
        self._wishes: queue.SimpleQueue[list[_Append] | None] = queue.SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Append]] = {}
        self._writer = None if read_only else threading.Thread(target=self._write, name="log-writes", daemon=True)
        if self._writer:
            self._writer.start()

    async def append(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        """Append all, in order; return the first one's offset when it is on the disk.

        Raises MessageTooLarge, Stop (exit 4) when the disk is full or refuses: then it may be there or not.
        """
        sizes.check(topic, messages)
        if self._writer is None or not self._writer.is_alive():
            raise RuntimeError(f"({self.path}) is not open for writing.")
        loop = asyncio.get_running_loop()
        wish = _Append(self._streams[topic, partition], messages, loop, loop.create_future())
        self._gather(wish)
        return await wish.answer

    def _gather(self, wish: _Append) -> None:
        """Hand over what one turn of a loop asks for together: 16 partitions then wait for one fsync, not for 16."""
        gathered = self._gathered.setdefault(wish.loop, [])
        gathered.append(wish)
        if len(gathered) == 1:
            wish.loop.call_soon(self._hand_over, wish.loop)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        wishes = self._gathered.pop(loop, None)
        if wishes:
            self._wishes.put(wishes)

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        """Return up to `limit` records from `offset` on; [] at the end."""
        stream = self._streams[topic, partition]
        end = self._ends.get(stream.number)
        if limit <= 0 or (end is not None and offset >= end):
            return []
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reads, self._select, stream, offset, limit)

    async def bounds(self, topic: str, partition: int) -> Bounds:
        """Say what can be read now. A SQLite log trims nothing: the start is always 0."""
        stream = self._streams[topic, partition]
        end = self._ends.get(stream.number)
        if end is None:
            loop = asyncio.get_running_loop()
            end = await loop.run_in_executor(self._reads, _end, self._reader, stream)
        return Bounds(0, end, stream.topic_id)

    def close(self) -> None:
        """Write what was asked for, then let go of the file and its lock. A second call does nothing."""
        if self._writer and self._writer.is_alive():
            for loop in list(self._gathered):
                self._hand_over(loop)
            self._wishes.put(None)
            self._writer.join()
        self._reads.shutdown()
        self._reader.close()
        self._connection.close()
        self._unlock()

    # --- the reading thread ----------------------------------------------------------------------------------------

    def _select(self, stream: _Stream, offset: int, limit: int) -> list[Record]:
        base = stream.number << OFFSET_BITS
        rows = self._reader.execute(
            "SELECT place, at_s, value, headers FROM records WHERE place >= ? AND place < ? ORDER BY place LIMIT ?",
            (base + offset, base + _OFFSETS, limit),
        )
        return [
            Record(place - base, at_s, value, json.loads(headers) if headers else {})
            for place, at_s, value, headers in rows.fetchall()
        ]

    # --- the writing thread ----------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Take all that waits, commit it as one transaction, answer; until told to end."""
        ending = False
        while not ending:
            turns = [self._wishes.get()]
            while not self._wishes.empty():
                turns.append(self._wishes.get())
            ending = None in turns
            self._commit([wish for turn in turns if turn is not None for wish in turn])

    def _commit(self, wishes: list[_Append]) -> None:
        ends = dict(self._ends)
        firsts, rows = self._place(wishes, ends)
        error: Exception | None = None
        try:
            self._insert(rows)
        except sqlite3.Error as failure:
            error = _refused(self.path, failure)
            if self._connection.in_transaction:
                self._connection.rollback()
        else:
            self._ends = ends
        for loop, answers in _by_loop(wishes, firsts).items():
            # A loop that is gone has nobody left to be told; what was committed stays committed.
            if not loop.is_closed():
                loop.call_soon_threadsafe(_answer, answers, error)

    def _place(self, wishes: list[_Append], ends: dict[int, int]) -> tuple[list[int], list[Row]]:
        """Give every message its offset, advancing `ends`."""
        firsts: list[int] = []
        rows: list[Row] = []
        at_s = self._clock()
        for wish in wishes:
            number = wish.stream.number
            firsts.append(ends[number])
            place = (number << OFFSET_BITS) + ends[number]
            for message in wish.messages:
                rows.append((place, at_s, message.value, json.dumps(message.headers) if message.headers else None))
                place += 1
            ends[number] += len(wish.messages)
        return firsts, rows

    def _insert(self, rows: list[Row]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        at = 0
        for size in ROWS:
            statement = "INSERT INTO records VALUES " + ",".join(["(?,?,?,?)"] * size)
            while len(rows) - at >= size:
                self._connection.execute(statement, [field for row in rows[at : at + size] for field in row])
                at += size
        self._connection.execute("COMMIT")

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _by_loop(
    wishes: list[_Append], firsts: list[int]
) -> dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int]]]:
    answers: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int]]] = {}
    for wish, first in zip(wishes, firsts, strict=True):
        answers.setdefault(wish.loop, []).append((wish.answer, first))
    return answers


def _refused(path: Path, error: sqlite3.Error) -> Exception:
    """Return what an append is answered with: a disk that is full or broken is for whoever runs it to mend."""
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says which call it was
    if kind == sqlite3.SQLITE_FULL:
        words = f"The disk of the log ({path}) is full. Make room, then start this again; what was answered is kept."
    elif kind in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY):
        words = f"The log ({path}) cannot be written ({error}). See the disk, then start this again."
    else:
        return error
    return Stop(ExitCode.UNREACHABLE, words)


def _answer(answers: list[tuple[asyncio.Future[int], int]], error: Exception | None) -> None:
    for answer, first in answers:
        if answer.done():
            continue
        if error is None:
            answer.set_result(first)
        else:
            answer.set_exception(error)


# --- opening -------------------------------------------------------------------------------------------------------


def _lock(path: Path) -> int:
    """Take the file's writing lock for this process. It is the kernel's, so kill -9 releases it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Stop(ExitCode.BAD_INPUT, f"The log ({path}) cannot be written: {error.strerror}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise Stop(
            ExitCode.BAD_INPUT,
            f"The log ({path}) is being written by another process. Stop that one, or choose another file.",
        ) from error
    return handle


def _connect(path: Path, options: str = "mode=rw") -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{options}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=30)


def _open(path: Path, partitions: int) -> sqlite3.Connection:
    if path.is_dir():
        raise Stop(ExitCode.BAD_INPUT, f"({path}) is a directory. Give the path of a file.")
    connection = _connect(path, "mode=rwc")
    try:
        fresh = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not fresh:
            _check_file(path, connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if fresh:
            _create(connection, partitions)
    except sqlite3.OperationalError as error:
        connection.close()
        if isinstance(refused := _refused(path, error), Stop):
            raise refused from error
        raise Stop(ExitCode.BAD_INPUT, f"The log ({path}) cannot be opened: {error}. Check disk and path.") from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _no_log(path) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _open_read_only(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise Stop(ExitCode.BAD_INPUT, f"There is no log at ({path}). Check the path.")
    # A directory that cannot be written has no place for SQLite's shared index; then nobody writes there either.
    for options in ("mode=ro", "mode=ro&immutable=1"):
        connection = _connect(path, options)
        try:
            _check_file(path, connection)
        except sqlite3.OperationalError:
            connection.close()
        except sqlite3.DatabaseError as error:
            connection.close()
            raise _no_log(path) from error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise Stop(ExitCode.BAD_INPUT, f"The log ({path}) cannot be read. Check its permissions.")


def _check_file(path: Path, connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise _no_log(path)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise Stop(
            ExitCode.BAD_INPUT,
            f"The log ({path}) has format ({version}), this program reads ({FORMAT}). Use the matching version.",
        )


def _no_log(path: Path) -> Stop:
    return Stop(ExitCode.BAD_INPUT, f"({path}) is not a {NAME} log. Choose another file.")


def _create(connection: sqlite3.Connection, partitions: int) -> None:
    """Make the tables and topics, all or nothing."""
    places = [(topic, partition) for topic in TOPICS for partition in range(partitions)]
    ids = {topic: secrets.token_hex(8) for topic in TOPICS}
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";")[:-1]:
        connection.execute(statement)
    connection.executemany(
        "INSERT INTO streams VALUES (?, ?, ?, ?)",
        [(number, topic, partition, ids[topic]) for number, (topic, partition) in enumerate(places)],
    )
    connection.execute("INSERT INTO about VALUES ('partitions', ?)", (str(partitions),))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _streams(connection: sqlite3.Connection) -> dict[tuple[str, int], _Stream]:
    rows: Iterator[tuple[int, str, int, str]] = connection.execute(
        "SELECT stream, topic, partition, topic_id FROM streams"
    )
    return {(topic, partition): _Stream(number, topic_id) for number, topic, partition, topic_id in rows}


def _check_partitions(path: Path, stored: int, asked: int | None) -> None:
    if asked is not None and asked != stored:
        raise Stop(
            ExitCode.BAD_INPUT,
            f"The log ({path}) has ({stored}) partitions, not ({asked}). The number of a log never changes: "
            f"open it with ({stored}), or begin another file.",
        )


def _ends(connection: sqlite3.Connection, streams: dict[tuple[str, int], _Stream]) -> dict[int, int]:
    return {stream.number: _end(connection, stream) for stream in streams.values()}


def _end(connection: sqlite3.Connection, stream: _Stream) -> int:
    base = stream.number << OFFSET_BITS
    (last,) = connection.execute(
        "SELECT max(place) FROM records WHERE place >= ? AND place < ?", (base, base + _OFFSETS)
    ).fetchone()
    return 0 if last is None else int(last) - base + 1
