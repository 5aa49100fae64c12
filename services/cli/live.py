"""A zone's commands sent to a running service, and what its journal says of them. Used by `rematch` and `plan`.

With a data folder the command goes over the API of the service that holds it, and the journal is read beside it; on
brokers both are the log's own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from matcher.commands import Command
from matcher.events import Event
from services.cli.journal import Place, with_log
from services.exits import ExitCode, Stop
from services.following import Following, HeldEntry
from services.following import Place as Standing
from services.ports import Log

if TYPE_CHECKING:
    from services.adapters.kafka import KafkaLog
    from services.adapters.sqlite import SqliteLog

T = TypeVar("T")
#: How often a journal that somebody else writes is looked at.
LOOK_S = 0.2
#: How long a service may take to answer a command.
ANSWER_S = 60.0


class Heard:
    """A zone's news since it was first looked at, entry by entry. A follower of its partition."""

    def __init__(self, log: Log, zone: str) -> None:
        self._log = log
        self._zone = zone
        self._live = False
        self._entries: asyncio.Queue[list[Event]] = asyncio.Queue()

    async def begin(self, partition: int) -> Standing:
        """See `Follower.begin`."""
        from services import beginning

        return (await beginning.newest(self._log, partition))[0]

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Standing) -> None:
        """See `Follower.take`."""
        for held in entries if self._live else ():
            own = [event for event in held.events if event.zone == self._zone]
            if own:
                self._entries.put_nowait(own)

    def live(self, partition: int) -> None:
        """See `Follower.live`."""
        self._live = True

    def end(self, partition: int) -> None:
        """See `Follower.end`."""

    async def next(self) -> list[Event]:
        """Return the zone's events of the next entry."""
        return await self._entries.get()


@contextlib.asynccontextmanager
async def hearing(log: Log, zone: str, partition: int) -> AsyncIterator[Heard]:
    """Listen to a zone from now on."""
    heard = Heard(log, zone)
    following = Following(log, partition, heard, idle_s=LOOK_S)
    running = asyncio.create_task(following.run())
    caught_up = asyncio.create_task(following.caught_up())
    try:
        await asyncio.wait([running, caught_up], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        yield heard
    finally:
        following.stop()
        for task in (running, caught_up):
            task.cancel()
        await asyncio.gather(running, caught_up, return_exceptions=True)


#: Sends a command; returns the id under which the journal answers it.
Send = Callable[[Command], Awaitable[str]]


def on_service(where: Place, url: str, use: Callable[[SqliteLog | KafkaLog, Send], Coroutine[Any, Any, T]]) -> T:
    """Open the log and hand it over together with what sends a command. Raises Stop (exit 4, 5, 7)."""

    async def used(log: SqliteLog | KafkaLog) -> T:
        return await use(log, _sender(log, where, url))

    return with_log(where, used, read_only=where.kafka is None)


def _sender(log: SqliteLog | KafkaLog, where: Place, url: str) -> Send:
    async def by_log(command: Command) -> str:
        from services.asking import Asking

        await Asking(log, log.partitions).append([command])
        return command.id

    async def by_api(command: Command) -> str:
        from services.api.identity import derived
        from services.cli.sending import CLIENT, to_api

        outcome = await asyncio.to_thread(to_api, [command], url)
        for sentence in outcome.refused:
            if ": HTTP " in sentence:  # the journal knows nothing of it
                raise Stop(ExitCode.BAD_INPUT, sentence)
        return derived(CLIENT, command.id)

    return by_log if where.kafka is not None else by_api


async def answer_to(heard: Heard, command: str) -> list[Event]:
    """Return the events that a command led to. Raises Stop (exit 4) where no answer comes."""
    try:
        async with asyncio.timeout(ANSWER_S):
            while True:
                own = [event for event in await heard.next() if event.causation_id == command]
                if own:
                    return own
    except TimeoutError:
        message = f"Command ({command}) has no answer within ({ANSWER_S:.0f}) s. Is the service up?"
        raise Stop(ExitCode.UNREACHABLE, message) from None
