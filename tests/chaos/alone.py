"""Faults of one process on one machine, `paidan up` on its SQLite file: no brokers, a town of its own kind.

Judged from the file, by the same two readings and the same client's receipts; its board lives in the process and goes
with it.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from services.adapters.sqlite import SqliteLog
from services.exits import ExitCode
from services.names import LOG_FILE
from services.verify import verify
from tests.chaos.disks import SmallDisk, inside
from tests.chaos.gateway import Gateway
from tests.chaos.history import History
from tests.chaos.judging import Judged, judged_by_the_log
from tests.chaos.load import Load
from tests.chaos.proving import DidNotHappen
from tests.chaos.result import AFTER, BEFORE, Result, caught
from tests.chaos.town import BEAT_S, PARTITIONS, until, zones
from tests.processes import RUN, Served

DISK_MIB = 24
#: Longer than a client waits before it repeats itself.
FULL_S = 8.0


class Lone:
    """One `paidan up` on a disk of its own."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.disk = SmallDisk(folder / "disk", DISK_MIB)
        self.gateway = Gateway()
        self.url = ""
        self.load = Load(lambda: self.url, self.gateway, zones(), PARTITIONS, seed, pause_s=0.4)
        self.process: Served | None = None
        self._starts = 0

    def serve(self) -> Served:
        """Start it; it may not be ready yet."""
        self._starts += 1

        class There(Served):
            program = inside(self.disk, ("-c", RUN))

        environment = {
            "PAIDAN_DATA_DIR": str(self.disk.folder),
            "PAIDAN_PARTITIONS": str(PARTITIONS),
            "PAIDAN_PORT": "0",
            "PAIDAN_BEAT_S": str(BEAT_S),
            "PAIDAN_CONSOLE": "false",
        }
        self.process = There(self.folder / f"{self._starts}-up", "up", **environment)
        return self.process

    async def start(self) -> None:
        """Start it and wait until it takes work."""
        process = self.serve()
        self.url = await asyncio.to_thread(lambda: process.url)

        async def answers() -> bool:
            async with httpx.AsyncClient(timeout=30) as http:
                return (await http.get(f"{self.url}/readyz")).status_code == 200

        await until(answers, "it is ready")

    async def close(self) -> None:
        """End everything."""
        await self.load.close()
        if self.process is not None and self.process.process.poll() is None:
            self.process.kill()
        self.gateway.close()
        self.disk.close()


@asynccontextmanager
async def _opened(folder: Path, seed: int) -> AsyncIterator[Lone]:
    lone = Lone(folder, seed)
    try:
        await lone.start()
        await lone.load.open()
        yield lone
    finally:
        await lone.close()


async def disk_full(folder: Path, seed: int) -> Result:
    """The disk of the one process is full; what runs it starts it again and again, and somebody makes room."""
    began_s = time.time()
    result = Result(fault="up-disk-full", seed=seed)
    with caught(result):
        async with _opened(folder, seed) as lone:
            lone.load.start()
            await _taken(lone, 0.0, BEFORE)
            wrong, hurt_s = await _full(lone, result)
            await lone.start()
            await _taken(lone, hurt_s, AFTER)
            await lone.load.stop()
            result.judged, result.recovery_s = await _judge(lone, hurt_s)
            result.judged.findings = [*result.judged.findings, *wrong]
            result.statuses = dict(sorted(Counter(s for each in lone.load.asked for s in each.statuses).items()))
    result.seconds = round(time.time() - began_s, 1)
    return result


async def _full(lone: Lone, result: Result) -> tuple[list[str], float]:
    """Fill the disk, see how it ends, start it once more on the full disk, make room; say what was wrong, and when."""
    wrong: list[str] = []
    lone.disk.fill()
    silent_s = time.time() + 1.0
    assert lone.process is not None
    for n in (1, 2):
        process = lone.process if n == 1 else lone.serve()
        code = await asyncio.to_thread(process.ended)
        words = f"start {n}: with ({lone.disk.free_bytes}) bytes left it ended with ({code}): "
        words += (process.said.strip().splitlines() or [""])[-1][-200:]
        result.evidence.append(words)
        if code != ExitCode.UNREACHABLE or "is full" not in process.said:
            wrong.append(f"{words} {process.said[-600:]}")
    if lone.disk.free_bytes:
        raise DidNotHappen(f"({lone.disk.free_bytes}) bytes were left")
    await asyncio.sleep(max(0.0, silent_s - time.time()))
    early = lone.load.acknowledged_since(silent_s)
    if early:
        wrong.append(f"({early}) commands were acknowledged without room.")
    await asyncio.sleep(FULL_S)
    lone.disk.make_room()
    return wrong, time.time()


async def _taken(lone: Lone, since_s: float, more: int) -> None:
    async def taken() -> bool:
        return lone.load.acknowledged_since(since_s) >= more

    await until(taken, f"({more}) more commands are taken")


async def _judge(lone: Lone, hurt_s: float) -> tuple[Judged, float | None]:
    """End the process in good order, then read its file."""
    assert lone.process is not None
    code = await asyncio.to_thread(lone.process.end)
    # SQLite follows links, and that to another's disk leads nowhere.
    for file in lone.disk.at.glob(f"{LOG_FILE}*"):
        shutil.copyfile(file, lone.folder / file.name)
    log = SqliteLog(lone.folder / LOG_FILE, read_only=True)
    try:
        history = History(log, PARTITIONS)
        await history.read_on()
        verdict = await verify(log, PARTITIONS, lone.load.receipts)
        judged = judged_by_the_log(verdict, history, lone.load, 0)
    finally:
        log.close()
    if code:
        judged.findings = [*judged.findings, f"At the end it ended with ({code})."]
    return judged, history.recovery_s(hurt_s)
