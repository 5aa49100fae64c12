"""June of Boston answered by the service's own processes, as many zones and as one: the events of one machine's run.

Some minutes long, so it runs with `make june-brokers` only. `$PAIDAN_JUNE_REQUESTS` takes a part of the month.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import secrets
import time
from itertools import islice
from pathlib import Path

import pytest

from services.demo.site import Site
from tests.replays import brokers, demo, on_brokers, on_disk, on_kafka, settings

ROWS = int(os.environ.get("PAIDAN_JUNE_REQUESTS", "10332"))


@pytest.fixture
def month(tmp_path) -> list[str]:
    """The options that name the file, or its first rows."""
    file = Path(os.environ["PAIDAN_DATA"]) / "boston-311-2015" / "boston-311-2015-06.csv.gz"
    part = tmp_path / "june.csv"
    with gzip.open(file, "rt", encoding="utf-8", newline="") as whole:
        part.write_text("".join(islice(whole, ROWS + 1)), encoding="utf-8")
    return ["--requests", str(part), "--mapping", "boston311"]


@on_brokers
@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif("PAIDAN_JUNE_BROKERS" not in os.environ, reason="some minutes: `make june-brokers`")
@pytest.mark.parametrize("zones", [["--zone-by", "neighborhood"], []], ids=["neighborhoods", "one zone"])
def test_the_month_on_brokers_has_each_zones_events_as_on_one_machine(zones, month, tmp_path):
    prefix = f"t{secrets.token_hex(6)}."
    alone = demo(*month, *zones, "--dir", tmp_path / "alone")
    assert alone.returncode == 0, alone.stderr
    try:
        began = time.monotonic()
        more = ["--prefix", prefix, "--keep", "--streams", 2, "--dir", tmp_path / "run", "--json", tmp_path / "out"]
        ended = demo(*month, *zones, *brokers(), *more)
        seconds = time.monotonic() - began
        assert ended.returncode == 0, ended.stderr
        summary = json.loads((tmp_path / "out").read_bytes())
        figures = {name: summary[name] for name in ("requests", "beats", "beat_ms", "zones_by_process")}
        print(f"{seconds:.0f} s, {figures}")
        assert (summary["requests"], summary["open"], summary["lost"], summary["double_bookings"]) == (ROWS, 0, 0, 0)
        assert min(summary["zones_by_process"].values()) > 0 or not zones
        assert asyncio.run(on_kafka(prefix)) == asyncio.run(on_disk(tmp_path / "alone"))
    finally:
        Site(settings(prefix)).remove()
