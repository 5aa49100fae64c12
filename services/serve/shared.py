"""What the roles of one process share: settings, metrics, health, and the connections, each opened once.

Made by `services/cli/` for one role or for all three. Opening says which broker is away and what to do; nothing here
shows a password.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from redis.exceptions import RedisError

from services.adapters.board_redis import Client
from services.adapters.board_redis import connect as connect_redis
from services.adapters.contacts_sqlite import SqliteContacts
from services.adapters.jobs_kombu import answers
from services.adapters.kafka import KafkaLog
from services.addresses import without_secrets
from services.api.health import Health
from services.asking import Asking
from services.exits import ExitCode, Stop
from services.liveness import Liveness
from services.metrics import Metrics
from services.names import CONTACTS_FILE, JOURNAL, NAME
from services.readiness import Readiness
from services.settings import PREFIX, Settings


class Shared:
    """One process on brokers. Raises Stop (exit 5) when one that it needs was not given."""

    def __init__(self, settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.settings = settings
        self.now = now
        self.metrics = Metrics()
        self.readiness = Readiness()
        self.liveness = Liveness()
        self.log = KafkaLog(
            _given(settings.kafka, "kafka", "the log"),
            settings.partitions,
            prefix=settings.prefix,
            trial=settings.trial,
        )
        self.asking = Asking(self.log, settings.partitions)
        self._redis: Client | None = None
        self._contacts: SqliteContacts | None = None
        self._log_is_open = False

    @property
    def health(self) -> Health:
        """What the probes of this process ask."""
        return Health(self.readiness, self.liveness, self.metrics)

    @property
    def keys(self) -> str:
        """What every key in Redis begins with."""
        return f"{self.settings.prefix}{NAME}:"

    @property
    def redis(self) -> Client:
        """The client of the board's Redis, connected at its first use."""
        if self._redis is None:
            self._redis = connect_redis(_given(self.settings.redis, "redis", "the board"))
        return self._redis

    @property
    def jobs(self) -> str:
        """URL of what carries the jobs between processes."""
        return _given(self.settings.amqp or self.settings.redis, "amqp", "the jobs", "redis")

    @property
    def contacts(self) -> SqliteContacts:
        """Where people are told. One file for all processes of this machine."""
        if self._contacts is None:
            self.settings.data_dir.mkdir(parents=True, exist_ok=True)
            self._contacts = SqliteContacts(self.settings.data_dir / CONTACTS_FILE)
        return self._contacts

    async def open_log(self) -> None:
        """Connect and check the topics. Raises Stop (exit 4: no cluster; exit 5: topics that are not right)."""
        if self._log_is_open:
            return
        try:
            await self.log.start()
        except Stop as stop:
            if stop.code is ExitCode.UNREACHABLE:
                raise _away("Kafka", str(self.settings.kafka), "kafka", str(stop)) from stop
            raise
        self._log_is_open = True
        self.readiness.add("log", self._log_answers)

    async def open_redis(self) -> None:
        """Ask Redis once. Raises Stop (exit 4)."""
        try:
            await self.redis.ping()
        except (RedisError, OSError, ValueError) as error:
            where = without_secrets(str(self.settings.redis))
            raise _away("Redis", where, "redis", type(error).__name__) from None  # its text may show the URL
        self.readiness.add("board", self._redis_answers)

    async def open_jobs(self) -> None:
        """Ask the broker of the jobs once. Raises Stop (exit 4)."""
        shown, trouble = await asyncio.to_thread(answers, self.jobs)
        if trouble is not None:
            is_amqp = self.settings.amqp is not None
            raise _away("RabbitMQ" if is_amqp else "Redis", shown, "amqp" if is_amqp else "redis", trouble)

    async def close(self) -> None:
        """Close what was opened."""
        if self._log_is_open:
            await self.log.stop()
        if self._redis is not None:
            await self._redis.aclose()
        if self._contacts is not None:
            self._contacts.close()

    async def _log_answers(self) -> str | None:
        await self.log.bounds(JOURNAL, 0)
        return None

    async def _redis_answers(self) -> str | None:
        await self.redis.ping()
        return None


def _given(value: str | None, name: str, what: str, or_name: str = "") -> str:
    if value is not None:
        return value
    ways = [f"--{one} (or {PREFIX}{one.upper()})" for one in (name, or_name) if one]
    raise Stop(ExitCode.BAD_INPUT, f"With Kafka, {what} must be shared by processes. Give {' or '.join(ways)}.")


def _away(who: str, where: str, name: str, why: str) -> Stop:
    advice = f"Start it, or correct --{name} (or {PREFIX}{name.upper()})."
    return Stop(ExitCode.UNREACHABLE, f"{who} at ({where}) does not answer. {advice} [{why}]")
