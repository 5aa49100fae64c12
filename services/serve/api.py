"""The role `api`: takes commands over HTTP into the log, shows the board. Owns no partition; reads the journal only
to explain something when it is asked (`services/explaining`)."""

from __future__ import annotations

import asyncio
import logging

from services.adapters.board_redis import RedisBoard
from services.api import app as api
from services.api.context import Context
from services.api.pending import Pending
from services.api.watching import Watching
from services.explaining.asking import Explaining
from services.explaining.process import InProcess
from services.serve.same_log import SameLog
from services.serve.shared import Shared

log = logging.getLogger(__name__)


class ApiRole:
    """One API; any number may stand beside each other."""

    def __init__(self, shared: Shared) -> None:
        settings = shared.settings
        self._shared = shared
        self.board = RedisBoard(
            shared.redis, settings.partitions, settings.receipts_max, settings.closed_max, prefix=shared.keys
        )
        self.pending = Pending(settings.unanswered_max)
        shared.metrics.at_scrape(lambda: self.pending.show(shared.metrics))
        self._watching = Watching(self.board, self.pending)
        self._same_log = SameLog(shared.log, self.board)
        self._tasks: list[asyncio.Task[None]] = []
        self.app = api.create(
            Context(
                append=shared.asking.append,
                board=self.board,
                contacts=shared.contacts,
                pending=self.pending,
                readiness=shared.readiness,
                liveness=shared.liveness,
                metrics=shared.metrics,
                now=shared.now,
                list_limit_max=settings.list_limit_max,
                probes_for_all=settings.host != "127.0.0.1",
                explaining=Explaining(shared.log, settings.partitions, InProcess(settings.explain_guard_s)),
            )
        )

    async def start(self) -> None:
        """Take commands. Raises Stop."""
        await self._shared.open_log()
        await self._shared.open_redis()
        await self._same_log.look()
        self._tasks = [
            asyncio.create_task(self._watching.run(), name="watching"),
            asyncio.create_task(self._same_log.run(), name="same log"),
        ]
        self._shared.readiness.add("unanswered", self._not_full)

    async def stop(self) -> None:
        """Wait for the answers to what was taken, so that a client that asks at once is answered."""
        if not self._tasks:
            return
        try:
            await asyncio.wait_for(self.pending.emptied(), self._shared.settings.drain_s / 4)
        except TimeoutError:
            log.warning("some commands are answered after this", extra={"count": len(self.pending)})
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def failed(self) -> None:
        """See `running.Part`. Raises LogUntrusted when the log or the board is another one."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _not_full(self) -> str | None:
        return "too many commands wait for an answer" if self.pending.full else None
