"""What the probes ask of a worker. Added by whoever runs one (`services/runtime.py`, `services/serve/worker.py`)."""

from __future__ import annotations

import math
from collections.abc import Callable

from services.liveness import Liveness
from services.progress import PATIENCE_S
from services.queues import VISIBILITY_S
from services.readiness import Readiness
from services.worker.consumer import Worker
from services.worker.planning.consumer import PlanningWorker


def add_probes(
    worker: Worker, readiness: Readiness, liveness: Liveness, started: Callable[[], bool] = lambda: True
) -> None:
    """Not ready: ended, cut off, or nothing heard for half a minute. Dead: ended, or nothing heard for a minute.

    A job may be in hand for as long as its broker leaves it there before the process counts as dead.
    """

    async def works() -> str | None:
        if not worker.alive:
            return "the worker has ended"
        if worker.away is not None:
            return f"the broker of the jobs does not answer ({worker.away})"
        return worker.hearing.trouble()

    async def lives() -> str | None:
        return "the worker has ended" if started() and not worker.alive else None

    async def hears() -> str | None:
        return worker.hearing.trouble(in_hand_s=VISIBILITY_S - PATIENCE_S) if started() else None

    readiness.add("worker", works)
    liveness.add("worker", lives, 0)
    liveness.add("jobs", hears, PATIENCE_S)


def add_planning_probes(
    worker: PlanningWorker, readiness: Readiness, liveness: Liveness, started: Callable[[], bool] = lambda: True
) -> None:
    """As above; but a part of a batch may be in hand for as long as it takes: its process is ended with its batch."""

    async def works() -> str | None:
        if not worker.alive:
            return "the planning worker has ended"
        if worker.away is not None:
            return f"the broker of the jobs does not answer ({worker.away})"
        return worker.hearing.trouble(in_hand_s=math.inf)

    async def lives() -> str | None:
        return "the planning worker has ended" if started() and not worker.alive else None

    async def hears() -> str | None:
        return worker.hearing.trouble(in_hand_s=math.inf) if started() else None

    readiness.add("planning", works)
    liveness.add("planning", lives, 0)
    liveness.add("batch jobs", hears, PATIENCE_S)
