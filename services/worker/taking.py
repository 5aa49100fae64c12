"""The loop of a worker: take a job, work it, acknowledge. Runs in a thread; what the work is, its kinds say.

The kinds are `consumer.py` (notifications) and `planning/consumer.py` (the week's batch). One code path for every
broker. What is no job, and what its workers do not survive, is set aside in the parked queue: RabbitMQ counts the
deaths, elsewhere the age of a job that came again tells.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Generic, TypeVar

import msgspec
from kombu import Connection, Producer, Queue
from kombu.message import Message
from kombu.mixins import ConsumerMixin

from services.jobs import Job
from services.metrics import Metrics
from services.queues import PUBLISHED_AT, parked_queue
from services.worker.depth import Depth
from services.worker.hearing import Hearing
from services.worker.queued import Queued

log = logging.getLogger(__name__)

#: How often an idle worker looks whether it should stop. Below 1 s, or Redis never restores jobs (LANDMINES K2).
LOOK_UP_S = 0.2
#: RabbitMQ's own count of deliveries, on quorum queues.
BROKER_COUNTS = "x-delivery-count"
#: A job that came again and is older than so many visibility time-outs is not tried any more (LANDMINES K6).
VISIBILITIES_MAX = 3

J = TypeVar("J", bound=Job)


class Taker(ConsumerMixin, Generic[J]):  # type: ignore[misc]  # kombu has no types
    """Takes jobs of one kind one by one. `label`: the queue's name in the metrics, one of few."""

    def __init__(
        self, connection: Connection, source: Queue, kind: type[J], metrics: Metrics, visibility_s: float, label: str
    ) -> None:
        self.connection = connection
        self._source = source
        self._kind = kind
        self._aside = parked_queue(source)
        self._old_s = VISIBILITIES_MAX * visibility_s
        self._metrics = metrics
        self._queued = Queued(metrics, label)
        self._depth = Depth(connection, source)
        #: Asked by the probes.
        self.hearing = Hearing()
        #: Why the broker cannot be reached; None while it can.
        self.away: str | None = None
        self._thread = threading.Thread(
            target=self.run, kwargs={"safety_interval": LOOK_UP_S}, name=f"worker-{label}", daemon=True
        )

    def work(self, job: J, message: Message) -> None:
        """Do a job and acknowledge its message; raise to keep it."""
        raise NotImplementedError

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
        try:
            self._work(message)
        except TimeoutError as error:
            # kombu would take it for a broker without news, go on, and be brought nothing more beside the job that
            # nobody acknowledges. It takes this for a lost connection: the job comes again.
            raise ConnectionAbortedError("a job was given up") from error
        finally:
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
        self.work(job, message)

    def _decode(self, message: Message) -> J | None:
        """Read the job; what is none (or is no JSON: pickle is never opened) is counted and set aside."""
        try:
            return msgspec.convert(message.decode(), self._kind)
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
