"""Exit codes (DESIGN 7) and the error that carries one to the shell."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script can rely on."""

    OK = 0
    BUG = 1
    USAGE = 2
    REJECTED_ROWS = 3
    UNREACHABLE = 4
    BAD_INPUT = 5
    NONE_ASSIGNED = 6
    LOG_UNTRUSTED = 7
    INTERRUPTED = 130


class Stop(Exception):
    """End the command with this code and sentence: the thing, its value, what to do."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
