"""A generated town played by the embedded driver on Apache Kafka: the same events as on a log in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.adapters.memory import MemoryLog
from services.core import Matching
from services.demo.playing import Audience, play
from services.demo.receipts import Receipts
from services.ports import Log
from services.solving import InlineSolver
from services.verify import read_receipts, verify
from tests.brokers import fresh_log, needs_kafka
from tests.towns import story_of, town

pytestmark = needs_kafka
PARTITIONS = 4


async def played(log: Log, folder: Path):
    """Play town 1 and return each zone's events; the checker finds nothing."""
    with Receipts(folder / "receipts.jsonl") as receipts:
        await play(town(1), log, Matching(), InlineSolver(), receipts, Audience(), partitions=PARTITIONS)
    verdict = await verify(log, PARTITIONS, read_receipts(folder / "receipts.jsonl"))
    assert verdict.sound, verdict.findings
    assert (verdict.requests, verdict.open) == (25, 0)
    return await story_of(log, PARTITIONS)


def test_a_town_on_kafka_has_the_events_of_the_same_town_in_memory(tmp_path: Path):
    for name in ("kafka", "memory"):
        (tmp_path / name).mkdir()

    async def main() -> None:
        async with fresh_log(PARTITIONS) as log:
            assert await played(log, tmp_path / "kafka") == await played(MemoryLog(PARTITIONS), tmp_path / "memory")

    asyncio.run(main())
