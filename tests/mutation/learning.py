"""A pytest plugin: which test runs which lines of the files under test (`-p tests.mutation.learning`; xdist too).

Writes one JSON line a test to $PAIDAN_MUTATION_REACH.PID: {"test", "lines": {file: [line]}}.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from tests.mutation.targets import FILES

_ROOT = os.getcwd() + os.sep
_WATCHED = {_ROOT + file: file for file in FILES}


class _Lines:
    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()

    def begin(self, frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code.co_filename not in _WATCHED:
            return None
        self.seen.add((frame.f_code.co_filename, frame.f_lineno))
        return self.line

    def line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self.seen.add((frame.f_code.co_filename, frame.f_lineno))
        return self.line


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Note the lines that this test runs, in any thread."""
    lines = _Lines()
    threading.settrace(lines.begin)
    sys.settrace(lines.begin)
    try:
        return (yield)  # type: ignore[misc]
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        by_file: dict[str, list[int]] = {}
        for name, line in sorted(lines.seen):
            by_file.setdefault(_WATCHED[name], []).append(line)
        if by_file:
            with open(f"{os.environ['PAIDAN_MUTATION_REACH']}.{os.getpid()}", "a", encoding="utf-8") as file:
                file.write(json.dumps({"test": item.nodeid, "lines": by_file}) + "\n")
