"""The log on Apache Kafka: what a city runs on. Opened by the entry point and by tests; `start` before use.

Topics are made by `paidan topics apply`, never here; `start` refuses those that could lose or renumber records.
Partitions are always named by number: the clients' own partitioners disagree on where a key belongs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from services import sizes
from services.adapters import kafka_topics
from services.adapters.kafka_appending import DEADLINE_S, Appending
from services.adapters.kafka_reading import CONSUMERS, PASSING, PATIENCE_S, REQUEST_S, STALE, Reading
from services.ports import Bounds, LogUntrusted, Message, Record


class KafkaLog:
    """Port `Log` on a cluster. `prefix` goes before every topic's name: several logs on one cluster.

    `partitions`: what the topics must have; None takes what they have. `trial`: live with weak topics.
    """

    def __init__(
        self,
        bootstrap: str,
        partitions: int | None = None,
        *,
        prefix: str = "",
        trial: bool = False,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.partitions = partitions or 0
        self._asked = partitions
        self._prefix = prefix
        self._trial = trial
        self._appending = Appending(bootstrap, prefix, deadline_s)
        self._reading = Reading(bootstrap)
        self._bootstrap = bootstrap
        self._admin: AdminClient = kafka_topics.connect(bootstrap)
        self._threads = ThreadPoolExecutor(CONSUMERS, thread_name_prefix="log-reads")
        self._ids: dict[str, str] = {}
        #: Ends that the broker has stated or acknowledged; a partition only grows.
        self._ends: dict[tuple[str, int], int] = {}

    async def start(self, *, read_only: bool = False) -> None:
        """Check the topics and connect. Raises Stop (exit 4: no cluster; exit 5: topics that are not safe)."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._check)
        self._ids = {topic: each.topic_id for topic, each in found.items()}
        self.partitions = found[next(iter(found))].partitions
        if not read_only:
            await self._appending.start()

    async def stop(self) -> None:
        """Send what was asked for and disconnect."""
        await self._appending.stop()
        await asyncio.get_running_loop().run_in_executor(self._threads, self._reading.close)
        self._threads.shutdown()

    async def append(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        """Append all, in order; return the first one's offset. Raises MessageTooLarge, AppendUncertain."""
        sizes.check(topic, messages)
        first = await self._appending.append(topic, partition, messages)
        self._grown(topic, partition, first + len(messages))
        return first

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        """Return up to `limit` records from `offset` on; [] at the end. Raises LogUntrusted, Stop (exit 4)."""
        if limit <= 0:
            return []
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._read, topic, partition, offset, limit
        )

    async def bounds(self, topic: str, partition: int) -> Bounds:
        """Say what can be read now. Raises LogUntrusted when the topic was made anew, Stop (exit 4)."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._bounds, topic, partition)

    # --- in threads ------------------------------------------------------------------------------------------------

    def _check(self) -> dict[str, kafka_topics.Found]:
        return kafka_topics.check(self._admin, self._prefix, self._asked, trial=self._trial)

    def _read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        name = self._prefix + topic
        if offset + limit > self._ends.get((topic, partition), 0):
            self._grown(topic, partition, self._reading.bounds(name, partition)[1])
        left = self._ends[topic, partition] - offset
        return self._reading.read(name, partition, offset, min(limit, left), last=limit >= left) if left > 0 else []

    def _bounds(self, topic: str, partition: int) -> Bounds:
        name = self._prefix + topic
        # First the id: a topic that is gone says nothing more, and its successor's numbers are not this log's.
        topic_id = self._topic_id(name)
        if topic_id != self._ids.get(topic, topic_id):
            raise LogUntrusted(f"({name}) was made anew: its id is ({topic_id}), it was ({self._ids[topic]}).")
        start, end = self._reading.bounds(name, partition)
        self._grown(topic, partition, end)
        return Bounds(start, end, topic_id)

    def _topic_id(self, name: str) -> str:
        """Ask the cluster, as long as it changes its roles; a topic that is gone is no longer this log."""
        began = time.monotonic()
        while True:
            # Kept until it has answered: with a client its futures are lost, and another thread may renew it meanwhile.
            admin = self._admin
            try:
                asked = admin.describe_topics(TopicCollection([name]), request_timeout=REQUEST_S)
                return str(asked[name].result().topic_id)
            except KafkaException as error:
                waited_s = time.monotonic() - began
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART and waited_s > kafka_topics.HEARD_S:
                    raise LogUntrusted(f"({name}) is gone.") from error
                if error.args[0].code() not in PASSING or waited_s > PATIENCE_S:
                    raise kafka_topics.unreachable(error) from error
                time.sleep(kafka_topics.RETRY_S)
                if error.args[0].code() in STALE and self._admin is admin:
                    self._admin = kafka_topics.connect(self._bootstrap)

    def _grown(self, topic: str, partition: int, end: int) -> None:
        if end > self._ends.get((topic, partition), 0):
            self._ends[topic, partition] = end
        else:
            self._ends.setdefault((topic, partition), end)
