"""A run's place on the brokers: topics, keys and queues under a prefix of its own, made before it and removed after.

Removes only what it made: everything that it names begins with the prefix, and a prefix is never empty here.
Blocking; used by `paidan demo --kafka` only.
"""

from __future__ import annotations

import contextlib
import secrets

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from services.adapters import kafka_topics
from services.exits import ExitCode, Stop
from services.names import COMMANDS, TOPICS
from services.settings import Settings

#: Keys deleted together.
KEYS = 500


def fresh_prefix() -> str:
    """Return a prefix that nobody uses."""
    return f"demo-{secrets.token_hex(4)}."


class Site:
    """The place of one run. `settings.prefix` says where."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: AdminClient = kafka_topics.connect(str(settings.kafka))
        self._group = settings.prefix + settings.group
        #: Whether the cluster is too small for a log that is safe.
        self.trial = False
        self.brokers = 0

    def look(self) -> None:
        """Ask the cluster how large it is. Raises Stop (exit 4)."""
        self.brokers = kafka_topics.brokers(self._admin)
        self.trial = self.brokers < kafka_topics.REPLICATION

    def made(self) -> bool:
        """Say whether the topics are there. Raises Stop (exit 4)."""
        return bool(kafka_topics.describe(self._admin, self._topics()))

    def make(self) -> None:
        """Make the topics. Raises Stop (exit 4; exit 5 when there are some already)."""
        if self.made():
            raise Stop(
                ExitCode.BAD_INPUT,
                f"There is a log under the prefix ({self._settings.prefix}) already. Choose another with --prefix.",
            )
        kafka_topics.apply(
            self._admin,
            partitions=self._settings.partitions,
            replication=kafka_topics.REPLICATION,
            trial=self.trial,
            dry_run=False,
            prefix=self._settings.prefix,
        )

    def owners(self) -> dict[int, str]:
        """Return partition -> the member of the group that owns it now. Raises Stop (exit 4)."""
        try:
            group = self._admin.describe_consumer_groups([self._group])[self._group].result()
        except KafkaException as error:
            raise kafka_topics.unreachable(error) from error
        commands = self._settings.prefix + COMMANDS
        return {
            place.partition: member.group_instance_id or member.member_id
            for member in group.members
            if member.assignment is not None
            for place in member.assignment.topic_partitions
            if place.topic == commands
        }

    def remove(self) -> None:
        """Delete topics, keys, queues and the group. What is away keeps its own."""
        if not self._settings.prefix:
            raise RuntimeError("Without a prefix everything would be removed.")
        for future in self._admin.delete_topics(self._topics()).values():
            with contextlib.suppress(KafkaException):
                future.result()
        with contextlib.suppress(KafkaException):
            self._admin.delete_consumer_groups([self._group])[self._group].result()
        self._remove_keys()
        self._remove_queues()

    def _topics(self) -> list[str]:
        return [self._settings.prefix + topic for topic in TOPICS]

    def _remove_keys(self) -> None:
        from redis import Redis, RedisError

        if self._settings.redis is None:
            return
        with contextlib.suppress(RedisError), Redis.from_url(self._settings.redis) as redis:
            keys: list[bytes] = []
            for key in redis.scan_iter(match=f"{_literally(self._settings.prefix)}*", count=KEYS):
                keys.append(key)
                if len(keys) == KEYS:
                    redis.unlink(*keys)
                    keys.clear()
            if keys:
                redis.unlink(*keys)

    def _remove_queues(self) -> None:
        from kombu import Connection

        from services.queues import NOTIFY, REMATCH, notify_queue, parked_queue, rematch_queue

        if self._settings.amqp is None:
            return
        prefix = self._settings.prefix
        queues = (notify_queue(prefix + NOTIFY), rematch_queue(prefix + REMATCH))
        with contextlib.suppress(OSError), Connection(self._settings.amqp, connect_timeout=5) as connection:
            for each in (*queues, *(parked_queue(queue) for queue in queues)):
                bound = each(connection.default_channel)
                bound.delete()
                bound.exchange.delete()


def _literally(prefix: str) -> str:
    """Guard what Redis would take for a pattern."""
    return "".join(f"\\{letter}" if letter in "*?[]^-\\" else letter for letter in prefix)
