"""`paidan doctor`: finds what is wrong, and says what to do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from services.adapters.sqlite import SqliteLog
from services.cli.doctor import Finding, examine
from services.exits import ExitCode
from services.names import LOG_FILE


def seen(data: Path, check: str, port: int = 0) -> Finding:
    return next(finding for finding in examine(data, "127.0.0.1", port) if finding.check == check)


def test_a_good_machine_has_nothing_to_fix(tmp_path: Path) -> None:
    to_fix = [finding for finding in examine(tmp_path / "new", "127.0.0.1", 0) if finding.remedy]
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


@pytest.mark.parametrize("url", ["redis://:secret@127.0.0.1:9/0", "amqp://guest:secret@127.0.0.1:9//"])
def test_a_job_broker_that_does_not_answer_is_named_without_its_password(tmp_path: Path, url: str) -> None:
    finding = next(one for one in examine(tmp_path, "127.0.0.1", 0, url) if one.check == "jobs")
    assert finding.code is ExitCode.UNREACHABLE
    assert "127.0.0.1:9" in finding.seen
    assert "PAIDAN_JOBS" in finding.remedy
    assert "secret" not in finding.seen + finding.remedy


@pytest.mark.redis
def test_a_redis_that_answers_is_fine(tmp_path: Path, redis_url: str) -> None:
    assert not next(one for one in examine(tmp_path, "127.0.0.1", 0, redis_url) if one.check == "jobs").remedy


@pytest.mark.rabbitmq
def test_a_rabbitmq_that_answers_is_fine(tmp_path: Path, amqp_url: str) -> None:
    assert not next(one for one in examine(tmp_path, "127.0.0.1", 0, amqp_url) if one.check == "jobs").remedy
