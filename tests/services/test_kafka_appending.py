"""What Kafka's producer does when its brokers are half there, played by one that does just that."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from services.adapters import kafka_appending
from services.adapters.kafka_appending import Appending
from services.exits import ExitCode, Stop
from services.names import COMMANDS
from services.ports import Message


class NeverGetsItsId(AIOKafkaProducer):
    """Reaches a broker, and asks for the id of an idempotent producer for ever."""

    async def start(self) -> None:
        await asyncio.Event().wait()


def test_an_append_does_not_wait_for_ever_for_a_producer_that_cannot_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(kafka_appending, "AIOKafkaProducer", NeverGetsItsId)
        appending = Appending("127.0.0.1:9", "", start_s=0.01)
        for _ in range(2):
            with pytest.raises(Stop) as stopped:
                await appending.append(COMMANDS, 0, [Message(b"x")])
            assert stopped.value.code is ExitCode.UNREACHABLE
            assert "no id for a producer in 0.01 s" in str(stopped.value)
        await appending.stop()

    asyncio.run(story())
