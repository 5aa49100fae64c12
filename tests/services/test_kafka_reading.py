"""What a reader of Kafka does when brokers answer a question with an error: asks again, or says why it cannot."""

from __future__ import annotations

import threading
import time
import weakref
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition

from services.adapters import kafka_reading, kafka_topics
from services.adapters.kafka import KafkaLog
from services.adapters.kafka_reading import PASSING, Reading
from services.exits import ExitCode, Stop

WAIT_S = 20.0


class Answers:
    """A consumer whose broker answers with these errors, one a question, and then with bounds."""

    def __init__(self, errors: list[int]) -> None:
        self.errors = errors
        self.closed = 0

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        if self.errors:
            raise KafkaException(KafkaError(self.errors.pop()))
        return 3, 7

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    consumer = Answers([])
    monkeypatch.setattr(kafka_reading, "Consumer", lambda settings: consumer)
    monkeypatch.setattr(kafka_reading, "RETRY_S", 0.0)
    monkeypatch.setattr(kafka_reading, "RENEW_S", 0.0)
    return consumer


@pytest.mark.parametrize("code", sorted(PASSING))
def test_a_question_that_cannot_be_answered_for_now_is_asked_again(answers: Answers, code: int) -> None:
    answers.errors = [code, code]
    assert Reading("nowhere:1").bounds("journal", 0) == (3, 7)


def test_a_consumer_that_threw_its_broker_away_is_replaced(answers: Answers) -> None:
    # Seen when all brokers were killed and came back: "Broker handle destroyed for termination".
    answers.errors = [KafkaError._DESTROY]
    assert Reading("nowhere:1").bounds("journal", 0) == (3, 7)
    assert answers.closed == 1


def test_an_error_that_does_not_pass_ends_the_question_and_says_so(answers: Answers) -> None:
    answers.errors = [KafkaError.TOPIC_AUTHORIZATION_FAILED]
    with pytest.raises(Stop) as ended:
        Reading("nowhere:1").bounds("journal", 0)
    assert ended.value.code is ExitCode.UNREACHABLE


class Admin:
    """An admin client: asked first it takes its time, asked again it knows no broker. What it owes is lost with it."""

    def __init__(self) -> None:
        self.owed: list[Future[Any]] = []

    def describe_topics(self, topics: TopicCollection, request_timeout: float) -> dict[str, Future[Any]]:
        future: Future[Any] = Future()
        if self.owed:
            future.set_exception(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
        self.owed.append(future)
        return {"journal": future}


class Renewed:
    """Its successor, which answers."""

    def describe_topics(self, topics: TopicCollection, request_timeout: float) -> dict[str, Future[Any]]:
        future: Future[Any] = Future()
        future.set_result(SimpleNamespace(topic_id="the id"))
        return {"journal": future}


def test_a_client_lives_until_it_has_answered_although_another_thread_renews_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Seen when all brokers were killed and came back: a follower waited for ever for a client that was thrown away.
    made: list[Any] = [Renewed(), Admin()]
    monkeypatch.setattr(kafka_topics, "connect", lambda bootstrap: made.pop())
    log = KafkaLog("nowhere:1", 1)
    first, ids = weakref.ref(log._admin), []
    threads = [threading.Thread(target=lambda: ids.append(log._topic_id("journal")), daemon=True) for _ in range(2)]
    threads[0].start()
    until = time.monotonic() + WAIT_S
    while not first().owed:
        assert time.monotonic() < until
    threads[1].start()
    threads[1].join(WAIT_S)
    assert ids == ["the id"]
    waited_for = first()
    assert waited_for is not None, "thrown away with a question in hand"
    waited_for.owed[0].set_result(SimpleNamespace(topic_id="the id"))
    threads[0].join(WAIT_S)
    assert ids == ["the id"] * 2
