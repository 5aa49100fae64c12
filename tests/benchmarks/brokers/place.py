"""Where a figure is measured: topics, keys and queues under a prefix of its own, removed afterwards.

Also what all parts share: the settings of a process, the state of the machine, a child that prints one JSON value.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka.admin import NewTopic

from matcher.commands import Command
from services.adapters import kafka_topics
from services.adapters.kafka import KafkaLog
from services.asking import Asking
from services.demo.site import Site
from services.settings import Settings, load
from tests.shell import ROOT, clean_environment

#: Commands appended together.
AT_ONCE = 1000
CHILD_S = 120.0


@contextmanager
def place(partitions: int, **changes: str) -> Iterator[tuple[Settings, dict[str, str]]]:
    """Make topics under a fresh prefix; yield the settings and the environment that says the same."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **{key: os.environ[key] for key in ("PAIDAN_KAFKA", "PAIDAN_REDIS", "PAIDAN_AMQP")},
            "PAIDAN_PREFIX": f"bench-{os.getpid()}-{os.path.basename(folder)}.",
            "PAIDAN_PARTITIONS": str(partitions),
            "PAIDAN_TRIAL": "true",
            "PAIDAN_DATA_DIR": str(Path(folder) / "data"),
            "PAIDAN_PORT": "0",
            **changes,
        }
        settings = load(environment)
        site = Site(settings)
        site.look()
        site.make()
        try:
            yield settings, environment
        finally:
            site.remove()


def extra_topic(settings: Settings, name: str) -> str:
    """Make one more topic with as many partitions."""
    admin = kafka_topics.connect(str(settings.kafka))
    topic = settings.prefix + name
    admin.create_topics([NewTopic(topic, settings.partitions, 1)])[topic].result()
    return topic


def forget_topic(settings: Settings, topic: str) -> None:
    """Delete it."""
    admin = kafka_topics.connect(str(settings.kafka))
    admin.delete_topics([topic])[topic].result()


def log_of(settings: Settings) -> KafkaLog:
    """The log there, not started."""
    return KafkaLog(str(settings.kafka), settings.partitions, prefix=settings.prefix, trial=True)


async def appended(settings: Settings, commands: Sequence[Command]) -> None:
    """Append commands, in order."""
    log = log_of(settings)
    await log.start()
    asking = Asking(log, settings.partitions)
    for at in range(0, len(commands), AT_ONCE):
        await asking.append(commands[at : at + AT_ONCE])
    await log.stop()


def append(settings: Settings, commands: Sequence[Command]) -> None:
    """Append commands, in order."""
    asyncio.run(appended(settings, commands))


def measured(module: str, environment: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    """Run a module of this package as a process of its own; return the JSON value that it prints last."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.brokers.{module}", *arguments],
        cwd=ROOT,
        env=clean_environment(**environment, PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        timeout=CHILD_S,
        check=True,
    )
    value: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return value


def load_now() -> float:
    """The machine's load over the last minute."""
    return round(os.getloadavg()[0], 1)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Least, median and most."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}
