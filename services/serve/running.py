"""Runs a part of the service as a process: HTTP from the first moment, start, wait, drain, end with the right code.

Used by `paidan up` and `paidan serve`. A stop signal begins a drain that the deadline bounds: what still hangs then is
left to the next start, because everything that was answered is in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from services.exits import ExitCode, Stop
from services.names import NAME
from services.readiness import Readiness
from services.serving import HttpServer
from services.settings import Settings
from services.signals import Signals, exit_code

log = logging.getLogger(__name__)

#: The part's share of the time for stopping; the rest is for HTTP and for what the interpreter closes.
PART = 0.75


class Part(Protocol):
    """What can be started, drained and lost. `stop` is called after a start that failed, too."""

    async def start(self) -> None:
        """Take work from the return on. Raises Stop."""

    async def stop(self) -> None:
        """Take nothing more, finish what is in hand, close. The caller bounds it."""

    async def failed(self) -> None:
        """Wait for ever; raises what ended the part. The process must end then."""


async def run(
    part: Part, app: Any, readiness: Readiness, settings: Settings, greet: Callable[[str], None] = lambda url: None
) -> ExitCode:
    """Serve until a signal; `greet` gets the URL when all is ready. Raises what ended the part."""
    with Signals() as signals:
        server = HttpServer(app, settings.host, settings.port)
        came = asyncio.ensure_future(signals.wait())
        try:
            await server.start()
            await _until_told(came, asyncio.ensure_future(_live(part, server, readiness, greet)))
        except BaseException as error:
            end_by(settings.drain_s, error.code if isinstance(error, Stop) else ExitCode.BUG, str(error))
            with contextlib.suppress(Exception):  # what comes of closing a broken part hides why it broke
                await _close(part, server, readiness, settings)
            raise
        code = exit_code(came.result())
        end_by(settings.drain_s, code)
        await _close(part, server, readiness, settings)
    return code


def end_by(seconds: float, code: ExitCode, words: str = "") -> None:
    """End the process with `code` after so long, whatever hangs: the loop, a thread, the interpreter's own end."""
    timer = threading.Timer(seconds, _end, (code, words))
    timer.daemon = True
    timer.start()


def _end(code: ExitCode, words: str) -> None:
    for line in (words, "not everything was closed in time; what is unanswered is answered after the next start"):
        if line:
            print(f"{NAME}: {line}", file=sys.stderr)
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


async def _live(part: Part, server: HttpServer, readiness: Readiness, greet: Callable[[str], None]) -> None:
    """Start, say so, and wait for a failure (which is raised)."""
    await part.start()
    readiness.started = True
    greet(server.url)
    await part.failed()


async def _until_told(came: asyncio.Future[Any], living: asyncio.Future[None]) -> None:
    """Wait for a signal; raises what ended the service before one."""
    await asyncio.wait([came, living], return_when=asyncio.FIRST_COMPLETED)
    if living.done():
        living.result()
    living.cancel()
    await asyncio.wait([living])


async def _close(part: Part, server: HttpServer, readiness: Readiness, settings: Settings) -> None:
    """Drain while `/readyz` says so, then stop listening."""
    readiness.draining = True
    try:
        await asyncio.wait_for(part.stop(), PART * settings.drain_s)
    except TimeoutError:
        log.warning("not drained in time; the rest is answered after the next start")
    finally:
        await server.stop()
