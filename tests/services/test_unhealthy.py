"""Real parts that stand still, and what their process says of itself (I-23): nothing is dead and nothing has failed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.adapters.contacts_memory import MemoryContacts
from services.adapters.jobs_kombu import connect
from services.metrics import Metrics
from services.queues import notify_queue
from services.worker.consumer import Worker
from services.worker.sending import Telling
from tests.contracts.test_jobs import Broker, Held, published, removed, waited
from tests.processes import Served, until
from tests.services.test_worker import job
from tests.serving import ALWAYS, POINT

SHORT_S = 2.0
KINDS = [
    pytest.param("redis_url", marks=pytest.mark.redis),
    pytest.param("amqp_url", marks=pytest.mark.rabbitmq),
]
pytestmark = pytest.mark.slow


class Stuck(Served):
    """`paidan …` whose solver never comes back."""

    program = ("-m", "tests.soak.slowly", "inf")


def test_a_partition_that_answers_nothing_although_the_log_answers_makes_its_process_unhealthy(tmp_path: Path) -> None:
    its = Stuck(tmp_path, "up", "--data", str(tmp_path / "data"), "--port", "0", PAIDAN_SOLVE_GUARD_S="100000")
    try:
        with httpx.Client(base_url=its.url, timeout=30) as http:
            asked: list[tuple[str, dict[str, Any]]] = [
                ("places", {"place": "yard", "level": "compound", "name": "Yard", "point": POINT}),
                ("skills", {"skill": "plumbing"}),
                (
                    "volunteers",
                    {"volunteer": "ana", "point": POINT, "skills": [{"skill": "plumbing"}], "hours": ALWAYS},
                ),
                ("requests", {"request": "r1", "point": POINT, "requirements": [{"skills": [{"skill": "plumbing"}]}]}),
            ]
            for path, body in asked:
                assert http.post(f"/zones/z1/{path}", json=body).status_code == 202
            assert http.get("/readyz").status_code == 200
            answer = until(lambda: _not_ok(http.get("/readyz")))
            assert "writer: nothing taken" in answer["checks"]["partitions"]["last_error"]
            assert answer["checks"]["log"]["ok"]
            until(lambda: _not_ok(http.get("/livez")))
    finally:
        its.kill()


def _not_ok(answer: httpx.Response) -> Any:
    return answer.json() if answer.status_code == 503 else None


class Deaf(Worker):
    """Its loop turns, its broker answers, and nothing is brought to it: it listens in another place."""

    elsewhere: Any

    def get_consumers(self, consumer: Any, channel: Any) -> list[Any]:
        return [consumer([self.elsewhere], on_message=self.take, accept=["json"], prefetch_count=1)]


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest) -> Any:
    made = Broker(request.param, request.getfixturevalue(request.param))
    yield made
    for one in (made.queue, made.parked):
        made.delete(one)


def test_a_worker_to_which_nothing_is_brought_although_jobs_wait_says_so(broker: Broker) -> None:
    nobody: Any = None
    worker = Deaf(connect(broker.url), broker.queue, Telling(MemoryContacts(), nobody, nobody), nobody, Metrics())
    worker.elsewhere = notify_queue(f"{broker.queue.name}.elsewhere")
    published(broker, job("o1"), job("o2"))
    worker.start()
    try:
        words = waited(lambda: worker.hearing.trouble(silent_s=SHORT_S))
    finally:
        worker.stop(30)
        with connect(broker.url) as connection:
            removed(connection, worker.elsewhere)
    assert words.startswith("(2) jobs wait, none was taken")
    assert worker.away is None


def test_a_worker_that_takes_a_job_and_never_ends_it_says_so(broker: Broker) -> None:
    published(broker, job("o1"))
    with Held(broker) as running:
        words = waited(lambda: running.worker.hearing.trouble(in_hand_s=SHORT_S))
        running.go.set()
        waited(lambda: running.reports.qsize() == 1 and running.worker.hearing.trouble() is None)
    assert words.startswith("a job is in hand")


def test_a_worker_that_is_well_says_nothing_while_jobs_come_and_go(broker: Broker) -> None:
    with Held(broker) as running:
        running.go.set()
        until_s = time.monotonic() + 2 * SHORT_S
        n = 0
        while time.monotonic() < until_s:
            published(broker, job(f"o{n}"))
            n += 1
            assert running.worker.hearing.trouble(SHORT_S, SHORT_S) is None
        waited(lambda: running.reports.qsize() == n)
