"""How far a batch is, as a bar in the terminal: parts done and running, filled so far, gap to the bound, time left.

Used by `rematch_here` and `rematch_live`. Written to standard error; results stay alone on standard output.
"""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column


class Bar:
    """A bar over so many parts. `exact`: steps, not seconds: the same plan at every run."""

    def __init__(self, parts: int, *, exact: bool = True) -> None:
        self._progress = Progress(
            BarColumn(bar_width=12),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            # last, and in as many lines as it takes: whatever is cut short, it is not the bar
            TextColumn("{task.description}", table_column=Column(ratio=1)),
            console=Console(stderr=True),
            expand=True,
        )
        self._exact = exact
        self._parts = parts
        self._running = 0
        self._done: dict[int, tuple[int, int, int, int]] = {}
        self._task = self._progress.add_task("", total=max(1, parts))
        self._began_s = time.monotonic()

    def __enter__(self) -> Bar:
        """Show it."""
        self._progress.start()
        self._say()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it away; its last line stays."""
        self._progress.stop()

    def of(self, parts: int, running: int) -> None:
        """Show that there are so many parts, and how many somebody works on."""
        self._parts, self._running = parts, running
        self._progress.update(self._task, total=max(1, parts))
        self._say()

    def part_at(self, share: float) -> None:
        """Show how far the part in hand is, 0 to 1."""
        self._running = 1
        self._progress.update(self._task, completed=len(self._done) + min(1.0, share))
        self._say()

    def part_done(self, places: int, filled: int, bound: int, cost: int, number: int | None = None) -> None:
        """Show a part's figures."""
        self._done[len(self._done) if number is None else number] = (places, filled, bound, cost)
        self._progress.update(self._task, completed=len(self._done))
        self._say()

    def interrupted(self, kept: str) -> None:
        """Say what is kept."""
        self._progress.console.print(f"Interrupted: {kept}.")

    def _say(self) -> None:
        places, filled, bound, cost = (sum(figures[n] for figures in self._done.values()) for n in range(4))
        words = f"{len(self._done)} of {self._parts} parts, {self._running} running"
        if self._done:
            words += f" · filled {filled} of {places} (at most {bound}) · cost {cost}"
        if not self._exact:
            words += " · by seconds: not repeatable"
        self._progress.update(self._task, description=words)
