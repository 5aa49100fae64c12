"""The one owner of SIGTERM and SIGINT. Used by the long-running commands; nothing else installs a handler."""

from __future__ import annotations

import asyncio
import os
import signal

from services.exits import ExitCode

STOPS = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """Inside `with`, the first stop signal ends `wait`; a second one ends the process at once (the log survives)."""

    def __init__(self) -> None:
        self._came: asyncio.Future[signal.Signals] = asyncio.get_running_loop().create_future()

    def __enter__(self) -> Signals:
        loop = asyncio.get_running_loop()
        for number in STOPS:
            loop.add_signal_handler(number, self._take, number)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in STOPS:
            loop.remove_signal_handler(number)

    async def wait(self) -> signal.Signals:
        """Wait for the first stop signal."""
        return await asyncio.shield(self._came)

    def _take(self, number: signal.Signals) -> None:
        if self._came.done():
            os._exit(ExitCode.INTERRUPTED)
        self._came.set_result(number)


def exit_code(number: signal.Signals) -> ExitCode:
    """Ctrl-C is an interruption; being told to end is not."""
    return ExitCode.INTERRUPTED if number is signal.SIGINT else ExitCode.OK
