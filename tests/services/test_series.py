"""What one process exposes after a busy day: few series, whatever the number of zones, and nothing promtool objects to.

Through the whole process in memory: requests of many zones, matched, offered and answered by simulated people, and
every route of the API called, with what it refuses too.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from services.demo.agenda import Agenda
from services.demo.lockstep import Lockstep
from services.demo.receipts import Receipts
from services.runtime import Runtime
from services.settings import Settings
from services.solving import InlineSolver
from tests.outside import said_by
from tests.towns import town

SEED = 20261123
SERIES_MAX = 3_000
BYTES_MAX = 300_000


class _Follower:
    """Lets the simulated people see what they are offered."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda

    def entry(self, partition, offset, entry, events) -> None:
        self._agenda.take_events(events)


async def _day(folder: Path, requests: int, zones: int) -> Runtime:
    """Play a town to its end, then call every route; return the process, stopped."""
    scenario = town(SEED, requests=requests, people=2 * zones, zones=zones, hours=3)
    runtime = Runtime(Settings(beat_s=0, partitions=16, console=False), InlineSolver(), durable=False, linger_s=0)
    agenda = Agenda(scenario.beats, scenario.seed, scenario.opening)
    agenda.add(scenario.requests, earliest_beat=1)
    runtime.embedded.subscribe(_Follower(agenda))
    await runtime.start()
    with Receipts(folder / "receipts.jsonl") as receipts:
        await Lockstep(runtime.embedded, agenda, receipts).run()
    await runtime.settled()
    await _every_route(runtime)
    await runtime.stop()
    return runtime


async def _every_route(runtime: Runtime) -> None:
    transport = httpx.ASGITransport(app=runtime.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        pages = (await http.get("/openapi.json")).json()["paths"]
        for path, methods in pages.items():
            for method in methods:
                for value in ("zone-1", "no such thing"):
                    address = path
                    for word in ("zone", "kind", "key", "request", "offer", "volunteer", "assignment"):
                        address = address.replace("{" + word + "}", value)
                    await http.request(method.upper(), address, json={} if method != "get" else None)
        for n in range(50):
            await http.get(f"/unknown/{n}")


def _check(runtime: Runtime, submitted: int) -> None:
    text = runtime.metrics.exposition()[0]
    series = [line for line in text.decode().splitlines() if not line.startswith("#")]
    assert f'paidan_requests_total{{channel="replay"}} {submitted}.0' in series
    assert len([line for line in series if line.startswith("paidan_http_requests_total{")]) > 30
    assert len(series) < SERIES_MAX
    assert len(text) < BYTES_MAX


def test_a_busy_process_exposes_few_series_and_nothing_that_promtool_objects_to(tmp_path: Path) -> None:
    runtime = asyncio.run(_day(tmp_path, requests=300, zones=60))
    _check(runtime, 300)
    code, said = said_by("promtool", "check", "metrics", given=runtime.metrics.exposition()[0])
    assert (code, said) == (0, "")


@pytest.mark.slow
def test_after_ten_thousand_requests_of_a_hundred_zones_a_process_has_fewer_than_3000_series(tmp_path: Path) -> None:
    _check(asyncio.run(_day(tmp_path, requests=10_000, zones=100)), 10_000)
