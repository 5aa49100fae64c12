"""A log of one partition with writers on it, and what they told and counted: where stories about writers are played."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

from matcher.commands import Command
from matcher.events import Event
from services.adapters.memory import MemoryLog
from services.folding import Fold
from services.meters import Meters
from services.names import COMMANDS, JOURNAL
from services.ports import Log, Message, Record
from services.wire import Entry, encode
from services.writer import Writer
from tests import logs
from tests.simulation import toy
from tests.simulation.virtual import run

#: Longer than any of these stories takes on a busy machine; nothing waits for it to pass.
STORY_S = 60.0


class Counted(Meters):
    """How often a writer was fenced or left uncertain, and how many void records it passed."""

    def __init__(self) -> None:
        self.fenced_times = self.uncertain_times = self.void_records = 0
        self.changed = asyncio.Event()

    def fenced(self, partition: int) -> None:
        self.fenced_times += 1
        self.changed.set()

    def uncertain(self, partition: int) -> None:
        self.uncertain_times += 1
        self.changed.set()

    def voids(self, partition: int, records: int) -> None:
        self.void_records += records

    async def until(self, holds: Callable[[Counted], bool]) -> None:
        """Wait until the counts are as wanted."""
        while not holds(self):
            self.changed.clear()
            await self.changed.wait()


@dataclass
class Bench:
    """A log of one partition (or more) and what its writers told, whichever of them it was."""

    log: Any = field(default_factory=lambda: MemoryLog(1))
    core: toy.ToyCore = field(default_factory=toy.ToyCore)
    solver: Any = field(default_factory=toy.ToySolver)
    told: list[tuple[int, Entry, list[Event]]] = field(default_factory=list)
    counted: Counted = field(default_factory=Counted)

    def writer(self, log: Log | None = None, **options: Any) -> Writer:
        """Make a writer; `log`: its own line to the log."""

        async def tell(partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
            self.told.append((offset, entry, events))

        defaults = {"partition": 0, "partitions": self.log.partitions, "linger_s": 0, "told": tell}
        given = {"meters": self.counted, "new_id": lambda: secrets.token_hex(4), **defaults, **options}
        return Writer(log or self.log, self.core, self.solver, **given)

    async def ask(self, *commands: Command | bytes) -> int:
        """Append commands; return the offset after them."""
        values = [command if isinstance(command, bytes) else encode(command) for command in commands]
        return len(values) + int(await self.log.append(COMMANDS, 0, [Message(value) for value in values]))

    async def finish(self, writer: Writer) -> None:
        """Let the writer answer everything and stop."""
        end = (await self.log.bounds(COMMANDS, 0)).end
        task = asyncio.ensure_future(writer.run())
        answered = asyncio.ensure_future(writer.until_answered(end - 1))
        await asyncio.wait([task, answered], return_when=asyncio.FIRST_COMPLETED)
        answered.cancel()
        writer.stop()
        await task

    async def journal(self) -> list[Record]:
        """Return every record of the journal."""
        records: list[Record] = await self.log.read(JOURNAL, 0, 0, 10**6)
        return records

    async def fold(self) -> tuple[Fold, list[Event]]:
        """Fold the journal; return the state and every event."""
        fold, events = Fold(self.core, 0), []
        for record in await self.journal():
            events += fold.accept(record.offset, record.value)[1]
        return fold, events


class Story(Protocol):
    """Plays a story on a fresh bench."""

    def __call__(self, story: Callable[[Bench], Coroutine[Any, Any, None]], partitions: int = 1) -> None: ...


def told_on(
    request: pytest.FixtureRequest,
    opened: Callable[[pytest.FixtureRequest, int], AbstractAsyncContextManager[Log]],
) -> Story:
    """Play stories on one of the logs in `tests.logs`: in virtual time where no thread or server has its own."""

    def play(story: Callable[[Bench], Coroutine[Any, Any, None]], partitions: int = 1) -> None:
        async def main() -> None:
            async with asyncio.timeout(STORY_S), opened(request, partitions) as log:
                await story(Bench(log))

        run(main()) if opened is logs.memory else asyncio.run(main())

    return play


def names(events: Sequence[Event]) -> str:
    """Return the events' names, in order."""
    return " ".join(type(event).__name__ for event in events)
