"""The loop of the worker: take a job, tell, report, acknowledge; in that order. Runs in a thread.

Started by `services/runtime.py` and `services/serve/worker.py`. One code path for every broker. A failed try is
acknowledged and reported: when to try again is the journal's business. A log that is away is waited for with the job in
hand. What is no job, and what its workers do not survive, is set aside in the parked queue: RabbitMQ counts the deaths,
elsewhere the age of a job that came again tells.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from kombu import Connection, Producer, Queue
from kombu.message import Message
from kombu.mixins import ConsumerMixin

from matcher.commands import JobOutcome, ReportJob
from services.jobs import Notify
from services.metrics import Metrics
from services.queues import PUBLISHED_AT, VISIBILITY_S, parked_queue
from services.worker.depth import Depth
from services.worker.hearing import Hearing
from services.worker.queued import Queued
from services.worker.sending import Telling

log = logging.getLogger(__name__)

#: Messages remembered with what became of them, so that a second delivery tells nobody twice.
DONE_MAX = 100_000
#: How often an idle worker looks whether it should stop. Below 1 s, or Redis never restores jobs (LANDMINES K2).
LOOK_UP_S = 0.2
#: RabbitMQ's own count of deliveries, on quorum queues.
BROKER_COUNTS = "x-delivery-count"
#: A job that came again and is older than so many visibility time-outs is not tried any more (LANDMINES K6).
VISIBILITIES_MAX = 3


class Worker(ConsumerMixin):  # type: ignore[misc]  # kombu has no types
    """Takes jobs one by one. `report` appends a command durably before it returns.

    It raises TimeoutError when the log does not answer: then it is called again. What else it raises ends the worker.
    """

    def __init__(
        self,
        connection: Connection,
        source: Queue,
        telling: Telling,
        report: Callable[[ReportJob], None],
        metrics: Metrics,
        visibility_s: float = VISIBILITY_S,
    ) -> None:
        self.connection = connection
        self._source = source
        self._aside = parked_queue(source)
        self._old_s = VISIBILITIES_MAX * visibility_s
        self._telling = telling
        self._report = report
        self._metrics = metrics
        self._queued = Queued(metrics, "notify")
        self._depth = Depth(connection, source)
        #: Asked by the probes.
        self.hearing = Hearing()
        #: Why the broker cannot be reached; None while it can.
        self.away: str | None = None
        #: message -> its newest attempt here, and what became of it
        self._done: OrderedDict[str, tuple[int, JobOutcome]] = OrderedDict()
        self._thread = threading.Thread(
            target=self.run, kwargs={"safety_interval": LOOK_UP_S}, name="worker", daemon=True
        )

    def start(self) -> None:
        """Begin to work."""
        self.hearing.turned()
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Finish the job in hand, then end."""
        self.should_stop = True
        self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def on_iteration(self) -> None:
        """kombu calls this between deliveries, several times a second: ask now and then how many jobs wait."""
        self.hearing.turned()
        if self._queued.is_due():
            depth = self._depth.ask()
            self._queued.asked(depth)
            self.hearing.asked(depth)

    def on_connection_error(self, exc: Exception, interval: float) -> None:
        """kombu calls this after every try to reach the broker that failed; it tries again by itself."""
        self.hearing.turned()
        self.hearing.asked(None)
        self.away = type(exc).__name__
        log.warning("the broker of the jobs does not answer", extra={"error": self.away, "seconds": interval})

    def on_connection_revived(self) -> None:
        """kombu calls this when the broker answers."""
        self.away = None

    def get_consumers(self, consumer: Any, channel: Any) -> list[Any]:
        """kombu asks what to listen to: JSON only, one job at a time. Quorum queues refuse a global limit (K8)."""
        self._aside.bind(channel).declare()
        return [
            consumer(
                [self._source],
                on_message=self.take,
                accept=["json"],
                prefetch_count=1,
            )
        ]

    def on_consume_end(self, connection: Connection, channel: Any) -> None:
        """kombu calls this when it listens no more, for now or for good."""
        self._depth.close()

    def take(self, message: Message) -> None:
        """Work one delivery."""
        self._queued.began(message.headers.get(PUBLISHED_AT))
        self.hearing.began()
        self._work(message)
        self._queued.ended()
        self.hearing.ended()

    def _work(self, message: Message) -> None:
        job = self._decode(message)
        if job is None:
            return
        if self._deadly(message):
            log.warning("a job came again and again without a result", extra={"job": job.job})
            self._put_aside(message, "deadly")
            return
        if not self._told(job):
            self._tell(job)
        if self._logged(_reported(job, self._done[job.message][1])):
            message.ack()

    def _logged(self, report: ReportJob) -> bool:
        """Report until the log has it. False: the worker was told to stop first; its broker gives the job to another.

        A TimeoutError may not leave this thread's delivery: kombu takes it for a broker without news, goes on, and is
        brought nothing more beside the job that nobody acknowledges. Nor is the job given back: it would come again at
        once, and RabbitMQ would count that as a death.
        """
        while True:
            try:
                self._report(report)
                return True
            except TimeoutError:
                if self.should_stop:
                    return False
                log.warning("the log takes no reports; the job in hand waits", extra={"job": report.job})
                self.hearing.began()  # it waits, it does not hang

    def _told(self, job: Notify) -> bool:
        """Whether this delivery would tell the person what they were told, or repeat an attempt that failed."""
        attempt, outcome = self._done.get(job.message, (0, JobOutcome.FAILED))
        return outcome is JobOutcome.SENT or attempt == job.attempt

    def _tell(self, job: Notify) -> None:
        try:
            outcome, channel = self._telling.tell(job)
        except Exception as error:  # whatever a receiver provokes must not stop the messages to everybody else
            log.warning("a message could not be sent", extra={"error": type(error).__name__, "job": job.job})
            outcome, channel = JobOutcome.FAILED, "error"
        self._metrics.count("notifications_total", channel=channel, outcome=outcome.value)
        self._done[job.message] = (job.attempt, outcome)
        if len(self._done) > DONE_MAX:
            self._done.popitem(last=False)

    def _decode(self, message: Message) -> Notify | None:
        """Read the job; what is none (or is no JSON: pickle is never opened) is counted and set aside."""
        try:
            return msgspec.convert(message.decode(), Notify)
        except Exception as error:  # kombu raises whatever its codecs raise
            log.warning("a job could not be read", extra={"error": type(error).__name__})
            self._put_aside(message, type(error).__name__)
            return None

    def _deadly(self, message: Message) -> bool:
        """Whether its workers must have died of it, where no broker counts."""
        if BROKER_COUNTS in message.headers or not message.delivery_info.get("redelivered"):
            return False
        published_at = message.headers.get(PUBLISHED_AT)
        return isinstance(published_at, float) and time.time() - published_at > self._old_s

    def _put_aside(self, message: Message, reason: str) -> None:
        """Keep the bytes as they are for a person to look at; only then is the delivery done."""
        self._metrics.count("parked_total", topic="jobs", reason=reason)
        Producer(message.channel, auto_declare=False).publish(
            message.body,
            exchange=self._aside.exchange.name,
            routing_key=self._aside.routing_key,
            content_type=message.content_type,
            content_encoding=message.content_encoding,
            headers={"reason": reason},
            delivery_mode="persistent",
            mandatory=True,
        )
        message.ack()


def _reported(job: Notify, outcome: JobOutcome) -> ReportJob:
    """The same command for every delivery of an attempt, but for the clock, which is no part of the comparison."""
    return ReportJob(
        id=job.report,
        zone=job.zone,
        at=datetime.now(UTC),
        job=job.job,
        attempt=job.attempt,
        outcome=outcome,
    )
