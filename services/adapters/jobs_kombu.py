"""Jobs over kombu: one code path for memory, Redis and RabbitMQ. JSON only.

Chosen by `services/runtime.py` and `services/serve/`. Publishing happens in a thread of its own, so that a broker that
is away never holds the journal's readers; what could not be handed over is dropped, and the journal issues it again.

What the brokers differ in: RabbitMQ confirms each job and refuses one that no queue would take; Redis and memory say
nothing, so there the queue is declared with every job. Redis gives a dead worker's job to another after
`visibility_s`, RabbitMQ at once, memory never (it dies with its process).
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from typing import Any

import msgspec
from amqp.exceptions import MessageNacked
from kombu import Connection, Queue
from kombu.exceptions import KombuError

from services.jobs import Job
from services.metrics import Metrics
from services.names import NAME
from services.queues import PUBLISHED_AT, VISIBILITY_S, parked_queue

log = logging.getLogger(__name__)

WAITING_MAX = 100_000
SOCKET_S = 10
HEALTH_S = 25
CONFIRM_S = 10.0
TRIES = 3
PAUSE_S = 0.2
_END = None


def connect(url: str, visibility_s: float = VISIBILITY_S, *, prefix: str = "") -> Connection:
    """A connection, not opened yet. Raises ValueError for a transport that is not one of the three.

    `prefix`: before kombu's own keys in Redis; queues bring theirs in their names.
    """
    return Connection(url, connect_timeout=SOCKET_S, transport_options=_options(url, visibility_s, prefix))


def _options(url: str, visibility_s: float, prefix: str) -> dict[str, Any]:
    match url.partition(":")[0]:
        case "memory":
            return {"polling_interval": 0.02}  # it would look once a second (LANDMINES N12)
        case "redis" | "rediss":
            return {
                "global_keyprefix": f"{prefix}{NAME}:",  # others in the same Redis share no list of jobs in hand (K3)
                "visibility_timeout": visibility_s,
                # Looked after every second, or a dead worker's job waits 100 s longer (K2).
                "unacked_restore_interval": 1,
                "unacked_restore_throttle": 1,
                "health_check_interval": HEALTH_S,
                "socket_keepalive": True,
                "socket_timeout": SOCKET_S,
                "socket_connect_timeout": SOCKET_S,
            }
        case "amqp" | "amqps":
            return {"confirm_publish": True}
        case other:
            raise ValueError(
                f"Jobs cannot travel over ({other}). Give memory://, redis://, rediss://, amqp://, amqps://."
            )


def answers(url: str) -> tuple[str, str | None]:
    """Ask the broker once. Return its address without password, and what went wrong; None when it answers."""
    connection = connect(url)
    shown = str(connection.as_uri())
    try:
        connection.connect()
        with connection.channel():
            return shown, None
    except (*connection.connection_errors, *connection.channel_errors, KombuError) as error:
        return shown, type(error).__name__
    finally:
        connection.release()


class Unconfirmed(Exception):
    """The broker did not take the job; it may be tried again."""


class Publisher:
    """One connection that hands jobs over one by one. `declare=False` leaves the queues to somebody else."""

    def __init__(self, url: str, to: Queue, *, declare: bool = True, prefix: str = "") -> None:
        self._connection = connect(url, prefix=prefix)
        self._to = to
        self._declare = declare
        self._declared = False
        self._errors = (
            *self._connection.connection_errors,
            *self._connection.channel_errors,
            KombuError,
            MessageNacked,
        )

    def send(self, job: Job) -> None:
        """Return when the broker has the job. Raises Unconfirmed; the publisher is of no use then."""
        try:
            self._connection.connect()  # once; the channel alone would try for half a minute
            channel = self._connection.default_channel
            if self._declare and not (self._declared and self._broker_tells):
                for one in (parked_queue(self._to), self._to):
                    if self._connection.transport.driver_type == "redis":
                        # kombu remembers its bindings and would not write again what a flush has taken (K7)
                        channel.state.queue_bindings_delete(one.name)
                    one.bind(channel).declare()
                self._declared = True
            with self._connection.Producer(channel, serializer="json", auto_declare=False) as producer:
                producer.publish(
                    json.loads(msgspec.json.encode(job)),
                    exchange=self._to.exchange.name,
                    routing_key=self._to.routing_key,
                    message_id=job.key,
                    delivery_mode="persistent",
                    headers={PUBLISHED_AT: time.time()},
                    mandatory=True,
                    confirm_timeout=CONFIRM_S,
                )
        except self._errors as error:
            raise Unconfirmed(type(error).__name__) from error

    @property
    def _broker_tells(self) -> bool:
        """Whether the broker refuses what no queue would take."""
        return bool(self._connection.transport.driver_type == "amqp")

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        try:
            self._connection.release()
        except self._errors:
            log.debug("a broken connection could not be closed in order")


class KombuJobs:
    """Publishes from its own thread, between `start` and `stop`. `label`: of what waits for it, in the metrics."""

    def __init__(self, url: str, to: Queue, metrics: Metrics, *, prefix: str = "", label: str = "publish") -> None:
        self._url = url
        self._prefix = prefix
        self._label = label
        self._to = to
        self._metrics = metrics
        self._ending = threading.Event()
        self._waiting: queue.Queue[Job | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Publish what waits, then end."""
        self._ending.set()
        self._waiting.put(_END)
        self._thread.join(timeout_s)

    def publish(self, job: Job) -> None:
        """See `Jobs.publish`."""
        try:
            self._waiting.put_nowait(job)
        except queue.Full:
            self._metrics.count("notifications_total", channel="queue", outcome="dropped")
        self._metrics.set("queue_depth", self._waiting.qsize(), queue=self._label)

    def _run(self) -> None:
        publisher = Publisher(self._url, self._to, prefix=self._prefix)
        while (job := self._waiting.get()) is not _END:
            publisher = self._send(publisher, job)
            self._metrics.set("queue_depth", self._waiting.qsize(), queue=self._label)
        publisher.close()

    def _send(self, publisher: Publisher, job: Job) -> Publisher:
        """Hand the job over, on a new connection after a failure; return the publisher that is good for the next."""
        for left in reversed(range(TRIES)):
            try:
                publisher.send(job)
                break
            except Unconfirmed as error:
                publisher.close()
                publisher = Publisher(self._url, self._to, prefix=self._prefix)
                if not left:
                    log.warning("a job was not published; it will be issued again", extra={"error": str(error)})
                    self._metrics.count("notifications_total", channel="queue", outcome="dropped")
                else:
                    self._ending.wait(PAUSE_S)
        return publisher
