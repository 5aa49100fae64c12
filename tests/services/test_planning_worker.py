"""What the worker that plans does with a job in hand when something is away, or dies."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from kombu import Connection

from services.exits import ExitCode, Stop
from services.jobs import Rematch
from services.metrics import Metrics
from services.ports import AppendUncertain, Log
from services.queues import rematch_queue
from services.worker.planning.consumer import TRIES, PlanningWorker
from services.worker.planning.process import LogAway, Planner, PlanningFailed

JOB = Rematch(rematch="w1", zone="z", partition=0, offset=7, stage="part", part=0, attempt=1)


class Delivery:
    """A message that remembers what became of it."""

    def __init__(self) -> None:
        self.ends: list[str] = []

    def ack(self) -> None:
        self.ends.append("ack")

    def requeue(self) -> None:
        self.ends.append("requeue")


class Failing:
    """A planner that fails in these ways, one a try, and then does its job."""

    def __init__(self, *ways: Exception) -> None:
        self.ways = list(ways)
        self.tries = 0

    async def work(self, job: Rematch) -> None:
        self.tries += 1
        if self.ways:
            raise self.ways.pop(0)


def delivered(planner: Failing, *, stopping: bool = False) -> list[str]:
    async def main() -> list[str]:
        worker = PlanningWorker(Connection("memory://"), rematch_queue(), cast(Planner, planner), Metrics())
        worker.open()
        worker.should_stop = stopping
        message = Delivery()
        await asyncio.to_thread(worker.work, JOB, cast(Any, message))
        return message.ends

    return asyncio.run(main())


def test_a_job_waits_in_hand_for_a_log_that_is_away_however_often_it_is_tried() -> None:
    planner = Failing(*(LogAway("away") for _ in range(3 * TRIES)))
    assert delivered(planner) == ["ack"]
    assert planner.tries == 3 * TRIES + 1


def test_a_worker_that_is_told_to_stop_while_the_log_is_away_gives_its_job_back() -> None:
    assert delivered(Failing(LogAway("away")), stopping=True) == ["requeue"]


def test_a_job_that_kills_its_process_again_and_again_is_left_to_the_journal() -> None:
    planner = Failing(*(PlanningFailed("died") for _ in range(TRIES)))
    assert delivered(planner) == ["ack"]
    assert planner.tries == TRIES


@pytest.mark.parametrize(
    ("said", "raised", "ended"),
    [
        (Stop(ExitCode.UNREACHABLE, "Kafka is away."), LogAway, False),
        (AppendUncertain("no answer"), LogAway, False),
        (Stop(ExitCode.LOG_UNTRUSTED, "The log is not what it was."), Stop, True),
    ],
)
def test_a_planner_tells_a_log_that_is_away_from_one_that_must_not_be_written_to(
    said: Exception, raised: type[Exception], ended: bool
) -> None:
    class Refusing:
        async def bounds(self, topic: str, partition: int) -> None:
            raise said

    async def append(commands: object) -> list[tuple[int, int]]:
        raise AssertionError("nothing to append")

    async def main() -> None:
        planner = Planner(cast(Log, Refusing()), append, child=("cat",))
        with pytest.raises(raised):
            await planner.work(JOB)
        assert (planner.ended is said) == ended
        await planner.close()

    asyncio.run(main())
