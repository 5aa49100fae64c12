"""An independent reader: a confluent consumer of its own that notes when it could read each record.

Used by `latency` and `moving`. It judges the journal by the one reading rule, so that a void entry answers nothing.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

from confluent_kafka import Consumer, TopicPartition

from services.reading import Chain, Held, SignedIn

POLL_S = 0.1


@dataclass(frozen=True)
class Heard:
    """One record; `at_s` by `time.perf_counter`."""

    at_s: float
    partition: int
    offset: int
    value: bytes


@dataclass
class Answers:
    """What a journal says: when each command was answered, and when writers signed in."""

    at_s: dict[tuple[int, int], float] = field(default_factory=dict)
    sign_ins: list[tuple[int, float]] = field(default_factory=list)

    def of(self, partition: int, since_s: float, until_s: float) -> list[float]:
        """When a partition answered, within a time."""
        return sorted({at for (p, _), at in self.at_s.items() if p == partition and since_s <= at <= until_s})


class Hearing:
    """Reads all partitions of a topic from their start, until the block ends."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self.records: list[Heard] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "bench-hearing",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "socket.nagle.disable": True,
            }
        )
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="hearing", daemon=True)

    def __enter__(self) -> Hearing:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._stopping = True
        self._thread.join()
        self._consumer.close()

    def answers(self) -> Answers:
        """Read what was heard so far as a journal."""
        chains: dict[int, Chain] = {}
        found = Answers()
        for heard in list(self.records):
            judged = chains.setdefault(heard.partition, Chain()).accept(heard.offset, heard.value)
            if isinstance(judged, SignedIn):
                found.sign_ins.append((heard.partition, heard.at_s))
            elif isinstance(judged, Held):
                for offset in range(judged.entry.first, judged.entry.last + 1):
                    found.at_s[heard.partition, offset] = heard.at_s
        return found

    def _work(self) -> None:
        while not self._stopping:
            messages = self._consumer.consume(100, 0.0) or [self._consumer.poll(POLL_S)]
            now_s = time.perf_counter()
            for message in messages:
                if message is not None and message.error() is None:
                    self.records.append(Heard(now_s, message.partition(), message.offset(), message.value()))
