"""What every carrier of jobs must keep, and what it cannot: memory, Redis, RabbitMQ. Workers are killed for real."""

from __future__ import annotations

import os
import pickle
import queue
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from matcher.commands import JobOutcome, ReportJob
from services.adapters.contacts_memory import MemoryContacts
from services.adapters.jobs_kombu import KombuJobs, Publisher, Unconfirmed, connect
from services.contacts import Contact
from services.jobs import Notify
from services.metrics import Metrics
from services.queues import DELIVERY_LIMIT, notify_queue, parked_queue
from services.worker.consumer import Worker
from services.worker.sending import Telling
from tests.services.test_worker import job

ROOT = Path(__file__).parents[2]
WAIT_S = 60.0
#: How long Redis leaves a job with a dead worker, in these tests.
VISIBILITY_S = 1.0
REAL = [
    pytest.param("redis", marks=[pytest.mark.redis, pytest.mark.slow]),
    pytest.param("rabbitmq", marks=[pytest.mark.rabbitmq, pytest.mark.slow]),
]
BROKERS = ["memory", *REAL]


class Broker:
    """One queue of its own at a broker."""

    def __init__(self, kind: str, url: str) -> None:
        self.kind = kind
        self.url = url
        self.queue = notify_queue(f"test.{secrets.token_hex(6)}")
        self.parked = parked_queue(self.queue)

    def length(self, of: Any) -> int:
        """Jobs that wait in a queue."""
        with connect(self.url) as connection:
            return int(of.bind(connection.default_channel).queue_declare().message_count)

    def take(self, of: Any) -> Any:
        """Take one message, acknowledged; waits for it."""
        return waited(lambda: self._take(of))

    def _take(self, of: Any) -> Any:
        with connect(self.url) as connection:
            message = of.bind(connection.default_channel).get(accept=["json", "pickle"])
            if message is not None:
                message.ack()
            return message

    def delete(self, of: Any) -> None:
        """Remove a queue and its exchange."""
        with connect(self.url) as connection:
            removed(connection, of)


def removed(connection: Any, of: Any) -> None:
    """Remove a queue, its exchange, and what kombu would leave of them in Redis."""
    channel = connection.default_channel
    of.bind(channel).delete()
    of.exchange.bind(channel).delete()
    if connection.transport.driver_type == "redis":
        with channel.conn_or_acquire() as client:
            for kind in ("binding", "binding_permanent"):
                client.delete(f"_kombu.{kind}.{of.name}")


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    fixtures = {"redis": "redis_url", "rabbitmq": "amqp_url"}
    url = "memory://" if request.param == "memory" else request.getfixturevalue(fixtures[request.param])
    made = Broker(request.param, url)
    with connect(url) as connection:
        for one in (made.parked, made.queue):
            one.bind(connection.default_channel).declare()
    yield made
    for one in (made.queue, made.parked):
        made.delete(one)


class Running:
    """A worker of this process that tells nobody and reports here."""

    def __init__(self, broker: Broker) -> None:
        self.told: list[str] = []
        self.reports: queue.Queue[ReportJob] = queue.Queue()
        self.metrics = Metrics()
        telling = Telling(MemoryContacts(), self, self)
        connection = connect(broker.url, VISIBILITY_S)
        self.worker = Worker(connection, broker.queue, telling, self.reports.put, self.metrics, VISIBILITY_S)

    def send(self, contact: Contact, job: Notify) -> JobOutcome:
        self.told.append(job.key)
        return JobOutcome.SENT

    def __enter__(self) -> Running:
        self.worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.stop(WAIT_S)
        assert not self.worker.alive


def waited(look: Callable[[], Any]) -> Any:
    """Ask a real server until it says something."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("nothing came")


def published(broker: Broker, *jobs: Notify) -> Metrics:
    """Publish through the port; return what was counted."""
    metrics = Metrics()
    port = KombuJobs(broker.url, broker.queue, metrics)
    port.start()
    for one in jobs:
        port.publish(one)
    port.stop(WAIT_S)
    return metrics


class Victim:
    """A worker in a process of its own."""

    def __init__(self, broker: Broker, mode: str) -> None:
        program = [sys.executable, "-m", "tests.contracts.job_worker"]
        self.process = subprocess.Popen(
            [*program, broker.url, broker.queue.name, str(VISIBILITY_S), mode],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

    def taken(self) -> str:
        """Wait until it has a job in its hand."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_each_job_arrives_once_when_all_is_well(broker: Broker) -> None:
    metrics = published(broker, *(job(f"o{n}") for n in range(30)))
    with Running(broker) as running:
        reports = [running.reports.get(timeout=WAIT_S) for _ in range(30)]
    assert sorted(running.told) == sorted(f"notify:o{n}/1" for n in range(30))
    assert {report.outcome for report in reports} == {JobOutcome.SENT}
    assert running.reports.empty()
    assert (broker.length(broker.queue), broker.length(broker.parked)) == (0, 0)
    assert b'outcome="dropped"' not in metrics.exposition()[0]


@pytest.mark.parametrize("broker", REAL, indirect=True)
def test_a_job_comes_again_when_its_worker_is_killed_with_it_in_hand(broker: Broker) -> None:
    published(broker, job("o1"))
    victim = Victim(broker, "hold")
    try:
        assert victim.taken() == "taken notify:o1/1\n"
    finally:
        victim.kill()
    with Running(broker) as running:
        assert running.reports.get(timeout=WAIT_S).id == "report:notify:o1/1"
    assert running.told == ["notify:o1/1"]
    assert (broker.length(broker.queue), broker.length(broker.parked)) == (0, 0)


@pytest.mark.parametrize("broker", ["memory"], indirect=True)
def test_memory_gives_a_job_to_nobody_else_once_it_was_taken(broker: Broker) -> None:
    """What it cannot: the job goes with its process, and the journal issues it again."""
    published(broker, job("o1"))
    with connect(broker.url) as connection:
        assert broker.queue.bind(connection.default_channel).get() is not None
    assert broker.length(broker.queue) == 0


class Trap:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._mark),)


def test_a_pickle_is_never_opened_but_set_aside_as_it_is(broker: Broker, tmp_path: Path) -> None:
    mark = tmp_path / "opened"
    body = pickle.dumps(Trap(mark))
    with connect(broker.url) as connection, connection.Producer(auto_declare=False) as producer:
        producer.publish(
            body,
            exchange=broker.queue.exchange.name,
            routing_key=broker.queue.routing_key,
            content_type="application/x-python-serialize",
            content_encoding="binary",
        )
    published(broker, job("o1"))
    with Running(broker) as running:
        assert running.reports.get(timeout=WAIT_S).id == "report:notify:o1/1"
    message = broker.take(broker.parked)
    assert bytes(message.body) == body
    assert message.content_type == "application/x-python-serialize"
    assert message.headers["reason"] == "ContentDisallowed"
    assert not mark.exists()
    assert broker.length(broker.queue) == 0
    assert b'paidan_parked_total{reason="ContentDisallowed"' in running.metrics.exposition()[0]


@pytest.mark.parametrize("broker", [REAL[1]], indirect=True)
def test_a_job_that_no_queue_would_take_is_an_error_to_the_publisher(broker: Broker) -> None:
    publisher = Publisher(broker.url, notify_queue(f"{broker.queue.name}.nowhere"), declare=False)
    with pytest.raises(Unconfirmed):
        publisher.send(job("o1"))
    publisher.close()
    broker.delete(broker.queue)
    publisher = Publisher(broker.url, broker.queue, declare=False)
    with pytest.raises(Unconfirmed):
        publisher.send(job("o1"))
    publisher.close()


def test_a_queue_that_was_deleted_under_the_publisher_is_made_again(broker: Broker) -> None:
    metrics = Metrics()
    port = KombuJobs(broker.url, broker.queue, metrics)
    port.start()
    port.publish(job("o1"))
    broker.take(broker.queue)
    broker.delete(broker.queue)
    port.publish(job("o2"))
    port.stop(WAIT_S)
    assert broker.take(broker.queue).decode()["job"] == "notify:o2"
    assert b'outcome="dropped"' not in metrics.exposition()[0]


class Away(Running):
    """A worker whose log is away until it was asked so often."""

    def __init__(self, broker: Broker, times: int) -> None:
        super().__init__(broker)
        self.asked = 0
        self._times = times
        self.worker._report = self._log

    def _log(self, report: ReportJob) -> None:
        self.asked += 1
        if self.asked <= self._times:
            raise TimeoutError
        self.reports.put(report)


def test_a_log_that_is_away_longer_than_a_report_is_tried_makes_no_worker_deaf_and_no_job_deadly(
    broker: Broker,
) -> None:
    published(broker, job("o1"), job("o2"))
    with Away(broker, times=2 * DELIVERY_LIMIT) as running:
        reports = [running.reports.get(timeout=WAIT_S).id for _ in range(2)]
    assert reports == ["report:notify:o1/1", "report:notify:o2/1"]
    assert running.told == ["notify:o1/1", "notify:o2/1"]
    assert (broker.length(broker.queue), broker.length(broker.parked)) == (0, 0)


@pytest.mark.parametrize("broker", REAL, indirect=True)
def test_a_job_whose_work_times_out_comes_again_and_the_worker_hears(broker: Broker) -> None:
    published(broker, job("o1"), job("o2"))
    made = Running(broker)
    work, failures = made.worker.work, [TimeoutError(), TimeoutError()]

    def working(taken: Notify, message: Any) -> None:
        if failures:
            raise failures.pop()
        work(taken, message)

    made.worker.work = working  # type: ignore[method-assign]
    with made as running:
        reports = {running.reports.get(timeout=WAIT_S).id for _ in range(2)}
    assert reports == {"report:notify:o1/1", "report:notify:o2/1"}
    assert not failures


@pytest.mark.parametrize("broker", REAL, indirect=True)
def test_a_worker_that_is_stopped_while_the_log_is_away_leaves_its_job_to_another(broker: Broker) -> None:
    published(broker, job("o1"))
    with Away(broker, times=10**9) as stopped:
        waited(lambda: stopped.asked)
    assert stopped.reports.empty()
    with Running(broker) as running:
        assert running.reports.get(timeout=WAIT_S).id == "report:notify:o1/1"


@pytest.mark.parametrize("broker", REAL, indirect=True)
def test_a_job_that_kills_its_workers_does_not_do_so_for_ever(broker: Broker) -> None:
    published(broker, job("o1"))
    deaths = 0
    while broker.length(broker.parked) == 0:
        victim = Victim(broker, "die")
        waited(lambda it=victim: it.process.poll() is not None or broker.length(broker.parked))
        deaths += victim.process.poll() == 9
        victim.kill()
        assert deaths <= DELIVERY_LIMIT + 2
    assert deaths >= 1
    parked = broker.take(broker.parked)
    assert parked.decode()["job"] == "notify:o1"
    published(broker, job("o2"))
    with Running(broker) as running:
        assert running.reports.get(timeout=WAIT_S).id == "report:notify:o2/1"
    assert running.told == ["notify:o2/1"]


def test_a_broker_that_is_away_holds_nobody_and_the_loss_is_counted() -> None:
    metrics = Metrics()
    port = KombuJobs("amqp://guest:guest@127.0.0.1:9//", notify_queue("test.away"), metrics)
    port.start()
    port.publish(job("o1"))
    port.stop(WAIT_S)
    assert b'outcome="dropped"' in metrics.exposition()[0]


def test_a_transport_that_loses_jobs_by_design_is_refused() -> None:
    with pytest.raises(ValueError, match="confluentkafka"):
        connect("confluentkafka://127.0.0.1:9092")


class Held(Running):
    """A worker whose receiver does not answer until it is let go."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(broker)
        self.go = threading.Event()

    def send(self, contact: Contact, job: Notify) -> JobOutcome:
        self.told.append(job.key)
        self.go.wait(WAIT_S)
        return JobOutcome.SENT


def test_a_scrape_says_how_many_jobs_wait_and_how_old_the_one_in_hand_is(broker: Broker) -> None:
    published(broker, job("o1"), job("o2"), job("o3"))
    with Held(broker) as running:
        waited(lambda: running.told)
        first, second = _scraped(running), waited(lambda: _older(running, _scraped(running)[1]))
        running.go.set()
        waited(lambda: running.reports.qsize() == 3)
        waited(lambda: _scraped(running) == (0.0, 0.0))
    # Whether the job in hand still counts as waiting depends on when the broker was asked.
    assert first[0] in (2, 3)
    assert second > first[1] > 0


def _scraped(running: Running) -> tuple[float, float]:
    lines = running.metrics.exposition()[0].decode().splitlines()
    depth, age = (
        float(line.split()[1])
        for name in ("depth", "oldest_job_age_seconds")
        for line in lines
        if line.startswith(f'paidan_queue_{name}{{queue="notify"}}')
    )
    return depth, age


def _older(running: Running, than_s: float) -> float | None:
    age_s = _scraped(running)[1]
    return age_s if age_s > than_s else None
