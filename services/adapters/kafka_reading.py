"""Reads from Apache Kafka: a few confluent-kafka consumers, each in a thread of its own, placed by hand.

Used by `KafkaLog`. No group, no commits: who reads says from where. A reader that goes on where it stopped keeps
what its consumer has fetched ahead. Blocking; every wait has a deadline.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, KafkaError, KafkaException, Message, TopicPartition

from services.adapters.kafka_topics import unreachable
from services.exits import ExitCode, Stop
from services.names import NAME
from services.ports import LogUntrusted, Record

LOG = logging.getLogger(__name__)

CONSUMERS = 4
CHUNK = 10_000
#: How long brokers may be away before a reader gives up.
PATIENCE_S = 30.0
REQUEST_S = 3.0
POLL_S = 1.0
RETRY_S = 0.05
RENEW_S = 0.25

SETTINGS: dict[str, Any] = {
    "client.id": f"{NAME}-reader",
    # The library wants a name; nothing is ever committed under it.
    "group.id": f"{NAME}-reader",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    "fetch.queue.backoff.ms": 5,
    "fetch.wait.max.ms": 10,
    "queued.max.messages.kbytes": 16 << 10,
    "fetch.message.max.bytes": 4 << 20,
    "check.crcs": True,
    "log_level": 3,
}
#: The place asked for is not in the log, or what stands there is not what was written.
NOT_THERE = frozenset(
    {
        KafkaError._AUTO_OFFSET_RESET,
        KafkaError.OFFSET_OUT_OF_RANGE,
        KafkaError._BAD_MSG,
    }
)
#: The topic is gone, or this consumer remembers what a starting broker said: only a new consumer asks again.
UNKNOWN = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION})
#: A consumer whose leader is gone may ask it until the time is up, and again: a new one asks who leads now. One that
#: threw away what it knew of a broker, while all of them were gone, says of a question to it that it "is terminating".
STALE = UNKNOWN | {KafkaError._TIMED_OUT, KafkaError.REQUEST_TIMED_OUT, KafkaError._DESTROY}
#: What a question may be answered with while brokers change their roles; it is asked again.
PASSING = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError._TRANSPORT,
        KafkaError._WAIT_COORD,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._DESTROY_BROKER,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        *STALE,
    }
)


@dataclass
class _Seat:
    """A consumer and the place that it would read next."""

    consumer: Consumer
    place: tuple[str, int] | None = None
    next_offset: int = 0
    used_at: float = field(default_factory=time.monotonic)


class Reading:
    """Up to `CONSUMERS` reads at once. `read` and `ends` are called from threads."""

    def __init__(self, bootstrap: str) -> None:
        self._settings = {**SETTINGS, "bootstrap.servers": bootstrap, "logger": LOG}
        self._free: list[_Seat] = []
        self._made = 0
        self._change = threading.Condition()

    def read(self, topic: str, partition: int, offset: int, count: int, *, last: bool) -> list[Record]:
        """Return exactly the `count` records from `offset` on; `last`: nothing is known to come after them.

        Raises LogUntrusted, Stop (exit 4).
        """
        seat = self._sit((topic, partition), offset)
        try:
            records = self._consume(seat, topic, partition, offset, count)
            seat.next_offset = offset + count
            if last:
                # One that waits for news here would hold up every other question on its connection.
                seat.consumer.unassign()
                seat.place = None
            return records
        except BaseException:
            seat.place = None
            raise
        finally:
            self._leave(seat)

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """Ask the partition's leader for its first and its next offset. Raises Stop (exit 4)."""
        deadline = time.monotonic() + PATIENCE_S
        seat = self._sit(None, 0)
        try:
            while True:
                try:
                    return seat.consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=REQUEST_S)
                except KafkaException as error:
                    # A leader is being chosen, or the broker has not heard of a topic that was just made.
                    if error.args[0].code() not in PASSING or time.monotonic() > deadline:
                        raise unreachable(error) from error
                    self._again(seat, error.args[0])
        finally:
            self._leave(seat)

    def close(self) -> None:
        """Close every consumer. Nothing may be reading."""
        with self._change:
            for seat in self._free:
                seat.consumer.close()
            self._free.clear()

    def _sit(self, place: tuple[str, int] | None, offset: int) -> _Seat:
        """Take the consumer that stands there, else a new one, else the one that has rested longest."""
        with self._change:
            while not self._free and self._made >= CONSUMERS:
                self._change.wait()
            for seat in self._free:
                if place is not None and (seat.place, seat.next_offset) == (place, offset):
                    self._free.remove(seat)
                    return seat
            if self._made < CONSUMERS and (place is not None or not self._free):
                self._made += 1
                return _Seat(Consumer(self._settings))
            seat = min(self._free, key=lambda free: free.used_at)
            self._free.remove(seat)
            return seat

    def _leave(self, seat: _Seat) -> None:
        seat.used_at = time.monotonic()
        with self._change:
            self._free.append(seat)
            self._change.notify()

    def _again(self, seat: _Seat, error: KafkaError) -> None:
        """Wait before the next try, from a known place; with a new consumer where this one would not ask again."""
        time.sleep(RETRY_S)
        seat.place = None
        if error.code() in STALE:
            time.sleep(RENEW_S)
            seat.consumer.close()
            seat.consumer = Consumer(self._settings)

    def _consume(self, seat: _Seat, topic: str, partition: int, offset: int, count: int) -> list[Record]:
        records: list[Record] = []
        deadline = time.monotonic() + PATIENCE_S
        while len(records) < count:
            next_offset = offset + len(records)
            if (seat.place, seat.next_offset) != ((topic, partition), next_offset):
                seat.place, seat.next_offset = (topic, partition), next_offset
                seat.consumer.assign([TopicPartition(topic, partition, next_offset)])
            for message in seat.consumer.consume(min(count - len(records), CHUNK), POLL_S):
                error = message.error()
                if error is None:
                    records.append(_next(record_of(message, topic, partition), topic, partition, offset + len(records)))
                elif error.code() in PASSING and time.monotonic() < deadline:
                    self._again(seat, error)
                    break
                elif error.code() != KafkaError._PARTITION_EOF:
                    raise failure_of(error, topic, partition)
            seat.next_offset = offset + len(records)
            if time.monotonic() > deadline:
                raise Stop(
                    ExitCode.UNREACHABLE,
                    f"Kafka did not bring ({count}) records of ({topic}), partition ({partition}) from ({offset}) on "
                    f"in {PATIENCE_S:.0f} s, only ({len(records)}). Check its brokers.",
                )
        return records


def record_of(message: Message, topic: str, partition: int) -> Record:
    """Return the record that a message without an error holds. Raises LogUntrusted."""
    kind, at_ms = message.timestamp()
    if kind != TIMESTAMP_LOG_APPEND_TIME:
        raise LogUntrusted(f"({topic}), partition ({partition}) has times that are not the broker's.")
    offset = message.offset()
    assert offset is not None
    pairs: Any = message.headers() or []
    return Record(offset, at_ms / 1000, bytes(message.value() or b""), {key: _text(value) for key, value in pairs})


def _next(record: Record, topic: str, partition: int, expected: int) -> Record:
    """Return the record, which must be the next one. Raises LogUntrusted."""
    if record.offset != expected:
        raise LogUntrusted(f"({topic}), partition ({partition}) jumps from ({expected}) to ({record.offset}).")
    return record


def failure_of(error: KafkaError, topic: str, partition: int) -> Stop:
    """Return what a reader ends with."""
    if error.code() in NOT_THERE:
        return LogUntrusted(
            f"({topic}), partition ({partition}) cannot be read where it was read before: {error.str()}."
        )
    return unreachable(KafkaException(error))


def _text(value: Any) -> str:
    """Read a header; a foreign one may be any bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
