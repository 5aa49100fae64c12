"""A whole process for tests over real HTTP: log in memory, solver in line, time moved by hand. Nothing sleeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from matcher.commands import Tick
from services.explaining.process import InThread
from services.runtime import Runtime
from services.serving import HttpServer
from services.settings import Settings
from services.solving import InlineSolver

START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
ZONE = "z1"
ALWAYS = {"weekly": [{"weekday": day, "from_minute": 0, "until_minute": 1440} for day in range(7)]}
POINT = {"lat": 31.47, "lon": 104.74}


class Town:
    """One zone behind one API; `beat` moves its time."""

    def __init__(self, runtime: Runtime, http: httpx.AsyncClient) -> None:
        self.runtime = runtime
        self.http = http
        self.now = START
        self.beats = 0

    async def post(self, path: str, body: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """Ask something of the zone."""
        return await self.http.post(f"/zones/{ZONE}{path}", json=body or {}, **more)

    async def get(self, path: str = "", **params: Any) -> Any:
        """Look something up that must be there."""
        answer = await self.http.get(f"/zones/{ZONE}{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def beat(self, minutes: int = 10) -> None:
        """Let time pass, and wait until the board shows what came of it."""
        self.beats += 1
        self.now += timedelta(minutes=minutes)
        tick = Tick(id=f"tick-{self.beats}", zone=ZONE, at=self.now, beat=self.beats)
        [(partition, offset)] = await self.runtime.embedded.append([tick])
        await self.runtime.embedded.answered(partition, offset)
        await self.runtime.settled()

    async def settled(self) -> None:
        """Wait until everything taken is answered and shown."""
        await self.runtime.pending.emptied()


@asynccontextmanager
async def serving(*, notify: bool = False, **changes: Any) -> AsyncIterator[Town]:
    """Start and stop everything; `changes` are settings."""
    settings = Settings(**{"port": 0, "beat_s": 0, "partitions": 4, "console": False, **changes})
    town: list[Town] = []
    runtime = Runtime(
        settings,
        InlineSolver(),
        durable=False,
        notify=notify,
        now=lambda: town[0].now if town else START,
        linger_s=0,
        explainer=InThread(),
    )
    server = HttpServer(runtime.app, settings.host, settings.port)
    await server.start()
    await runtime.start()
    try:
        async with httpx.AsyncClient(base_url=server.url) as http:
            town.append(Town(runtime, http))
            yield town[0]
    finally:
        if not runtime.readiness.draining:
            await runtime.stop()
        await server.stop()


async def open_zone(town: Town) -> None:
    """Open the zone: a place, a skill, people are offered as much as they can take."""
    policy = {"name": "default", "offers_per_day": 0, "notify": False}
    for path, body in (
        ("/places", {"place": "yard", "level": "compound", "name": "Yard", "point": POINT}),
        ("/skills", {"skill": "plumbing"}),
        ("/policy", {"policy": policy}),
    ):
        answer = await town.post(path, body)
        assert answer.status_code == 202, answer.text
    await town.settled()


async def register(town: Town, volunteer: str, **changes: Any) -> None:
    """Register a person who always can and lives in the yard."""
    body = {"volunteer": volunteer, "point": POINT, "skills": [{"skill": "plumbing"}], "hours": ALWAYS, **changes}
    assert (await town.post("/volunteers", body)).status_code == 202
