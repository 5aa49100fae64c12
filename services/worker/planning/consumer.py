"""The worker that plans: takes the jobs of batches one by one, has each worked, acknowledges. Runs in a thread.

Started by `services/runtime.py` and `services/serve/worker.py`, beside the worker that tells people and over a
connection of its own, so that no message waits for a plan.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import CancelledError

from kombu import Connection, Queue
from kombu.message import Message

from services.jobs import Rematch
from services.metrics import Metrics
from services.queues import REMATCH_VISIBILITY_S
from services.worker.planning.process import LogAway, Planner, PlanningFailed
from services.worker.taking import Taker

log = logging.getLogger(__name__)

#: Tries of one delivery; beyond, the journal issues its job again.
TRIES = 2


class PlanningWorker(Taker[Rematch]):
    """Takes jobs one by one. `planner` works them on the loop that is given to `open`."""

    def __init__(
        self,
        connection: Connection,
        source: Queue,
        planner: Planner,
        metrics: Metrics,
        visibility_s: float = REMATCH_VISIBILITY_S,
    ) -> None:
        super().__init__(connection, source, Rematch, metrics, visibility_s, "rematch")
        self._planner = planner
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Work on the running loop."""
        self._loop = asyncio.get_running_loop()

    def work(self, job: Rematch, message: Message) -> None:
        """Have a job worked, then acknowledge. One that kills its process is left to the journal."""
        for left in reversed(range(TRIES)):
            try:
                self._worked(job)
                break
            except (PlanningFailed, CancelledError, LogAway) as failure:
                if self.should_stop:
                    message.requeue()
                    return
                log.warning("a part of a batch was not planned", extra={"error": str(failure), "job": job.key})
                if not left:
                    self._metrics.count("rematch_jobs_failed_total")
        message.ack()

    def _worked(self, job: Rematch) -> None:
        """Have a job worked; where the log is away, again and again, with the job in hand, until told to stop."""
        assert self._loop is not None
        while True:
            try:
                asyncio.run_coroutine_threadsafe(self._planner.work(job), self._loop).result()
                return
            except LogAway as away:
                if self.should_stop:
                    raise
                log.warning("the log is away; the job in hand waits", extra={"error": str(away), "job": job.key})
                self.hearing.began()  # it waits, it does not hang
