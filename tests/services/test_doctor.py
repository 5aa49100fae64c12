"""`paidan doctor`: finds what is wrong, and says what to do."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from services.adapters.sqlite import SqliteLog
from services.cli.doctor import Finding, examine
from services.exits import ExitCode
from services.names import LOG_FILE
from services.settings import Settings
from tests.brokers import fresh_topics, kafka


def seen(data: Path, check: str, port: int = 0, **changes: Any) -> Finding:
    chosen = Settings(data_dir=data, port=port, **changes)
    return next(finding for finding in examine(chosen) if finding.check == check)


def test_a_good_machine_has_nothing_to_fix(tmp_path: Path) -> None:
    to_fix = [finding for finding in examine(Settings(data_dir=tmp_path / "new", port=0)) if finding.remedy]
    assert [finding for finding in to_fix if finding.check != "packages"] == []
    assert not (tmp_path / "new").exists()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finding = seen(tmp_path, "port", taken.getsockname()[1])
    assert "--port" in finding.remedy
    assert finding.code is ExitCode.UNREACHABLE


def test_a_log_in_use_is_named_and_a_free_one_is_fine(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / LOG_FILE)
    assert seen(tmp_path, "log").code is ExitCode.UNREACHABLE
    assert seen(tmp_path, "log").remedy
    log.close()
    assert not seen(tmp_path, "log").remedy


@pytest.mark.parametrize("garbage", [b"", b"not a log" * 1000])
def test_a_file_that_is_no_log_is_named(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / LOG_FILE).write_bytes(garbage)
    finding = seen(tmp_path, "log")
    assert finding.remedy
    assert finding.code is ExitCode.BAD_INPUT


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("jobs", {"redis": "redis://:secret@127.0.0.1:9/0"}),
        ("jobs", {"amqp": "amqp://guest:secret@127.0.0.1:9//"}),
        ("board", {"redis": "redis://:secret@127.0.0.1:9/0"}),
    ],
)
def test_a_broker_that_does_not_answer_is_named_without_its_password(
    tmp_path: Path, check: str, changes: dict[str, str]
) -> None:
    finding = seen(tmp_path, check, **changes)
    assert finding.code is ExitCode.UNREACHABLE
    assert "127.0.0.1:9" in finding.seen
    assert f"PAIDAN_{next(iter(changes)).upper()}" in finding.remedy
    assert "secret" not in finding.seen + finding.remedy


@pytest.mark.slow
def test_a_kafka_that_does_not_answer_is_named(tmp_path: Path) -> None:
    finding = seen(tmp_path, "log", kafka="127.0.0.1:9", redis="redis://127.0.0.1:9")
    assert (finding.code, "127.0.0.1:9" in finding.seen) == (ExitCode.UNREACHABLE, True)
    assert "PAIDAN_KAFKA" in finding.remedy


def test_kafka_without_a_shared_board_is_to_be_fixed(tmp_path: Path) -> None:
    assert "--redis" in seen(tmp_path, "board", kafka="127.0.0.1:9").remedy


@pytest.mark.redis
def test_a_redis_that_answers_is_fine(tmp_path: Path, redis_url: str) -> None:
    assert not seen(tmp_path, "jobs", redis=redis_url).remedy
    assert not seen(tmp_path, "board", redis=redis_url).remedy


@pytest.mark.rabbitmq
def test_a_rabbitmq_that_answers_is_fine(tmp_path: Path, amqp_url: str) -> None:
    assert not seen(tmp_path, "jobs", amqp=amqp_url).remedy


@pytest.mark.kafka
@pytest.mark.skipif("PAIDAN_KAFKA" not in os.environ, reason="$PAIDAN_KAFKA is not set")
def test_topics_that_are_missing_or_of_another_number_are_named(tmp_path: Path) -> None:
    async def story() -> None:
        async with fresh_topics(2) as prefix:
            given = {"kafka": kafka(), "prefix": prefix, "trial": True}
            fine = await asyncio.to_thread(lambda: seen(tmp_path, "log", partitions=2, **given))
            other = await asyncio.to_thread(lambda: seen(tmp_path, "log", partitions=3, **given))
            none = await asyncio.to_thread(lambda: seen(tmp_path, "log", **{**given, "prefix": f"{prefix}none."}))
        assert not fine.remedy
        assert (other.code, "(2) partitions" in other.remedy) == (ExitCode.BAD_INPUT, True)
        assert (none.code, "topics apply" in none.remedy) == (ExitCode.BAD_INPUT, True)

    asyncio.run(story())
