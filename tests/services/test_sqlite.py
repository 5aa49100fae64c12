"""What the SQLite log promises beyond the port: one file that survives its process, one writer, clear refusals."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from services.adapters.sqlite import SqliteLog
from services.exits import ExitCode, Stop
from services.names import COMMANDS
from services.ports import Message


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def appended(file: Path, *values: bytes) -> int:
    log = SqliteLog(file, 4)
    try:
        return asyncio.run(log.append(COMMANDS, 2, [Message(value) for value in values]))
    finally:
        log.close()


def read(log: SqliteLog) -> list[bytes]:
    return [record.value for record in asyncio.run(log.read(COMMANDS, 2, 0, 100))]


def refused(file: Path, partitions: int | None = None, *, read_only: bool = False) -> str:
    with pytest.raises(Stop) as stop:
        SqliteLog(file, partitions, read_only=read_only)
    assert stop.value.code == ExitCode.BAD_INPUT
    assert str(file) in str(stop.value)
    return str(stop.value)


def test_what_was_appended_is_there_when_the_file_is_opened_again(file: Path):
    appended(file, b"a", b"b")
    assert appended(file, b"c") == 2
    log = SqliteLog(file, read_only=True)
    assert read(log) == [b"a", b"b", b"c"]
    log.close()


def test_a_topic_keeps_its_id_over_restarts(file: Path):
    ids = set()
    for _ in range(2):
        log = SqliteLog(file, 4)
        ids.add(asyncio.run(log.bounds(COMMANDS, 0)).topic_id)
        log.close()
    assert len(ids) == 1


def test_an_answered_append_survives_kill_9(file: Path):
    program = (
        "import asyncio, sys\n"
        "from services.adapters.sqlite import SqliteLog\n"
        "from services.ports import Message\n"
        "log = SqliteLog(sys.argv[1], 4)\n"
        "async def main():\n"
        "    for n in range(10**9):\n"
        "        await log.append('paidan.commands', 2, [Message(b'%d' % n)])\n"
        "        print(n, flush=True)\n"
        "asyncio.run(main())\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) >= 50:
            break
    os.kill(writer.pid, signal.SIGKILL)
    last = [int(line), *map(int, writer.stdout.read().split())][-1]
    writer.wait()
    writer.stdout.close()
    log = SqliteLog(file, read_only=True)
    values = [record.value for record in asyncio.run(log.read(COMMANDS, 2, 0, 10**6))]
    log.close()
    assert values[: last + 1] == [b"%d" % n for n in range(last + 1)]
    assert appended(file, b"next") == len(values)


def test_a_second_writer_is_refused_and_readers_are_not(file: Path):
    log = SqliteLog(file, 4)
    assert "another process" in refused(file, 4)
    asyncio.run(log.append(COMMANDS, 2, [Message(b"a")]))
    reader = SqliteLog(file, read_only=True)
    assert read(reader) == [b"a"]
    asyncio.run(log.append(COMMANDS, 2, [Message(b"b")]))
    assert read(reader) == [b"a", b"b"]
    assert asyncio.run(reader.bounds(COMMANDS, 2)).end == 2
    reader.close()
    log.close()
    SqliteLog(file, 4).close()


def test_a_reader_cannot_append(file: Path):
    appended(file, b"a")
    log = SqliteLog(file, read_only=True)
    with pytest.raises(RuntimeError):
        asyncio.run(log.append(COMMANDS, 0, [Message(b"b")]))
    log.close()


def test_another_partition_count_is_refused_with_both_numbers(file: Path):
    appended(file, b"a")
    words = refused(file, 16)
    assert "(4)" in words
    assert "(16)" in words


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_log_is_refused_and_left_alone(file: Path, read_only: bool):
    file.write_bytes(b"name,age\nana,5\n" * 1000)
    before = file.read_bytes()
    assert "not a paidan log" in refused(file, read_only=read_only)
    assert file.read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_another_programs_database_is_refused_and_left_alone(file: Path, read_only: bool):
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    before = file.read_bytes()
    assert "not a paidan log" in refused(file, read_only=read_only)
    assert file.read_bytes() == before


def test_a_log_of_a_newer_format_is_refused(file: Path):
    appended(file, b"a")
    with sqlite3.connect(file) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    assert "(99)" in refused(file)


def test_a_missing_file_cannot_be_read(file: Path):
    assert "no log" in refused(file, read_only=True)
    assert not file.exists()


def test_a_full_disk_ends_with_4_and_says_so_and_the_same_log_goes_on_when_there_is_room(file: Path):
    async def main() -> None:
        log = SqliteLog(file, 4)
        try:
            await log.append(COMMANDS, 2, [Message(b"kept")])
            # What SQLite meets when the disk has no more pages to give.
            pages = log._connection.execute("PRAGMA page_count").fetchone()[0]
            log._connection.execute(f"PRAGMA max_page_count = {pages}")
            with pytest.raises(Stop, match="is full") as stop:
                await log.append(COMMANDS, 2, [Message(bytes(100_000))])
            assert stop.value.code == ExitCode.UNREACHABLE
            assert (await log.bounds(COMMANDS, 2)).end == 1
            log._connection.execute("PRAGMA max_page_count = 1000000")
            assert await log.append(COMMANDS, 2, [Message(b"after")]) == 1
            assert [each.value for each in await log.read(COMMANDS, 2, 0, 9)] == [b"kept", b"after"]
        finally:
            log.close()

    asyncio.run(main())
