"""Every log there is, opened empty for one test: contract suites and stories that must be the same on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from services.adapters.memory import MemoryLog
from services.adapters.sqlite import SqliteLog
from services.ports import Log
from tests.brokers import fresh_log, needs_kafka, safe_log


@asynccontextmanager
async def memory(request: pytest.FixtureRequest, partitions: int) -> AsyncIterator[Log]:
    yield MemoryLog(partitions)


@asynccontextmanager
async def sqlite(request: pytest.FixtureRequest, partitions: int) -> AsyncIterator[Log]:
    folder: Path = request.getfixturevalue("tmp_path")
    with closing(SqliteLog(folder / "log.db", partitions)) as log:
        yield log


@asynccontextmanager
async def kafka(request: pytest.FixtureRequest, partitions: int) -> AsyncIterator[Log]:
    async with fresh_log(partitions) as log:
        yield log


@asynccontextmanager
async def three_brokers(request: pytest.FixtureRequest, partitions: int) -> AsyncIterator[Log]:
    """Three copies of each record, two of them before it is acknowledged."""
    async with safe_log(request.getfixturevalue("three_brokers").address, partitions) as log:
        yield log


MEMORY = pytest.param(memory, id="memory")
SQLITE = pytest.param(sqlite, id="sqlite")
KAFKA = pytest.param(kafka, id="kafka", marks=needs_kafka)
KAFKA_OF_THREE = pytest.param(three_brokers, id="three brokers", marks=[*needs_kafka, pytest.mark.slow])
