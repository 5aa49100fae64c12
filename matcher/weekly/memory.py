"""How the kernel's one array of whole numbers is put together: a head, then the parts one behind the other.

Called by `laying`.
"""

from __future__ import annotations

import numpy as np

from matcher.problem import I64
from matcher.weekly.tables import HEAD


class Memory:
    """The array while it grows; `laid` returns it."""

    def __init__(self) -> None:
        self._head = np.zeros(HEAD, np.int64)
        self._parts: list[I64] = []
        self._top = HEAD

    def set(self, name: int, value: int) -> None:
        """Write one number of the head."""
        self._head[name] = value

    def put(self, part: int, table: I64, count: int | None = None) -> None:
        """Add a part and note where it begins, and how many rows it has."""
        self._head[part] = self.loose(table)
        if count is not None:
            self._head[count] = len(table)

    def loose(self, table: I64) -> int:
        """Add a part that no head names; return where it begins."""
        begin, flat = self._top, np.ascontiguousarray(table, np.int64).ravel()
        self._parts.append(flat)
        self._top += len(flat)
        return begin

    def laid(self) -> I64:
        """Return the array."""
        return np.concatenate([self._head, *self._parts])
