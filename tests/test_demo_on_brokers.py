"""The demo answered by processes of their own: the same events as on one machine, a clean site, and clear ends."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import random
import re
import secrets
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.demo.children import Children, Role
from services.demo.folder import Folder, Played
from services.demo.site import Site
from services.exits import ExitCode, Stop
from services.names import PARTITIONS
from services.settings import Settings
from services.wire import partition_of
from tests.replays import brokers, command, demo, left_on_brokers, on_brokers, on_disk, on_kafka, settings
from tests.shell import ROOT, clean_environment

MONDAY = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)

# --- files ---------------------------------------------------------------------------------------------------------


def one_zone_a_partition() -> list[str]:
    """Names such that each partition has one: whoever owns a partition has something to answer."""
    homes: dict[int, str] = {}
    n = 0
    while len(homes) < PARTITIONS:
        homes.setdefault(partition_of(f"zone-{n}", PARTITIONS), f"zone-{n}")
        n += 1
    return sorted(homes.values())


def write_town(folder: Path, seed: int = 1) -> list[str]:
    """Write a town's two files; return the options that name them."""
    draw = random.Random(f"brokers:{seed}")
    zones = one_zone_a_partition()

    def spot() -> list[float]:
        return [round(42.30 + draw.random() * 0.02, 4), round(-71.10 + draw.random() * 0.02, 4)]

    with (folder / "requests.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["request_id", "lat", "lon", "skills", "submitted_at", "zone"])
        for n in range(40):
            at = MONDAY + timedelta(minutes=draw.randrange(600))
            rows.writerow([f"r{n}", *spot(), draw.choice(("errands", "plumbing")), at.isoformat(), zones[n % 16]])
    with (folder / "volunteers.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["volunteer_id", "lat", "lon", "skills", "availability", "reach_m", "zone"])
        for n in range(48):
            hours = "Mon-Sun 07:00-21:00"
            rows.writerow([f"v{n}", *spot(), draw.choice(("errands", "errands;plumbing")), hours, 3000, zones[n % 16]])
    return ["--requests", str(folder / "requests.csv"), "--volunteers", str(folder / "volunteers.csv")]


# --- the command ---------------------------------------------------------------------------------------------------


@on_brokers
def test_a_town_answered_by_two_stream_processes_has_each_zones_events_as_on_one_machine(tmp_path):
    town = write_town(tmp_path)
    prefix = f"t{secrets.token_hex(6)}."
    site = Site(settings(prefix))
    try:
        more = ["--prefix", prefix, "--keep", "--streams", 2, "--dir", tmp_path / "run", "--json", tmp_path / "out"]
        ended = demo(*town, *brokers(), *more)
        assert ended.returncode == 0, ended.stderr
        assert "this is a trial" in ended.stderr or site.brokers >= 3
        summary = json.loads((tmp_path / "out").read_bytes())
        assert (summary["requests"], summary["open"], summary["lost"], summary["double_bookings"]) == (40, 0, 0, 0)
        assert list(summary["zones_by_process"]) == ["stream-1", "stream-2"]
        assert min(summary["zones_by_process"].values()) > 0
        assert sum(summary["zones_by_process"].values()) == 16
        alone = demo(*town, "--dir", tmp_path / "alone")
        assert alone.returncode == 0, alone.stderr
        assert asyncio.run(on_kafka(prefix)) == asyncio.run(on_disk(tmp_path / "alone"))
        assert left_on_brokers(prefix)
        for streams, words in ((0, "is in use"), (1, "There is a log under the prefix")):
            more = ["--prefix", prefix, "--streams", streams, "--dir", tmp_path / "other", "--fresh"]
            mixed = demo(*town, *brokers(), *more)
            assert (mixed.returncode, words in mixed.stderr) == (5, True), mixed.stderr
    finally:
        site.remove()
    assert not left_on_brokers(prefix)


@on_brokers
def test_ctrl_c_ends_with_130_stops_the_processes_and_leaves_nothing_on_the_brokers(tmp_path):
    prefix = f"t{secrets.token_hex(6)}."
    more = ["--prefix", prefix, "--streams", 1, "--dir", tmp_path / "run"]
    process = subprocess.Popen(
        command(*brokers(), *more), cwd=ROOT, env=clean_environment(), stderr=subprocess.PIPE, text=True
    )
    receipts = tmp_path / "run" / "receipts.jsonl"
    while process.poll() is None and not (receipts.exists() and receipts.stat().st_size):
        time.sleep(0.05)
    processes = child_ids(process.pid)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Nothing was kept" in errors
    assert len(processes) >= 3
    assert not [each for each in processes if Path(f"/proc/{each}").exists()]
    assert not left_on_brokers(prefix)
    assert not receipts.exists()


def child_ids(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(each) for each in found]


@on_brokers
def test_a_process_that_ends_early_is_named_with_its_exit_code_and_its_last_words(tmp_path):
    prefix = f"t{secrets.token_hex(6)}."
    kafka = ["--kafka", os.environ["PAIDAN_KAFKA"], "--redis", "redis://127.0.0.1:1/0"]
    ended = demo(*write_town(tmp_path), *kafka, "--prefix", prefix, "--streams", 1, "--dir", tmp_path / "run")
    assert ended.returncode == 4, ended.stderr
    assert "ended early with (4)" in ended.stderr
    # Whichever was first: board and jobs write the same address in two ways.
    assert re.search(r"Redis at \(redis://(:\*\*@)?127\.0\.0\.1:1/0\) does not answer", ended.stderr), ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1/0"], 4, "Kafka"),
        (["--kafka", "127.0.0.1:1"], 5, "--redis"),
        (["--kafka", "127.0.0.1:1", "--streams", "0"], 5, "--prefix"),
    ],
)
def test_brokers_that_are_away_or_not_named_end_the_demo_with_a_clear_word(options, code, words, tmp_path):
    ended = demo(*write_town(tmp_path), *options, "--dir", tmp_path / "run")
    assert ended.returncode == code, ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


# --- its own processes ---------------------------------------------------------------------------------------------


def started(*arguments: str) -> Role:
    return Role("one", arguments, clean_environment())


def test_processes_that_are_not_ready_in_time_are_named_and_stopped(tmp_path):
    async def main() -> None:
        children = Children(
            [Role("late", ("up", "--port", "0", "--data", str(tmp_path)), clean_environment())], tmp_path
        )
        with pytest.raises(Stop, match=r"Not ready in 0 s: \(late\)") as ended:
            await children.start(ready_s=0.05)
        assert ended.value.code is ExitCode.UNREACHABLE
        await children.stop()
        assert children._children[0]._process.returncode is not None

    asyncio.run(main())


def test_a_process_that_ends_by_itself_ends_the_work_that_needs_it(tmp_path):
    async def main() -> None:
        children = Children([started("--no-such-flag")], tmp_path)
        with pytest.raises(Stop, match="no-such-flag") as ended:
            await children.start()
        assert ended.value.code is ExitCode.USAGE
        await children.stop()

    asyncio.run(main())


# --- the folder ----------------------------------------------------------------------------------------------------


def test_a_folder_remembers_the_prefix_of_an_unfinished_run_on_brokers_until_it_is_forgotten(tmp_path):
    folder = Folder(tmp_path)
    assert folder.prefix() == ""
    folder.claim(Played(seed=1, beat_minutes=10, policy="default", prefix="p."))
    assert folder.prefix() == "p."
    with pytest.raises(Stop, match="--fresh"):
        folder.claim(Played(seed=1, beat_minutes=10, policy="default"))
    folder.forget()
    assert folder.prefix() == ""


def test_a_site_without_a_prefix_is_never_removed():
    with pytest.raises(RuntimeError, match="everything"):
        Site(Settings(kafka="127.0.0.1:1")).remove()
