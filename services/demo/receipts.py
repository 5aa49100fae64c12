"""Receipts of what the driver has appended: the outside evidence that `journal verify` holds against the journal.

One JSON line a command (Ticks have none). Flushed line by line; the half line that a crash left is closed first.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import msgspec

from matcher.commands import Command


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Where a command was put."""

    id: str
    zone: str
    partition: int
    offset: int


class Receipts:
    """Appends receipts to a file that may exist."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab+")
        self._encoder = msgspec.json.Encoder()
        if self._file.tell() > 0:
            self._file.seek(-1, 2)
            if self._file.read(1) != b"\n":
                self._file.write(b"\n")

    def write(self, appended: Iterable[tuple[Command, tuple[int, int]]]) -> None:
        """Write one line each and hand them to the operating system."""
        for command, (partition, offset) in appended:
            receipt = Receipt(id=command.id, zone=command.zone, partition=partition, offset=offset)
            self._file.write(self._encoder.encode(receipt) + b"\n")
        self._file.flush()

    def __enter__(self) -> Receipts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
