"""`paidan demo` as a command of its own, on the brokers of the tests: how it is called, what it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.adapters import kafka_topics
from services.adapters.kafka import KafkaLog
from services.adapters.sqlite import SqliteLog
from services.demo.folder import Folder
from services.names import PARTITIONS
from services.settings import Settings
from tests.brokers import needs_kafka
from tests.shell import ROOT, clean_environment
from tests.towns import story_of

_MARKS = [
    *needs_kafka,
    pytest.mark.redis,
    pytest.mark.rabbitmq,
    pytest.mark.skipif(
        not {"PAIDAN_REDIS", "PAIDAN_AMQP"} <= os.environ.keys(),
        reason="$PAIDAN_REDIS and $PAIDAN_AMQP are not set: run `make services` and `source .services/env`",
    ),
]


def on_brokers(test):
    """Mark a test that needs all three brokers."""
    for mark in _MARKS:
        test = mark(test)
    return test


def command(*arguments: object) -> list[str]:
    """Return the command line of a demo without a view."""
    return [sys.executable, "-m", "services.cli", "demo", "--headless", *map(str, arguments)]


def demo(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Play to the end."""
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=clean_environment(LANG="C.UTF-8"),
        capture_output=True,
        text=True,
        check=False,
    )


def brokers() -> list[str]:
    """Return the options that name the tests' brokers."""
    return [word for name in ("kafka", "redis", "amqp") for word in (f"--{name}", os.environ[f"PAIDAN_{name.upper()}"])]


def settings(prefix: str) -> Settings:
    """Return what a run under this prefix had."""
    return Settings(
        kafka=os.environ["PAIDAN_KAFKA"],
        redis=os.environ["PAIDAN_REDIS"],
        amqp=os.environ["PAIDAN_AMQP"],
        prefix=prefix,
    )


def left_on_brokers(prefix: str) -> list[str]:
    """Return the topics, keys and queues that begin with a prefix."""
    from kombu import Connection
    from redis import Redis

    from services.queues import NOTIFY

    topics = kafka_topics.connect(os.environ["PAIDAN_KAFKA"]).list_topics(timeout=10).topics
    with Redis.from_url(os.environ["PAIDAN_REDIS"]) as redis:
        keys = [key.decode() for key in redis.scan_iter(match=f"{prefix}*", count=1000)]
    with Connection(os.environ["PAIDAN_AMQP"]) as connection:
        try:
            connection.default_channel.queue_declare(prefix + NOTIFY, passive=True)
            queues = [prefix + NOTIFY]
        except connection.channel_errors:
            queues = []
    return [name for name in topics if name.startswith(prefix)] + keys + queues


async def on_kafka(prefix: str):
    """Return each zone's events of the run under this prefix."""
    log = KafkaLog(os.environ["PAIDAN_KAFKA"], PARTITIONS, prefix=prefix, trial=True)
    await log.start()
    try:
        return await story_of(log, PARTITIONS)
    finally:
        await log.stop()


async def on_disk(folder: Path):
    """Return each zone's events of the run in this folder."""
    log = SqliteLog(Folder(folder).log)
    try:
        return await story_of(log, PARTITIONS)
    finally:
        log.close()
