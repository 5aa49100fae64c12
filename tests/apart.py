"""The API as it stands in a process of its own: commands into the log, answers from the board in Redis, no journal.

The other half, which owns the partitions and feeds the board, runs beside it in the same test. They share nothing but
the log and Redis. Also a Redis of a test's own, which it may hurt.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.adapters.board_redis import RedisBoard, connect
from services.adapters.contacts_memory import MemoryContacts
from services.adapters.memory import MemoryLog
from services.api import app as api
from services.api.context import Context
from services.api.pending import Pending
from services.api.watching import Watching
from services.core import Matching
from services.embedded import Embedded
from services.following import Following
from services.metrics import Metrics
from services.names import JOURNAL
from services.projecting import BoardFollower
from services.readiness import Readiness
from services.serving import HttpServer
from services.settings import Settings
from services.solving import InlineSolver
from tests.serving import START, Town

WAIT_S = 30.0


class Apart:
    """Two processes' parts, named as `Runtime` names them so that a `Town` can be played on them."""

    def __init__(self, settings: Settings, url: str, prefix: str) -> None:
        partitions = settings.partitions
        self.prefix = prefix
        self.log = MemoryLog(partitions)
        self.embedded = Embedded(self.log, Matching(), InlineSolver(), partitions=partitions, linger_s=0)
        self.client = connect(url)
        self.follower = BoardFollower(RedisBoard(self.client, partitions, prefix=prefix), pause_s_max=0.2)
        self.followings = [Following(self.log, n, self.follower, idle_s=0.01) for n in range(partitions)]

        self.board = RedisBoard(self.client, partitions, prefix=prefix)
        self.pending = Pending(settings.unanswered_max)
        self.watching = Watching(self.board, self.pending, pause_s_max=0.2)
        self.readiness = Readiness()
        self.readiness.add("board", self.board.trouble)
        self.contacts = MemoryContacts()
        self.metrics = Metrics()
        self.town: Town | None = None
        self.app = api.create(
            Context(
                append=self.embedded.append,
                board=self.board,
                contacts=self.contacts,
                pending=self.pending,
                readiness=self.readiness,
                metrics=self.metrics,
                now=lambda: self.town.now if self.town else START,
                list_limit_max=settings.list_limit_max,
            )
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.embedded.start()
        self._tasks = [asyncio.create_task(following.run()) for following in self.followings]
        self._watch = asyncio.create_task(self.watching.run())
        for following in self.followings:
            await following.caught_up()
        self.readiness.started = True

    async def stop(self) -> None:
        for following in self.followings:
            following.stop()
        await asyncio.gather(*self._tasks)
        self._watch.cancel()
        await asyncio.wait([self._watch])
        await self.embedded.stop()

    async def settled(self) -> None:
        """Wait until the board shows all of the journal."""
        until = time.monotonic() + WAIT_S
        for partition, following in enumerate(self.followings):
            while following.next_offset < (await self.log.bounds(JOURNAL, partition)).end:
                assert time.monotonic() < until, "the board does not catch up"
                await asyncio.sleep(0.005)


@asynccontextmanager
async def apart(url: str, **changes: Any) -> AsyncIterator[Town]:
    """Start and stop both halves under a prefix of their own; `changes` are settings."""
    settings = Settings(**{"port": 0, "beat_s": 0, "partitions": 4, "console": False, **changes})
    prefix = f"test:{secrets.token_hex(6)}:"
    parts = Apart(settings, url, prefix)
    server = HttpServer(parts.app, settings.host, settings.port)
    await server.start()
    try:
        await parts.start()
        async with httpx.AsyncClient(base_url=server.url) as http:
            parts.town = Town(parts, http)  # type: ignore[arg-type]
            yield parts.town
    finally:
        await parts.stop()
        await server.stop()
        left = [key async for key in parts.client.scan_iter(match=f"{prefix}*", count=1000)]
        if left:
            await parts.client.unlink(*left)
        await parts.client.aclose()


class OwnRedis:
    """A Redis that belongs to one test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Begin, empty."""
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with (self._folder / "redis.log").open("ab") as output:
            self._process = subprocess.Popen(["redis-server", *options], cwd=self._folder, stdout=output, stderr=output)
        until = time.monotonic() + WAIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < until, "redis-server does not start"
                time.sleep(0.02)

    def stop(self) -> None:
        """End it; nothing is kept."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def own_redis(folder: Path) -> Iterator[OwnRedis]:
    """Start a Redis of the test's own; skip where there is none to start."""
    if shutil.which("redis-server") is None:
        pytest.skip("There is no redis-server on the PATH: tests that hurt one cannot run.")
    server = OwnRedis(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
