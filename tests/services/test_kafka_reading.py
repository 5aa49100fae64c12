"""What a reader of Kafka does when brokers answer a question with an error: asks again, or says why it cannot."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from services.adapters import kafka_reading
from services.adapters.kafka_reading import PASSING, Reading
from services.exits import ExitCode, Stop


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
