"""Faults of the network: one part is cut off from another, or hears it late, while the rest goes on.

Each starts the process that it is about anew with an address that leads over a wire, and leaves the town with processes
that are on no wire.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from tests.chaos.faults import BEYOND_S, Run, board_is_right
from tests.chaos.town import SESSION_S, assigned, metric, until
from tests.chaos.wires import Wire
from tests.processes import Served

#: Longer than a client's request, shorter than what ends a process (30 s without Kafka).
CUT_S = 12.0
#: Each way: a round trip takes half a second.
LATE_S = 0.25
#: What was on its way when the wire was cut may still be acknowledged.
ON_ITS_WAY_S = 1.0


@contextmanager
def _cut(run: Run, wire: Wire) -> Iterator[None]:
    """Cut a wire, heal it at the end; it must have held something back."""
    before = wire.held_bytes
    wire.cut()
    try:
        yield
    finally:
        held = wire.held_bytes - before
        wire.heal()
    run.must(held, f"the wire held {held} bytes back")


@asynccontextmanager
async def other_stream(run: Run, **changes: str) -> AsyncIterator[Served]:
    """A stream with other settings (a wire, a clock), in the place of another; it has partitions; it leaves."""
    town = run.town
    wired = await town.add_stream(**changes)
    await run.leaves(town.streams.pop(0))

    async def has_some() -> bool:
        return bool(await assigned(wired.url)) and not await metric(wired.url, "stream_unready_partitions")

    await until(has_some, "the stream on the wire has partitions")
    await run.acknowledged(10)
    yield wired
    await town.add_stream()
    town.streams.remove(wired)
    await run.leaves(wired)


@asynccontextmanager
async def other_api(run: Run, **changes: str) -> AsyncIterator[None]:
    """The API anew, with other settings; and once more, as it was."""
    town = run.town

    async def again(**its: str) -> None:
        assert town.api is not None
        await run.leaves(town.api)
        town.api = town.serve("api", **its)
        town.api_url = await town.ready(town.api)

    await again(**changes)
    await run.acknowledged(10)
    yield
    await again()


async def stream_without_kafka(run: Run) -> None:
    """A stream hears nothing of Kafka for longer than its session: others take over; then it is back, too late."""
    wire = run.sites.wires["kafka"]
    async with other_stream(run, PAIDAN_KAFKA=run.sites.wired_kafka()):
        run.hurt()
        with _cut(run, wire):
            await asyncio.sleep(SESSION_S + BEYOND_S)
            await run.answering()
        await run.acknowledged(20)


async def stream_blinks(run: Run) -> None:
    """A stream hears nothing of Kafka for half a session: nobody takes over, nothing happens twice."""
    wire = run.sites.wires["kafka"]
    async with other_stream(run, PAIDAN_KAFKA=run.sites.wired_kafka()):
        run.hurt()
        with _cut(run, wire):
            await asyncio.sleep(SESSION_S / 2)
        await run.answering()


async def stream_is_late(run: Run) -> None:
    """A stream is half a second's round trip away from Kafka, for a while."""
    wire = run.sites.wires["kafka"]
    async with other_stream(run, PAIDAN_KAFKA=run.sites.wired_kafka()):
        run.hurt()
        await _late(run, wire)


async def _late(run: Run, wire: Wire) -> None:
    """Let a wire be slow for a while; it must have carried something."""
    before = wire.late_bytes
    wire.slow(LATE_S)
    await asyncio.sleep(CUT_S)
    await run.answering()
    late = wire.late_bytes - before
    wire.heal()
    run.must(late, f"{late} bytes came {LATE_S} s late")


async def stream_hears_redis_late(run: Run) -> float:
    """A stream is half a second's round trip away from the board: it decides as before."""
    address = run.sites.wire("redis", run.town.brokers.redis)
    async with other_stream(run, PAIDAN_REDIS=address):
        run.hurt()
        await _late(run, run.sites.wires["redis"])
        run.hurt()
        return await board_is_right(run)


async def api_hears_kafka_late(run: Run) -> None:
    """The API is half a second's round trip away from the log."""
    async with other_api(run, PAIDAN_KAFKA=run.sites.wired_kafka()):
        run.hurt()
        await _late(run, run.sites.wires["kafka"])


async def stream_without_redis(run: Run) -> float:
    """A stream cannot reach the board: it goes on deciding, and the board catches up."""
    address = run.sites.wire("redis", run.town.brokers.redis)
    wire = run.sites.wires["redis"]
    async with other_stream(run, PAIDAN_REDIS=address):
        run.hurt()
        with _cut(run, wire):
            await asyncio.sleep(CUT_S)
            await run.answering()
        run.hurt()
        return await board_is_right(run)


async def api_without_kafka(run: Run) -> None:
    """The API cannot reach the log: it acknowledges nothing meanwhile, and everything afterwards."""
    wire = run.sites.wires["kafka"]
    async with other_api(run, PAIDAN_KAFKA=run.sites.wired_kafka()):
        with _cut(run, wire):
            silent_s = time.time() + ON_ITS_WAY_S
            await asyncio.sleep(CUT_S)
            early = run.town.load.acknowledged_since(silent_s)
            if early:
                run.wrong.append(f"({early}) commands were acknowledged without a log.")
        run.hurt()
        await run.answering()


async def api_without_redis(run: Run) -> None:
    """The API cannot reach the board: commands are taken as before, questions are answered with 503 in good time."""
    load = run.town.load
    address = run.sites.wire("redis", run.town.brokers.redis)
    wire = run.sites.wires["redis"]
    async with other_api(run, PAIDAN_REDIS=address):
        run.hurt()
        before = load.looked.copy()

        async def refused() -> bool:
            return load.looked[503] > before[503]

        with _cut(run, wire):
            await until(refused, "a question is refused")
            await run.acknowledged(20)
            await run.answering()


@asynccontextmanager
async def other_worker(run: Run, **changes: str) -> AsyncIterator[Served]:
    """The only worker with other settings; it leaves at the end, for one as before."""
    town = run.town
    other = town.serve("worker", **changes)
    await town.ready(other)
    await run.kill(town.workers.pop(0))
    town.workers.append(other)
    await run.acknowledged(10)
    yield other
    await run.acknowledged(20)
    town.workers = [town.serve("worker")]
    await town.ready(town.workers[0])
    await run.leaves(other)


async def worker_without_jobs(run: Run) -> None:
    """The only worker cannot reach its jobs for a while."""
    address = run.sites.wire("rabbitmq", str(run.town.brokers.amqp))
    async with other_worker(run, PAIDAN_AMQP=address):
        run.hurt()
        with _cut(run, run.sites.wires["rabbitmq"]):
            await asyncio.sleep(CUT_S)


async def worker_hears_jobs_late(run: Run) -> None:
    """The only worker is half a second's round trip away from its jobs."""
    address = run.sites.wire("rabbitmq", str(run.town.brokers.amqp))
    async with other_worker(run, PAIDAN_AMQP=address):
        run.hurt()
        await _late(run, run.sites.wires["rabbitmq"])


async def worker_is_hung_up_on(run: Run) -> None:
    """The connection to the jobs is ended while a job is in hand: its end cannot be acknowledged any more."""
    gateway = run.town.gateway
    address = run.sites.wire("rabbitmq", str(run.town.brokers.amqp))
    async with other_worker(run, PAIDAN_AMQP=address):
        gateway.hold()
        before = len(gateway.told)

        async def in_hand() -> bool:
            return len(gateway.told) > before

        try:
            await until(in_hand, "a message arrives")
            run.hurt()
            ended = run.sites.wires["rabbitmq"].hang_up()
        finally:
            gateway.go_on()
        run.must(ended, f"{ended} connections were ended while a message had arrived")


async def gateway_is_silent(run: Run) -> None:
    """Who tells people takes messages and answers none, longer than a request waits."""
    before = len(run.town.gateway.told)
    run.hurt()
    run.town.gateway.hold()
    try:

        async def more() -> bool:
            return len(run.town.gateway.told) > before

        await until(more, "a message arrives")
        await asyncio.sleep(CUT_S)
        held = len(run.town.gateway.told) - before
        run.must(held, f"{held} messages arrived and had no answer for {CUT_S:.0f} s")
    finally:
        run.town.gateway.go_on()
    await run.acknowledged(20)
