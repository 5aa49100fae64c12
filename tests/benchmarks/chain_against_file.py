"""Commands a second through the whole embedded chain, against the same bytes merely written to the same kind of file.

    python -m tests.benchmarks.chain_against_file

Ours: append to commands, decode, decide, evolve, encode, append to the journal, check, tell a reader; durable. The
floor: the same commands appended twice to a SQLite log and read back, with nobody thinking. Wall seconds: both wait for
the disk.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from matcher.commands import Command
from producers.city import county
from services.adapters.sqlite import SqliteLog
from services.core import Matching
from services.embedded import Embedded
from services.names import COMMANDS, JOURNAL
from services.ports import Message
from services.solving import InlineSolver
from services.wire import encode

AT_ONCE = 500
T = TypeVar("T")


async def through_the_chain(folder: Path, commands: Sequence[Command]) -> float:
    """Return seconds until every command is answered."""
    log = SqliteLog(folder / "chain.sqlite", 16)
    chain = Embedded(log, Matching(), InlineSolver(), linger_s=0.0)
    await chain.start()
    began = time.perf_counter()
    for some in _batched(commands, AT_ONCE):
        partition, offset = (await chain.append(some))[-1]
    await chain.answered(partition, offset)
    seconds = time.perf_counter() - began
    await chain.stop()
    log.close()
    return seconds


async def to_the_file(folder: Path, commands: Sequence[Command]) -> float:
    """Return seconds until the same bytes are written twice and read once."""
    log = SqliteLog(folder / "floor.sqlite", 16)
    began = time.perf_counter()
    for some in _batched([Message(encode(command)) for command in commands], AT_ONCE):
        await log.append(COMMANDS, 0, some)
        await log.append(JOURNAL, 0, some)
    at = 0
    while records := await log.read(COMMANDS, 0, at, AT_ONCE):
        at += len(records)
    seconds = time.perf_counter() - began
    log.close()
    return seconds


def _batched(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (things[at : at + size] for at in range(0, len(things), size))


def main() -> None:
    """Print the ratio, five pairs."""
    commands = list(county(1))
    print(f"chain against file, {len(commands)} commands of the generated county, one zone:")
    for repeat in range(5):
        with tempfile.TemporaryDirectory() as folder:
            chain_s = asyncio.run(through_the_chain(Path(folder), commands))
            floor_s = asyncio.run(to_the_file(Path(folder), commands))
        print(f"  {repeat}: {len(commands) / chain_s:,.0f}/s, {chain_s / floor_s:.1f} x the floor")


if __name__ == "__main__":
    main()
