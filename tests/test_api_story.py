"""The whole chain over real HTTP: two hundred requests from submitting to closing, by a handful of people."""

from __future__ import annotations

import asyncio

import pytest

from tests.serving import POINT, START, Town, open_zone, register, serving

PEOPLE = 8
REQUESTS = 200
BEATS_MAX = 200


async def _answer_offers(town: Town, volunteer: str) -> None:
    found = await town.get(f"/volunteers/{volunteer}/offers", state="sent")
    for offer in found["offers"]:
        for path in ("offers/{}/accept", "assignments/{}/depart", "assignments/{}/arrive", "assignments/{}/finish"):
            answer = await town.post("/" + path.format(offer["offer"]))
            assert answer.status_code == 202, answer.text


async def _rate(town: Town, request: str) -> None:
    answer = await town.post(f"/requests/{request}/rate", {"effect": 5, "conduct": 4})
    assert answer.status_code == 202, answer.text


async def _rate_completed(town: Town) -> None:
    found = await town.get("/requests", state="completed", limit=1000)
    await asyncio.gather(*(_rate(town, view["request"]) for view in found["requests"]))


async def _play(town: Town) -> list[str]:
    receipts = []
    await open_zone(town)
    for n in range(PEOPLE):
        await register(town, f"v{n}")
    for n in range(REQUESTS):
        body = {
            "request": f"r{n}",
            "point": {"lat": POINT["lat"] + n * 1e-5, "lon": POINT["lon"]},
            "place": "yard",
            "requirements": [{"skills": [{"skill": "plumbing"}]}],
            "earliest": START.isoformat(),
            "latest": "2026-04-02T00:00:00+08:00",
            "duration_minutes": 20,
        }
        answer = await town.post("/requests", body, headers={"Idempotency-Key": f"submit-{n}"})
        receipts.append(answer.headers["Location"])
    await town.settled()
    while town.beats < BEATS_MAX:
        await town.beat()
        await asyncio.gather(*(_answer_offers(town, f"v{n}") for n in range(PEOPLE)))
        await town.settled()
        await _rate_completed(town)
        await town.settled()
        if (await town.get())["zone"]["requests"] == {"closed": REQUESTS}:
            break
    return receipts


@pytest.mark.slow
def test_two_hundred_requests_go_from_submitted_to_closed_over_http() -> None:
    async def story() -> None:
        async with serving() as town:
            receipts = await _play(town)
            zone = (await town.get())["zone"]
            assert zone["requests"] == {"closed": REQUESTS}
            assert (zone["ordered"], zone["accepted"], zone["rated"]) == (REQUESTS, REQUESTS, REQUESTS)
            assert zone["dispatched"] >= REQUESTS
            assert zone["followed"] == 0
            for receipt in receipts:
                shown = (await town.http.get(receipt)).json()["command"]
                assert shown["state"] == "answered", shown
            one = (await town.get("/requests/r0"))["request"]
            assert (one["state"], one["outcome"], one["effect"], one["conduct"]) == ("closed", "fulfilled", 5, 4)
            metrics = (await town.http.get("/metrics")).text
            assert f'paidan_offers_total{{outcome="accepted"}} {REQUESTS}.0' in metrics
            assert f'paidan_requests_total{{channel="api"}} {REQUESTS}.0' in metrics

    asyncio.run(story())
