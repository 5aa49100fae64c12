"""A short honest part of `make chaos`: faults once each, in as few towns as can be. What is not here takes too long.

Own Redis, own Kafka and own RabbitMQ for what hurts them. Nothing waits for the journal's retry of a message: where one
is needed, the zones are told a later time.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.brokers import needs_kafka
from tests.chaos import alone
from tests.chaos.matrix import FAULTS
from tests.chaos.playing import opened, play
from tests.chaos.result import Result
from tests.chaos.sites import Sites

SEED = 1
pytestmark = [*needs_kafka, pytest.mark.redis, pytest.mark.rabbitmq, pytest.mark.slow]


@pytest.mark.parametrize(
    "names",
    [
        ("kill-stream", "zombie-stream", "two-groups"),
        ("ghost-signs-in", "offsets-at-the-end", "kill-api", "kill-worker-rabbitmq"),
        ("offsets-deleted", "offsets-at-the-start"),
        ("forgery", "nonsense", "commands-again", "wrong-partitions", "freeze-api", "api-without-redis"),
        ("freeze-redis", "redis-read-only", "flush-redis", "replace-redis", "deaf-worker-redis"),
        ("kill-worker-redis",),
        ("stream-without-kafka", "api-without-kafka", "restart-kafka"),
        ("restart-rabbitmq",),
        ("topics-made-anew",),
    ],
    ids=lambda names: names[0],
)
def test_nothing_is_lost_doubled_told_twice_or_shown_wrongly(names: Sequence[str], tmp_path: Path) -> None:
    faults = [FAULTS[name] for name in names]

    async def story() -> list[Result]:
        sites = Sites(tmp_path / "servers")
        try:
            async with opened(faults[0], sites, tmp_path / "town", SEED) as run:
                return [await play(run, fault, hurry=fault.by_reports and fault is faults[-1]) for fault in faults]
        finally:
            sites.close()

    if shutil.which("redis-server") is None:
        word = "There is no redis-server on the PATH: faults of an own Redis cannot be played."
        if os.environ.get("PAIDAN_REQUIRE_SERVICES"):
            pytest.fail(word)
        pytest.skip(word)
    results = asyncio.run(story())
    for result in results:
        print(result.fault, result.recovery_s, result.figures, result.evidence)
        assert result.sound, (result.fault, result.did_not_happen, result.error, result.judged.findings)
        assert result.judged.acknowledged > 0
        assert result.recovery_s is not None


def test_the_one_process_whose_disk_is_full_says_so_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    result = asyncio.run(alone.disk_full(tmp_path, SEED))
    print(result.recovery_s, result.evidence)
    if result.did_not_happen and not os.environ.get("PAIDAN_REQUIRE_SERVICES"):
        pytest.skip(result.did_not_happen)
    assert result.sound, (result.did_not_happen, result.error, result.judged.findings)
    assert result.judged.acknowledged > 0
