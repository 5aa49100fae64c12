"""Queues lose jobs (K1), bring them twice, and are purged; every person is told once all the same (I-11).

The journal is the outbox: what it issued and nobody reported is issued again. Who counts is the receiver: a webhook
that notes every message with its key. Zone time is moved by hand; brokers, workers and the receiver are real.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from matcher import commands as c
from matcher.events import JobReissued, JobReported
from matcher.policy import Policy
from matcher.terms import HeldSkill, Hours, NeededSkill, PlaceLevel, Point, Requirement, WeeklyWindow
from services.adapters.contacts_memory import MemoryContacts
from services.adapters.jobs_kombu import KombuJobs, connect
from services.adapters.memory import MemoryLog
from services.announcing import Announcing
from services.contacts import Contact
from services.core import Matching
from services.embedded import Embedded
from services.metrics import Metrics
from services.names import NAME
from services.solving import InlineSolver
from services.worker.consumer import Worker
from services.worker.sending import AppriseSender, Telling
from tests.apart import own_redis
from tests.chaos.gateway import Gateway
from tests.contracts.test_jobs import VISIBILITY_S, Broker, Victim, job
from tests.serving import START, ZONE

PEOPLE = 12
#: Jobs that the broken window takes (LANDMINES K1).
LOST = 11
WAIT_S = 60.0
HERE = Point(lat=31.47, lon=104.74)
SLOW_REDIS = pytest.param("redis_url", marks=[pytest.mark.redis, pytest.mark.slow])
SLOW_RABBITMQ = pytest.param("amqp_url", marks=[pytest.mark.rabbitmq, pytest.mark.slow])


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    yield made
    made.close()


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    url = "memory://" if request.param == "memory" else request.getfixturevalue(request.param)
    made = Broker({"redis_url": "redis", "amqp_url": "rabbitmq"}.get(request.param, "memory"), url)
    with connect(url) as connection:
        for one in (made.parked, made.queue):
            one.bind(connection.default_channel).declare()
    yield made
    for one in (made.queue, made.parked):
        made.delete(one)


class Zone:
    """One process with a log, whose jobs travel over the broker; its workers come and go."""

    def __init__(self, broker: Broker, gateway: Gateway, log: MemoryLog, publishes: bool) -> None:
        self.broker = broker
        self.gateway = gateway
        self.embedded = Embedded(log, Matching(), InlineSolver(), partitions=1, linger_s=0)
        self.jobs = KombuJobs(broker.url, broker.queue, Metrics())
        self.announcing = Announcing(self.jobs)
        self.told = Journal()
        self.embedded.subscribe(self.told)
        if publishes:
            self.embedded.subscribe(self.announcing)
        self._contacts = MemoryContacts()
        for person in people():
            self._contacts.put(ZONE, person, Contact(webhook=gateway.webhook(ZONE, person)))
        self._minutes = 0

    async def ask(self, *asked: c.Command) -> None:
        for place in await self.embedded.append(asked):
            await self.embedded.answered(*place)

    async def open(self) -> None:
        """Everybody is asked for something that everybody can do; nobody is asked twice."""
        about: dict[str, Any] = {"zone": ZONE, "at": START}
        always = Hours(weekly=tuple(WeeklyWindow(weekday=n, from_minute=0, until_minute=1440) for n in range(7)))
        ana = {"point": HERE, "skills": (HeldSkill(skill="plumbing"),), "hours": always, **about}
        tap = {"point": HERE, "requirements": (Requirement(skills=(NeededSkill(skill="plumbing"),)),), **about}
        await self.ask(
            c.DefinePlace(id="place", place="yard", level=PlaceLevel.COMPOUND, name="Yard", point=HERE, **about),
            c.DefineSkill(id="skill", skill="plumbing", **about),
            c.SetPolicy(id="policy", policy=Policy(name="jobs", offers_per_day=0), **about),
            *(c.RegisterVolunteer(id=f"v.{person}", volunteer=person, **ana) for person in people()),
            *(c.SubmitRequest(id=f"s.{n}", request=f"r{n}", **tap) for n in range(PEOPLE)),
        )

    async def beat(self, minutes: int) -> None:
        self._minutes += minutes
        at = START + timedelta(minutes=self._minutes)
        await self.ask(c.Tick(id=f"t{self._minutes}", zone=ZONE, at=at, beat=self._minutes))

    def worker(self) -> Worker:
        """One more worker: tells at the gateway, reports into the log."""
        loop = asyncio.get_running_loop()

        def report(command: c.ReportJob) -> None:
            asyncio.run_coroutine_threadsafe(self.ask(command), loop).result(WAIT_S)

        telling = Telling(self._contacts, AppriseSender(None, WAIT_S), None)
        connection = connect(self.broker.url, VISIBILITY_S)
        made = Worker(connection, self.broker.queue, telling, report, Metrics(), 100 * VISIBILITY_S)
        made.start()
        return made

    async def everybody_is_told(self) -> None:
        """The journal asks again as its time passes, until all is reported; and then no more."""
        await until(lambda: asyncio.sleep(0, not self.announcing.open))
        before = len(self.gateway.told)
        await self.beat(1)
        await until(lambda: asyncio.to_thread(lambda: self.broker.length(self.broker.queue) == 0))
        assert len(self.gateway.told) == before

    def counted(self) -> dict[str, int]:
        """How often each person heard of an offer, as the receiver counts."""
        return dict(Counter(told.what[1] for told in self.gateway.told))


class Journal:
    """What the journal says of jobs."""

    def __init__(self) -> None:
        self.reported: Counter[str] = Counter()
        self.reissued: Counter[str] = Counter()

    def entry(self, partition: int, offset: int, entry: Any, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, JobReported):
                self.reported[event.command.job] += 1
            elif isinstance(event, JobReissued):
                self.reissued[event.job] += 1


@asynccontextmanager
async def living(
    broker: Broker, gateway: Gateway, log: MemoryLog | None = None, publishes: bool = True
) -> AsyncIterator[Zone]:
    """Start and stop a zone's process."""
    zone = Zone(broker, gateway, log or MemoryLog(1), publishes)
    await zone.embedded.start()
    zone.jobs.start()
    if publishes:
        zone.announcing.live(0)
    try:
        yield zone
    finally:
        await asyncio.to_thread(zone.jobs.stop, WAIT_S)
        await zone.embedded.stop()


@asynccontextmanager
async def working(zone: Zone) -> AsyncIterator[None]:
    """Let one more worker work."""
    worker = zone.worker()
    try:
        yield
    finally:
        await asyncio.to_thread(worker.stop, WAIT_S)


def people() -> list[str]:
    return [f"p{n:02}" for n in range(PEOPLE)]


async def until(holds: Callable[[], Awaitable[Any]]) -> None:
    """Ask real parts until it holds."""
    end_s = time.monotonic() + WAIT_S
    while not await holds():
        assert time.monotonic() < end_s
        await asyncio.sleep(0.02)


async def waiting(zone: Zone, count: int) -> None:
    """Wait until so many jobs stand in the queue."""
    await until(lambda: asyncio.to_thread(lambda: zone.broker.length(zone.broker.queue) == count))


@pytest.mark.slow
@pytest.mark.redis
def test_eleven_of_twelve_jobs_that_redis_lost_end_with_everybody_told_once(gateway: Gateway, tmp_path: Path) -> None:
    """K1: a worker that listens is frozen, jobs come, it is killed: Redis had given them to it, and remembers none."""

    async def story(broker: Broker) -> None:
        async with living(broker, gateway) as zone:
            await zone.open()
            victim = Victim(broker, "do")
            try:
                zone.jobs.publish(job("warm"))
                assert await asyncio.to_thread(victim.taken) == "taken notify:warm/1\n"
                await until(lambda: asyncio.to_thread(lambda: in_hand(broker) == 0))
                await frozen_while_it_listens(broker, victim)
                await zone.beat(10)
                zone.jobs.publish(job("last"))
                await until(lambda: asyncio.to_thread(all_published, broker))
            finally:
                await asyncio.to_thread(victim.kill)
            # It got one, unless its question had run out. The others as if more such workers had been there.
            got = PEOPLE - await asyncio.to_thread(broker.length, broker.queue)
            assert got in (0, 1)
            await asyncio.to_thread(pop, broker, LOST - got)
            async with working(zone):
                await until(lambda: asyncio.sleep(0, sum(zone.told.reported.values()) == PEOPLE - LOST))
                assert len(gateway.told) == PEOPLE - LOST
                await zone.beat(10)
                await zone.everybody_is_told()
            assert sum(zone.told.reissued.values()) == LOST
            assert zone.counted() == dict.fromkeys(people(), 1)

    with own_redis(tmp_path) as server:
        asyncio.run(story(Broker("redis", server.url)))


async def frozen_while_it_listens(broker: Broker, victim: Victim) -> None:
    """SIGSTOP a worker whose BRPOP is under way: Redis will give it the next job."""

    async def caught() -> bool:
        victim.process.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.01)
        victim.process.send_signal(signal.SIGSTOP)
        with Redis.from_url(broker.url) as redis:
            return any("b" in client["flags"] for client in redis.client_list())

    await until(caught)


def all_published(broker: Broker) -> bool:
    """Whether the last job is there; takes it away again."""
    with Redis.from_url(broker.url) as redis:
        newest = redis.lindex(f"{NAME}:{broker.queue.name}", 0)
        if newest is None or (job("last").message.encode() not in newest and b"notify:last" not in newest):
            return False
        return redis.lpop(f"{NAME}:{broker.queue.name}") == newest


def pop(broker: Broker, count: int) -> None:
    """Take jobs as a worker's connection does that dies before it has noted them as its own."""
    with Redis.from_url(broker.url) as redis:
        taken = [redis.rpop(f"{NAME}:{broker.queue.name}") for _ in range(count)]
    assert all(taken)


def in_hand(broker: Broker) -> int:
    """Jobs of this queue that Redis notes as being with a worker."""
    with Redis.from_url(broker.url) as redis:
        return sum(broker.queue.name.encode() in value for value in redis.hgetall(f"{NAME}:unacked").values())


@pytest.mark.parametrize("broker", [SLOW_REDIS], indirect=True)
def test_a_job_that_redis_gives_to_a_second_worker_while_the_first_still_tells_has_one_effect(
    broker: Broker, gateway: Gateway
) -> None:
    """K3: the receiver does not answer for longer than the visibility time-out; both workers tell, under one key."""

    async def story() -> None:
        async with living(broker, gateway) as zone:
            await zone.open()
            gateway.hold()
            async with working(zone):
                await zone.beat(10)
                await until(lambda: asyncio.sleep(0, len(gateway.told) == 1))
                gateway.answer_others()
                async with working(zone):
                    await until(lambda: asyncio.sleep(0, gateway.repeats() == 1))
                    await waiting(zone, 0)
                    gateway.go_on()
                    await zone.everybody_is_told()
            assert {len(keys) for keys in gateway.keys().values()} == {1}
            twice = gateway.told[0].what[1]
            assert zone.counted() == {**dict.fromkeys(people(), 1), twice: 2}
            assert max(zone.told.reported.values()) == 1
            assert not zone.told.reissued

    asyncio.run(story())


@pytest.mark.parametrize("broker", [SLOW_REDIS, SLOW_RABBITMQ], indirect=True)
def test_a_queue_that_was_purged_ends_with_everybody_told_once(broker: Broker, gateway: Gateway) -> None:
    async def story() -> None:
        async with living(broker, gateway) as zone:
            await zone.open()
            await zone.beat(10)
            await waiting(zone, PEOPLE)
            with connect(broker.url) as connection:
                assert broker.queue.bind(connection.default_channel).purge() == PEOPLE
            async with working(zone):
                await zone.beat(9)
                assert gateway.told == []
                await zone.beat(1)
                await zone.everybody_is_told()
            assert sum(zone.told.reissued.values()) == PEOPLE
            assert zone.counted() == dict.fromkeys(people(), 1)

    asyncio.run(story())


@pytest.mark.parametrize("broker", ["memory", SLOW_REDIS, SLOW_RABBITMQ], indirect=True)
def test_a_process_that_dies_between_its_journal_and_its_queue_tells_everybody_after_its_next_start(
    broker: Broker, gateway: Gateway
) -> None:
    async def story() -> None:
        log = MemoryLog(1)
        async with living(broker, gateway, log, publishes=False) as zone:
            await zone.open()
            await zone.beat(10)
        async with living(broker, gateway, log) as zone, working(zone):
            await until(lambda: asyncio.sleep(0, not zone.announcing.open))
            assert zone.counted() == dict.fromkeys(people(), 1)
            assert not zone.told.reissued

    asyncio.run(story())
