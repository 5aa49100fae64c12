"""Logging of the process: one line a record, console or JSON, only fields from a list. Set up once by the entry point.

uvicorn, kombu and everybody else go through it. Nothing personal can get in: messages are fixed texts of ours, and
what varies stands in the allowed fields.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, TextIO

import msgspec

#: `extra={...}` keys that are written; any other is left out.
FIELDS = ("zone", "partition", "offset", "command", "job", "error", "code", "signal", "seconds", "count", "check")
#: Loggers of libraries that say what we say ourselves, or that would write addresses.
QUIET = {
    "uvicorn.access": logging.WARNING,
    "kombu": logging.ERROR,
    "apprise": logging.CRITICAL + 1,
    "asyncio": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "aiokafka": logging.WARNING,
}
#: Loggers through which a broker that is away would say so many times a second.
TALKATIVE = ("aiokafka", "services.adapters.kafka_reading", "services.adapters.kafka_tailing", "kombu")
LINES_MAX, PERIOD_S = 5, 10.0


def setup(form: Literal["console", "json"], level: str, stream: TextIO | None = None) -> None:
    """Send every record to `stream` (standard error) in one form."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLine() if form == "json" else ConsoleLine())
    handler.addFilter(Sparing())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(least)


class Sparing(logging.Filter):
    """Lets a talkative logger say so many lines in a period; the next one that passes counts those left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        #: by logger: when its period began, lines in it, lines left out
        self._said: dict[str, tuple[float, int, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is written."""
        if not any(record.name == name or record.name.startswith(f"{name}.") for name in TALKATIVE):
            return True
        now_s = self._clock()
        began_s, lines, left_out = self._said.get(record.name, (now_s, 0, 0))
        if now_s - began_s >= PERIOD_S:
            began_s, lines = now_s, 0
        if lines >= LINES_MAX:
            self._said[record.name] = (began_s, lines, left_out + 1)
            return False
        if left_out:
            record.count = left_out
        self._said[record.name] = (began_s, lines + 1, 0)
        return True


def fields(record: logging.LogRecord) -> dict[str, object]:
    """The allowed fields of a record."""
    return {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}


class JsonLine(logging.Formatter):
    """`{"ts", "level", "event", ...}`."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        line: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class ConsoleLine(logging.Formatter):
    """The same for eyes."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        clock = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        more = "".join(f" {name}={value}" for name, value in fields(record).items())
        text = f"{clock} {record.levelname.lower():7} {record.getMessage()}{more}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text
