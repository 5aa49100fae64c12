"""One API process: the product's own application, asked without a network."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from fastapi import FastAPI

from services.adapters.board_redis import RedisBoard
from services.adapters.contacts_memory import MemoryContacts
from services.api import app as api
from services.api.context import Context
from services.api.pending import Pending
from services.api.watching import Watching
from services.asking import Asking
from services.readiness import Readiness
from tests.simulation.whole.processes import Process
from tests.simulation.whole.telling import Silent
from tests.simulation.whole.town import Lost

UNANSWERED_MAX = 12


class Api:
    """One life of an API."""

    def __init__(
        self, name: str, line: Any, board: RedisBoard, process: Process, dice: random.Random, append: Callable[..., Any]
    ) -> None:
        self._process, self._dice = process, dice
        readiness = Readiness()
        readiness.started = True
        self.pending = Pending(UNANSWERED_MAX)
        self._watching = Watching(board, self.pending, pause_s=0.1)
        self._context = Context(
            append=append(Asking(line, line.partitions).append),
            board=board,
            contacts=MemoryContacts(),
            pending=self.pending,
            readiness=readiness,
            metrics=Silent(),
            now=process.now,
            list_limit_max=1000,
        )
        self._app = _application(name)

    async def run(self) -> None:
        """Serve for ever."""
        await self._watching.run()

    async def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes, patience_s: float
    ) -> tuple[int, Any]:
        """One request. Raises Lost."""
        if not self._process.alive:
            raise Lost
        self._app.state.context = self._context
        task = self._process.start(self._served(method, path, headers, body))
        await asyncio.wait([task], timeout=patience_s)
        if not task.done() or task.cancelled() or not self._process.alive:
            raise Lost
        await asyncio.sleep(self._dice.uniform(0, 0.01))
        if self._dice.random() < 0.02:  # the answer gets lost
            raise Lost
        return task.result()

    async def _served(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        route, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": route,
            "raw_path": route.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8311),
            "scheme": "http",
            "http_version": "1.1",
            "root_path": "",
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        said = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], json.loads(said)


@lru_cache
def _application(name: str) -> FastAPI:
    """Routes cost more to make than a story to play: made once a name, each life puts in its own context."""
    nothing: Any = None
    context = Context(
        append=nothing,
        board=nothing,
        contacts=nothing,
        pending=nothing,
        readiness=Readiness(),
        metrics=Silent(),
        now=nothing,
        list_limit_max=1000,
    )
    return api.create(context)
