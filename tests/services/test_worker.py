"""The worker over kombu's memory transport, with a real HTTP receiver on this machine."""

from __future__ import annotations

import json
import pickle
import queue
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from matcher.commands import JobOutcome, ReportJob
from services.adapters.contacts_memory import MemoryContacts
from services.adapters.intents_sqlite import SqliteIntents
from services.adapters.jobs_kombu import KombuJobs, connect
from services.contacts import Contact, Contacts
from services.jobs import Notify
from services.metrics import Metrics
from services.queues import notify_queue
from services.worker.consumer import Worker
from services.worker.intents import MemoryIntents
from services.worker.sending import AppriseSender, Console, Sender, Telling, sentence

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
WAIT_S = 20.0


def job(offer: str = "o1", person: str = "ana", **changes: Any) -> Notify:
    made = Notify(
        job=f"notify:{offer}",
        attempt=1,
        about="offer",
        zone="z1",
        person=person,
        offer=offer,
        request="r1",
        place="Yard",
        start=AT,
        end=AT + timedelta(hours=1),
        expires_at=AT + timedelta(minutes=30),
    )
    return replace(made, **changes)


class Receiver:
    """An HTTP server that counts what it is told, by idempotency key."""

    def __init__(self, status: int = 204) -> None:
        self.keys: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name is http.server's
                receiver.keys[self.headers["Idempotency-Key"]] += 1
                receiver.paths.append(self.path)
                receiver.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


class Running:
    """Jobs in, reports out, a worker between."""

    def __init__(self, name: str, contacts: Contacts, sender: Sender, console: Sender | None = None) -> None:
        self.reports: queue.Queue[ReportJob] = queue.Queue()
        self.metrics = Metrics()
        self.queue = notify_queue(f"test.{name}")
        self.jobs = KombuJobs("memory://", self.queue, self.metrics)
        telling = Telling(contacts, sender, console)
        self.worker = Worker(connect("memory://"), self.queue, telling, self.reports.put, self.metrics)
        self.jobs.start()
        self.worker.start()

    def outcomes(self, n: int) -> list[tuple[str, JobOutcome]]:
        """Wait for so many reports."""
        reports = [self.reports.get(timeout=WAIT_S) for _ in range(n)]
        return [(report.id, report.outcome) for report in reports]

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.jobs.stop(WAIT_S)
        self.worker.stop(WAIT_S)
        assert not self.worker.alive


def known(person: str, contact: Contact) -> MemoryContacts:
    contacts = MemoryContacts()
    contacts.put("z1", person, contact)
    return contacts


def apprise() -> AppriseSender:
    return AppriseSender(None, 5.0)


def test_a_job_delivered_twice_sends_one_webhook(receiver: Receiver) -> None:
    contacts = known("ana", Contact(webhook=f"{receiver.url}/hook/ana?token=a%26b&x="))
    with Running("twice", contacts, apprise()) as running:
        for _ in range(2):
            running.jobs.publish(job("o1"))
        running.jobs.publish(job("o2"))
        assert {outcome for _, outcome in running.outcomes(3)} == {JobOutcome.SENT}
    assert receiver.keys == {"z1/notify:o1": 1, "z1/notify:o2": 1}
    assert receiver.paths[0] == "/hook/ana?token=a%26b&x="
    body = receiver.bodies[0]
    assert (body["job"], body["offer"], body["request"], body["place"]) == ("notify:o1", "o1", "r1", "Yard")
    assert body["expires_at"] == "2026-03-02T10:30:00+00:00"
    assert "ana" not in json.dumps(body)


def test_another_attempt_of_a_message_that_was_sent_is_reported_and_not_sent_again(receiver: Receiver) -> None:
    with Running("attempts", known("ana", Contact(webhook=receiver.url)), apprise()) as running:
        running.jobs.publish(job("o1"))
        running.jobs.publish(job("o1", attempt=2))
        assert running.outcomes(2) == [
            ("report:notify:o1/1", JobOutcome.SENT),
            ("report:notify:o1/2", JobOutcome.SENT),
        ]
    assert receiver.keys == {"z1/notify:o1": 1}


def test_another_worker_repeats_the_key_of_a_message_whose_report_was_lost(receiver: Receiver) -> None:
    for attempt in (1, 2):
        with Running(f"lost.{attempt}", known("ana", Contact(webhook=receiver.url)), apprise()) as running:
            running.jobs.publish(job("o1", attempt=attempt))
            running.outcomes(1)
    assert receiver.keys == {"z1/notify:o1": 2}


class Killed(BaseException):
    """The worker's process is gone."""


class Deadly:
    """A sender whose worker does not survive the first message: it arrives, and nobody hears so."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def send(self, contact: Contact, job: Notify) -> JobOutcome:
        self.told.append(job.message)
        if len(self.told) == 1:
            raise Killed
        return JobOutcome.SENT


@pytest.mark.parametrize(
    ("contact", "times"), [(Contact(webhook="http://127.0.0.1/a"), 2), (Contact(mailbox="ana@example.org"), 1)]
)
def test_what_a_dead_worker_perhaps_told_is_told_again_only_where_its_key_is_known(
    contact: Contact, times: int, tmp_path: Path
) -> None:
    sender = Deadly()
    outcomes = []
    for attempt in (1, 2, 3):
        intents = SqliteIntents(tmp_path / "told.sqlite")
        telling = Telling(known("ana", contact), sender, None, intents)
        try:
            outcomes.append(telling.tell(job("o1", attempt=attempt))[0])
        except Killed:
            outcomes.append(None)
        intents.close()
    assert outcomes == [None, JobOutcome.SENT, JobOutcome.SENT]
    assert sender.told == ["z1/notify:o1"] * times


def test_what_was_told_is_not_told_again_by_another_worker_of_the_machine(receiver: Receiver, tmp_path: Path) -> None:
    for attempt in (1, 2):
        intents = SqliteIntents(tmp_path / "told.sqlite")
        telling = Telling(known("ana", Contact(webhook=receiver.url)), apprise(), None, intents)
        assert telling.tell(job("o1", attempt=attempt))[0] is JobOutcome.SENT
        intents.close()
    assert receiver.keys == {"z1/notify:o1": 1}


def test_what_failed_is_told_by_the_next_attempt_whatever_the_channel(tmp_path: Path) -> None:
    class Failing:
        def __init__(self) -> None:
            self.tries = 0

        def send(self, contact: Contact, job: Notify) -> JobOutcome:
            self.tries += 1
            if self.tries == 1:
                raise ValueError
            return JobOutcome.SENT if self.tries == 3 else JobOutcome.FAILED

    sender = Failing()
    telling = Telling(known("ana", Contact(mailbox="ana@example.org")), sender, None, MemoryIntents())
    with pytest.raises(ValueError):  # noqa: PT011 - the sender's own
        telling.tell(job("o1"))
    assert [telling.tell(job("o1", attempt=n))[0] for n in (2, 3)] == [JobOutcome.FAILED, JobOutcome.SENT]


def test_an_offer_of_another_log_under_the_same_id_is_told(tmp_path: Path) -> None:
    lines: list[str] = []
    telling = Telling(MemoryContacts(), apprise(), Console(lines.append), MemoryIntents())
    for start in (AT, AT + timedelta(days=1)):
        telling.tell(job("o1", start=start))
    assert len(lines) == 2


def test_a_message_that_failed_is_tried_again_by_the_next_attempt_only() -> None:
    failing = Receiver(500)
    with Running("again", known("ana", Contact(webhook=failing.url)), apprise()) as running:
        for attempt in (1, 1, 2):
            running.jobs.publish(job("o1", attempt=attempt))
        assert {outcome for _, outcome in running.outcomes(3)} == {JobOutcome.FAILED}
    failing.close()
    assert failing.keys == {"z1/notify:o1": 2}


def test_the_same_ids_in_another_zone_and_ids_that_are_no_ascii_are_messages_of_their_own(receiver: Receiver) -> None:
    contacts = known("ana", Contact(webhook=receiver.url))
    for zone in ("z2", "街道/一"):
        contacts.put(zone, "ana", Contact(webhook=receiver.url))
    with Running("zones", contacts, apprise()) as running:
        for zone in ("z1", "z2", "街道/一"):
            running.jobs.publish(job("点单一.1.0.ana", zone=zone))
        assert {outcome for _, outcome in running.outcomes(3)} == {JobOutcome.SENT}
    assert len(receiver.keys) == 3
    assert set(receiver.keys.values()) == {1}


def test_a_receiver_that_fails_is_reported_and_the_next_job_goes_on() -> None:
    failing = Receiver(500)
    contacts = known("ana", Contact(webhook=failing.url))
    with Running("fails", contacts, apprise()) as running:
        running.jobs.publish(job("o1"))
        assert running.outcomes(1) == [("report:notify:o1/1", JobOutcome.FAILED)]
        running.jobs.publish(job("o2", person="ben"))
        assert running.outcomes(1) == [("report:notify:o2/1", JobOutcome.NO_CONTACT)]
    failing.close()


def test_nobody_listening_and_no_mail_server_are_failures() -> None:
    contacts = known("ana", Contact(webhook="http://127.0.0.1:9/"))
    contacts.put("z1", "ben", Contact(mailbox="ben@example.org"))
    with Running("nobody", contacts, apprise()) as running:
        running.jobs.publish(job("o1"))
        running.jobs.publish(job("o2", person="ben"))
        assert [outcome for _, outcome in running.outcomes(2)] == [JobOutcome.FAILED, JobOutcome.FAILED]


def test_without_a_contact_the_console_is_told_when_there_is_one() -> None:
    lines: list[str] = []
    with Running("console", MemoryContacts(), apprise(), Console(lines.append)) as running:
        running.jobs.publish(job("o1"))
        assert running.outcomes(1) == [("report:notify:o1/1", JobOutcome.SENT)]
    [line] = lines
    assert line.startswith("[paidan] ana: Request r1 at Yard, 2026-03-02 10:00 UTC")
    assert "\n" not in line


def test_a_sender_that_breaks_is_a_failure_not_the_end_of_the_worker() -> None:
    class Breaking:
        def send(self, contact: Contact, job: Notify) -> JobOutcome:
            raise OSError("wire")

    with Running("breaks", known("ana", Contact(webhook="http://x/")), Breaking()) as running:
        running.jobs.publish(job("o1"))
        assert running.outcomes(1) == [("report:notify:o1/1", JobOutcome.FAILED)]
        assert running.worker.alive


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-python-serialize", pickle.dumps({"job": "x"})),
        ("application/json", b"{"),
        ("application/json", b'{"job": 3}'),
    ],
)
def test_what_is_no_job_is_put_away_and_counted(content_type: str, body: bytes) -> None:
    with Running(f"garbage.{len(body)}", MemoryContacts(), apprise()) as running:
        with connect("memory://") as connection, connection.Producer() as producer:
            producer.publish(
                body,
                exchange=running.queue.exchange,
                routing_key=running.queue.routing_key,
                declare=[running.queue],
                content_type=content_type,
                content_encoding="binary" if "python" in content_type else "utf-8",
            )
        running.jobs.publish(job("o1"))
        assert running.outcomes(1) == [("report:notify:o1/1", JobOutcome.NO_CONTACT)]
    assert "paidan_parked_total{reason=" in running.metrics.exposition()[0].decode()


def test_a_stand_down_says_that_nobody_is_needed_any_more() -> None:
    assert "needs nobody any more" in sentence(job(about="stand_down"))
