"""Reports of a worker that owns no partition: appended from the worker's thread through the process's loop.

Made by `services/serve/worker.py`. A repeat has the same id and changes nothing, so what is uncertain is asked again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from matcher.commands import Command, ReportJob
from services.exits import ExitCode, Stop
from services.ports import AppendUncertain

Append = Callable[[Sequence[Command]], Awaitable[list[tuple[int, int]]]]

#: How long a report is tried before the worker hears that the log is away.
PATIENCE_S = 30.0
PAUSE_S = 0.5


class Reporting:
    """Call it with a report; it returns when the log has it. `open` first, from the loop that appends."""

    def __init__(self, append: Append, patience_s: float = PATIENCE_S, pause_s: float = PAUSE_S) -> None:
        self._append = append
        self._patience_s = patience_s
        self._pause_s = pause_s
        self._loop: asyncio.AbstractEventLoop | None = None
        #: What ended reporting for good: the log cannot be trusted.
        self.ended: Stop | None = None

    def open(self) -> None:
        """Append through the running loop."""
        self._loop = asyncio.get_running_loop()

    def __call__(self, command: ReportJob) -> None:
        """Raises TimeoutError (the log is away), and Stop for a log that must not be written to any more."""
        assert self._loop is not None
        until_s = time.monotonic() + self._patience_s
        while True:
            appending = asyncio.run_coroutine_threadsafe(self._once(command), self._loop)
            try:
                appending.result(max(0.0, until_s - time.monotonic()))
                return
            except AppendUncertain:
                pass
            except Stop as stop:
                if stop.code is not ExitCode.UNREACHABLE:
                    self.ended = stop
                    raise
            time.sleep(self._pause_s)

    async def _once(self, command: ReportJob) -> None:
        await self._append([command])
