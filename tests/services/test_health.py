"""The probes, and who may ask them; what a client is told when a broker does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from services.adapters.board_memory import MemoryBoard
from services.adapters.contacts_memory import MemoryContacts
from services.adapters.jobs_kombu import connect
from services.api import app as api
from services.api.context import Context
from services.api.health import PATHS, Health, probes
from services.api.pending import Pending
from services.exits import ExitCode, Stop
from services.liveness import Liveness
from services.metrics import Metrics
from services.ports import AppendUncertain
from services.queues import notify_queue
from services.readiness import Readiness
from services.serve.shared import Shared
from services.serve.stream import PROJECTING, StreamRole
from services.settings import Settings
from services.worker.consumer import Worker


async def asked(app: Any, path: str, method: str = "GET", host: str = "127.0.0.1", **more: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as http:
        return await http.request(method, path, **more)


def status(app: Any, path: str, **more: Any) -> int:
    return asyncio.run(asked(app, path, **more)).status_code


def context(error: Exception | None = None, **changes: Any) -> Context:
    async def append(commands: object) -> list[tuple[int, int]]:
        raise error or AssertionError("nothing is to be appended")

    readiness = Readiness()
    readiness.started = True
    return Context(
        append=append,
        board=MemoryBoard(1),
        contacts=MemoryContacts(),
        pending=Pending(10),
        readiness=readiness,
        metrics=Metrics(),
        now=lambda: datetime(2026, 3, 2, tzinfo=UTC),
        list_limit_max=10,
        **changes,
    )


def test_a_process_without_an_api_has_the_probes_and_nothing_else() -> None:
    readiness, liveness = Readiness(), Liveness()
    app = probes(Health(readiness, liveness, Metrics()))
    assert {path: status(app, path) for path in sorted(PATHS)} == {
        "/livez": 200,
        "/metrics": 200,
        "/readyz": 503,
        "/startupz": 503,
    }
    readiness.started = True
    assert (status(app, "/readyz"), status(app, "/startupz")) == (200, 200)
    readiness.draining = True
    assert (status(app, "/readyz"), status(app, "/startupz"), status(app, "/livez")) == (503, 200, 200)

    async def dead() -> str:
        return "partition 3 does not move"

    liveness.add("stream", dead, 0)
    assert status(app, "/livez") == 503
    assert status(app, "/zones/z1") == 404


@pytest.mark.parametrize("path", sorted(PATHS))
def test_other_machines_may_ask_the_probes_where_they_were_opened_and_never_the_api(path: str) -> None:
    closed, opened = api.create(context()), api.create(context(probes_for_all=True))
    assert status(closed, path, host="10.0.0.5") == 403
    assert status(opened, path, host="10.0.0.5") == 200
    for app in (closed, opened):
        assert status(app, "/zones/z1", host="10.0.0.5") == 403
        assert status(app, "/openapi.json", host="10.0.0.5") == 403


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AppendUncertain("the answer was lost at 10.0.0.5:9092"), "uncertain"),
        (Stop(ExitCode.UNREACHABLE, "Kafka at 10.0.0.5:9092 is away"), "unreachable"),
    ],
)
def test_a_log_that_does_not_answer_is_503_and_its_address_stays_inside(error: Exception, code: str) -> None:
    answer = asyncio.run(asked(api.create(context(error)), "/zones/z1/skills", "POST", json={"skill": "plumbing"}))
    assert (answer.status_code, answer.json()["error"], answer.headers["Retry-After"]) == (503, code, "1")
    assert "10.0.0.5" not in answer.text


def test_a_bug_is_not_taken_for_a_broker_that_is_away() -> None:
    app = api.create(context(Stop(ExitCode.LOG_UNTRUSTED, "another log")))
    assert status(app, "/zones/z1/skills", method="POST", json={"skill": "plumbing"}) == 500


def test_a_worker_whose_broker_is_away_is_not_deaf() -> None:
    nobody: Any = None
    worker = Worker(connect("memory://"), notify_queue("none"), nobody, nobody, Metrics())
    worker.on_connection_error(ConnectionRefusedError("127.0.0.1:9"), 2.0)
    assert (worker.away, worker.hearing.trouble()) == ("ConnectionRefusedError", None)
    worker.on_connection_revived()
    assert worker.away is None


def test_a_redis_that_is_away_or_a_clock_that_is_off_is_no_reason_to_start_a_stream_again(tmp_path: Path) -> None:
    """Nobody is connected to; what stands still is only said to."""

    async def story() -> None:
        nowhere = {"kafka": "127.0.0.1:9", "redis": "redis://127.0.0.1:9/0", "data_dir": tmp_path}
        role: Any = StreamRole(Shared(Settings(**nowhere)))

        def waits(but: Collection[str] = ()) -> str | None:
            return None if PROJECTING in but else "partition (0), projecting: nothing taken"

        role.stream._progress = SimpleNamespace(trouble=waits)
        assert await role._stuck() is not None
        role._board._away[0] = "The board in Redis does not answer."
        assert await role._stuck() is None
        assert await role._board.trouble() is not None
        role.stream._progress = SimpleNamespace(trouble=lambda but=(): None)
        role.stream._clocks = SimpleNamespace(trouble=lambda: "the clock is off")
        assert await role.stream.trouble() == "the clock is off"
        assert await role._stuck() is None

    asyncio.run(story())
