"""Commands into the log: each to its zone's partition, all of a partition's at once. Used by whoever asks.

The embedded driver, the stream's ticker, the API and the worker append here and nowhere else. (What was set aside is
appended again as the bytes that it is, by `services/parked.py`.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from matcher.commands import Command
from services.names import COMMANDS
from services.ports import Log, Message
from services.wire import encode, partition_of

#: Appends bytes to a partition of commands and returns the first offset.
AppendRaw = Callable[[int, list[bytes]], Awaitable[int]]


class Asking:
    """Appends commands to `log`."""

    def __init__(self, log: Log, partitions: int) -> None:
        self._log = log
        self._partitions = partitions

    async def append(self, commands: Sequence[Command]) -> list[tuple[int, int]]:
        """See `asked`."""
        return await asked(commands, self._append_raw, self._partitions)

    async def _append_raw(self, partition: int, values: list[bytes]) -> int:
        return await self._log.append(COMMANDS, partition, [Message(value) for value in values])


async def asked(commands: Sequence[Command], append_raw: AppendRaw, partitions: int) -> list[tuple[int, int]]:
    """Append commands durably; return (partition, offset) of each, in the input's order.

    Raises MessageTooLarge, AppendUncertain; those of other partitions may then have been appended.
    """
    by_partition: dict[int, list[int]] = {}
    for index, command in enumerate(commands):
        by_partition.setdefault(partition_of(command.zone, partitions), []).append(index)
    places: list[tuple[int, int]] = [(0, 0)] * len(commands)

    async def part(partition: int, indexes: list[int]) -> None:
        first = await append_raw(partition, [encode(commands[index]) for index in indexes])
        for offset, index in enumerate(indexes, first):
            places[index] = (partition, offset)

    if len(by_partition) == 1:
        await part(*by_partition.popitem())
    elif by_partition:
        await asyncio.gather(*(part(*item) for item in by_partition.items()))
    return places
