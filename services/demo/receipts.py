"""Receipts of what the driver has appended: the outside evidence that `journal verify` holds against the journal.

One JSON line a command (Ticks have none), handed to the operating system beat by beat. Half a last line that a crash
left is cut off: the driver asks that beat again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import msgspec

from matcher.commands import Command
from services.verify import Receipt


class Receipts:
    """Appends receipts to a file that may exist."""

    def __init__(self, path: Path) -> None:
        kept = path.read_bytes() if path.exists() else b""
        self._file = path.open("ab")
        self._file.truncate(kept.rfind(b"\n") + 1)
        self._encoder = msgspec.json.Encoder()

    def write(self, appended: Iterable[tuple[Command, tuple[int, int]]]) -> None:
        """Write one line each and hand them to the operating system."""
        for command, (partition, offset) in appended:
            receipt = Receipt(id=command.id, partition=partition, offset=offset)
            self._file.write(self._encoder.encode(receipt) + b"\n")
        self._file.flush()

    def __enter__(self) -> Receipts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
