"""The role `worker`: takes jobs from the broker, tells people, plans parts of batches; reports as commands."""

from __future__ import annotations

import asyncio
import sys

from services.adapters.intents_sqlite import SqliteIntents
from services.adapters.jobs_kombu import connect
from services.names import INTENTS_FILE
from services.queues import NOTIFY, REMATCH, REMATCH_KEYS, REMATCH_VISIBILITY_S, notify_queue, rematch_queue
from services.serve.same_log import SameLog
from services.serve.shared import Shared
from services.worker.consumer import Worker
from services.worker.planning.consumer import PlanningWorker
from services.worker.planning.process import Planner
from services.worker.probing import add_planning_probes, add_probes
from services.worker.reporting import Reporting
from services.worker.sending import AppriseSender, Console, Telling

LOOK_S = 0.5


class WorkerRole:
    """One worker; many share the queue."""

    def __init__(self, shared: Shared) -> None:
        settings = shared.settings
        self._shared = shared
        self._reporting = Reporting(shared.asking.append)
        self._same_log = SameLog(shared.log)
        self._started = False
        console = Console(lambda line: print(line, file=sys.stdout, flush=True)) if settings.console else None
        contacts = shared.contacts  # makes the folder
        self._intents = SqliteIntents(settings.data_dir / INTENTS_FILE)
        telling = Telling(contacts, AppriseSender(settings.mail, settings.send_timeout_s), console, self._intents)
        self.worker = Worker(
            connect(shared.jobs, prefix=settings.prefix),
            notify_queue(settings.prefix + NOTIFY),
            telling,
            self._reporting,
            shared.metrics,
        )
        self.planner = Planner(shared.log, shared.asking.append)
        self.planning = PlanningWorker(
            connect(shared.jobs, REMATCH_VISIBILITY_S, prefix=settings.prefix + REMATCH_KEYS),
            rematch_queue(settings.prefix + REMATCH),
            self.planner,
            shared.metrics,
        )

    async def start(self) -> None:
        """Take jobs. Raises Stop."""
        await self._shared.open_log()
        await self._shared.open_jobs()
        self._reporting.open()
        self.worker.start()
        self.planning.open()
        self.planning.start()
        self._started = True
        add_probes(self.worker, self._shared.readiness, self._shared.liveness)
        add_planning_probes(self.planning, self._shared.readiness, self._shared.liveness)

    async def stop(self) -> None:
        """Finish and report the job in hand; the broker keeps the others."""
        if self._started:
            self.planning.should_stop = True
            await self.planner.close()
            await asyncio.to_thread(self.planning.stop, self._shared.settings.drain_s / 4)
            await asyncio.to_thread(self.worker.stop, self._shared.settings.drain_s / 4)
        if not self.worker.alive:
            self._intents.close()

    async def failed(self) -> None:
        """See `running.Part`."""
        looking = asyncio.create_task(self._same_log.run(), name="same log")
        try:
            # A thread that dies sets no event.
            while all(one.alive or one.should_stop for one in (self.worker, self.planning)) and not looking.done():
                await asyncio.wait([looking], timeout=LOOK_S)
            if looking.done():
                looking.result()
        finally:
            looking.cancel()
            await asyncio.wait([looking])
        raise self._reporting.ended or self.planner.ended or RuntimeError("The worker's thread has ended.")
