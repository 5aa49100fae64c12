"""uvicorn inside our own loop: it opens no signals, no log handlers, no sockets of its own choosing.

Used by `services/serve/running.py` and by tests over real HTTP.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from services.exits import ExitCode, Stop

#: How long open connections may take to finish.
GRACE_S = 2


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to their one owner."""
        yield


class HttpServer:
    """Serves one application between `start` and `stop`."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        self._address = (host, port)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen; `url` says where (port 0 takes a free one). Raises Stop (5) when the port is taken."""
        listener = bound(*self._address)
        host = "127.0.0.1" if self._address[0] == "0.0.0.0" else self._address[0]
        self.url = f"http://{host}:{listener.getsockname()[1]}"
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="http")
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Answer what is open, then close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


def bound(host: str, port: int) -> socket.socket:
    """A listening place. Raises Stop (exit 5) with what to do when there is none."""
    # Named TCP, or asyncio would leave Nagle's algorithm on: 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Stop(ExitCode.BAD_INPUT, f"Port ({port}) on ({host}) is taken. Choose another with --port.") from error
    return listener
