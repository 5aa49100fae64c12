"""What a run came to: the values of `--json` and the words at the end.

Counts are the tally's (from events), `lost` and `double_bookings` the independent checker's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from rich.table import Table

from services.demo.figures import Figures, peak_rss_mb
from services.demo.tally import Tally
from services.demo.words import Words


class Percentiles50And90(msgspec.Struct, frozen=True, kw_only=True):
    p50: float | None
    p90: float | None


class Percentiles50And99(msgspec.Struct, frozen=True, kw_only=True):
    p50: float | None
    p99: float | None


class Near(msgspec.Struct, frozen=True, kw_only=True):
    preferred: float | None
    acceptable: float | None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Requests: `assigned`, `accepted`, `completed`, `rated` count those that ever came so far;
    `closed`, `expired`, `cancelled`, `open` say where each is at the end and add up to `requests`."""

    requests: int
    assigned: int
    accepted: int
    completed: int
    rated: int
    closed: int
    open: int
    expired: int
    cancelled: int
    unassigned_by_reason: dict[str, int]
    parked: int
    lost: int
    double_bookings: int
    distance_m: Percentiles50And90
    #: R25: shares of the visits with a way within the preferred and the acceptable distance of their zone's policy
    near: Near
    #: R28: share of the visits made for a request that somebody had submitted; the matcher makes no others
    asked_for: float | None
    event_to_offer_ms: Percentiles50And99
    beats: int
    solve_ms: Percentiles50And99
    commands_per_second: float
    peak_rss_mb: float
    #: On brokers only: zones by the process that answers them, and where a beat's time goes, by stage.
    zones_by_process: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    beat_ms: dict[str, float] | msgspec.UnsetType = msgspec.UNSET


def summarise(
    tally: Tally,
    figures: Figures,
    *,
    lost: int,
    double_bookings: int,
    zones_by_process: dict[str, int] | msgspec.UnsetType = msgspec.UNSET,
) -> Summary:
    """Bring counts, the checker's verdict and figures together."""
    metres = list(tally.distance_m.values())
    return Summary(
        requests=len(tally.requests),
        assigned=len(tally.assigned),
        accepted=len(tally.accepted),
        completed=len(tally.completed),
        rated=len(tally.rated),
        closed=tally.closed,
        open=tally.open,
        expired=tally.expired,
        cancelled=tally.cancelled,
        unassigned_by_reason=tally.unassigned_by_reason(),
        parked=tally.parked,
        lost=lost,
        double_bookings=double_bookings,
        distance_m=Percentiles50And90(p50=percentile(metres, 50), p90=percentile(metres, 90)),
        near=Near(preferred=tally.share_near("preferred"), acceptable=tally.share_near("preferred", "acceptable")),
        asked_for=round(tally.visits_asked_for / tally.visits, 4) if tally.visits else None,
        event_to_offer_ms=_p50_p99(figures.offer_ms),
        beats=tally.beats,
        solve_ms=_p50_p99(figures.solve_ms),
        commands_per_second=round(figures.commands_per_second(), 1),
        peak_rss_mb=round(peak_rss_mb(), 1),
        zones_by_process=zones_by_process,
        beat_ms=_by_stage(figures) if figures.stages.ms else msgspec.UNSET,
    )


def _by_stage(figures: Figures) -> dict[str, float]:
    """Return the mean of a beat, of its stages, and of what lies between beats, in milliseconds."""
    beats = max(1, len(figures.beat_ms))
    whole = {"beat": sum(figures.beat_ms), **figures.stages.ms, "between": figures.seconds() * 1000}
    whole["between"] -= whole["beat"]
    return {stage: round(ms / beats, 3) for stage, ms in whole.items()}


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Return the nearest-rank percentile, rounded to 3 decimals; None of nothing."""
    if not values:
        return None
    rank = max(1, -(-len(values) * percent // 100))
    return round(sorted(values)[rank - 1], 3)


def as_json(summary: Summary) -> bytes:
    """Encode for `--json`: one object, a line a value."""
    return msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"


def table(summary: Summary, words: Words) -> Table:
    """Lay the summary out for a person."""
    shown = Table(title=words.summary, show_header=False, title_justify="left", box=None, padding=(0, 2))
    shown.add_column(style="bold")
    shown.add_column(justify="right")
    values: dict[str, Any] = msgspec.structs.asdict(summary)
    for name, value in values.items():
        if value is msgspec.UNSET:
            continue
        shown.add_row(words.of(name), _share(value) if name == "asked_for" else _shown(value, words))
    return shown


def _shown(value: Any, words: Words) -> str:
    if isinstance(value, Percentiles50And90):
        return f"p50 {_figure(value.p50)} · p90 {_figure(value.p90)}"
    if isinstance(value, Percentiles50And99):
        return f"p50 {_figure(value.p50)} · p99 {_figure(value.p99)}"
    if isinstance(value, Near):
        return f"{_share(value.preferred)} · {_share(value.acceptable)}"
    if isinstance(value, dict):
        return "\n".join(f"{words.of(name)} {count:,}" for name, count in value.items()) or "–"
    return f"{value:,}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"


def _p50_p99(values: Sequence[float]) -> Percentiles50And99:
    return Percentiles50And99(p50=percentile(values, 50), p99=percentile(values, 99))
