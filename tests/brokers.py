"""Apache Kafka for tests: where it is ($PAIDAN_KAFKA, by `make services`), and a fresh log on it."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.adapters import kafka_topics
from services.adapters.kafka import KafkaLog
from services.names import TOPICS

needs_kafka = [
    pytest.mark.kafka,
    pytest.mark.skipif(
        "PAIDAN_KAFKA" not in os.environ,
        reason="$PAIDAN_KAFKA is not set: run `make services` and `source .services/env`",
    ),
]


def kafka() -> str:
    """Return the bootstrap servers."""
    return os.environ["PAIDAN_KAFKA"]


@asynccontextmanager
async def fresh_topics(partitions: int, at: str | None = None, replication: int = 1) -> AsyncIterator[str]:
    """Make the four topics under a prefix of their own; delete them at the end.

    `at`: brokers of the test's own, which it may leave hurt: their topics go with their data.
    """
    prefix = f"t{secrets.token_hex(6)}."
    admin = kafka_topics.connect(at or kafka())
    options = {"partitions": partitions, "replication": replication, "trial": replication < 3, "dry_run": False}
    await asyncio.to_thread(lambda: kafka_topics.apply(admin, prefix=prefix, **options))
    try:
        yield prefix
    finally:
        for future in ({} if at else admin.delete_topics([prefix + topic for topic in TOPICS])).values():
            await asyncio.to_thread(future.result)


@asynccontextmanager
async def opened(
    prefix: str, partitions: int | None = None, *, at: str | None = None, trial: bool = True, deadline_s: float = 30.0
) -> AsyncIterator[KafkaLog]:
    """Open the log under a prefix."""
    log = KafkaLog(at or kafka(), partitions, prefix=prefix, trial=trial, deadline_s=deadline_s)
    try:
        await log.start()
        yield log
    finally:
        await log.stop()


@asynccontextmanager
async def fresh_log(partitions: int) -> AsyncIterator[KafkaLog]:
    """Open a log that nobody has written to."""
    async with fresh_topics(partitions) as prefix, opened(prefix, partitions) as log:
        yield log


@asynccontextmanager
async def safe_log(at: str, partitions: int, deadline_s: float = 30.0) -> AsyncIterator[KafkaLog]:
    """Open a log that nobody has written to, as a city's must be: three copies of each record."""
    async with (
        fresh_topics(partitions, at, 3) as prefix,
        opened(prefix, partitions, at=at, trial=False, deadline_s=deadline_s) as log,
    ):
        yield log
