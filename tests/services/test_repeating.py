"""A command that is sent again while its first append is under way: nobody is told "taken" before the log has it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import httpx
import pytest

from matcher.commands import Command
from services.api import app as api
from services.ports import AppendUncertain
from tests.services.test_health import context
from tests.serving import POINT

BODY = {"request": "r1", "point": POINT}
HEADERS = {"Idempotency-Key": "k1", "X-Client-Id": "c1"}


class SlowLog:
    """Appends end when the test says so, as the test says."""

    def __init__(self) -> None:
        self.asked = 0
        self.end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def append(self, commands: Sequence[Command]) -> list[tuple[int, int]]:
        self.asked += len(commands)
        return [(0, await asyncio.shield(self.end))]


async def _turns() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


async def _twice(log: SlowLog) -> list[asyncio.Task[httpx.Response]]:
    """Ask, and ask again while the first append is under way."""
    transport = httpx.ASGITransport(api.create(replace(context(), append=log.append)))
    http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
    asks = []
    for _ in range(2):
        asks.append(asyncio.create_task(http.post("/zones/z1/requests", json=BODY, headers=HEADERS)))
        await _turns()
    return asks


def test_a_repeat_waits_for_the_append_and_both_are_told_taken() -> None:
    async def story() -> None:
        log = SlowLog()
        asks = await _twice(log)
        assert not any(ask.done() for ask in asks)
        log.end.set_result(7)
        assert [(await ask).status_code for ask in asks] == [202, 202]
        assert log.asked == 1

    asyncio.run(story())


@pytest.mark.parametrize("error", [AppendUncertain("no answer")])
def test_when_the_append_fails_nobody_was_told_taken_and_the_next_one_appends(error: Exception) -> None:
    async def story() -> None:
        log = SlowLog()
        asks = await _twice(log)
        log.end.set_exception(error)
        assert [(await ask).status_code for ask in asks] == [503, 503]
        log.end = asyncio.get_running_loop().create_future()
        log.end.set_result(8)
        asks = await _twice(log)
        assert [(await ask).status_code for ask in asks] == [202, 202]
        assert log.asked == 2

    asyncio.run(story())
