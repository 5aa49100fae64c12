"""Faults of a machine that has no more of something: a broker without disk, an API without file descriptors."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import time
from urllib.parse import urlsplit

from tests.chaos.faults import BEYOND_S, Run
from tests.chaos.sites import SMALL_KAFKA
from tests.chaos.town import until

FULL_S = 10.0
#: File descriptors beyond those that are open.
LEFT = 8
CALLERS = 64


async def kafka_disk_full(run: Run) -> None:
    """The disk of the only broker is full: it ends; nothing is acknowledged; room is made and it is started again."""
    disk = run.sites.disk
    assert disk is not None
    keeping = asyncio.create_task(run.town.keep())

    async def ended() -> bool:
        disk.fill()
        return not run.sites.pids(SMALL_KAFKA)

    try:
        await until(ended, "the broker ends")
        run.must(not disk.free_bytes, f"({disk.free_bytes}) bytes were left and the broker has ended")
        silent_s = time.time() + BEYOND_S
        await asyncio.sleep(FULL_S)
        if early := run.town.load.acknowledged_since(silent_s):
            run.wrong.append(f"({early}) commands were acknowledged without a log.")
        disk.make_room()
        run.hurt()
        await asyncio.to_thread(run.sites.small_kafka)
        await run.answering()
    finally:
        keeping.cancel()


async def api_without_descriptors(run: Run) -> None:
    """The API may open no more files, and callers take the last: it goes on when they leave, with its limit as low."""
    api = run.town.api
    assert api is not None
    pid = api.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    limit = _open_files(pid) + LEFT
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    where = urlsplit(run.town.api_url)
    callers = [socket.create_connection((str(where.hostname), int(where.port or 0)), 10) for _ in range(CALLERS)]
    try:

        async def used_up() -> bool:
            return _open_files(pid) >= limit

        await until(used_up, "no descriptor is left")
        await asyncio.sleep(FULL_S)
        run.must(_open_files(pid) >= limit, f"({limit}) descriptors were allowed and open")
    finally:
        for caller in callers:
            caller.close()
    run.hurt()
    await run.acknowledged(20)
    await run.answering()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def _open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
