"""A batch with workers of their own on Kafka and a real broker of jobs: one is killed in the middle, nothing is lost.

The plan is that of an undisturbed run with one worker, byte by byte.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from matcher import commands as c
from matcher import events as e
from matcher.commands import RematchStage
from services.adapters.kafka import KafkaLog
from services.asking import Asking
from services.rematching import QUIET_S
from tests.batches import BEGIN, of_kind, proposed, start, zone_of
from tests.brokers import needs_kafka, opened
from tests.services.test_serve import PARTITIONS, Town, town
from tests.towns import story_of

pytestmark = [*needs_kafka, pytest.mark.redis, pytest.mark.slow]
ZONE = "zone-a"
PATIENCE_S = 400.0
#: Four towns with 800 visits each: a part a town or two.
COMMANDS = zone_of(ZONE, people=600, requests=3200, towns=4)


async def events_of(log: KafkaLog) -> list[e.Event]:
    return (await story_of(log, PARTITIONS)).get(ZONE, [])


async def until(log: KafkaLog, true: Callable[[list[e.Event]], object], beats: bool = False) -> list[e.Event]:
    """Read the journal until something is there. `beats`: let the zone's time go on meanwhile."""
    end_s, beat = time.monotonic() + PATIENCE_S, 0
    while not true(events := await events_of(log)):
        assert time.monotonic() < end_s, [type(event).__name__ for event in events[-20:]]
        await asyncio.sleep(0.5)
        if beats:
            beat += 1
            at = BEGIN + timedelta(seconds=beat * QUIET_S)
            await Asking(log, PARTITIONS).append([c.Tick(id=f"t{beat}", zone=ZONE, at=at, beat=beat)])
    return events


def parts_begun(events: list[e.Event]) -> set[int]:
    return {
        said.command.part for said in of_kind(events, e.RematchPartBegun) if said.command.stage is RematchStage.PART
    }


async def batch(made: Town, workers: int, kill: bool) -> list[e.Event]:
    made.start("serve", "stream", PAIDAN_BEAT_S="0")
    processes = [made.start("serve", "worker", PAIDAN_DATA_DIR=str(made.folder / f"w{n}")) for n in range(workers)]
    for process in processes:
        assert await asyncio.to_thread(lambda one=process: one.url)
    async with opened(made.prefix, PARTITIONS) as log:
        asking = Asking(log, PARTITIONS)
        for first in range(0, len(COMMANDS), 500):
            await asking.append(COMMANDS[first : first + 500])
        await asking.append([start(ZONE, iterations=3000)])
        if kill:
            await until(log, lambda events: len(parts_begun(events)) >= workers)
            processes[0].kill()
        return await until(log, lambda events: of_kind(events, e.PlanAdopted), beats=kill)


def run(folder: Path, redis: str, amqp: str | None, workers: int, kill: bool = False) -> list[e.Event]:
    with town(folder, redis, amqp) as made:
        return asyncio.run(batch(made, workers, kill))


@pytest.fixture(scope="module")
def calm(tmp_path_factory, redis_url, amqp_url) -> list[e.Event]:
    """A batch that nobody disturbs, by one worker over RabbitMQ."""
    return run(tmp_path_factory.mktemp("calm"), redis_url, amqp_url, workers=1)


@pytest.mark.rabbitmq
@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
def test_a_worker_that_is_killed_in_the_middle_loses_no_job_and_changes_no_visit(
    calm: list[e.Event], tmp_path: Path, redis_url: str, amqp_url: str, broker: str
) -> None:
    hurt = run(tmp_path, redis_url, amqp_url if broker == "rabbitmq" else None, workers=2, kill=True)
    assert of_kind(hurt, e.RematchCut)[0].parts == of_kind(calm, e.RematchCut)[0].parts >= 2
    assert len(proposed(calm)) > 1000
    assert proposed(hurt) == proposed(calm)
    assert of_kind(hurt, e.PlanAdopted)[0].figures == of_kind(calm, e.PlanAdopted)[0].figures
