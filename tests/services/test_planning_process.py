"""The worker's side of the pipe to a planning process: a batch that ends while its process still works."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from matcher import commands as c
from services.adapters.memory import MemoryLog
from services.core import Matching
from services.embedded import Embedded
from services.jobs import Rematch
from services.solving import InlineSolver
from services.worker.planning.process import Planner
from tests.batches import BEGIN, start, zone_of

ZONE = "zone-a"
#: Hears its question and says nothing; a process of its own keeps the pipe open a moment after its death.
SILENT = """
import pathlib, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(2)"])
sys.stdin.buffer.read(1)
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""


def test_a_batch_that_ends_while_its_process_says_nothing_leaves_a_planner_that_can_take_the_next_job(
    tmp_path: Path,
) -> None:
    """Were the pipe read to its end beside the reader that waits, the worker's thread would die of it."""

    async def story() -> None:
        log, asked = MemoryLog(1), tmp_path / "asked"
        chain = Embedded(log, Matching(), InlineSolver(), partitions=1, linger_s=0)
        planner = Planner(log, chain.append, child=(sys.executable, "-c", SILENT, str(asked)), look_s=0.01)
        await chain.start()
        try:
            for place in await chain.append([*zone_of(ZONE), start(ZONE)]):
                await chain.answered(*place)
            job = Rematch(zone=ZONE, rematch="w1", stage="cut", part=0, partition=0, offset=0, attempt=1)
            working = asyncio.create_task(planner.work(job))
            async with asyncio.timeout(60):
                while not asked.exists():  # noqa: ASYNC110 - a file of another process
                    await asyncio.sleep(0.01)
            end = c.EndRematch(id="end", zone=ZONE, at=BEGIN, rematch="w1")
            for place in await chain.append([end]):
                await chain.answered(*place)
            async with asyncio.timeout(60):
                await working
            assert planner.pid is None
        finally:
            await planner.close()
            await chain.stop()

    asyncio.run(story())
