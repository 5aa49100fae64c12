"""The Faust app: its settings, its topics, four agents, and the hooks of the group.

Made by `driver.Stream` in the running loop. Raw bytes are handed over as they are fetched, for each agent of the topic;
the agents themselves only acknowledge, at once. That means nothing here, and one partition must not hold up the others.
Faust decodes nothing, keeps no tables, opens no port.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import faust
from faust.types.settings import Settings as FaustSettings

from services.meters import Meters
from services.names import COMMANDS, JOURNAL
from services.ports import Record
from services.stream.cluster import Cluster
from services.stream.sensor import GroupSensor
from services.stream.transport import Transport

MATCHING = "matching"
#: A member learns of a rebalance by its next heartbeat: with 3 s a partition that was left is silent for up to 3 s.
HEARTBEAT_S = 1.0

Deliver = Callable[[int, Record], None]
#: aiokafka's records by topic and partition.
Fetched = Mapping[Any, Sequence[Any]]
#: Gets the partitions of commands that this process owns now: all of them, after every rebalance.
Assigned = Callable[[frozenset[int]], None]


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """What the app tells its driver, in the driver's loop."""

    deliver: Mapping[str, Deliver]  # by agent
    assigned: Assigned
    ended: Callable[[], None]  # Faust stops, whoever asked it to
    failed: Callable[[BaseException], None]
    replaced: Callable[[], None]  # may be called from another thread


class _Settings(FaustSettings):  # type: ignore[misc]
    def getenv(self, env_name: str) -> Any:
        """Faust would let variables such as BROKER_URL win over what it is given."""
        return None


class _App(faust.App):  # type: ignore[misc]
    Settings = _Settings
    on_replaced: Callable[[], None]
    on_fetched: Callable[[Fetched], None]

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)


def create(cluster: Cluster, hooks: Hooks, meters: Meters) -> Any:
    """Make the app; nothing is connected yet."""
    cluster.data_dir.mkdir(parents=True, exist_ok=True)
    app = _App(
        cluster.group,
        broker=[f"kafka://{server.strip()}" for server in cluster.bootstrap.split(",")],
        datadir=str(cluster.data_dir),
        autodiscover=False,
        processing_guarantee="at_least_once",
        store="memory://",
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=cluster.member or None,
        broker_session_timeout=cluster.session_s,
        broker_heartbeat_interval=min(HEARTBEAT_S, cluster.session_s / 3),
        broker_request_timeout=30.0,
        broker_rebalance_timeout=30.0,
        broker_commit_interval=1.0,
        broker_commit_every=10_000,
        broker_max_poll_records=500,
        stream_buffer_maxsize=4096,
        stream_wait_empty=False,
        producer_threaded=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    app.on_replaced = hooks.replaced
    app.sensors.add(GroupSensor(meters))
    by_topic: dict[str, list[Deliver]] = {}
    for name, deliver in hooks.deliver.items():
        topic = cluster.prefix + (COMMANDS if name == MATCHING else JOURNAL)
        by_topic.setdefault(topic, []).append(deliver)
        channel = app.topic(
            topic, key_type=bytes, key_serializer="raw", value_type=bytes, value_serializer="raw", partitions=None
        )
        app.agent(channel, name=name, concurrency=1)(_acknowledge)
    app.on_fetched = partial(_hand_over, by_topic, hooks.failed)
    _connect(app, cluster.prefix + COMMANDS, hooks)
    return app


def ended_agents(app: Any) -> list[str]:
    """Name the agents that Faust has not started again: their queues fill up, and then nothing is fetched any more."""
    return [name for name, agent in app.agents.items() if not any(map(_runs, list(agent._actors)))]


def _runs(actor: Any) -> bool:
    return actor.actor_task is not None and not actor.actor_task.done()


def _hand_over(
    by_topic: Mapping[str, Sequence[Deliver]], failed: Callable[[BaseException], None], got: Fetched
) -> None:
    try:
        for place, records in got.items():
            delivers = by_topic.get(place.topic, ())
            for fetched in records:
                record = Record(fetched.offset, fetched.timestamp / 1000.0, fetched.value or b"")
                for deliver in delivers:
                    deliver(place.partition, record)
    except Exception as error:  # Faust would fetch again and go on
        failed(error)
        raise


async def _acknowledge(stream: Any) -> None:
    events: AsyncIterator[Any] = stream
    async for _ in events:
        pass


def _connect(app: Any, commands: str, hooks: Hooks) -> None:
    async def assigned(_: Any, partitions: Iterable[Any], **__: Any) -> None:
        hooks.assigned(frozenset(place.partition for place in partitions if place.topic == commands))

    async def ended(_: Any, **__: Any) -> None:
        hooks.ended()

    app.on_partitions_assigned.connect(assigned)
    app.on_before_shutdown.connect(ended)
