"""Who belongs to what: people by row and the names they go with (teams, claimed posts), looked up from both sides.

Owned by `people.People`.
"""

from __future__ import annotations


class Groups:
    """Only people who belong to anything are kept, and only names that anybody goes with."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[str, ...]] = {}
        self._rows: dict[str, set[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._names)

    def put(self, row: int, names: tuple[str, ...]) -> None:
        """Say what a person belongs to now, in place of what they belonged to."""
        for name in self._names.pop(row, ()):
            self._rows[name].discard(row)
        if names:
            self._names[row] = names
        for name in names:
            self._rows.setdefault(name, set()).add(row)

    def of(self, row: int) -> tuple[str, ...]:
        """Return what a person belongs to."""
        return self._names.get(row, ())

    def rows(self, name: str) -> list[int]:
        """Return who belongs to it, by row."""
        return sorted(self._rows.get(name, ()))

    def packed(self) -> list[tuple[int, tuple[str, ...]]]:
        """Return the whole as plain values, in one order."""
        return sorted(self._names.items())
