"""The service on brokers: stream, worker and API as processes of their own, killed, told to end, misconfigured."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.adapters.board_redis import connect as connect_redis
from services.adapters.jobs_kombu import connect as connect_jobs
from services.queues import NOTIFY, REMATCH, REMATCH_KEYS, notify_queue, parked_queue, rematch_queue
from services.verify import verify
from tests.brokers import fresh_topics, kafka, needs_kafka, opened
from tests.contracts.test_jobs import removed
from tests.processes import RUN, Served, ready, until
from tests.services.test_worker import Receiver
from tests.serving import ALWAYS, POINT
from tests.shell import ROOT, clean_environment

PARTITIONS = 2
HTTP_S = 30.0
ROLES = ("stream", "worker", "api")
ON_BROKERS = [*needs_kafka, pytest.mark.redis, pytest.mark.rabbitmq, pytest.mark.slow]


class Town:
    """One installation under a prefix of its own, and what its processes are told."""

    def __init__(self, prefix: str, folder: Path, redis: str, amqp: str | None) -> None:
        self.prefix = prefix
        self.folder = folder
        self.environment = {
            "PAIDAN_KAFKA": kafka(),
            "PAIDAN_REDIS": redis,
            **({} if amqp is None else {"PAIDAN_AMQP": amqp}),
            "PAIDAN_PREFIX": prefix,
            "PAIDAN_PARTITIONS": str(PARTITIONS),
            "PAIDAN_TRIAL": "true",
            "PAIDAN_DATA_DIR": str(folder / "data"),
            "PAIDAN_PORT": "0",
            "PAIDAN_BEAT_S": "0.2",
        }
        self.running = ExitStack()
        self.started = 0

    def start(self, *arguments: str, **changes: str) -> Served:
        """Start one process; it is killed at the end if it has not ended."""
        self.started += 1
        folder = self.folder / f"{self.started}-{arguments[-1]}"
        made = Served(folder, *arguments, **{**self.environment, **changes})
        self.running.callback(made.kill)
        return made


@contextmanager
def town(folder: Path, redis: str, amqp: str | None) -> Iterator[Town]:
    """Make the topics; delete everything under the prefix at the end."""
    with asyncio.Runner() as loop:
        topics = fresh_topics(PARTITIONS)
        made = Town(loop.run(topics.__aenter__()), folder, redis, amqp)
        try:
            with made.running:
                yield made
        finally:
            loop.run(topics.__aexit__(None, None, None))
            loop.run(_forget_board(made, redis))
            for source, keys in (
                (notify_queue(made.prefix + NOTIFY), made.prefix),
                (rematch_queue(made.prefix + REMATCH), made.prefix + REMATCH_KEYS),
            ):
                with connect_jobs(amqp or redis, prefix=keys) as connection:
                    for one in (source, parked_queue(source)):
                        removed(connection, one)


async def _forget_board(its: Town, redis: str) -> None:
    client = connect_redis(redis)
    keys = [key async for key in client.scan_iter(match=f"{its.prefix}*")]
    if keys:
        await client.unlink(*keys)
    await client.aclose()


class Asking:
    """A client of one API, in one zone."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._zone = f"{url}/zones/z1"

    def post(self, path: str, body: dict[str, Any] | None = None) -> str:
        """Ask something; return the receipt's address."""
        answer = httpx.post(self._zone + path, json=body or {}, timeout=HTTP_S)
        assert answer.status_code == 202, answer.text
        return answer.headers["Location"]

    def put_contact(self, person: str, webhook: str) -> None:
        """Say where a person is told."""
        assert (
            httpx.put(f"{self._zone}/contacts/{person}", json={"webhook": webhook}, timeout=HTTP_S).status_code == 204
        )

    def shown(self, path: str) -> Any:
        """What the board shows there, or None."""
        answer = httpx.get(self._zone + path, timeout=HTTP_S)
        assert answer.status_code in (200, 404), answer.text
        return answer.json() if answer.status_code == 200 else None

    def answered(self, receipt: str) -> None:
        """Wait until it is answered, and not refused."""
        path = receipt.removeprefix("/zones/z1")
        shown = until(lambda: self._state(path) not in (None, "pending") and self.shown(path))
        assert shown["command"]["state"] == "answered", shown

    def _state(self, path: str) -> str | None:
        shown = self.shown(path)
        return None if shown is None else str(shown["command"]["state"])


def open_zone(asking: Asking, webhook: str) -> None:
    """A place, a skill, and ana who has it, always can, and is told by a webhook."""
    asking.put_contact("ana", webhook)
    person = {"volunteer": "ana", "point": POINT, "skills": [{"skill": "plumbing"}], "hours": ALWAYS}
    for path, body in (
        ("/places", {"place": "yard", "level": "compound", "name": "Yard", "point": POINT}),
        ("/skills", {"skill": "plumbing"}),
        ("/volunteers", person),
    ):
        asking.answered(asking.post(path, body))


def ask_for_a_plumber(asking: Asking, request: str = "r1") -> str:
    """Submit a request; return its receipt."""
    body = {"request": request, "point": POINT, "requirements": [{"skills": [{"skill": "plumbing"}]}]}
    return asking.post("/requests", body)


def serve_the_offer(asking: Asking) -> None:
    """Wait for the offer to ana and do all that she would do, up to the end of her visit."""

    def sent() -> str | None:
        found = asking.shown("/volunteers/ana/offers?state=sent")
        return found["offers"][0]["offer"] if found and found["offers"] else None

    offer = until(sent)
    for path in ("offers/{}/accept", "assignments/{}/depart", "assignments/{}/arrive", "assignments/{}/finish"):
        asking.answered(asking.post("/" + path.format(offer)))


async def verdict_of(its: Town) -> Any:
    """What the independent checker says of the log."""
    async with opened(its.prefix, PARTITIONS) as log:
        return await verify(log, PARTITIONS)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def its(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> Iterator[Town]:
    """A town whose jobs travel over `request.param`."""
    amqp = request.getfixturevalue("amqp_url") if request.param == "rabbitmq" else None
    with town(tmp_path, redis_url, amqp) as made:
        yield made


over_rabbitmq = pytest.mark.parametrize("its", ["rabbitmq"], indirect=True)
over_redis = pytest.mark.parametrize("its", ["redis"], indirect=True)


def served_once(its: Town, requests: int) -> None:
    """Assert that every command has one answer; a last Tick or report may come after the stream has ended."""
    verdict = asyncio.run(verdict_of(its))
    lost = verdict.lost - verdict.unanswered_at_the_end
    wrong = (lost, verdict.answered_twice, verdict.double_bookings, verdict.parked_without_bytes)
    assert wrong == (0, 0, 0, 0), verdict.findings
    assert verdict.entries > 0
    assert (verdict.requests, verdict.closed + verdict.open) == (requests, requests)


class TestOnBrokers:
    """On the real ones, under a prefix of its own."""

    pytestmark = ON_BROKERS

    @over_rabbitmq
    def test_three_processes_carry_a_request_from_asking_to_done_and_end_when_told(
        self, its: Town, receiver: Receiver
    ) -> None:
        processes = {role: its.start("serve", role) for role in ROLES}
        for process in processes.values():
            until(lambda url=process.url: ready(url), lambda each=process: httpx.get(f"{each.url}/readyz").text)
            assert httpx.get(f"{process.url}/startupz").status_code == 200
            assert httpx.get(f"{process.url}/livez").json()["ok"]
        asking = Asking(processes["api"].url)
        open_zone(asking, receiver.url)
        asking.answered(ask_for_a_plumber(asking))
        serve_the_offer(asking)
        until(lambda: asking.shown("/requests/r1")["request"]["state"] == "completed")
        sent = 'paidan_notifications_total{channel="webhook",outcome="sent"} 1.0'
        until(lambda: sent in httpx.get(f"{processes['worker'].url}/metrics").text)
        assert list(receiver.keys.values()) == [1]
        figures = httpx.get(f"{processes['stream'].url}/metrics").text
        assert f"paidan_stream_assigned_partitions {PARTITIONS}.0" in figures
        assert "paidan_commands_unanswered_limit" in httpx.get(f"{asking.url}/metrics").text
        codes = {role: process.end() for role, process in processes.items()}
        assert codes == dict.fromkeys(ROLES, 0), {role: process.said for role, process in processes.items()}
        assert "not everything was closed" not in "".join(process.said for process in processes.values())
        served_once(its, 1)

    @over_redis
    def test_a_killed_stream_goes_on_where_it_was_and_nobody_is_told_twice(self, its: Town, receiver: Receiver) -> None:
        stream = its.start("serve", "stream", PAIDAN_MEMBER="s1")
        its.start("serve", "worker")
        asking = Asking(its.start("serve", "api").url)
        until(lambda: ready(stream.url))
        open_zone(asking, receiver.url)
        receipts = [ask_for_a_plumber(asking)]
        until(lambda: receiver.keys)
        stream.kill()
        receipts += [ask_for_a_plumber(asking, f"r{n}") for n in range(2, 12)]
        assert asking.shown(receipts[-1].removeprefix("/zones/z1"))["command"]["state"] == "pending"
        again = its.start("serve", "stream", PAIDAN_MEMBER="s1")
        for receipt in receipts:
            asking.answered(receipt)
        serve_the_offer(asking)
        assert again.end() == 0
        assert set(receiver.keys.values()) == {1}
        served_once(its, 11)

    @over_redis
    def test_up_on_brokers_is_all_three_in_one_process(self, its: Town, receiver: Receiver) -> None:
        up = its.start("up")
        until(lambda: ready(up.url), lambda: httpx.get(f"{up.url}/readyz").text)
        asking = Asking(up.url)
        open_zone(asking, receiver.url)
        asking.answered(ask_for_a_plumber(asking))
        serve_the_offer(asking)
        until(lambda: asking.shown("/requests/r1")["request"]["state"] == "completed")
        checks = httpx.get(f"{up.url}/readyz").json()["checks"]
        assert {"log", "board", "partitions", "worker", "unanswered"} <= checks.keys()
        assert up.end(signal.SIGINT) == 130, up.said
        served_once(its, 1)


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TestWrongBrokers:
    """Each end has its code and says which broker, and what to do."""

    pytestmark = ON_BROKERS

    def test_a_broker_that_is_away_ends_each_role_with_4_and_its_name(
        self, tmp_path: Path, redis_url: str, amqp_url: str
    ) -> None:
        away = f"127.0.0.1:{closed_port()}"
        cases = [
            ("stream", {"PAIDAN_KAFKA": away}, "Kafka", "PAIDAN_KAFKA"),
            ("stream", {"PAIDAN_REDIS": f"redis://:hidden@{away}/0"}, "Redis", "PAIDAN_REDIS"),
            ("api", {"PAIDAN_REDIS": f"redis://:hidden@{away}/0"}, "Redis", "PAIDAN_REDIS"),
            ("worker", {"PAIDAN_AMQP": f"amqp://u:hidden@{away}//"}, "RabbitMQ", "PAIDAN_AMQP"),
        ]
        with town(tmp_path, redis_url, amqp_url) as its:
            ends = [(its.start("serve", role, **changes), who, key) for role, changes, who, key in cases]
            for process, who, key in ends:
                assert process.ended() == 4, process.said
                assert f"{who} at (" in process.said
                assert away in process.said
                assert key in process.said
                assert "hidden" not in process.said
                assert "Traceback" not in process.said

    def test_topics_that_are_missing_or_of_another_number_end_with_5(
        self, tmp_path: Path, redis_url: str, amqp_url: str
    ) -> None:
        with town(tmp_path, redis_url, amqp_url) as its:
            missing = its.start("serve", "worker", PAIDAN_PREFIX=f"{its.prefix}none.")
            other = its.start("serve", "api", PAIDAN_PARTITIONS="3")
            assert (missing.ended(), "paidan topics apply" in missing.said) == (5, True), missing.said
            assert (other.ended(), "it has (2) partitions, not (3)" in other.said) == (5, True), other.said


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=ROOT,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "stream"], "--kafka (or PAIDAN_KAFKA)"),
        (["serve", "stream", "--kafka", "127.0.0.1:9"], "--redis (or PAIDAN_REDIS)"),
        (["serve", "worker", "--kafka", "127.0.0.1:9"], "--amqp (or PAIDAN_AMQP) or --redis (or PAIDAN_REDIS)"),
        (["serve", "api", "--kafka", "127.0.0.1:9"], "--redis (or PAIDAN_REDIS)"),
        (["up", "--kafka", "127.0.0.1:9"], "--redis (or PAIDAN_REDIS)"),
        (["topics", "apply"], "--kafka HOST:PORT"),
        (["board", "rebuild"], "--redis redis://"),
    ],
)
def test_what_was_not_given_is_named(arguments: list[str], words: str, tmp_path: Path) -> None:
    ended = run(*arguments, PAIDAN_DATA_DIR=str(tmp_path))
    assert (ended.returncode, words in ended.stderr, "Traceback" in ended.stderr) == (5, True, False), ended.stderr


HANGING = """
import asyncio, sys, threading, time
from services.api.health import Health, probes
from services.exits import ExitCode, Stop
from services.liveness import Liveness
from services.metrics import Metrics
from services.readiness import Readiness
from services.serve import running
from services.settings import Settings

class Part:
    async def start(self): pass
    async def stop(self):
        print("stopping", flush=True)
        await asyncio.to_thread(time.sleep, 600) if "thread" in sys.argv else time.sleep(600)
    async def failed(self):
        if "fails" in sys.argv:
            raise Stop(ExitCode.LOG_UNTRUSTED, "the log is another one")
        await asyncio.Event().wait()

readiness = Readiness()
settings = Settings(port=0, drain_s=0.5 if "twice" not in sys.argv else 600)
app = probes(Health(readiness, Liveness(), Metrics()))
code = asyncio.run(running.run(Part(), app, readiness, settings, lambda url: print("ready", flush=True)))
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("how", "numbers", "code"),
    [
        (["loop"], [signal.SIGTERM], 0),
        (["thread"], [signal.SIGTERM], 0),
        (["loop"], [signal.SIGINT], 130),
        (["thread", "twice"], [signal.SIGTERM, signal.SIGTERM], 130),
        (["loop", "fails"], [], 7),
    ],
)
def test_a_part_that_hangs_does_not_keep_the_process(how: list[str], numbers: list[signal.Signals], code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, *how],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        words = ["ready", "stopping"]
        for number, word in zip(numbers, words, strict=False):
            assert process.stdout.readline().strip() == word
            process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == code, said
        if code == 7:
            assert "the log is another one" in said
    finally:
        process.kill()
        process.communicate()
