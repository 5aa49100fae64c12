"""Which faults there are, what each needs, and in which order they are played."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import alone, clocks, faults, made_anew, network, pausing, people, refusing, remade, resources
from tests.chaos.faults import Run
from tests.chaos.result import Result
from tests.chaos.town import SESSION_S

Play = Callable[[Run], Awaitable[float | None]]


@dataclass(frozen=True)
class Fault:
    """`own`: which servers it hurts, and so must be the runner's own. `jobs`: what they travel over."""

    name: str
    #: None: it is `apart`
    play: Play | None
    own: frozenset[str] = frozenset()
    jobs: str = "rabbitmq"
    brokers: int = 1
    session_s: float = SESSION_S
    #: Messages may need the journal's retry, a minute later: recovery is the last report of what was due by then.
    by_reports: bool = False
    #: It leaves the town as no other fault wants it.
    last: bool = False
    #: It has a town of its own kind, in which it plays and judges by itself: folder and seed -> result.
    apart: Callable[[Path, int], Awaitable[Result]] | None = None
    #: Nothing goes on after it: it starts the load, stops it and judges by itself.
    ends_town: bool = False


_REDIS, _KAFKA, _RABBITMQ = frozenset({"redis"}), frozenset({"kafka"}), frozenset({"rabbitmq"})
FAULTS = {
    fault.name: fault
    for fault in (
        Fault("kill-stream", faults.kill_stream),
        # As docs/operating.md has it: the session of those who set nothing.
        Fault("kill-stream-session-10", faults.kill_stream, session_s=10.0),
        Fault("zombie-stream", faults.zombie_stream),
        Fault("two-groups", faults.two_groups),
        Fault("ghost-signs-in", faults.ghost_signs_in),
        Fault("offsets-deleted", faults.offsets_deleted),
        Fault("offsets-at-the-end", faults.offsets_at_the_end),
        Fault("offsets-at-the-start", faults.offsets_at_the_start),
        Fault("kill-api", faults.kill_api),
        Fault("kill-worker-rabbitmq", faults.kill_worker, by_reports=True),
        Fault("kill-worker-redis", faults.kill_worker, own=_REDIS, jobs="redis", by_reports=True),
        Fault("deaf-worker-redis", faults.deaf_worker, own=_REDIS, jobs="redis", by_reports=True),
        Fault("flush-redis", faults.flush_redis, own=_REDIS, jobs="redis"),
        Fault("replace-redis", faults.replace_redis, own=_REDIS, jobs="redis"),
        Fault("restart-kafka", faults.restart_kafka, own=_KAFKA),
        Fault("restart-rabbitmq", faults.restart_rabbitmq, own=_RABBITMQ),
        Fault("roll-kafka", faults.roll_kafka, own=_KAFKA, brokers=3),
        Fault("roll-streams", pausing.roll_streams),
        Fault("all-streams-leave", pausing.all_streams_leave),
        Fault("freeze-api", pausing.freeze_api),
        Fault("freeze-worker", pausing.freeze_worker, by_reports=True),
        Fault("freeze-kafka", pausing.freeze_kafka, own=_KAFKA),
        Fault("freeze-redis", pausing.freeze_redis, own=_REDIS, jobs="redis"),
        Fault("freeze-rabbitmq", pausing.freeze_rabbitmq, own=_RABBITMQ, by_reports=True),
        Fault("stream-without-kafka", network.stream_without_kafka, own=_KAFKA),
        Fault("stream-blinks", network.stream_blinks, own=_KAFKA),
        Fault("stream-is-late", network.stream_is_late, own=_KAFKA),
        Fault("api-without-kafka", network.api_without_kafka, own=_KAFKA),
        Fault("stream-without-redis", network.stream_without_redis),
        Fault("api-without-redis", network.api_without_redis),
        Fault("worker-without-jobs", network.worker_without_jobs, by_reports=True),
        Fault("gateway-is-silent", network.gateway_is_silent, by_reports=True),
        Fault("redis-full", refusing.redis_full, own=_REDIS, jobs="redis"),
        Fault("redis-read-only", refusing.redis_read_only, own=_REDIS, jobs="redis"),
        Fault("rabbitmq-full", refusing.rabbitmq_full, own=_RABBITMQ, by_reports=True),
        Fault("purge-queue", refusing.purge_queue, by_reports=True),
        Fault("nonsense", refusing.nonsense),
        Fault("forgery", refusing.forgery),
        Fault("commands-again", refusing.commands_again),
        Fault("redis-wants-password", refusing.redis_wants_password, own=_REDIS, jobs="redis"),
        Fault("stream-hears-redis-late", network.stream_hears_redis_late),
        Fault("api-hears-kafka-late", network.api_hears_kafka_late, own=_KAFKA),
        Fault("worker-hears-jobs-late", network.worker_hears_jobs_late, by_reports=True),
        Fault("worker-is-hung-up-on", network.worker_is_hung_up_on, by_reports=True),
        Fault("kill-all-kafka", faults.kill_all_kafka, own=_KAFKA, brokers=3),
        Fault("stream-clock-ahead", clocks.stream_clock_ahead),
        Fault("stream-clock-behind", clocks.stream_clock_behind),
        Fault("stream-clock-drifts", clocks.stream_clock_drifts),
        Fault("api-clock-ahead", clocks.api_clock_ahead),
        Fault("api-clock-behind", clocks.api_clock_behind),
        Fault("same-member", people.same_member, last=True),
        Fault("wrong-partitions", people.wrong_partitions),
        Fault("partitions-raised", people.partitions_raised, last=True),
        Fault("in-sync-lowered", people.in_sync_lowered, own=_KAFKA, brokers=3),
        Fault("kafka-disk-full", resources.kafka_disk_full, own=frozenset({"small-kafka"})),
        Fault("api-without-descriptors", resources.api_without_descriptors),
        Fault("topics-remade-under-load", remade.play, ends_town=True),
        Fault("topics-gone", made_anew.gone, ends_town=True),
        Fault("up-disk-full", None, apart=alone.disk_full),
        Fault("topics-made-anew", made_anew.play, ends_town=True),
    )
}
