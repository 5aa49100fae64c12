"""One installation under a prefix of its own: its topics, its processes, and how they are started, hurt and ended.

Used by `playing`; the faults pull its strings. Blocking calls of processes run in threads.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import signal
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicCollection, TopicPartition

from services.adapters import kafka_topics
from services.adapters.kafka import KafkaLog
from services.demo.site import Site
from services.exits import ExitCode
from services.names import NAME, TOPICS
from services.settings import Settings
from services.wire import partition_of
from tests.chaos.gateway import Gateway
from tests.chaos.history import History
from tests.chaos.load import Load
from tests.chaos.sites import Brokers
from tests.processes import Served

PARTITIONS = 4
#: So that a partition holds more than one.
ZONES_A_PARTITION = 2
SESSION_S = 6.0
STREAMS = 2
BEAT_S = 0.5
#: A deadline: two cores may be shared by many.
WAIT_S = 150.0
POLL_S = 0.1


class Town:
    """`brokers`: where it lives. `session_s`: after what silence the group hands on a stream's partitions."""

    def __init__(self, brokers: Brokers, folder: Path, *, seed: int, session_s: float = SESSION_S) -> None:
        self.brokers = brokers
        self.folder = folder
        self.seed = seed
        self.prefix = f"chaos-{secrets.token_hex(4)}."
        self.group = self.prefix + NAME
        self.gateway = Gateway()
        self.streams: list[Served] = []
        self.workers: list[Served] = []
        self.api: Served | None = None
        self.api_url = ""
        self.session_s = session_s
        self._count = 0
        #: commands that a fault has put there and nobody can read
        self.nonsense = 0
        self._all: list[Served] = []
        self.admin = kafka_topics.connect(brokers.kafka)
        self.log = KafkaLog(brokers.kafka, PARTITIONS, prefix=self.prefix, trial=True)
        self.history = History(self.log, PARTITIONS)
        self.load = Load(lambda: self.api_url, self.gateway, zones(), PARTITIONS, seed, pause_s=0.4)

    # --- beginning and end -----------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Make the topics, start the processes, open the zones."""
        await self.make_topics()
        await self.log.start()
        self.streams = [self.serve("stream") for _ in range(STREAMS)]
        self.workers = [self.serve("worker")]
        await self.start_api()
        await asyncio.gather(*(self.ready(each) for each in (*self.streams, *self.workers)))
        await self.load.open()

    async def close(self) -> None:
        """End every process by its id, remove everything under the prefix."""
        for each in self._all:
            if each.process.poll() is None:
                each.process.send_signal(signal.SIGCONT)
                each.process.terminate()
        await self.load.close()
        for each in self._all:
            try:
                await asyncio.to_thread(each.process.wait, 12)
            except Exception:  # a process that hangs is killed, whatever it hangs on
                each.kill()
        self.gateway.close()
        await self.log.stop()
        settings = Settings(
            kafka=self.brokers.kafka, redis=self.brokers.redis, amqp=self.brokers.amqp, prefix=self.prefix
        )
        try:
            await asyncio.to_thread(Site(settings).remove)
        except (KafkaException, OSError):
            return  # a broker of the runner's own that is gone keeps nothing

    async def make_topics(self) -> None:
        """Make the four topics."""
        await asyncio.to_thread(
            lambda: kafka_topics.apply(
                self.admin,
                partitions=PARTITIONS,
                replication=self.brokers.replication,
                trial=self.brokers.replication < kafka_topics.REPLICATION,
                dry_run=False,
                prefix=self.prefix,
            )
        )

    async def remove_topics(self) -> None:
        """Delete the four topics; returns when they are gone."""
        names = [self.prefix + topic for topic in TOPICS]
        for future in self.admin.delete_topics(names).values():
            await asyncio.to_thread(future.result)
        await until(lambda: asyncio.to_thread(lambda: not kafka_topics.describe(self.admin, names)), "topics gone")

    async def topic_ids(self) -> set[str]:
        """Return the ids of the four topics."""
        names = [self.prefix + topic for topic in TOPICS]
        found = await asyncio.to_thread(kafka_topics.describe, self.admin, names)
        return {each.topic_id for each in found.values()}

    async def in_sync(self) -> None:
        """Wait until every copy of every partition has all records."""
        topics = TopicCollection([self.prefix + topic for topic in TOPICS])

        def whole() -> bool:
            try:
                found = [future.result() for future in self.admin.describe_topics(topics).values()]
            except KafkaException:
                return False
            return all(len(each.isr) == len(each.replicas) for topic in found for each in topic.partitions)

        await until(lambda: asyncio.to_thread(whole), "every copy is in sync")

    # --- processes -------------------------------------------------------------------------------------------------

    def serve(self, role: str, **changes: str) -> Served:
        """Start one process; it may not be ready yet."""
        return self.command("serve", role, **changes)

    def command(self, *words: str, **changes: str) -> Served:
        """Start `paidan` with these words and the town's settings."""
        self._count += 1
        role = words[-1]
        environment = {
            "PAIDAN_KAFKA": self.brokers.kafka,
            "PAIDAN_REDIS": self.brokers.redis,
            **({} if self.brokers.amqp is None else {"PAIDAN_AMQP": self.brokers.amqp}),
            "PAIDAN_PREFIX": self.prefix,
            "PAIDAN_PARTITIONS": str(PARTITIONS),
            "PAIDAN_TRIAL": "true",
            "PAIDAN_DATA_DIR": str(self.folder / "data"),
            "PAIDAN_PORT": "0",
            "PAIDAN_BEAT_S": str(BEAT_S),
            "PAIDAN_SESSION_S": str(self.session_s),
            "PAIDAN_CONSOLE": "false",
            **changes,
        }
        if role == "stream":  # each its own folder for Faust; the contacts are the API's and the worker's
            environment["PAIDAN_DATA_DIR"] = str(self.folder / f"stream-{self._count}")
        made = Served(self.folder / f"{self._count}-{role}", *words, **environment)
        self._all.append(made)
        return made

    async def ready(self, process: Served) -> str:
        """Wait until a process takes work; return its URL."""
        url = await asyncio.to_thread(lambda: process.url)

        async def answers() -> bool:
            async with httpx.AsyncClient(timeout=30) as http:
                return (await http.get(f"{url}/readyz")).status_code == 200

        await until(answers, f"ready: {process.said[-2000:]}")
        return url

    async def start_api(self) -> None:
        """Start the API and wait for it."""
        self.api = self.serve("api")
        self.api_url = await self.ready(self.api)

    async def add_stream(self, **changes: str) -> Served:
        """Start one more stream and wait until it works."""
        made = self.serve("stream", **changes)
        await self.ready(made)
        self.streams.append(made)
        return made

    async def keep(self) -> None:
        """Start again what has ended because a broker was away too long (exit 4), as whoever runs it does. For ever."""
        while True:
            for role, living in (("stream", self.streams), ("worker", self.workers)):
                for n, each in enumerate(living):
                    if each.process.poll() == ExitCode.UNREACHABLE:
                        living[n] = self.serve(role)
            if self.api is not None and self.api.process.poll() == ExitCode.UNREACHABLE:
                await self.start_api()
            await asyncio.sleep(POLL_S)

    async def kill(self, process: Served) -> None:
        """kill -9."""
        await asyncio.to_thread(process.kill)

    async def end_streams(self, number: signal.Signals) -> None:
        """End every stream process."""
        for each in self.streams:
            each.process.send_signal(number)
        for each in self.streams:
            await asyncio.to_thread(each.process.wait, 30)
        self.streams = []

    def ended(self) -> list[str]:
        """Say which of the processes that should live have ended by themselves."""
        living = [*self.streams, *self.workers, *([self.api] if self.api else [])]
        return [
            f"({each.process.returncode}): {each.said[-1500:]}" for each in living if each.process.poll() is not None
        ]

    # --- the group's committed offsets -----------------------------------------------------------------------------

    async def forget_offsets(self) -> None:
        """Delete the group with its committed offsets. Nobody may be in it."""

        async def gone() -> bool:
            try:
                await asyncio.to_thread(self.admin.delete_consumer_groups([self.group])[self.group].result)
            except KafkaException as error:
                if error.args[0].name() != "NON_EMPTY_GROUP":
                    raise
                return False
            return True

        await until(gone, "the group is empty")

    async def committed(self) -> dict[tuple[str, int], int]:
        """Return what the group has committed, by topic (its name in `services.names`) and partition."""
        wish = [ConsumerGroupTopicPartitions(self.group)]
        try:
            found = await asyncio.to_thread(self.admin.list_consumer_group_offsets(wish)[self.group].result)
        except KafkaException:
            return {}
        places = [place for place in found.topic_partitions or [] if place.offset >= 0]
        return {(place.topic.removeprefix(self.prefix), place.partition): place.offset for place in places}

    async def move_offsets(self, offsets: dict[str, dict[int, int]]) -> None:
        """Set committed offsets, by topic and partition. Nobody may be in the group."""
        places = [
            TopicPartition(self.prefix + topic, partition, at)
            for topic, each in offsets.items()
            for partition, at in each.items()
        ]
        wish = [ConsumerGroupTopicPartitions(self.group, places)]

        async def moved() -> bool:
            try:
                found = await asyncio.to_thread(self.admin.alter_consumer_group_offsets(wish)[self.group].result)
            except KafkaException:
                return False
            # As long as the dead are members, each place is refused and the whole is not.
            return all(place.error is None for place in found.topic_partitions)

        await until(moved, "the offsets are moved")

    # --- waiting ---------------------------------------------------------------------------------------------------

    async def all_answered(self) -> None:
        """Wait until everything asked so far has its answer."""
        await self.history.read_on()
        ends = [len(line.asked_s) for line in self.history.lines]

        async def answered() -> bool:
            await self.history.read_on()
            return all(line.answered >= end for line, end in zip(self.history.lines, ends, strict=True))

        await until(answered, lambda: f"answered up to {ends}: {[line.answered for line in self.history.lines]}")


async def metric(url: str, name: str) -> float:
    """Return the sum of one metric's values at a process."""
    async with httpx.AsyncClient(timeout=30) as http:
        said = (await http.get(f"{url}/metrics")).text
    lines = (line.rpartition(" ") for line in said.splitlines() if re.match(rf"{NAME}_{name}[ {{]", line))
    return sum(float(value) for _, _, value in lines)


async def assigned(url: str) -> float:
    """Return how many partitions a stream owns."""
    return await metric(url, "stream_assigned_partitions")


async def until(
    holds: Callable[[], Awaitable[Any]], what: str | Callable[[], str], within_s: float = WAIT_S, poll_s: float = POLL_S
) -> Any:
    """Ask again and again until it holds; return what it said. Raises TimeoutError that says what did not hold."""
    end_s = time.monotonic() + within_s
    while not (found := await holds()):
        if time.monotonic() > end_s:
            raise TimeoutError(f"Not in {within_s:.0f} s: {what if isinstance(what, str) else what()}")
        await asyncio.sleep(poll_s)
    return found


def zones() -> list[str]:
    """Name zones so that every partition has some."""
    names = (f"z{n}" for n in count())
    found: dict[int, list[str]] = {partition: [] for partition in range(PARTITIONS)}
    while min(map(len, found.values())) < ZONES_A_PARTITION:
        name = next(names)
        mine = found[partition_of(name, PARTITIONS)]
        if len(mine) < ZONES_A_PARTITION:
            mine.append(name)
    return sorted(name for mine in found.values() for name in mine)
