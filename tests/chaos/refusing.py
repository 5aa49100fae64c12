"""Faults of servers that answer with no (full, read-only), and of people: a purged queue, nonsense, forgery."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from kombu import Connection
from redis import Redis

from services.names import COMMANDS, JOURNAL
from services.ports import Message
from services.queues import NOTIFY
from services.wire import Entry, Unreadable, decode_command, encode
from tests.chaos.faults import Run, board_is_right
from tests.chaos.town import PARTITIONS, until

REFUSING_S = 10.0
#: First, last and many in a row.
NONSENSE = (b"", b"{", b"\xff\xfe\x00", b'{"type":"Fly"}', b"[" * 200, b"null", b'{"type":"Tick"}', b"x" * 20_000)
IN_A_ROW = 50
#: Commands of a partition that come again.
AGAIN = 100


async def _redis_refuses(run: Run, word: str, no: Sequence[str], yes: Sequence[str]) -> float:
    """Let Redis refuse for a while, with that word; commands have to be taken and answered all the same."""
    with Redis.from_url(run.town.brokers.redis) as redis:
        run.hurt()
        before = _refusals(redis, word)
        await asyncio.to_thread(redis.execute_command, *no)
        await asyncio.sleep(REFUSING_S)
        await run.answering()
        refused = _refusals(redis, word) - before
        await asyncio.to_thread(redis.execute_command, *yes)
    run.must(refused, f"Redis refused {refused} commands with {word}")
    run.hurt()
    return await board_is_right(run)


def _refusals(redis: Redis, word: str) -> int:
    """Return how often it has refused with this word, as it counts itself."""
    found: dict[str, dict[str, int]] = redis.info("errorstats")
    return found.get(f"errorstat_{word}", {}).get("count", 0)


async def redis_full(run: Run) -> float:
    """Redis has no memory left and throws nothing away (OOM)."""
    return await _redis_refuses(run, "OOM", ("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"))


async def redis_read_only(run: Run) -> float:
    """Redis follows a master that is not there (READONLY)."""
    return await _redis_refuses(run, "READONLY", ("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"))


async def redis_wants_password(run: Run) -> float:
    """Somebody gives Redis a password and nobody else has it (NOAUTH)."""
    with Redis.from_url(run.town.brokers.redis, single_connection_client=True) as redis:
        run.hurt()
        before = _refusals(redis, "NOAUTH")
        redis.config_set("requirepass", "chaos")
        redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await asyncio.sleep(REFUSING_S)
        await run.answering()
        refused = _refusals(redis, "NOAUTH") - before
        redis.config_set("requirepass", "")
    run.must(refused, f"Redis refused {refused} commands with NOAUTH")
    run.hurt()
    return await board_is_right(run)


async def rabbitmq_full(run: Run) -> None:
    """RabbitMQ's memory alarm: it takes no jobs any more, and says nothing."""
    run.hurt()
    await asyncio.to_thread(run.sites.rabbitmqctl, "set_vm_memory_high_watermark", "absolute", "1")
    await asyncio.sleep(REFUSING_S)
    await run.answering()
    states = (await asyncio.to_thread(run.sites.rabbitmqctl, "list_connections", "state", "--quiet")).split()
    await asyncio.to_thread(run.sites.rabbitmqctl, "set_vm_memory_high_watermark", "0.6")
    held = sum(state.startswith("block") for state in states)
    run.must(held, f"{held} of {len(states)} connections were blocked")
    await run.acknowledged(20)


async def purge_queue(run: Run) -> None:
    """Somebody purges the queue of jobs while messages wait in it: the journal asks again."""
    town = run.town
    before = len(town.gateway.told)
    town.gateway.hold()

    async def in_hand() -> bool:
        return len(town.gateway.told) > before

    try:
        await until(in_hand, "a message arrives")
        await run.acknowledged(60)
        run.hurt()
        gone = await asyncio.to_thread(_purge, str(town.brokers.amqp), town.prefix + NOTIFY)
    finally:
        town.gateway.go_on()
    run.must(gone, f"{gone} jobs were purged")


def _purge(url: str, queue: str) -> int:
    with Connection(url) as connection, connection.channel() as channel:
        return int(channel.queue_purge(queue))


async def nonsense(run: Run) -> None:
    """What nobody can read comes in among the commands, also many times in a row: it is set aside, the rest goes on."""
    run.hurt()
    for partition in range(PARTITIONS):
        messages = [Message(each) for each in (*NONSENSE, *([b"nonsense"] * IN_A_ROW))]
        await run.town.log.append(COMMANDS, partition, messages)
        run.town.nonsense += len(messages)
    await run.town.all_answered()
    waits = run.town.history.parked_s(run.hurt_s)
    wanted = PARTITIONS * (len(NONSENSE) + IN_A_ROW)
    run.must(len(waits) == wanted, f"{len(waits)} records of nonsense were set aside")
    run.figures["parked"] = max(waits)


async def commands_again(run: Run) -> None:
    """The last commands of every partition are appended once more, as they are: each has its answer already.

    Not those that nobody can read (another fault of the same town): they would be set aside once more.
    """
    run.hurt()
    again = 0
    for partition in range(PARTITIONS):
        end = (await run.town.log.bounds(COMMANDS, partition)).end
        last = await run.town.log.read(COMMANDS, partition, max(0, end - AGAIN), AGAIN)
        known = [each.value for each in last if _readable(each.value)]
        await run.town.log.append(COMMANDS, partition, [Message(value) for value in known])
        again += len(known)
    await run.answering()
    run.must(again, f"{again} commands stand twice")


def _readable(value: bytes) -> bool:
    try:
        decode_command(value)
    except Unreadable:
        return False
    return True


async def forgery(run: Run) -> None:
    """Bytes that are no entry, and entries that follow nothing that held, come into the journal: void for everybody."""
    run.hurt()
    void = run.town.history.void
    now = datetime.now(UTC)
    for partition in range(PARTITIONS):
        forged = Entry(id=secrets.token_hex(8), after=secrets.token_hex(8), first=0, last=10**6, at=now)
        messages = [Message(b"\x00\xff"), Message(encode(forged)), Message(b"{}"), Message(encode(forged))]
        await run.town.log.append(JOURNAL, partition, messages)
    await run.answering()
    await run.town.history.read_on()
    new = run.town.history.void - void
    run.must(True, f"{4 * PARTITIONS} forged records were appended, {new} records became void")
    if new < 4 * PARTITIONS:
        run.wrong.append(f"({new}) forged records were void.")
