"""What a run of mutants says, by group: the table of docs/mutation.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt
from typing import Any

import msgspec

#: The share is given with the interval in which it lies 95 times of 100 (Wilson), where only some were drawn.
Z = 1.96


class Row(msgspec.Struct):
    """One group or file."""

    name: str
    possible: int = 0
    run: int = 0
    killed: int = 0
    equivalent: int = 0

    @property
    def share(self) -> float:
        """Killed, of those that are not equivalent."""
        judged = self.run - self.equivalent
        return self.killed / judged if judged else 0.0


def rows(
    by_file: Mapping[str, Iterable[str]], results: Mapping[str, Mapping[str, Any]], equivalent: Mapping[str, str]
) -> list[Row]:
    """Return one row a file: `by_file` names its mutants."""
    found = []
    for file, names in by_file.items():
        row = Row(file)
        for name in names:
            row.possible += 1
            done = results.get(name)
            if done is None or "broken" in done:
                continue
            row.run += 1
            row.killed += bool(done["killed"])
            row.equivalent += not done["killed"] and name in equivalent
        found.append(row)
    return found


def summed(name: str, some: Iterable[Row]) -> Row:
    """Return the sum of rows."""
    total = Row(name)
    for row in some:
        total.possible += row.possible
        total.run += row.run
        total.killed += row.killed
        total.equivalent += row.equivalent
    return total


def interval(row: Row) -> tuple[float, float]:
    """Return the 95 % interval (Wilson) of the killed share, of those that are not equivalent."""
    count = row.run - row.equivalent
    if not count:
        return 0.0, 1.0
    middle = row.share + Z * Z / (2 * count)
    half = Z * sqrt(row.share * (1 - row.share) / count + Z * Z / (4 * count * count))
    below = 1 + Z * Z / count
    return max(0.0, (middle - half) / below), min(1.0, (middle + half) / below)


def table(some: Iterable[Row]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| | possible | run | killed | equivalent | survived | killed of the rest |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in some:
        survived = row.run - row.killed - row.equivalent
        share = f"{100 * row.share:.1f} %"
        if row.run < row.possible:
            low, high = interval(row)
            share += f" ({100 * low:.0f} to {100 * high:.0f})"
        numbers = f"{row.possible:,} | {row.run:,} | {row.killed:,} | {row.equivalent} | {survived}"
        lines.append(f"| {row.name} | {numbers} | {share} |")
    return "\n".join(lines)
