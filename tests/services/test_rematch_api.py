"""The routes of the week's batch: for staff, decided like every command."""

from __future__ import annotations

import asyncio

import pytest

from tests.serving import ZONE, open_zone, serving

STAFF = {"X-Audience": "staff"}
START = {"rematch": "w1", "week": "2026-03-04", "iterations": 5}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("rematches", START),
        ("rematches/w1/end", {}),
        ("plans/w1/publish", {}),
        ("plans/w1/notify", {}),
        ("plans/w1/rollback", {}),
    ],
)
def test_a_batch_and_its_plan_are_staffs_and_a_no_comes_back_with_its_reason(path: str, body: dict) -> None:
    async def story() -> None:
        async with serving() as town:
            await open_zone(town)
            url = f"/zones/{ZONE}/{path}"
            assert (await town.http.post(url, json=body)).status_code == 403
            taken = await town.http.post(url, json=body, headers=STAFF)
            assert taken.status_code == 202
            await town.settled()
            receipt = (await town.http.get(taken.json()["receipt"])).json()["command"]
            assert receipt["state"] == "refused"

    asyncio.run(story())
