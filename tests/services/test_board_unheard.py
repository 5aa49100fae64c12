"""Commands while the board does not answer: they are taken, because the log is all that they need."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import httpx
import pytest

from matcher.commands import Command
from services.adapters.board_memory import MemoryBoard
from services.api import app as api
from services.board import Answer, BoardAway, Kind
from tests.services.test_health import context
from tests.serving import POINT

BODY = {"request": "r1", "point": POINT}


class Away(MemoryBoard):
    """Says at once that it cannot be reached."""

    async def get(self, zone: str, kind: Kind, id: str) -> Answer:
        raise BoardAway("gone")


class Silent(MemoryBoard):
    """Never answers."""

    async def get(self, zone: str, kind: Kind, id: str) -> Answer:
        return await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("board", [Away, Silent])
def test_a_command_is_taken_once_and_a_question_is_told_to_come_again(board: type[MemoryBoard]) -> None:
    appended: list[Command] = []

    async def append(commands: Sequence[Command]) -> list[tuple[int, int]]:
        appended.extend(commands)
        return [(0, len(appended))]

    async def story() -> None:
        transport = httpx.ASGITransport(api.create(replace(context(), append=append, board=board(1))))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            for _ in range(2):
                headers = {"Idempotency-Key": "k1", "X-Client-Id": "c1"}
                taken = await http.post("/zones/z1/requests", json=BODY, headers=headers)
                assert taken.status_code == 202
            other = {**BODY, "request": "r2"}
            assert (await http.post("/zones/z1/requests", json=other, headers=headers)).status_code == 422
            if board is Away:
                shown = await http.get("/zones/z1/requests/r1")
                assert (shown.status_code, shown.headers["Retry-After"]) == (503, "1")
        assert len(appended) == 1

    asyncio.run(story())
