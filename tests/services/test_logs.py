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
