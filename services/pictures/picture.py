"""One picture as a value: its name, its numbers as rows, its sentence and its drawing in a language.

Made by each picture's file, written by `writing`. What is drawn is drawn from the rows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.pictures.words import Words

Row = Sequence[str | int | float]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture of one week."""

    name: str
    header: tuple[str, ...]
    rows: Sequence[Row]
    sentence: Callable[[Words], str]
    svg: Callable[[Words], str]

    @property
    def csv(self) -> str:
        """Return the numbers as CSV (RFC 4180)."""
        return as_csv(self.header, self.rows)


def as_csv(header: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a table as CSV (RFC 4180)."""
    page = io.StringIO(newline="")
    csv.writer(page).writerows([header, *([_harmless(value) for value in row] for row in rows)])
    return page.getvalue()


def _harmless(value: str | int | float) -> str | int | float:
    """Keep a spreadsheet from taking an id for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
