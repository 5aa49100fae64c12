"""Puts one process together: log, writers, ticker, board, metrics, API, jobs and worker on one event loop.

Used by `paidan up` and by tests over HTTP. It chooses the adapters; it decides nothing.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from matcher.commands import ReportJob
from services.adapters.board_memory import MemoryBoard
from services.adapters.contacts_memory import MemoryContacts
from services.adapters.contacts_sqlite import SqliteContacts
from services.adapters.intents_sqlite import SqliteIntents
from services.adapters.jobs_kombu import KombuJobs, connect
from services.adapters.memory import MemoryLog
from services.adapters.sqlite import SqliteLog
from services.announcing import Announcing
from services.api import app as api
from services.api.context import Context
from services.api.pending import Pending
from services.backlog import Backlog
from services.contacts import Contacts
from services.core import Matching
from services.embedded import Embedded
from services.explaining.asking import Explaining
from services.explaining.process import Explainer, InProcess
from services.liveness import Liveness
from services.metrics import Metrics
from services.names import CONTACTS_FILE, INTENTS_FILE, LOG_FILE, NAME
from services.ports import Log, Solver
from services.progress import PATIENCE_S, Progress, Writing
from services.projecting import Projecting
from services.queues import NOTIFY, REMATCH, REMATCH_KEYS, REMATCH_VISIBILITY_S, notify_queue, rematch_queue
from services.readiness import Readiness
from services.rematching import Rematching
from services.scoring import PrometheusMeters, Scoring
from services.settings import Settings
from services.worker.consumer import Worker
from services.worker.intents import Intents, MemoryIntents
from services.worker.planning.consumer import PlanningWorker
from services.worker.planning.process import Planner
from services.worker.probing import add_planning_probes, add_probes
from services.worker.sending import AppriseSender, Console, Telling
from services.writer import LINGER_S

log = logging.getLogger(__name__)

REPORT_S = 30.0


class Runtime:
    """Everything of one process. `durable=False`: log and contacts in memory, for tests.

    `notify=False` leaves jobs unpublished. `places_max`: the size of a batch's parts, for tests.
    """

    def __init__(
        self,
        settings: Settings,
        solver: Solver,
        *,
        durable: bool = True,
        notify: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        linger_s: float = LINGER_S,
        explainer: Explainer | None = None,
        places_max: int | None = None,
    ) -> None:
        self.settings = settings
        self._explainer = explainer or InProcess(settings.explain_guard_s)
        self.metrics = Metrics()
        self.readiness = Readiness()
        self.liveness = Liveness()
        self._open(durable)
        self.board = MemoryBoard(settings.partitions, settings.receipts_max, settings.closed_max)
        self.pending = Pending(settings.unanswered_max)
        self.projecting = Projecting(self.board, [self.pending])
        self.embedded = Embedded(
            self.log,
            Matching(),
            solver,
            partitions=settings.partitions,
            beat_s=settings.beat_s or None,
            now=now,
            meters=PrometheusMeters(self.metrics),
            linger_s=linger_s,
        )
        self.scoring = Scoring(self.metrics)
        Backlog(self.metrics, self.embedded.writers, settings.partitions)
        self.metrics.at_scrape(self._show_waiting)
        self._prepare_jobs(notify)
        self._prepare_batches(places_max)
        for reader in (self.projecting, self.scoring, self.announcing, self.rematching):
            if reader is not None:
                self.embedded.subscribe(reader)
        self.app = api.create(self._context(now))
        owned = {writer.partition: Writing(writer) for writer in self.embedded.writers()}
        self._progress = Progress(self.log, lambda: owned)
        self._beside: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Catch up with the journal, then take work. Raises Stop, and what a writer raises."""
        self._loop = asyncio.get_running_loop()
        self._beside = [
            asyncio.create_task(self.projecting.run(), name="projecting"),
            asyncio.create_task(self._progress.run(), name="progress"),
        ]
        await self.embedded.start()
        await self.projecting.caught_up()
        for partition in range(self.settings.partitions):
            self.scoring.live(partition)
        if self.announcing is not None:
            self.jobs.start()
            self.worker.start()
            for partition in range(self.settings.partitions):
                self.announcing.live(partition)
        if self.rematching is not None:
            self.batches.start()
            self.planning.open()
            self.planning.start()
            for partition in range(self.settings.partitions):
                self.rematching.live(partition)
        self.readiness.started = True

    async def stop(self) -> None:
        """Drain within the limit: take nothing more, answer what was taken, finish the job in hand, close."""
        self.readiness.draining = True
        try:
            patience_s = self.settings.drain_s / 3
            await asyncio.gather(self._drain(patience_s), self._end_jobs(patience_s))
            await self.embedded.stop()
        finally:
            for task in self._beside:
                task.cancel()
            for close in self._closers:
                close()

    async def failed(self) -> None:
        """Wait for ever; raises what ended a part. The process must end then."""
        failing = asyncio.ensure_future(self.embedded.failed())
        await asyncio.wait([failing, *self._beside], return_when=asyncio.FIRST_COMPLETED)
        for task in self._beside:
            if task.done() and not task.cancelled():
                failing.cancel()
                task.result()
        await failing

    async def settled(self) -> None:
        """Wait until the board shows everything that was told so far."""
        await self.projecting.caught_up()

    def _open(self, durable: bool) -> None:
        self.log: Log
        self.contacts: Contacts
        self._intents: Intents
        self._closers: list[Callable[[], None]] = []
        if not durable:
            self.log, self.contacts = MemoryLog(self.settings.partitions), MemoryContacts()
            self._intents = MemoryIntents()
            return
        folder = self.settings.data_dir
        folder.mkdir(parents=True, exist_ok=True)
        self.log = log_file = SqliteLog(folder / LOG_FILE, self.settings.partitions)
        self._closers.append(log_file.close)
        self.contacts = contacts_file = SqliteContacts(folder / CONTACTS_FILE)
        self._closers.append(contacts_file.close)
        self._intents = intents_file = SqliteIntents(folder / INTENTS_FILE)
        self._closers.append(intents_file.close)

    def _prepare_jobs(self, notify: bool) -> None:
        self.announcing: Announcing | None = None
        if not notify:
            return
        settings = self.settings
        # Queues in memory are shared by the whole process: each runtime has its own.
        own = f"{NOTIFY}.{uuid.uuid4().hex}" if settings.jobs.startswith("memory:") else settings.prefix + NOTIFY
        source = notify_queue(own)
        self.jobs = KombuJobs(settings.jobs, source, self.metrics, prefix=settings.prefix)
        self.announcing = Announcing(self.jobs)
        console = Console(lambda line: print(line, file=sys.stdout, flush=True)) if settings.console else None
        telling = Telling(self.contacts, AppriseSender(settings.mail, settings.send_timeout_s), console, self._intents)
        self.worker = Worker(
            connect(settings.jobs, prefix=settings.prefix), source, telling, self._report, self.metrics
        )
        add_probes(self.worker, self.readiness, self.liveness, lambda: self.readiness.started)

    def _prepare_batches(self, places_max: int | None) -> None:
        self.rematching: Rematching | None = None
        if self.announcing is None:
            return
        settings, keys = self.settings, self.settings.prefix + REMATCH_KEYS
        own = f"{REMATCH}.{uuid.uuid4().hex}" if settings.jobs.startswith("memory:") else settings.prefix + REMATCH
        source = rematch_queue(own)
        self.batches = KombuJobs(settings.jobs, source, self.metrics, prefix=keys, label="publish_rematch")
        self.rematching = Rematching(self.batches, self.metrics)
        self.planner = Planner(self.log, self.embedded.append, places_max=places_max)
        self.planning = PlanningWorker(
            connect(settings.jobs, REMATCH_VISIBILITY_S, prefix=keys), source, self.planner, self.metrics
        )
        add_planning_probes(self.planning, self.readiness, self.liveness, lambda: self.readiness.started)

    def _report(self, command: ReportJob) -> None:
        """Append from the worker's thread; returns when the log has it."""
        asyncio.run_coroutine_threadsafe(self.embedded.append([command]), self._loop).result(REPORT_S)

    def _context(self, now: Callable[[], datetime]) -> Context:
        self.readiness.add("log", self._log_answers)
        self.readiness.add("partitions", self._moves)
        self.liveness.add("partitions", self._moves, PATIENCE_S)
        self.readiness.add("unanswered", self._not_full)
        return Context(
            append=self.embedded.append,
            board=self.board,
            contacts=self.contacts,
            pending=self.pending,
            readiness=self.readiness,
            liveness=self.liveness,
            probes_for_all=self.settings.host != "127.0.0.1",
            metrics=self.metrics,
            now=now,
            list_limit_max=self.settings.list_limit_max,
            explaining=Explaining(self.log, self.settings.partitions, self._explainer),
        )

    async def _drain(self, patience_s: float) -> None:
        try:
            await asyncio.wait_for(self.pending.emptied(), patience_s)
        except TimeoutError:
            log.warning("some commands are answered after the next start", extra={"count": len(self.pending)})

    async def _end_jobs(self, patience_s: float) -> None:
        """Let the job in hand be reported; the others are published again after the next start."""
        if self.announcing is not None and self.readiness.started:
            await asyncio.to_thread(self.worker.stop, patience_s)
            await asyncio.to_thread(self.jobs.stop, patience_s)
        if self.rematching is not None and self.readiness.started:
            self.planning.should_stop = True
            await self.planner.close()
            await asyncio.to_thread(self.planning.stop, patience_s)
            await asyncio.to_thread(self.batches.stop, patience_s)

    async def _moves(self) -> str | None:
        return self._progress.trouble() if self.readiness.started else None

    async def _log_answers(self) -> str | None:
        await self.log.bounds(f"{NAME}.journal", 0)
        return None

    def _show_waiting(self) -> None:
        self.pending.show(self.metrics)
        self.metrics.set("board_lag_entries", self.projecting.waiting)

    async def _not_full(self) -> str | None:
        return "too many commands wait for an answer" if self.pending.full else None
