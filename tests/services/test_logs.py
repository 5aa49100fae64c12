"""Log lines: one a record, only allowed fields, libraries included."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from services import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_json_line_has_the_allowed_fields_and_no_others(stream: io.StringIO) -> None:
    logs.setup("json", "INFO", stream)
    logging.getLogger("x").warning("a job failed", extra={"job": "notify:o1", "mailbox": "ana@example.org"})
    line = json.loads(stream.getvalue())
    assert (line["level"], line["event"], line["job"]) == ("warning", "a job failed", "notify:o1")
    assert "ana@example.org" not in stream.getvalue()


def test_a_traceback_stays_in_its_line(stream: io.StringIO) -> None:
    logs.setup("json", "INFO", stream)
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("x").exception("it broke")
    [line] = stream.getvalue().splitlines()
    assert "ValueError: broken" in json.loads(line)["traceback"]


def test_libraries_that_would_write_addresses_are_silent(stream: io.StringIO) -> None:
    logs.setup("console", "INFO", stream)
    logging.getLogger("apprise").error("sent to ana@example.org")
    logging.getLogger("uvicorn.access").info("GET /zones/z1/volunteers/ana")
    logging.getLogger("uvicorn.error").info("started")
    assert stream.getvalue().endswith("started\n")
    assert "ana" not in stream.getvalue()


def test_a_broker_that_is_away_does_not_fill_the_log_and_what_was_left_out_is_counted():
    now_s = 0.0
    sparing = logs.Sparing(lambda: now_s)

    def said(name):
        record = logging.makeLogRecord({"name": name, "msg": "Connection refused"})
        return sparing.filter(record), getattr(record, "count", None)

    reader = "services.adapters.kafka_reading"
    assert [said(reader)[0] for _ in range(logs.LINES_MAX + 40)] == [True] * logs.LINES_MAX + [False] * 40
    assert said("services.writer") == (True, None)
    now_s = logs.PERIOD_S
    assert said(reader) == (True, 40)
    assert said(reader) == (True, None)
