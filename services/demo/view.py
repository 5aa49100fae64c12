"""What one sees while a run plays: a live table on a terminal, a line now and then elsewhere.

Reads tally and figures, changes neither. Called by `paidan demo`; the terminal is restored when it ends.
"""

from __future__ import annotations

import time
from types import TracebackType
from zoneinfo import ZoneInfo

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from services.demo.figures import Figures
from services.demo.summary import percentile
from services.demo.tally import Tally
from services.demo.words import Words

#: The five counters: 点 派 接 监 评.
COUNTERS = ("requests", "assigned", "accepted", "completed", "rated")
LIVE_INTERVAL_S = 0.25
LINE_INTERVAL_S = 5.0
#: How many of the last beats the shown beat time is the median of.
BEATS_SHOWN = 50


class View:
    """A watcher of beats that draws at most four times a second."""

    def __init__(self, console: Console, tally: Tally, figures: Figures, words: Words, timezone: ZoneInfo) -> None:
        self._console = console
        self._tally = tally
        self._figures = figures
        self._words = words
        self._timezone = timezone
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._drawn_s = 0.0

    def __enter__(self) -> View:
        if self._live is not None:
            self._live.start()
            self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        else:
            self._draw()

    def begins(self, beat: int, commands: int) -> None:
        """Nothing to see yet."""

    def ended(self, beat: int) -> None:
        """Draw again if enough time has gone by since the last drawing."""
        if time.monotonic() - self._drawn_s >= (LIVE_INTERVAL_S if self._live else LINE_INTERVAL_S):
            self._draw()

    def _draw(self) -> None:
        self._drawn_s = time.monotonic()
        if self._live is not None:
            self._live.update(screen(self._tally, self._figures, self._words, self._timezone), refresh=True)
        else:
            self._console.print(line(self._tally, self._words, self._timezone), highlight=False, soft_wrap=True)


def screen(tally: Tally, figures: Figures, words: Words, timezone: ZoneInfo) -> RenderableType:
    """Lay out one picture of the run."""
    counters = Table.grid(expand=True)
    for _ in COUNTERS:
        counters.add_column(ratio=1)
    counters.add_row(
        *(
            Panel(Text(f"{_count(tally, name):,}", style="bold", justify="center"), title=words.of(name))
            for name in COUNTERS
        )
    )
    title = Text(f"{_clock(tally, timezone)}   {words.of('people')} {tally.people:,}", style="bold cyan")
    return Group(
        title,
        counters,
        Columns([_state(tally, figures, words), _reasons(tally, words)], padding=(0, 4)),
        Text(words.of("playing"), style="dim"),
    )


def line(tally: Tally, words: Words, timezone: ZoneInfo) -> str:
    """Say the run in one line."""
    counters = " · ".join(f"{words.of(name)} {_count(tally, name):,}" for name in COUNTERS)
    return f"{_clock(tally, timezone)} · {counters} · {words.of('waiting')} {tally.waiting:,}"


def _state(tally: Tally, figures: Figures, words: Words) -> Table:
    shown = Table(show_header=False, box=None, padding=(0, 1))
    shown.add_column()
    shown.add_column(justify="right")
    metres = percentile(list(tally.distance_m.values()), 50)
    beat_ms = percentile(figures.beat_ms[-BEATS_SHOWN:], 50)
    rows = {
        "waiting": f"{tally.waiting:,}",
        "distance_m": "–" if metres is None else f"{metres:,.0f}",
        "closed": f"{tally.closed:,}",
        "expired": f"{tally.expired:,}",
        "cancelled": f"{tally.cancelled:,}",
        "declined": f"{tally.counts['declined']:,}",
        "offers_expired": f"{tally.counts['offers_expired']:,}",
        "no_shows": f"{tally.counts['no_shows']:,}",
        "beat_ms": "–" if beat_ms is None else f"{beat_ms:,.1f}",
    }
    for name, value in rows.items():
        shown.add_row(words.of(name), value)
    return shown


def _reasons(tally: Tally, words: Words) -> Table:
    shown = Table(show_header=False, box=None, padding=(0, 1), title=words.of("unassigned_by_reason"))
    shown.add_column()
    shown.add_column(justify="right")
    for reason, count in sorted(tally.unassigned_by_reason().items(), key=lambda item: -item[1]):
        shown.add_row(words.of(reason), f"{count:,}")
    return shown


def _count(tally: Tally, name: str) -> int:
    counted: set[tuple[str, str]] = getattr(tally, name)
    return len(counted)


def _clock(tally: Tally, timezone: ZoneInfo) -> str:
    return "…" if tally.time is None else f"{tally.time.astimezone(timezone):%Y-%m-%d %H:%M}"
