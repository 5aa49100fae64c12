"""The role `stream`: owns partitions, answers their commands, feeds board, jobs and figures from their journal."""

from __future__ import annotations

import asyncio
import os

from services.adapters.board_redis import RedisBoard
from services.adapters.jobs_kombu import KombuJobs
from services.announcing import Announcing
from services.backlog import Backlog
from services.core import Matching
from services.progress import PATIENCE_S
from services.projecting import BoardFollower
from services.queues import NOTIFY, REMATCH, REMATCH_KEYS, notify_queue, rematch_queue
from services.rematching import Rematching
from services.scoring import PrometheusMeters, Scoring
from services.serve.shared import Shared
from services.solving import ProcessSolver
from services.stream.cluster import Cluster
from services.stream.driver import Stream
from services.writer import LINGER_S

PROJECTING = "projecting"
#: In lock-step the board and its neighbours may be so far behind: several beats are one transaction.
GATHER_S = 1.0


class StreamRole:
    """One stream worker; many share the partitions of a log."""

    def __init__(self, shared: Shared) -> None:
        settings = shared.settings
        self._shared = shared
        self._jobs = KombuJobs(
            shared.jobs, notify_queue(settings.prefix + NOTIFY), shared.metrics, prefix=settings.prefix
        )
        self._batches = KombuJobs(
            shared.jobs,
            rematch_queue(settings.prefix + REMATCH),
            shared.metrics,
            prefix=settings.prefix + REMATCH_KEYS,
            label="publish_rematch",
        )
        self._publishing = False
        # In lock-step nothing may depend on the wall clock: no guard. Who asks waits for the journal only: no linger.
        lockstep = not settings.beat_s
        guard_s = None if lockstep else settings.solve_guard_s
        self._solver = ProcessSolver(children=max(1, (os.cpu_count() or 2) - 1), guard_s=guard_s)
        self._board = BoardFollower(
            RedisBoard(
                shared.redis, settings.partitions, settings.receipts_max, settings.closed_max, prefix=shared.keys
            )
        )
        self.stream = Stream(
            shared.log,
            Matching(),
            self._solver,
            {
                PROJECTING: self._board,
                "announcing": Announcing(self._jobs, shared.log),
                "rematching": Rematching(self._batches, shared.metrics, shared.log),
                "scoring": Scoring(shared.metrics, shared.log),
            },
            Cluster(
                bootstrap=str(settings.kafka),
                prefix=settings.prefix,
                group=settings.prefix + settings.group,
                member=settings.member,
                data_dir=settings.data_dir / "stream",
                session_s=settings.session_s,
            ),
            partitions=settings.partitions,
            beat_s=settings.beat_s or None,
            linger_s=0.0 if lockstep else LINGER_S,
            gather_s=GATHER_S if lockstep else 0.0,
            now=shared.now,
            meters=PrometheusMeters(shared.metrics),
        )
        Backlog(shared.metrics, self.stream.writers, settings.partitions)
        shared.metrics.at_scrape(self._show_waiting)
        self._joined = False

    async def start(self) -> None:
        """Join the group. Raises Stop."""
        await self._shared.open_log()
        await self._shared.open_redis()
        await self._shared.open_jobs()
        await self._solver.start()
        self._jobs.start()
        self._batches.start()
        self._publishing = True
        self._joined = True
        await self.stream.start()
        self._shared.readiness.add("partitions", self._ready)
        self._shared.readiness.add("stream", self.stream.trouble)
        self._shared.readiness.add("projecting", self._board.trouble)
        self._shared.liveness.add("stream", self._stuck, PATIENCE_S)

    async def stop(self) -> None:
        """Leave the group, finish the entries in flight, hand over the jobs that wait."""
        try:
            if self._joined:
                await self.stream.stop()
            if self._publishing:
                await asyncio.to_thread(self._jobs.stop, self._shared.settings.drain_s / 8)
                await asyncio.to_thread(self._batches.stop, self._shared.settings.drain_s / 8)
        finally:
            await self._solver.close()

    async def failed(self) -> None:
        """See `running.Part`."""
        await self.stream.failed()

    async def _stuck(self) -> str | None:
        """A board that is away holds its follower; to start this process again would not bring it back."""
        return self.stream.stuck(but=(PROJECTING,) if self._board.away else ())

    async def _ready(self) -> str | None:
        return None if self.stream.ready else "no partitions yet, or not caught up with them"

    def _show_waiting(self) -> None:
        self._shared.metrics.set("board_lag_entries", self.stream.waiting(PROJECTING))
