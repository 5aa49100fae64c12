"""News from Apache Kafka: one thread that waits at the ends of a topic's partitions and brings what is appended.

For processes that follow a journal without being handed its records by a group (the demo on brokers). One fetch stands
at each broker for all partitions and is answered as soon as something is there: a record's way is one hop. What is
brought is a hint, as everywhere (DESIGN 4.4); nothing here judges, stores or commits.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, TopicPartition

from services.adapters.kafka_reading import SETTINGS, failure_of, record_of
from services.ports import Record

LOG = logging.getLogger(__name__)

#: How long a stop may go unnoticed; what is appended is noticed at once.
POLL_S = 0.25
#: Records brought together, at most.
RECORDS = 500

#: After these a partition brings nothing more: the log is shorter than it was.
GONE = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})

#: Takes (partition, record) of several partitions, in order within each.
Deliver = Callable[[Sequence[tuple[int, Record]]], None]


class KafkaTail:
    """Waits at the ends of `topic` (its whole name) from `start` to `stop`. Lives in one event loop."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._settings = {
            **SETTINGS,
            "bootstrap.servers": bootstrap,
            "logger": LOG,
            "enable.partition.eof": False,
            "fetch.wait.max.ms": 500,
            "socket.nagle.disable": True,
        }
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: asyncio.Future[None] | None = None

    async def start(self, offsets: Mapping[int, int], deliver: Deliver) -> None:
        """Bring every record from these offsets (by partition) on to `deliver`, in the caller's loop."""
        loop = asyncio.get_running_loop()
        self._failure = loop.create_future()
        consumer = Consumer(self._settings)
        consumer.assign([TopicPartition(self._topic, partition, offset) for partition, offset in offsets.items()])
        self._thread = threading.Thread(target=self._work, args=(loop, consumer, deliver), name="log-tail", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Bring nothing more."""
        self._stopping.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    async def failed(self) -> None:
        """Wait for ever; raises LogUntrusted when the topic is not what it was."""
        if self._failure is None:
            raise RuntimeError("Not started.")
        await asyncio.shield(self._failure)

    # --- in the thread ---------------------------------------------------------------------------------------------

    def _work(self, loop: asyncio.AbstractEventLoop, consumer: Consumer, deliver: Deliver) -> None:
        try:
            while not self._stopping.is_set():
                news = self._next(consumer)
                if news:
                    loop.call_soon_threadsafe(deliver, news)
        except Exception as error:
            if not self._stopping.is_set():
                loop.call_soon_threadsafe(self._fail, error)
        finally:
            consumer.close()

    def _next(self, consumer: Consumer) -> list[tuple[int, Record]]:
        """Wait for a record and take those that came with it; [] when none came. Raises LogUntrusted."""
        # `consume` would wait until it has as many as asked for; `poll` returns with the first.
        first = consumer.poll(POLL_S)
        if first is None:
            return []
        news = []
        for message in (first, *consumer.consume(RECORDS, 0)):
            partition = message.partition()
            assert partition is not None
            error = message.error()
            if error is None:
                news.append((partition, record_of(message, self._topic, partition)))
            elif error.code() in GONE:
                raise failure_of(error, self._topic, partition)
            else:
                _note(error)
        return news

    def _fail(self, error: Exception) -> None:
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)
            self._failure.exception()  # whoever does not ask for it misses nothing but news


def _note(error: KafkaError) -> None:
    """A broker went away: the client comes back by itself, and meanwhile readers ask the log now and then."""
    LOG.warning("waiting for news of the log: %s", error.str())
