"""Appends to Apache Kafka: one idempotent producer, and for each partition one batch in flight.

Used by `KafkaLog` only. What waits for a partition goes into its next batch together, each append whole and in order,
so that an append's offsets follow one another; that is checked, not trusted. Never answers with an offset it does not
know: then AppendUncertain.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)

from services.adapters.kafka_topics import batch_bytes_max, unreachable
from services.names import NAME, TOPICS
from services.ports import AppendUncertain, Message, MessageTooLarge

DEADLINE_S = 30.0
#: What one record adds to its value and headers, at most.
RECORD_EXTRA_BYTES = 64
#: The broker has not taken the batch and never will.
FORBIDDEN = (ClusterAuthorizationFailedError, TopicAuthorizationFailedError)


@dataclass(frozen=True)
class _Wish:
    """One append that waits; `first` gets its first offset."""

    messages: Sequence[Message]
    first: asyncio.Future[int]


class Appending:
    """Appends through one producer, made anew after an error that leaves it useless. Lives in one event loop."""

    def __init__(
        self, bootstrap: str, prefix: str, deadline_s: float = DEADLINE_S, start_s: float = DEADLINE_S
    ) -> None:
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._deadline_s = deadline_s
        self._start_s = start_s
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._waiting: dict[tuple[str, int], deque[_Wish]] = {}
        self._lanes: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect. Raises Stop (exit 4)."""
        await self._connected()

    async def stop(self) -> None:
        """Send what was asked for, then disconnect."""
        if self._lanes:
            await asyncio.wait(list(self._lanes.values()), timeout=self._deadline_s)
        if self._producer is not None:
            self._abandon(self._producer)
        if self._closing:
            await asyncio.wait(list(self._closing))

    async def append(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        """Append all, in order; return the first offset. Raises MessageTooLarge, AppendUncertain, Stop (exit 4)."""
        place = (topic, partition)
        wish = _Wish(messages, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(place, deque()).append(wish)
        if place not in self._lanes:
            self._lanes[place] = asyncio.create_task(self._work(place), name=f"append {topic} {partition}")
        return await wish.first

    async def _work(self, place: tuple[str, int]) -> None:
        """Send batch after batch until nothing waits for this partition."""
        waiting = self._waiting[place]
        try:
            while waiting:
                wishes = _together(place[0], waiting)
                try:
                    await self._send(place, wishes)
                except Exception as error:
                    for wish in wishes:
                        _fail(wish, error)
        finally:
            del self._lanes[place]

    async def _send(self, place: tuple[str, int], wishes: list[_Wish]) -> None:
        """Send some appends and answer them. A single one may need several batches."""
        messages = [message for wish in wishes for message in wish.messages]
        batches = list(_batches(place[0], messages))
        first = await self._sent(place, batches[0])
        end = first + len(batches[0])
        for batch in batches[1:]:
            offset = await self._sent(place, batch)
            if offset != end:
                raise AppendUncertain(
                    f"An append to ({place[0]}), partition ({place[1]}) was split: others wrote between ({end}) "
                    f"and ({offset}). Ask for less at once."
                )
            end += len(batch)
        for wish in wishes:
            if not wish.first.done():
                wish.first.set_result(first)
            first += len(wish.messages)

    async def _sent(self, place: tuple[str, int], messages: Sequence[Message]) -> int:
        """Send one batch; return its first offset."""
        words = f"({place[0]}), partition ({place[1]})"
        producer = await self._connected()
        batch = producer.create_batch()
        for message in messages:
            headers = [(key, value.encode()) for key, value in message.headers.items()]
            if batch.append(key=None, value=message.value, timestamp=None, headers=headers) is None:
                raise MessageTooLarge(f"A batch for {words} is larger than was reckoned. Send less at once.")
        batch.close()
        try:
            async with asyncio.timeout(self._deadline_s):
                delivery = await producer.send_batch(batch, self._prefix + place[0], partition=place[1])
                metadata = await delivery
        except MessageSizeTooLargeError as error:
            raise MessageTooLarge(f"The broker refuses a batch for {words} as too large.") from error
        except (TimeoutError, KafkaTimeoutError) as error:
            # For ever it would send this batch before any other of its partition: what comes next must not wait for it.
            self._abandon(producer)
            raise AppendUncertain(f"No answer to an append to {words} in {self._deadline_s:.0f} s.") from error
        except FORBIDDEN as error:
            raise unreachable(error) from error
        except KafkaError as error:
            # The broker may have the batch, and this producer has lost count of what it has sent.
            self._abandon(producer)
            raise AppendUncertain(f"An append to {words} was answered with ({error!r}).") from error
        if metadata.offset < 0:
            raise AppendUncertain(f"An append to {words} was acknowledged without its offset.")
        return int(metadata.offset)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    client_id=f"{NAME}-log",
                    acks="all",
                    enable_idempotence=True,
                    linger_ms=0,
                    compression_type="zstd",
                    max_batch_size=max(map(batch_bytes_max, TOPICS)),
                    max_request_size=4 * max(map(batch_bytes_max, TOPICS)),
                    request_timeout_ms=int(self._deadline_s * 1000),
                )
                await self._begin(producer)
                self._producer = producer
            return self._producer

    async def _begin(self, producer: AIOKafkaProducer) -> None:
        """Connect. By itself it asks for its id for ever, also those who cannot give one any more."""
        try:
            async with asyncio.timeout(self._start_s):
                await producer.start()
        except BaseException as error:
            self._close_later(producer)
            if isinstance(error, TimeoutError):
                raise unreachable(TimeoutError(f"no id for a producer in {self._start_s:g} s")) from error
            if isinstance(error, KafkaError):
                raise unreachable(error) from error
            raise

    def _abandon(self, producer: AIOKafkaProducer) -> None:
        """Go on with another producer; this one may still send what other partitions gave it."""
        if self._producer is producer:
            self._producer = None
            self._close_later(producer)

    def _close_later(self, producer: AIOKafkaProducer) -> None:
        task = asyncio.create_task(self._close(producer), name="close producer")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, producer: AIOKafkaProducer) -> None:
        try:
            async with asyncio.timeout(self._deadline_s):
                await producer.stop()
        except (TimeoutError, KafkaError):
            # It would try for ever, and what it sends then is for nobody.
            await producer._sender.close()
            await producer.client.close()


def _size(message: Message) -> int:
    headers = sum(len(key.encode()) + len(value.encode()) + 16 for key, value in message.headers.items())
    return len(message.value) + headers + RECORD_EXTRA_BYTES


def _together(topic: str, waiting: deque[_Wish]) -> list[_Wish]:
    """Take the appends of the next batch: as many as it holds, at least one."""
    room = batch_bytes_max(topic) - RECORD_EXTRA_BYTES
    wishes = [waiting.popleft()]
    room -= sum(map(_size, wishes[0].messages))
    while waiting and (size := sum(map(_size, waiting[0].messages))) <= room:
        room -= size
        wishes.append(waiting.popleft())
    return wishes


def _batches(topic: str, messages: Sequence[Message]) -> list[list[Message]]:
    """Cut messages into batches that the topic takes."""
    room_bytes = batch_bytes_max(topic) - RECORD_EXTRA_BYTES
    batches: list[list[Message]] = [[]]
    used = 0
    for message in messages:
        size = _size(message)
        if batches[-1] and used + size > room_bytes:
            batches.append([])
            used = 0
        batches[-1].append(message)
        used += size
    return batches


def _fail(wish: _Wish, error: Exception) -> None:
    if not wish.first.done():
        wish.first.set_exception(error)
