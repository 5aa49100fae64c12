"""`paidan up` as people run it: a process of its own, killed, started again, told to end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.shell import clean_environment

ROOT = Path(__file__).parents[2]
POINT = {"lat": 31.0, "lon": 104.0}
pytestmark = pytest.mark.slow


class Process:
    """A running `paidan up` and its address."""

    def __init__(self, data: Path) -> None:
        run = "from services.cli import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", run, "up", "--data", str(data), "--port", "0", "--beat", "0.2"],
            cwd=ROOT,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if line.startswith("What this lacks"):
                break
        found = re.search(r"http://127\.0\.0\.1:\d+", self.said)
        assert found, self.said
        self.url = found[0]

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=30)
        return self.process.returncode


@contextmanager
def running(data: Path) -> Iterator[Process]:
    made = Process(data)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.communicate()


def waited_for(url: str, state: str) -> None:
    """Ask until the receipt says so."""
    for _ in range(2_000):
        if httpx.get(url).json()["command"]["state"] == state:
            return
    raise AssertionError(f"{url} never said ({state})")


def test_what_was_answered_outlives_kill_9_and_each_signal_has_its_exit_code(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        assert "no replication" in first.said
        zone = f"{first.url}/zones/z1"
        place = {"place": "yard", "level": "compound", "name": "Yard", "point": POINT}
        assert httpx.post(f"{zone}/places", json=place).status_code == 202
        taken = httpx.post(f"{zone}/requests", json={"request": "r1", "point": POINT})
        waited_for(first.url + taken.headers["Location"], "answered")
        first.process.kill()
        first.process.wait()
    with running(tmp_path) as second:
        assert httpx.get(f"{second.url}/readyz").status_code == 200
        assert httpx.get(f"{second.url}/zones/z1/requests/r1").json()["request"]["request"] == "r1"
        assert second.end(signal.SIGTERM) == 0
    with running(tmp_path) as third:
        assert third.end(signal.SIGINT) == 130


def test_a_service_that_is_ready_shows_until_when_working_days_are_certain(tmp_path: Path) -> None:
    with running(tmp_path) as up:
        shown = re.findall(
            r'^paidan_calendar_valid_until_timestamp_seconds\{source="(\w+)"\} (\S+)$',
            httpx.get(f"{up.url}/metrics").text,
            re.MULTILINE,
        )
    assert sorted(source for source, _ in shown) == ["both", "chinesecalendar", "holidays"]
    assert all(float(until_s) >= 1_798_732_800 for _, until_s in shown)  # the end of 2026 in China


def test_a_second_process_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with running(tmp_path):
        run = "from services.cli import main; main()"
        second = subprocess.run(
            [sys.executable, "-c", run, "up", "--data", str(tmp_path), "--port", "0"],
            cwd=ROOT,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert second.returncode == 5, second.stderr
    assert str(tmp_path) in second.stderr
