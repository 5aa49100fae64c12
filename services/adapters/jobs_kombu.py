"""Jobs over kombu: one code path for memory, Redis and RabbitMQ. JSON only.

Chosen by `services/runtime.py`. Publishing happens in a thread of its own, so that a broker that is away never holds
the journal's readers; what could not be handed over is dropped, and the journal issues it again.
"""

from __future__ import annotations

import json
import logging
import queue
import threading

import msgspec
from kombu import Connection, Exchange, Queue
from kombu.exceptions import KombuError

from services.jobs import Notify
from services.metrics import Metrics
from services.names import NAME

log = logging.getLogger(__name__)

WAITING_MAX = 100_000
_END = None


def connect(url: str) -> Connection:
    """A connection, not opened yet. The memory transport would look once a second (LANDMINES N12)."""
    options = {"polling_interval": 0.02} if url.startswith("memory:") else {}
    return Connection(url, transport_options=options)


def notify_queue(name: str = f"{NAME}.notify") -> Queue:
    """The queue of notifications: durable, quorum where the broker knows the word."""
    return Queue(
        name,
        Exchange(name, type="direct", durable=True),
        routing_key=name,
        durable=True,
        queue_arguments={"x-queue-type": "quorum"},
    )


class KombuJobs:
    """Publishes from its own thread, between `start` and `stop`."""

    def __init__(self, url: str, to: Queue, metrics: Metrics) -> None:
        self._url = url
        self._to = to
        self._metrics = metrics
        self._waiting: queue.Queue[Notify | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Publish what waits, then end."""
        self._waiting.put(_END)
        self._thread.join(timeout_s)

    def publish(self, job: Notify) -> None:
        """See `Jobs.publish`."""
        try:
            self._waiting.put_nowait(job)
        except queue.Full:
            self._metrics.count("notifications_total", channel="queue", outcome="dropped")
        self._metrics.set("queue_depth", self._waiting.qsize(), queue="publish")

    def _run(self) -> None:
        with connect(self._url) as connection:
            while (job := self._waiting.get()) is not _END:
                self._send(connection, job)
                self._metrics.set("queue_depth", self._waiting.qsize(), queue="publish")

    def _send(self, connection: Connection, job: Notify) -> None:
        body = json.loads(msgspec.json.encode(job))
        try:
            with connection.Producer(serializer="json", auto_declare=True) as producer:
                producer.publish(
                    body,
                    exchange=self._to.exchange,
                    routing_key=self._to.routing_key,
                    declare=[self._to],
                    message_id=job.key,
                    retry=True,
                    retry_policy={"max_retries": 2, "interval_start": 0.2},
                )
        except (*connection.connection_errors, *connection.channel_errors, KombuError) as error:
            log.warning("a job was not published; it will be issued again", extra={"error": type(error).__name__})
            self._metrics.count("notifications_total", channel="queue", outcome="dropped")
