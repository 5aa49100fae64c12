"""Which faults there are, what each needs, and in which order they are played."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.chaos import faults, made_anew
from tests.chaos.faults import Run

Play = Callable[[Run], Awaitable[float | None]]


@dataclass(frozen=True)
class Fault:
    """`own`: which servers it hurts, and so must be the runner's own. `jobs`: what they travel over."""

    name: str
    play: Play
    own: frozenset[str] = frozenset()
    jobs: str = "rabbitmq"
    brokers: int = 1
    #: Messages may need the journal's retry, a minute later: recovery is the last report of what was due by then.
    by_reports: bool = False
    #: Nothing goes on after it: it starts the load, stops it and judges by itself.
    ends_town: bool = False


_REDIS = frozenset({"redis"})
FAULTS = {
    fault.name: fault
    for fault in (
        Fault("kill-stream", faults.kill_stream),
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
        Fault("restart-kafka", faults.restart_kafka, own=frozenset({"kafka"})),
        Fault("restart-rabbitmq", faults.restart_rabbitmq, own=frozenset({"rabbitmq"})),
        Fault("roll-kafka", faults.roll_kafka, own=frozenset({"kafka"}), brokers=3),
        Fault("topics-made-anew", made_anew.play, ends_town=True),
    )
}
