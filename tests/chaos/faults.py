"""The faults: one function, one idea each. The load runs while they are played; who plays judges afterwards.

A fault calls `run.hurt()` at the moment from which recovery counts, shows that it took place (`run.must`, `run.kill`
and their like: a run without that is none), leaves the town with everything running again, and returns the seconds of
its recovery where the log alone cannot tell them (else None).
"""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from redis import Redis

from services.adapters.board_redis import RedisBoard, connect
from services.board import BoardAway
from services.names import COMMANDS, JOURNAL, NAME
from services.ports import Message
from services.wire import SignIn, encode, partition_of
from tests.chaos import proving
from tests.chaos.history import issued
from tests.chaos.judging import Judged
from tests.chaos.load import CLIENT, Asked
from tests.chaos.sites import Sites
from tests.chaos.town import PARTITIONS, SESSION_S, Town, assigned, until
from tests.processes import Served
from tests.serving import POINT

BEYOND_S = 3.0
LEAVES_S = 60
#: Longer than a report is tried, an append is waited for and a reader is patient: 30 s each.
ALL_GONE_S = 35.0


@dataclass
class Run:
    """What a fault may pull."""

    town: Town
    sites: Sites
    hurt_s: float = 0.0
    #: what the fault itself found wrong
    wrong: list[str] = field(default_factory=list)
    #: what shows that the fault took place
    evidence: list[str] = field(default_factory=list)
    #: seconds that the fault measured beside its recovery
    figures: dict[str, float] = field(default_factory=dict)
    #: what a fault that judges by itself has found
    judged: Judged | None = None

    def begin(self) -> None:
        """Forget what the fault before has left here."""
        self.evidence, self.figures, self.judged = [], {}, None

    def must(self, happened: object, words: str) -> None:
        """Note that part of the fault took place. Raises DidNotHappen."""
        if not happened:
            raise proving.DidNotHappen(f"not so: {words}")
        self.evidence.append(words)

    async def kill(self, process: Served) -> None:
        """kill -9 a process that lives."""
        lived = process.process.poll() is None
        await self.town.kill(process)
        code = process.process.returncode
        self.must(lived and code == -signal.SIGKILL, f"process {process.process.pid} lived and ended by signal {-code}")

    async def kill_server(self, name: str) -> None:
        """kill -9 one of the runner's own servers, with all its processes."""
        lived = self.sites.pids(name)
        await asyncio.to_thread(self.sites.kill, name)
        self.must(lived and not self.sites.pids(name), f"{name}: {len(lived)} processes lived, none does")

    @contextmanager
    def stopped(self, *pids: int) -> Iterator[None]:
        """Between SIGSTOP and SIGCONT; they have to be stopped from beginning to end."""
        with proving.stopped(*pids):
            yield
        self.must(pids, f"processes {', '.join(map(str, pids))} stood still (state T) from SIGSTOP to SIGCONT")

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
        self.must(True, f"process {process.process.pid} was told to leave and ended with ({code})")
        if code:
            self.wrong.append(f"told to leave, it ended with ({code}): {process.said[-600:]}")


# --- streams -------------------------------------------------------------------------------------------------------


async def kill_stream(run: Run) -> None:
    """kill -9 one of the streams in the middle of its work; another takes over, a new one joins."""
    run.hurt()
    await run.kill(run.town.streams.pop(0))
    await run.answering()
    _takeover(run)
    await run.town.add_stream()


def _takeover(run: Run) -> None:
    """Note how long partitions were without an answer: those that got a new writer, and those that kept theirs."""
    for name, lines in run.town.history.taken_over(run.hurt_s).items():
        waits = [wait_s for line in lines if (wait_s := line.silence_s(run.hurt_s)) is not None]
        if waits:
            run.figures[name] = max(waits)


async def zombie_stream(run: Run) -> None:
    """SIGSTOP a stream beyond its session, let the others take over, then SIGCONT: it goes on where it was."""
    run.hurt()
    with run.stopped(run.town.streams[0].process.pid):
        await asyncio.sleep(SESSION_S + BEYOND_S)
        await run.answering()
    await run.acknowledged(20)


async def two_groups(run: Run) -> None:
    """A stream of another group: every partition has two owners who both write, for a while."""
    run.hurt()
    other = run.town.serve("stream", PAIDAN_GROUP="another")
    url = await asyncio.to_thread(lambda: other.url)
    await run.answering()
    owned = [int(await assigned(each)) for each in (url, *(stream.url for stream in run.town.streams))]
    run.must(owned[0] == sum(owned[1:]) == PARTITIONS, f"at one time the groups owned {owned[0]} and {sum(owned[1:])}")
    await asyncio.sleep(SESSION_S)
    await run.acknowledged(20)
    run.hurt()
    await run.kill(other)
    await run.answering()


async def ghost_signs_in(run: Run) -> None:
    """A dead writer's late sign-in on every partition, after the backlog is finished: its owner is fenced, silently."""
    town = run.town
    await town.load.stop()
    await town.all_answered()
    run.hurt()
    void = town.history.void
    ghosts = [SignIn(id=secrets.token_hex(8), at=datetime.now(UTC)) for _ in range(PARTITIONS)]
    for partition, ghost in enumerate(ghosts):
        await town.log.append(JOURNAL, partition, [Message(encode(ghost))])
    town.load.start()
    await run.answering()
    both = zip(ghosts, town.history.lines, strict=True)
    held = [ghost.id in line.signed and line.tip != ghost.id for ghost, line in both]
    run.must(all(held), f"{len(held)} ghosts were signed in, and overtaken again")
    run.must(town.history.void > void, f"{town.history.void - void} entries of those they had fenced are void")


Committed = dict[tuple[str, int], int]


async def _offsets(
    run: Run, change: Callable[[Town], Awaitable[None]], happened: Callable[[Town, Committed, Committed], bool]
) -> None:
    """Stop the group in the middle, change what it has committed while more is asked, start it again."""
    town = run.town
    await town.end_streams(signal.SIGKILL)
    await run.acknowledged(30)
    await asyncio.sleep(SESSION_S / 2)
    before = await town.committed()
    await change(town)
    after = await town.committed()
    run.must(happened(town, before, after), f"committed offsets {_sums(before)} became {_sums(after)}")
    run.hurt()
    await asyncio.gather(town.add_stream(), town.add_stream())
    await run.answering()


async def offsets_deleted(run: Run) -> None:
    """The group's committed offsets are gone."""
    await _offsets(run, Town.forget_offsets, lambda town, before, after: bool(before) and not after)


def _sums(committed: Committed) -> dict[str, int]:
    topics = sorted({topic for topic, _ in committed})
    return {topic: sum(at for (its, _), at in committed.items() if its == topic) for topic in topics}


async def offsets_at_the_end(run: Run) -> None:
    """The committed offsets stand at the end: Faust brings nothing of what waits."""

    async def move(town: Town) -> None:
        ends = {
            topic: {p: (await town.log.bounds(topic, p)).end for p in range(PARTITIONS)}
            for topic in (COMMANDS, JOURNAL)
        }
        await town.move_offsets(ends)
        await town.history.read_on()

    def unanswered_are_passed(town: Town, before: Committed, after: Committed) -> bool:
        places = enumerate(town.history.lines)
        return any(after[COMMANDS, p] > max(before.get((COMMANDS, p), 0), line.answered) for p, line in places)

    await _offsets(run, move, unanswered_are_passed)


async def offsets_at_the_start(run: Run) -> None:
    """The committed offsets stand at the beginning: Faust brings everything again."""

    async def move(town: Town) -> None:
        await town.move_offsets({topic: dict.fromkeys(range(PARTITIONS), 0) for topic in (COMMANDS, JOURNAL)})

    await _offsets(run, move, lambda town, before, after: any(before.values()) and not any(after.values()))


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
    run.evidence.append("the command was in the log, its answer unread")
    assert town.api is not None
    run.hurt()
    await run.kill(town.api)
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
        together = redis.pipeline(transaction=True).dbsize().flushall().dbsize()
        keys, _, left = await asyncio.to_thread(together.execute)
    run.must(keys and not left, f"{keys} keys, then {left}")
    return await board_is_right(run)


async def replace_redis(run: Run) -> float:
    """kill -9 Redis; a second later an empty one stands in its place."""
    run.hurt()
    with Redis.from_url(run.town.brokers.redis) as redis:
        keys = await asyncio.to_thread(redis.dbsize)
    await run.kill_server("redis")
    await asyncio.sleep(1.0)
    await asyncio.to_thread(run.sites.redis, True)
    run.must(keys, f"{keys} keys went with it")
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
        run.evidence.append("a message had arrived, its answer was held")
        run.hurt()
        await run.kill(town.workers.pop(0))
    finally:
        town.gateway.go_on()
    town.workers.append(town.serve("worker"))
    await town.ready(town.workers[0])


async def deaf_worker(run: Run) -> None:
    """K1: a worker is frozen while jobs are published, then killed: Redis has given it what it never read."""
    town = run.town
    worker = town.workers.pop(0)
    run.hurt()
    frozen_s = time.time()
    worker.process.send_signal(signal.SIGSTOP)
    await run.acknowledged(40)
    await asyncio.sleep(2.0)
    run.must(proving.state(worker.process.pid) == "T", f"process {worker.process.pid} stood still (state T)")
    await run.kill(worker)
    await town.history.read_on()
    jobs = sum(at_s > frozen_s for _, at_s in issued(town.history))
    run.must(jobs, f"{jobs} messages fell due meanwhile")
    town.workers.append(town.serve("worker"))
    await town.ready(town.workers[0])


# --- brokers -------------------------------------------------------------------------------------------------------


async def restart_kafka(run: Run) -> None:
    """kill -9 the only Kafka broker and start it again with its data."""
    run.hurt()
    await run.kill_server("kafka-1-of-1")
    await asyncio.sleep(1.0)
    await asyncio.to_thread(run.sites.kafka, True)
    await run.answering()


async def roll_kafka(run: Run) -> None:
    """kill -9 and restart three brokers one after the other, each when the one before has all records again."""
    keeping = asyncio.create_task(run.town.keep())
    run.hurt()
    try:
        for n in (1, 2, 3):
            await run.kill_server(f"kafka-{n}-of-3")
            await run.acknowledged(10)
            await asyncio.to_thread(run.sites.kafka, True, 3)
            await run.town.in_sync()
        await run.answering()
    finally:
        keeping.cancel()


async def kill_all_kafka(run: Run) -> None:
    """kill -9 all three brokers; a while later they come back, and what has ended with 4 is started again."""
    keeping = asyncio.create_task(run.town.keep())
    try:
        for n in (1, 2, 3):
            await run.kill_server(f"kafka-{n}-of-3")
        silent_s = time.time() + BEYOND_S
        await asyncio.sleep(ALL_GONE_S)
        if early := run.town.load.acknowledged_since(silent_s):
            run.wrong.append(f"({early}) commands were acknowledged without a log.")
        run.hurt()
        await asyncio.to_thread(run.sites.kafka, True, 3)
        await run.answering()
    finally:
        keeping.cancel()


async def restart_rabbitmq(run: Run) -> None:
    """kill -9 RabbitMQ and start it again with its data."""
    run.hurt()
    await run.kill_server("rabbitmq")
    await asyncio.sleep(1.0)
    await asyncio.to_thread(run.sites.rabbitmq, True)
    await run.acknowledged(20)
