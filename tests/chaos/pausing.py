"""Faults of processes that stop for a while, or leave in good order: frozen servers and roles, rolling restarts."""

from __future__ import annotations

import asyncio
import time

from tests.chaos.faults import Run, board_is_right

#: Longer than clients wait for one answer, shorter than what ends a process.
FROZEN_S = 12.0


async def roll_streams(run: Run) -> None:
    """SIGTERM the streams one after the other, each after a new one works."""
    run.hurt()
    for old in list(run.town.streams):
        await run.town.add_stream()
        run.town.streams.remove(old)
        await run.leaves(old)
    await run.answering()
    run.figures["silence"] = run.town.history.silence_s(run.hurt_s)


async def all_streams_leave(run: Run) -> None:
    """SIGTERM all streams at once; nobody is there for a while; new ones come."""
    streams, run.town.streams = run.town.streams, []
    await asyncio.gather(*(run.leaves(each) for each in streams))
    await run.acknowledged(30)
    run.hurt()
    await asyncio.gather(run.town.add_stream(), run.town.add_stream())
    await run.answering()


async def freeze_api(run: Run) -> None:
    """SIGSTOP the API, then SIGCONT: clients have repeated themselves meanwhile."""
    assert run.town.api is not None
    with run.stopped(run.town.api.process.pid):
        await asyncio.sleep(FROZEN_S)
    run.hurt()
    await run.answering()


async def freeze_worker(run: Run) -> None:
    """SIGSTOP the worker with a job in hand, then SIGCONT."""
    run.hurt()
    with run.stopped(run.town.workers[0].process.pid):
        await asyncio.sleep(FROZEN_S)
    await run.acknowledged(20)


async def _frozen(run: Run, name: str) -> None:
    with run.stopped(*run.sites.pids(name)):
        await asyncio.sleep(FROZEN_S)
    run.hurt()


async def freeze_kafka(run: Run) -> None:
    """SIGSTOP the only broker, then SIGCONT: what was asked meanwhile is acknowledged late or repeated."""
    await _frozen(run, "kafka-1-of-1")
    await run.answering()


async def freeze_redis(run: Run) -> float:
    """SIGSTOP Redis, then SIGCONT: board and jobs wait, the log does not."""
    began_s = time.time()
    await _frozen(run, "redis")
    if not run.town.load.acknowledged_since(began_s):
        run.wrong.append("no command was taken while Redis was frozen")
    return await board_is_right(run)


async def freeze_rabbitmq(run: Run) -> None:
    """SIGSTOP RabbitMQ, then SIGCONT."""
    await _frozen(run, "rabbitmq")
    await run.acknowledged(20)
