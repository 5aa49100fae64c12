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
from tests.processes import Served
from tests.services.test_serve import PARTITIONS, Town, town
from tests.towns import story_of

pytestmark = [*needs_kafka, pytest.mark.redis, pytest.mark.slow]
ZONE = "zone-a"
PATIENCE_S = 400.0
#: A zone of one part, and one of several: four towns with 800 visits each.
SMALL, LARGE = zone_of(ZONE), zone_of(ZONE, people=600, requests=3200, towns=4)
STEPS = {len(SMALL): 60_000, len(LARGE): 2000}


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


Workers = list[Served]


async def batch(made: Town, commands: list[c.Command], workers: int, kill: int) -> list[e.Event]:
    """Run a batch; so many workers are killed as soon as as many parts are begun, and others take their place."""
    made.start("serve", "stream", PAIDAN_BEAT_S="0")
    running = await started(made, workers)
    async with opened(made.prefix, PARTITIONS) as log:
        asking = Asking(log, PARTITIONS)
        for first in range(0, len(commands), 500):
            await asking.append(commands[first : first + 500])
        await asking.append([start(ZONE, iterations=STEPS[len(commands)])])
        if kill:
            await until(log, lambda events: len(parts_begun(events)) >= workers)
            for worker in running[:kill]:
                worker.kill()
            if kill == workers:
                await started(made, 1)
        # RabbitMQ gives a dead worker's job to another by itself, Redis after a quarter of an hour: the journal must.
        return await until(log, lambda events: of_kind(events, e.PlanAdopted), beats=bool(kill) and not made.amqp)


async def started(made: Town, workers: int) -> Workers:
    processes = [made.start("serve", "worker", PAIDAN_DATA_DIR=str(made.folder / f"w{n}")) for n in range(workers)]
    for process in processes:
        assert await asyncio.to_thread(lambda one=process: one.url)
    return processes


def run(
    folder: Path, redis: str, amqp: str | None, commands: list[c.Command], workers: int = 1, kill: int = 0
) -> list[e.Event]:
    with town(folder, redis, amqp) as made:
        made.amqp = amqp
        return asyncio.run(batch(made, commands, workers, kill))


def same(one: list[e.Event], other: list[e.Event]) -> bool:
    """Say whether two batches have the same plan."""
    return proposed(one) == proposed(other) and (
        of_kind(one, e.PlanAdopted)[0].figures == of_kind(other, e.PlanAdopted)[0].figures
    )


@pytest.fixture(scope="module")
def calm(tmp_path_factory, redis_url, amqp_url) -> list[e.Event]:
    """A batch that nobody disturbs."""
    return run(tmp_path_factory.mktemp("calm"), redis_url, amqp_url, SMALL)


@pytest.mark.rabbitmq
@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
def test_the_only_worker_is_killed_with_a_part_in_hand_and_another_one_does_it(
    calm: list[e.Event], tmp_path: Path, redis_url: str, amqp_url: str, broker: str
) -> None:
    hurt = run(tmp_path, redis_url, amqp_url if broker == "rabbitmq" else None, SMALL, kill=1)
    assert len(proposed(calm)) > 10
    assert same(hurt, calm)


@pytest.mark.rabbitmq
def test_two_workers_of_which_one_is_killed_give_the_plan_of_one(tmp_path: Path, redis_url: str, amqp_url: str) -> None:
    alone = run(tmp_path / "alone", redis_url, amqp_url, LARGE)
    both = run(tmp_path / "both", redis_url, amqp_url, LARGE, workers=2, kill=1)
    assert of_kind(both, e.RematchCut)[0].parts == of_kind(alone, e.RematchCut)[0].parts >= 2
    assert len(proposed(alone)) > 1000
    assert same(both, alone)
