"""The whole process with its jobs at a real broker: an offer becomes a job, the job a report in the journal."""

from __future__ import annotations

import asyncio
import secrets
import time

import pytest

from services.adapters.jobs_kombu import connect
from services.queues import NOTIFY, notify_queue, parked_queue
from tests.contracts.test_jobs import removed
from tests.serving import POINT, open_zone, register, serving

WAIT_S = 30.0


@pytest.mark.parametrize(
    "url_fixture",
    [
        pytest.param("redis_url", marks=pytest.mark.redis),
        pytest.param("amqp_url", marks=pytest.mark.rabbitmq),
    ],
)
def test_an_offer_is_told_by_a_job_over_the_broker_and_reported(
    request: pytest.FixtureRequest, url_fixture: str
) -> None:
    url = request.getfixturevalue(url_fixture)
    prefix = f"t{secrets.token_hex(6)}."

    async def story() -> None:
        async with serving(notify=True, prefix=prefix, **{url_fixture.removesuffix("_url"): url}) as town:
            await open_zone(town)
            await town.post("/policy", {"policy": {"name": "default", "offers_per_day": 0, "notify": True}})
            await register(town, "ana")
            asked = {"request": "r1", "point": POINT, "requirements": [{"skills": [{"skill": "plumbing"}]}]}
            assert (await town.post("/requests", asked)).status_code == 202
            await town.settled()
            await town.beat()
            until = time.monotonic() + WAIT_S
            told = 'paidan_notifications_total{channel="none",outcome="no_contact"} 1.0'
            while told not in (await town.http.get("/metrics")).text:
                assert time.monotonic() < until, (await town.http.get("/metrics")).text
                await asyncio.sleep(0.05)
            while town.runtime.announcing is not None and town.runtime.announcing.open:
                assert time.monotonic() < until
                await asyncio.sleep(0.05)

    try:
        asyncio.run(story())
    finally:
        with connect(url, prefix=prefix) as connection:
            source = notify_queue(prefix + NOTIFY)
            for one in (source, parked_queue(source)):
                removed(connection, one)
