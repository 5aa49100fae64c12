"""One writer's line to a real log, held up where a story wants: before a journal append is sent, or when it is there.

What a frozen or cut-off process is, without freezing this one. Nothing of the log itself is faked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.names import JOURNAL
from services.ports import Bounds, Log, Message, Record


class Gate:
    """Port `Log`; `send` and `answer` are open until a story clears them."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.send = _open()
        self.answer = _open()
        #: An append waits to be sent; an append is there and its answer waits.
        self.sending = asyncio.Event()
        self.landed = asyncio.Event()

    async def append(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        if topic != JOURNAL:
            return await self._log.append(topic, partition, messages)
        self.sending.set()
        await self.send.wait()
        first = await self._log.append(topic, partition, messages)
        self.landed.set()
        await self.answer.wait()
        return first

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        return await self._log.read(topic, partition, offset, limit)

    async def bounds(self, topic: str, partition: int) -> Bounds:
        return await self._log.bounds(topic, partition)

    def hold(self, what: asyncio.Event) -> None:
        """Close `send` or `answer` for what comes next."""
        what.clear()
        self.sending.clear()
        self.landed.clear()


def _open() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event
