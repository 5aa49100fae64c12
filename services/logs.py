"""Logging of the process: one line a record, console or JSON, only fields from a list. Set up once by the entry point.

uvicorn, kombu and everybody else go through it. Nothing personal can get in: messages are fixed texts of ours, and
what varies stands in the allowed fields.
"""

from __future__ import annotations

import logging
import sys
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


def setup(form: Literal["console", "json"], level: str, stream: TextIO | None = None) -> None:
    """Send every record to `stream` (standard error) in one form."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLine() if form == "json" else ConsoleLine())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(least)


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
