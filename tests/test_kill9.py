"""kill -9 in the middle of a real month, again and again: nothing lost, nothing doubled, the end is the same.

`PAIDAN_KILLS` and `PAIDAN_KILL_REQUESTS` set the size; the full one is 20 kills over the whole month (10,332).
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from services.adapters.sqlite import SqliteLog
from services.verify import read_receipts, verify
from tests.shell import clean_environment
from tests.towns import story_of

pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.skipif("PAIDAN_DATA" not in os.environ, reason="$PAIDAN_DATA does not say where the real files are"),
]
ROOT = Path(__file__).parent.parent
KILLS = int(os.environ.get("PAIDAN_KILLS", "5"))
REQUESTS = int(os.environ.get("PAIDAN_KILL_REQUESTS", "250"))
SEED = int(os.environ.get("PAIDAN_KILL_SEED", "1"))
#: A part of the month has its share of the people.
PEOPLE = max(25, 2000 * REQUESTS // 10332)
#: Figures of the wall clock, which differ from run to run.
FIGURES = {"event_to_offer_ms", "solve_ms", "commands_per_second", "peak_rss_mb"}


@pytest.fixture(scope="module")
def part_of_june(tmp_path_factory) -> Path:
    source = Path(os.environ["PAIDAN_DATA"]) / "boston-311-2015" / "boston-311-2015-06.csv.gz"
    part = tmp_path_factory.mktemp("requests") / "part.csv"
    with gzip.open(source, "rt", encoding="utf-8", newline="") as lines, part.open("w", newline="") as out:
        writer = csv.writer(out)
        for number, row in enumerate(csv.reader(lines)):
            if number <= REQUESTS:
                writer.writerow(row)
    return part


def begin(requests: Path, folder: Path) -> subprocess.Popen[bytes]:
    options = ["--requests", str(requests), "--mapping", "boston311", "--people", str(PEOPLE), "--headless"]
    options += ["--zone-by", "neighborhood", "--policy", "travel-only", "--seed", "1", "--dir", str(folder)]
    return subprocess.Popen(
        [sys.executable, "-c", "from services.cli import main; main()", "demo", *options],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()


def lines_in(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def kill_after(process: subprocess.Popen[bytes], receipts: Path, lines: int, delay_s: float) -> bool:
    """Kill -9 once so many receipts are written and a little more time has gone by; False: it had ended before."""
    while process.poll() is None and lines_in(receipts) < lines:
        time.sleep(0.005)
    time.sleep(delay_s)
    ended = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return not ended


def judged(folder: Path):
    """Return the checker's verdict and the zones' stories of a folder."""
    log = SqliteLog(folder / "log.sqlite", read_only=True)

    async def read():
        verdict = await verify(log, log.partitions, read_receipts(folder / "receipts.jsonl"))
        return verdict, await story_of(log, log.partitions)

    try:
        return asyncio.run(read())
    finally:
        log.close()


def counts(folder: Path) -> dict[str, object]:
    summary = json.loads((folder / "summary.json").read_bytes())
    return {name: value for name, value in summary.items() if name not in FIGURES}


def test_a_run_killed_again_and_again_ends_as_an_undisturbed_one(part_of_june, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(begin(part_of_june, whole))
    expected, expected_story = judged(whole)
    assert expected.sound, expected.findings
    draw = random.Random(SEED)
    total = lines_in(whole / "receipts.jsonl")
    moments = sorted((draw.randrange(total), draw.random() * 0.05) for _ in range(KILLS))
    print(f"seed {SEED}, of {total} receipts, kills at {moments}")
    hits = sum(
        kill_after(begin(part_of_june, killed), killed / "receipts.jsonl", lines, delay_s) for lines, delay_s in moments
    )
    assert hits == KILLS, "a moment came after the end: choose another seed"
    finish(begin(part_of_june, killed))
    verdict, story = judged(killed)
    assert verdict.sound, verdict.findings
    assert verdict.sign_ins > expected.sign_ins
    assert (verdict.lost, verdict.double_bookings, verdict.parked, verdict.open) == (0, 0, 0, 0)
    assert counts(killed) == counts(whole)
    assert sorted(story) == sorted(expected_story)
    for zone, events in story.items():
        assert msgspec.json.encode(events) == msgspec.json.encode(expected_story[zone]), f"zone {zone} differs"
