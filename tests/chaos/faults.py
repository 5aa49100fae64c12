"""The faults: one function, one idea each. The load runs while they are played; who plays judges afterwards.

A fault calls `run.hurt()` at the moment from which recovery counts, leaves the town with everything running again, and
returns the seconds of its recovery where the log alone cannot tell them (else None).
"""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from redis import Redis

from services.adapters.board_redis import RedisBoard, connect
from services.board import BoardAway
from services.names import COMMANDS, JOURNAL, NAME
from services.ports import Message
from services.wire import SignIn, encode, partition_of
from tests.chaos.load import CLIENT, Asked
from tests.chaos.sites import Sites
from tests.chaos.town import PARTITIONS, SESSION_S, Town, until
from tests.processes import Served
from tests.serving import POINT

BEYOND_S = 3.0
LEAVES_S = 60


@dataclass
class Run:
    """What a fault may pull."""

    town: Town
    sites: Sites
    hurt_s: float = 0.0
    #: what the fault itself found wrong
    wrong: list[str] = field(default_factory=list)

    def hurt(self) -> None:
        """Note the moment of the fault."""
        self.hurt_s = time.time()

    async def acknowledged(self, more: int) -> None:
        """Wait until the client has so many more commands taken."""
        since_s = time.time()

        async def taken() -> bool:
            return self.town.load.acknowledged_since(since_s) >= more

        await until(taken, f"({more}) more commands are taken")

    async def answering(self) -> None:
        """Wait until every partition answers what was asked after the fault."""

        async def all_answer() -> bool:
            await self.town.history.read_on()
            return all(
                any(asked_s >= self.hurt_s for asked_s in line.asked_s[: line.answered])
                for line in self.town.history.lines
            )

        await until(all_answer, "every partition answers again")

    async def leaves(self, process: Served) -> None:
        """SIGTERM a process; it has to end by itself and well."""
        process.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.process.wait, LEAVES_S)
        if code:
            self.wrong.append(f"told to leave, it ended with ({code}): {process.said[-600:]}")


# --- streams -------------------------------------------------------------------------------------------------------


async def kill_stream(run: Run) -> None:
    """kill -9 one of the streams in the middle of its work; another takes over, a new one joins."""
    run.hurt()
    await run.town.kill(run.town.streams.pop(0))
    await run.answering()
    await run.town.add_stream()


async def zombie_stream(run: Run) -> None:
    """SIGSTOP a stream beyond its session, let the others take over, then SIGCONT: it goes on where it was."""
    process = run.town.streams[0].process
    run.hurt()
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(SESSION_S + BEYOND_S)
    await run.answering()
    process.send_signal(signal.SIGCONT)
    await run.acknowledged(20)


async def two_groups(run: Run) -> None:
    """A stream of another group: every partition has two owners who both write, for a while."""
    run.hurt()
    other = run.town.serve("stream", PAIDAN_GROUP="another")
    await asyncio.to_thread(lambda: other.url)
    await run.answering()
    await asyncio.sleep(SESSION_S)
    await run.acknowledged(20)
    run.hurt()
    await run.town.kill(other)
    await run.answering()


async def ghost_signs_in(run: Run) -> None:
    """A dead writer's late sign-in on every partition, after the backlog is finished: its owner is fenced, silently."""
    town = run.town
    await town.load.stop()
    await town.all_answered()
    run.hurt()
    for partition in range(PARTITIONS):
        ghost = SignIn(id=secrets.token_hex(8), at=datetime.now(UTC))
        await town.log.append(JOURNAL, partition, [Message(encode(ghost))])
    town.load.start()
    await run.answering()


async def _offsets(run: Run, change: Callable[[Town], Awaitable[None]]) -> None:
    """Stop the group in the middle, change what it has committed while more is asked, start it again."""
    town = run.town
    await town.end_streams(signal.SIGKILL)
    await run.acknowledged(30)
    await asyncio.sleep(SESSION_S / 2)
    await change(town)
    run.hurt()
    await asyncio.gather(town.add_stream(), town.add_stream())
    await run.answering()


async def offsets_deleted(run: Run) -> None:
    """The group's committed offsets are gone."""
    await _offsets(run, Town.forget_offsets)


async def offsets_at_the_end(run: Run) -> None:
    """The committed offsets stand at the end: Faust brings nothing of what waits."""

    async def move(town: Town) -> None:
        ends = {
            topic: {p: (await town.log.bounds(topic, p)).end for p in range(PARTITIONS)}
            for topic in (COMMANDS, JOURNAL)
        }
        await town.move_offsets(ends)

    await _offsets(run, move)


async def offsets_at_the_start(run: Run) -> None:
    """The committed offsets stand at the beginning: Faust brings everything again."""

    async def move(town: Town) -> None:
        await town.move_offsets({topic: dict.fromkeys(range(PARTITIONS), 0) for topic in (COMMANDS, JOURNAL)})

    await _offsets(run, move)


# --- the API -------------------------------------------------------------------------------------------------------


async def kill_api(run: Run) -> float:
    """kill -9 the API when a command is in the log and its client has read no answer; the client repeats itself."""
    town = run.town
    zone, key = town.load.zones[0], f"unread.{secrets.token_hex(4)}"
    asked = Asked(key, zone, time.time())
    body = {"request": key, "point": POINT}
    partition = partition_of(zone, PARTITIONS)
    # The others pause: the next command of this partition that is not a Tick is ours.
    await town.load.stop()
    await town.all_answered()
    before = (await town.log.bounds(COMMANDS, partition)).end
    open_socket = _post_and_do_not_read(town.api_url, zone, key, body)

    async def appended() -> bool:
        end = (await town.log.bounds(COMMANDS, partition)).end
        records = await town.log.read(COMMANDS, partition, before, end - before)
        return any(asked.id.encode() in record.value for record in records)

    await until(appended, "the command is in the log", poll_s=0.005)
    assert town.api is not None
    run.hurt()
    await town.kill(town.api)
    open_socket.close()
    town.load.start()
    await town.start_api()
    again = await town.load.ask(zone, "/requests", body, key)
    assert again.id == asked.id
    recovery_s = time.time() - run.hurt_s
    await run.answering()
    return recovery_s


def _post_and_do_not_read(url: str, zone: str, key: str, body: dict[str, object]) -> socket.socket:
    where = urlsplit(url)
    content = json.dumps(body).encode()
    head = (
        f"POST /zones/{zone}/requests HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nIdempotency-Key: {key}\r\nX-Client-Id: {CLIENT}\r\n\r\n"
    )
    made = socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=10)
    made.sendall(head.encode() + content)
    return made


# --- the board -----------------------------------------------------------------------------------------------------


async def board_is_right(run: Run) -> float:
    """Wait until the board shows at least what the journal held at the fault, and says that it is whole."""
    town = run.town
    await town.history.read_on()
    held = [line.journal_next for line in town.history.lines]
    client = connect(town.brokers.redis)
    board = RedisBoard(client, PARTITIONS, prefix=f"{town.prefix}{NAME}:")

    async def right() -> bool:
        try:
            answers = [await board.get(zone, "zone", zone) for zone in town.load.zones]
        except BoardAway:
            return False
        return all(not each.stale and each.as_of >= held[each.partition] for each in answers)

    try:
        await until(right, "the board is right again")
    finally:
        await client.aclose()
    return time.time() - run.hurt_s


async def flush_redis(run: Run) -> float:
    """FLUSHALL under load: board, answered offsets, jobs and kombu's bindings are gone."""
    with Redis.from_url(run.town.brokers.redis) as redis:
        run.hurt()
        await asyncio.to_thread(redis.flushall)
    return await board_is_right(run)


async def replace_redis(run: Run) -> float:
    """kill -9 Redis; a second later an empty one stands in its place."""
    run.hurt()
    await asyncio.to_thread(run.sites.kill, "redis")
    await asyncio.sleep(1.0)
    await asyncio.to_thread(run.sites.redis, True)
    return await board_is_right(run)


# --- workers -------------------------------------------------------------------------------------------------------


async def kill_worker(run: Run) -> None:
    """kill -9 a worker whose message has arrived and whose answer is still to come."""
    town = run.town
    town.gateway.hold()
    before = len(town.gateway.told)

    async def in_hand() -> bool:
        return len(town.gateway.told) > before

    try:
        await until(in_hand, "a message arrives")
        run.hurt()
        await town.kill(town.workers.pop(0))
    finally:
        town.gateway.go_on()
    town.workers.append(town.serve("worker"))
    await town.ready(town.workers[0])


async def deaf_worker(run: Run) -> None:
    """K1: a worker is frozen while jobs are published, then killed: Redis has given it what it never read."""
    town = run.town
    worker = town.workers.pop(0)
    worker.process.send_signal(signal.SIGSTOP)
    run.hurt()
    await run.acknowledged(40)
    await asyncio.sleep(2.0)
    await town.kill(worker)
    town.workers.append(town.serve("worker"))
    await town.ready(town.workers[0])


# --- brokers -------------------------------------------------------------------------------------------------------


async def restart_kafka(run: Run) -> None:
    """kill -9 the only Kafka broker and start it again with its data."""
    run.hurt()
    await asyncio.to_thread(run.sites.kill, "kafka-1-of-1")
    await asyncio.sleep(1.0)
    await asyncio.to_thread(run.sites.kafka, True)
    await run.answering()


async def roll_kafka(run: Run) -> None:
    """kill -9 and restart three brokers one after the other, each when the one before has all records again."""
    keeping = asyncio.create_task(run.town.keep())
    run.hurt()
    try:
        for n in (1, 2, 3):
            await asyncio.to_thread(run.sites.kill, f"kafka-{n}-of-3")
            await run.acknowledged(10)
            await asyncio.to_thread(run.sites.kafka, True, 3)
            await run.town.in_sync()
        await run.answering()
    finally:
        keeping.cancel()


async def restart_rabbitmq(run: Run) -> None:
    """kill -9 RabbitMQ and start it again with its data."""
    run.hurt()
    await asyncio.to_thread(run.sites.kill, "rabbitmq")
    await asyncio.sleep(1.0)
    await asyncio.to_thread(run.sites.rabbitmq, True)
    await run.acknowledged(20)
