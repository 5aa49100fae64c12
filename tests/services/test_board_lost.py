"""A Redis that goes away, comes back empty, or is emptied under load: the board comes back by itself (I-10)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from matcher.commands import CancelRequest
from services.adapters.board_memory import MemoryBoard
from services.adapters.board_redis import RedisBoard
from services.adapters.redis_rebuild import rebuild
from services.board import Board
from tests.apart import WAIT_S, OwnRedis, apart, own_redis
from tests.benchmarks.board_lost import measure, said
from tests.contracts.conftest import PARTITIONS
from tests.contracts.test_board_redis import entries, same, tell
from tests.serving import POINT, START, ZONE, Town, open_zone, register

pytestmark = pytest.mark.redis
ASKED = {"point": POINT, "requirements": [{"skills": [{"skill": "plumbing"}]}]}


def played(folder: Path, story: Callable[[Town, OwnRedis], Awaitable[None]]) -> None:
    """Play on a Redis of our own; at the end the board must be what the journal says."""

    async def run(server: OwnRedis) -> None:
        async with apart(server.url, partitions=PARTITIONS) as town:
            await open_zone(town)
            await register(town, "ana")
            assert (await town.post("/requests", {"request": "r0", **ASKED})).status_code == 202
            await town.settled()
            await story(town, server)
            await compared(town)

    with own_redis(folder) as server:
        asyncio.run(run(server))


async def compared(town: Town) -> None:
    """Deep compare: every view, list and receipt with the fold of the journal in memory."""
    runtime: Any = town.runtime
    await runtime.settled()
    told, memory = await entries(runtime.log, at_least=5), MemoryBoard(PARTITIONS)
    await tell(memory, told)
    board: Board = runtime.board
    assert await same(memory, board, told) > 5
    assert not (await board.get(ZONE, "zone", ZONE)).stale


async def until_answered(town: Town, path: str, statuses: set[int]) -> Any:
    """Ask until it is 200; anything between must be one of `statuses`."""
    until = time.monotonic() + WAIT_S
    while (answer := await town.http.get(path)).status_code != 200:
        assert answer.status_code in statuses, answer.text
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
    return answer.json()


def test_without_redis_answers_are_503_commands_are_taken_and_nothing_is_lost(tmp_path: Path) -> None:
    async def story(town: Town, server: OwnRedis) -> None:
        await town.runtime.settled()
        taken = await town.post("/requests", {"request": "r1", **ASKED})
        server.stop()
        answer = await town.http.get(f"/zones/{ZONE}/requests/r0")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert (await town.post("/skills", {"skill": "a"})).status_code == 202
        unready = await town.http.get("/readyz")
        assert (unready.status_code, unready.json()["checks"]["board"]["ok"]) == (503, False)
        cancel = CancelRequest(id="direct", zone=ZONE, at=START, request="r0")
        [place] = await town.runtime.embedded.append([cancel])
        await town.runtime.embedded.answered(*place)
        server.start()
        shown = await until_answered(town, taken.headers["Location"], {503})
        assert shown["command"]["state"] in ("pending", "answered")
        await town.settled()
        assert (await until_answered(town, taken.headers["Location"], {503}))["command"]["state"] == "answered"
        assert (await until_answered(town, f"/zones/{ZONE}/requests/r0", {503}))["request"]["state"] == "cancelled"
        assert (await town.http.get("/readyz")).status_code == 200

    played(tmp_path, story)


def test_a_redis_emptied_under_load_never_makes_the_api_say_that_something_is_not_there(tmp_path: Path) -> None:
    async def story(town: Town, server: OwnRedis) -> None:
        runtime: Any = town.runtime
        known: list[str] = [f"/zones/{ZONE}/requests/r0"]
        wrong: list[Any] = []
        done = asyncio.Event()

        async def load() -> None:
            for n in range(1, 60):
                if n % 15 == 0:
                    await runtime.client.flushall()
                answer = await town.post("/requests", {"request": f"r{n}", **ASKED})
                if answer.status_code == 202:
                    known.append(answer.headers["Location"])
            done.set()

        async def look() -> None:
            n = 0
            while not done.is_set():
                answer = await town.http.get(known[n % len(known)])
                n += 1
                if answer.status_code not in (200, 503):
                    wrong.append((answer.status_code, answer.text))

        await asyncio.gather(load(), look())
        assert wrong == []
        await town.settled()
        for path in known:
            shown = await until_answered(town, path, {503})
            assert shown.get("command", {"state": "answered"})["state"] == "answered"

    played(tmp_path, story)


def test_a_board_rebuilt_while_it_is_served_answers_stale_and_never_wrongly(tmp_path: Path) -> None:
    """Readers that have seen it before, and one that has seen nothing: what was shown once is shown, or said to lag."""

    async def story(town: Town, server: OwnRedis) -> None:
        runtime: Any = town.runtime
        shown: dict[str, int] = {}
        wrong: list[Any] = []
        marked = 0
        done = asyncio.Event()

        async def load() -> None:
            n = 0
            while not done.is_set():
                n += 1
                answer = await town.post("/requests", {"request": f"r{n}", **ASKED})
                assert answer.status_code == 202
                await town.settled()
                shown[f"r{n}"] = 1

        async def look() -> None:
            nonlocal marked
            n = 0
            while not done.is_set():
                n += 1
                if not shown:
                    await asyncio.sleep(0)
                    continue
                name = list(shown)[n % len(shown)]
                seen = await RedisBoard(runtime.client, PARTITIONS, prefix=runtime.prefix).get(ZONE, "request", name)
                marked += seen.stale
                if seen.found is None and not seen.stale:
                    wrong.append(name)
                answer = await town.http.get(f"/zones/{ZONE}/requests/{name}")
                if answer.status_code not in (200, 503):
                    wrong.append((name, answer.status_code))

        async def again() -> None:
            until, times = time.monotonic() + WAIT_S, 0
            while times < 5 or not marked:
                assert time.monotonic() < until, "nobody ever saw the mark"
                await asyncio.sleep(0.05)
                await rebuild(runtime.client, runtime.log, PARTITIONS, prefix=runtime.prefix)
                times += 1
            done.set()

        await asyncio.gather(load(), look(), again())
        assert wrong == []
        await town.settled()

    played(tmp_path, story)


def test_the_measured_flush_of_a_town_is_right_again_and_nobody_was_told_wrongly(tmp_path: Path) -> None:
    """`make bench-board` with fewer objects."""
    with own_redis(tmp_path) as server:
        found = asyncio.run(measure(600, server.url))
    assert found.wrong == [], said(found)
    assert found.compared > 600
    assert found.looked_stale > 0
