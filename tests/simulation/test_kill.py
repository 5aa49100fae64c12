"""kill -9 of a real process on a real file, again and again: the log ends as if nobody had ever been killed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from matcher.events import Event
from services.adapters.sqlite import SqliteLog
from services.verify import Verdict, read_receipts, verify
from tests.simulation import stories, toy

ROOT = Path(__file__).parents[2]
SEED = 7
KILLS = 8


def life(folder: Path, lines: int | None) -> int:
    """Run the process; kill it after so many lines of progress (None: let it end). Return its exit code."""
    program = [sys.executable, "-m", "tests.simulation.mortal", folder / "log.db", folder / "receipts", str(SEED)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(program, stdout=subprocess.PIPE, cwd=ROOT, env=environment) as process:
        assert process.stdout is not None
        for _ in range(lines if lines is not None else 10**6):
            if not process.stdout.readline():
                break
        if lines is not None:
            process.send_signal(signal.SIGKILL)
    return process.returncode


async def ended(folder: Path) -> tuple[Verdict, dict[str, list[Event]]]:
    log = SqliteLog(folder / "log.db", read_only=True)
    try:
        receipts = read_receipts(folder / "receipts")
        return await verify(log, 1, receipts), await stories.zone_events(log, toy.ToyCore())
    finally:
        log.close()


@pytest.mark.slow
def test_a_killed_process_loses_nothing_and_ends_where_an_undisturbed_one_ends(tmp_path: Path):
    killed, calm = tmp_path / "killed", tmp_path / "calm"
    killed.mkdir()
    calm.mkdir()
    dice = random.Random(SEED)
    deaths = sum(life(killed, dice.randrange(4)) == -signal.SIGKILL for _ in range(KILLS))
    assert deaths == KILLS
    assert life(killed, None) == 0
    assert life(calm, None) == 0
    verdict, events = asyncio.run(ended(killed))
    assert verdict.sound, verdict
    assert verdict.receipts
    assert events == asyncio.run(ended(calm))[1]
