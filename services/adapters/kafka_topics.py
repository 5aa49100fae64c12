"""The topics of a log on Apache Kafka: what they must be like, how they are made, what is wrong with those there are.

Called by `paidan topics apply` and by `KafkaLog.start`. What is *wrong* breaks the protocol (offsets, clock, what is
kept) and is always refused; what is *weak* may lose what a broker acknowledged and is refused unless this is a trial.
Blocking; nothing here reads or writes a record.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.cimpl import NewTopic

from services.exits import ExitCode, Stop
from services.names import COMMANDS, JOURNAL, NAME, PARKED, SNAPSHOTS, TOPICS
from services.wire import COMMAND_BYTES_MAX, MESSAGE_BYTES_MAX

REQUEST_S = 10.0
RETRY_S = 0.05
#: So long after a topic was made a broker may not have heard of it.
HEARD_S = 2.0
REPLICATION = 3
IN_SYNC = 2
#: What a batch adds to its messages: its own header, lengths, headers of records.
BATCH_EXTRA_BYTES = 64 << 10
DAY_MS = 86_400_000
FOREVER = -1
COMMANDS_DAYS_MIN = 7

#: How long new topics keep what, in milliseconds; -1 for ever.
KEPT_MS = {COMMANDS: 28 * DAY_MS, JOURNAL: FOREVER, SNAPSHOTS: 14 * DAY_MS, PARKED: FOREVER}
#: An existing topic may keep more, never less.
KEPT_MS_MIN = {COMMANDS: COMMANDS_DAYS_MIN * DAY_MS, JOURNAL: FOREVER, SNAPSHOTS: 2 * DAY_MS, PARKED: FOREVER}


class Fault(msgspec.Struct, frozen=True):
    """One thing about a topic that is not as it must be. `weak`: a trial may live with it."""

    topic: str
    words: str
    weak: bool = False
    #: Settings that would mend it; empty: only another topic would.
    remedy: dict[str, str] = {}


class Found(msgspec.Struct, frozen=True):
    """A topic as the cluster describes it."""

    topic_id: str
    partitions: int
    replication: int
    settings: dict[str, str]


class Step(msgspec.Struct, frozen=True):
    """What `apply` does, or would do, about one topic."""

    topic: str
    words: str
    #: Whether anything is done.
    act: bool = True


def batch_bytes_max(topic: str) -> int:
    """Return the largest batch of a topic (by its name in `services.names`), in bytes."""
    return (COMMAND_BYTES_MAX if topic == COMMANDS else MESSAGE_BYTES_MAX) + BATCH_EXTRA_BYTES


def settings_of(topic: str, in_sync: int) -> dict[str, str]:
    """Return the settings of a new topic."""
    return {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "unclean.leader.election.enable": "false",
        "min.insync.replicas": str(in_sync),
        "max.message.bytes": str(batch_bytes_max(topic)),
        "retention.ms": str(KEPT_MS[topic]),
        "retention.bytes": str(FOREVER),
    }


def connect(bootstrap: str) -> AdminClient:
    """Return an admin client; it connects when it is used."""
    return AdminClient({"bootstrap.servers": bootstrap, "client.id": f"{NAME}-topics", "log_level": 0})


def describe(admin: AdminClient, names: Sequence[str]) -> dict[str, Found]:
    """Return the topics that exist, by name. Raises Stop (exit 4)."""
    described = {}
    for name, future in _asked(lambda: admin.describe_topics(TopicCollection(list(names)), **_limits())).items():
        try:
            described[name] = future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise unreachable(error) from error
    configured = _configured(admin, list(described))
    return {
        name: Found(
            topic_id=str(described[name].topic_id),
            partitions=len(described[name].partitions),
            replication=min(len(partition.replicas) for partition in described[name].partitions),
            settings=settings,
        )
        for name, settings in configured.items()
    }


def faults(topic: str, found: Found, partitions: int | None) -> list[Fault]:
    """Return what is wrong or weak about `topic` (its name in `services.names`). `partitions`: None does not care."""
    return [
        *_shape(topic, found, partitions),
        *_setting(topic, found, "cleanup.policy", "delete"),
        *_setting(topic, found, "message.timestamp.type", "LogAppendTime"),
        *_setting(topic, found, "retention.bytes", str(FOREVER)),
        *_kept(topic, found),
        *_largest(topic, found),
        *_setting(topic, found, "unclean.leader.election.enable", "false", weak=True),
        *_in_sync(topic, found),
    ]


def check(admin: AdminClient, prefix: str, partitions: int | None, *, trial: bool) -> dict[str, Found]:
    """Return the log's four topics by their names in `services.names`.

    Raises Stop (exit 4: no cluster; exit 5: a topic is missing, wrong, or weak without `trial`).
    """
    names = [prefix + topic for topic in TOPICS]
    deadline = time.monotonic() + HEARD_S
    while len(there := describe(admin, names)) < len(names) and time.monotonic() < deadline:
        time.sleep(RETRY_S)
    missing = [name for name in names if name not in there]
    if missing:
        raise Stop(
            ExitCode.BAD_INPUT, f"The cluster has no topic ({', '.join(missing)}). Make it with `{NAME} topics apply`."
        )
    found = {topic: there[prefix + topic] for topic in TOPICS}
    bad = [
        fault
        for topic in TOPICS
        for fault in faults(topic, found[topic], partitions or found[COMMANDS].partitions)
        if not (trial and fault.weak)
    ]
    if bad:
        raise Stop(ExitCode.BAD_INPUT, _refusal(prefix, bad))
    return found


def apply(
    admin: AdminClient, *, partitions: int, replication: int, trial: bool, dry_run: bool, prefix: str = ""
) -> list[Step]:
    """Make what is missing, mend the settings that can be mended; `dry_run` only says so.

    Raises Stop (exit 4: no cluster; exit 5: what cannot be mended, or too weak a log without `trial`).
    """
    there_are = brokers(admin)
    replication = min(replication, there_are) if trial else replication
    in_sync = max(1, replication - 1)
    _strong_enough(there_are, replication, trial=trial)
    there = describe(admin, [prefix + topic for topic in TOPICS])
    steps: list[Step] = []
    mends: dict[str, dict[str, str]] = {}
    for topic in TOPICS:
        if prefix + topic in there:
            bad = [f for f in faults(topic, there[prefix + topic], partitions) if not (trial and f.weak)]
            hopeless = [fault for fault in bad if not fault.remedy]
            if hopeless:
                raise Stop(ExitCode.BAD_INPUT, _refusal(prefix, hopeless))
            words = "; ".join(f"mend: {fault.words}" for fault in bad) or "as it must be"
            steps.append(Step(prefix + topic, words, act=bool(bad)))
            if bad:
                mends[prefix + topic] = {key: value for fault in bad for key, value in fault.remedy.items()}
        else:
            words = f"create: {partitions} partitions, replication {replication}, "
            words += ", ".join(f"{key}={value}" for key, value in settings_of(topic, in_sync).items())
            steps.append(Step(prefix + topic, words))
    if not dry_run:
        new = [topic for topic in TOPICS if prefix + topic not in there]
        _create(admin, prefix, new, partitions, replication, in_sync)
        _mend(admin, mends)
        _until_there(admin, [prefix + topic for topic in TOPICS])
    return steps


def unreachable(error: Exception) -> Stop:
    """Return the end for a cluster that does not answer or refuses."""
    return Stop(ExitCode.UNREACHABLE, f"Kafka does not do what was asked ({error}). Check its address and its brokers.")


# --- judging -------------------------------------------------------------------------------------------------------


def _shape(topic: str, found: Found, partitions: int | None) -> list[Fault]:
    bad = []
    if partitions is not None and found.partitions != partitions:
        words = f"it has ({found.partitions}) partitions, not ({partitions}); the number of a log never changes"
        bad.append(Fault(topic, words))
    if found.replication < REPLICATION:
        bad.append(Fault(topic, f"its replication is ({found.replication}), not ({REPLICATION})", weak=True))
    return bad


def _setting(topic: str, found: Found, key: str, value: str, *, weak: bool = False) -> list[Fault]:
    has = found.settings.get(key)
    return [] if has == value else [Fault(topic, f"{key} is ({has}), not ({value})", weak, {key: value})]


def _kept(topic: str, found: Found) -> list[Fault]:
    least, has = KEPT_MS_MIN[topic], int(found.settings["retention.ms"])
    if has == FOREVER or (least != FOREVER and has >= least):
        return []
    words = f"retention.ms is ({has}), " + ("not (-1)" if least == FOREVER else f"less than ({least})")
    return [Fault(topic, words, remedy={"retention.ms": str(KEPT_MS[topic])})]


def _largest(topic: str, found: Found) -> list[Fault]:
    has, needed = int(found.settings["max.message.bytes"]), batch_bytes_max(topic)
    if has >= needed:
        return []
    remedy = {"max.message.bytes": str(needed)}
    return [Fault(topic, f"max.message.bytes is ({has}), less than ({needed})", remedy=remedy)]


def _in_sync(topic: str, found: Found) -> list[Fault]:
    has = int(found.settings["min.insync.replicas"])
    if has >= IN_SYNC:
        return []
    remedy = {"min.insync.replicas": str(IN_SYNC)} if found.replication >= REPLICATION else {}
    return [Fault(topic, f"min.insync.replicas is ({has}), not ({IN_SYNC})", weak=True, remedy=remedy)]


def _strong_enough(brokers: int, replication: int, *, trial: bool) -> None:
    if replication > brokers:
        raise Stop(
            ExitCode.BAD_INPUT,
            f"The cluster has ({brokers}) brokers, too few for replication ({replication}). Add some, or use --trial.",
        )
    if replication < REPLICATION and not trial:
        raise Stop(
            ExitCode.BAD_INPUT,
            f"Replication ({replication}) loses acknowledged records with a broker; it must be ({REPLICATION}). "
            "Use --trial for a log that may be lost.",
        )


def _refusal(prefix: str, bad: Sequence[Fault]) -> str:
    listed = "; ".join(f"({prefix}{fault.topic}): {fault.words}" for fault in bad)
    advice = f"`{NAME} topics apply` mends settings." if any(fault.remedy for fault in bad) else "Use another log."
    allowed = " --trial lives with a weak log." if all(fault.weak for fault in bad) else ""
    return f"The topics are not safe to use. {listed}. {advice}{allowed}"


def _configured(admin: AdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the settings of the topics that the broker which is asked has heard of."""
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    configured = {}
    for resource, future in (_asked(lambda: admin.describe_configs(resources, **_limits())) if names else {}).items():
        try:
            configured[resource.name] = {key: str(entry.value) for key, entry in future.result().items()}
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise unreachable(error) from error
    return configured


# --- asking the cluster --------------------------------------------------------------------------------------------


def _limits() -> dict[str, float]:
    return {"request_timeout": REQUEST_S}


def _asked(ask: Any) -> dict[Any, Any]:
    try:
        answers: dict[Any, Any] = ask()
    except KafkaException as error:
        raise unreachable(error) from error
    return answers


def _result(future: Any) -> Any:
    try:
        return future.result()
    except KafkaException as error:
        raise unreachable(error) from error


def brokers(admin: AdminClient) -> int:
    """Return how many brokers the cluster has. Raises Stop (exit 4)."""
    try:
        return len(admin.list_topics(timeout=REQUEST_S).brokers)
    except KafkaException as error:
        raise unreachable(error) from error


def _create(
    admin: AdminClient, prefix: str, topics: Sequence[str], partitions: int, replication: int, in_sync: int
) -> None:
    if not topics:
        return
    new = [
        NewTopic(
            prefix + topic,
            num_partitions=partitions,
            replication_factor=replication,
            config=settings_of(topic, in_sync),
        )
        for topic in topics
    ]
    for future in _asked(lambda: admin.create_topics(new, operation_timeout=REQUEST_S, **_limits())).values():
        _result(future)


def _until_there(admin: AdminClient, names: Sequence[str]) -> None:
    """Wait until the brokers know what they have just made. Raises Stop (exit 4)."""
    deadline = time.monotonic() + REQUEST_S
    while len(describe(admin, names)) < len(names):
        if time.monotonic() > deadline:
            raise Stop(ExitCode.UNREACHABLE, f"The topics are not there ({REQUEST_S:.0f} s) after they were made.")
        time.sleep(RETRY_S)


def _mend(admin: AdminClient, mends: Mapping[str, Mapping[str, str]]) -> None:
    resources = [
        ConfigResource(
            ConfigResource.Type.TOPIC,
            name,
            incremental_configs=[
                ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in wanted.items()
            ],
        )
        for name, wanted in mends.items()
    ]
    if resources:
        for future in _asked(lambda: admin.incremental_alter_configs(resources, **_limits())).values():
            _result(future)
