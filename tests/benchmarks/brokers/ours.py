"""A stream process on a backlog, measured from the inside: from its first partition until all is answered and told.

    python -m tests.benchmarks.brokers.ours shipped|matching [PROFILE]

Run by `throughput`; the settings come from the environment. `shipped`: with board, jobs and metrics. The processor time
is the whole process's, all of its threads; nothing is solved, for no Tick comes.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import os
import sys
import time
from typing import Any

from services.core import Matching
from services.names import COMMANDS, JOURNAL
from services.serve.shared import Shared
from services.serve.stream import StreamRole
from services.settings import load
from services.solving import InlineSolver
from services.stream.cluster import Cluster
from services.stream.driver import Stream

POLL_S = 0.005


class _Matching:
    """The stream without its followers."""

    def __init__(self, shared: Shared) -> None:
        settings = shared.settings
        self._shared = shared
        self.stream = Stream(
            shared.log,
            Matching(),
            InlineSolver(),
            {},
            Cluster(
                bootstrap=str(settings.kafka),
                prefix=settings.prefix,
                group=settings.prefix + settings.group,
                data_dir=settings.data_dir / "stream",
            ),
            partitions=settings.partitions,
            beat_s=None,
        )

    async def start(self) -> None:
        await self._shared.open_log()
        await self.stream.start()

    async def stop(self) -> None:
        await self.stream.stop()


async def measure(which: str, profile: str | None) -> dict[str, Any]:
    """Return seconds and processor seconds until all is answered, and until all is told."""
    from services.stream import app  # noqa: F401 - its import is no part of the work

    shared = Shared(load(os.environ))
    role: Any = StreamRole(shared) if which == "shipped" else _Matching(shared)
    watcher = cProfile.Profile(time.process_time)
    try:
        starting = asyncio.create_task(role.start())
        await _until(lambda: role.stream.owned or starting.done())
        if profile:
            watcher.enable()
        wall, cpu = time.perf_counter(), time.process_time()
        await starting
        ends = {p: (await shared.log.bounds(COMMANDS, p)).end for p in range(shared.settings.partitions)}
        await _until(lambda: _answered(role.stream, ends))
        answered = (time.perf_counter() - wall, time.process_time() - cpu)
        ends = {p: (await shared.log.bounds(JOURNAL, p)).end for p in range(shared.settings.partitions)}
        await _until(lambda: _told(role.stream, ends))
        told = (time.perf_counter() - wall, time.process_time() - cpu)
        watcher.disable()
        if profile:
            watcher.dump_stats(profile)
    finally:
        await role.stop()
        await shared.close()
    return {"answered_s": answered[0], "answered_cpu_s": answered[1], "told_s": told[0], "told_cpu_s": told[1]}


def _answered(stream: Stream, ends: dict[int, int]) -> bool:
    holdings = stream._holdings
    return len(holdings) == len(ends) and all(holdings[p].writer.answered >= end for p, end in ends.items())


def _told(stream: Stream, ends: dict[int, int]) -> bool:
    return all(
        following.next_offset >= ends[p]
        for p, held in stream._holdings.items()
        for following in held.followings.values()
    )


async def _until(holds: Any) -> None:
    while not holds():  # noqa: ASYNC110 - the group and the brokers decide when
        await asyncio.sleep(POLL_S)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1], (sys.argv[2:] or [None])[0]))), flush=True)
