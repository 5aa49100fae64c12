"""The brokers of `make services` are for this machine only."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.brokers import needs_kafka

pytestmark = needs_kafka
FOLDER = Path(__file__).parent.parent / ".services"


def groups() -> set[int]:
    return {json.loads(note.read_bytes())["pid"] for note in FOLDER.glob("*.json")}


def test_everything_that_make_services_started_listens_on_loopback_only():
    if not groups():
        pytest.skip("the brokers in $PAIDAN_KAFKA were not started by `make services` here")
    lines = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    ours = []
    for line in lines:
        pids = [int(word.split(",")[0]) for word in line.split("pid=")[1:]]
        if any(os.getpgid(pid) in groups() for pid in pids):
            ours.append(line.split()[3].rpartition(":")[0])
    assert len(ours) >= 6
    assert set(ours) <= {"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"}
