"""What `make simulate` has played, one JSON object a series of seeds in docs/simulation-runs.jsonl.

Written by the runner when a series ends, also by Ctrl-C; read to go on with the seed after the last one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

FILE = Path(__file__).parents[2] / "docs" / "simulation-runs.jsonl"


class Series(msgspec.Struct, kw_only=True):
    """Seeds `first` to `first + count - 1`, played by one commit (with + where the tree had changes)."""

    at: datetime
    commit: str
    first: int
    count: int
    broken: list[int]
    commands: int
    acknowledged: int
    checks: int
    seconds: int


def series(file: Path = FILE) -> list[Series]:
    """Return what was played, in the file's order."""
    if not file.exists():
        return []
    return [msgspec.json.decode(line, type=Series) for line in file.read_bytes().splitlines()]


def next_seed(file: Path = FILE) -> int:
    """Return the first seed that no series has played."""
    return max((one.first + one.count for one in series(file)), default=0)


def add(played: Series, file: Path = FILE) -> None:
    """Append a series."""
    with file.open("ab") as out:
        out.write(msgspec.json.encode(played) + b"\n")


def now() -> datetime:
    """Return the time that a series ended, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def summed(played: list[Series]) -> str:
    """Return one sentence about all of them."""
    count, broken = sum(one.count for one in played), sum(len(one.broken) for one in played)
    acknowledged, checks = sum(one.acknowledged for one in played), sum(one.checks for one in played)
    bound = "" if broken or not count else f"; fewer than {3 / count:.2%} of such stories break something (3/n, 95 %)"
    return (
        f"{count:,} seeds in {len(played)} series, {acknowledged:,} commands acknowledged, {checks:,} checks: "
        f"{broken} broken{bound}."
    )
