"""Every metric of the product in ONE table, and the registry made from it. `docs/metrics.md` is generated from here:
`python -m services.metrics > docs/metrics.md`.

Base units, bounded labels, no id and no free text as a label. An own registry: nothing registers at import.
"""

from __future__ import annotations

import contextlib
import platform
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import prometheus_client
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from services.names import NAME

DISTANCE_M = (50.0, 100.0, 200.0, 300.0, 500.0, 800.0, 1200.0, 2000.0, 3000.0, 5000.0, 10000.0)
SOLVE_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0)
BATCH_S = (1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
SHORT_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
GROUP = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
#: Values kept of a label that comes from outside; the rest are "other".
OUTSIDE_LABELS_MAX = 30


@dataclass(frozen=True)
class Metric:
    """One row. The full name is the prefix, `name`, and nothing else; `outside`: labels whose values people choose."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    unit: str
    help: str
    buckets: tuple[float, ...] = ()
    outside: tuple[str, ...] = ()


TABLE = (
    # requests and people
    Metric("requests_total", "counter", ("channel",), "", "Requests submitted.", outside=("channel",)),
    Metric("request_transitions_total", "counter", ("from", "to", "reason"), "", "Requests that changed state."),
    Metric("requests_open", "gauge", ("state", "zone"), "", "Requests not closed or cancelled.", outside=("zone",)),
    Metric("offers_total", "counter", ("outcome",), "", "Offers by what happened: sent, then the answer."),
    Metric("assignments_total", "counter", ("outcome",), "", "Visits by how they ended."),
    Metric("offers_by_way_total", "counter", ("band",), "", "Offers by how long the way is (policy `bands`)."),
    Metric("commands_refused_total", "counter", ("code",), "", "Commands answered with a refusal."),
    # matching
    Metric("match_distance_meters", "histogram", (), "m", "Great-circle distance of offered people.", DISTANCE_M),
    Metric("match_solve_duration_seconds", "histogram", (), "s", "One zone's solve, waiting included.", SOLVE_S),
    Metric("match_runs_total", "counter", ("engine", "optimal"), "", "Solves by engine and whether proven optimal."),
    Metric("match_unassigned", "gauge", ("reason",), "", "Requirements that have nobody now, by why."),
    Metric("match_optimality_gap_ratio", "gauge", (), "ratio", "Gap of the last solve over its objective."),
    Metric("match_visits_gini_ratio", "gauge", ("zone",), "ratio", "Gini of this quarter's visits.", outside=("zone",)),
    Metric("match_visits_most", "gauge", ("zone",), "", "Visits of whoever has most this quarter.", outside=("zone",)),
    Metric("match_visits_least", "gauge", ("zone",), "", "Visits of whoever has fewest.", outside=("zone",)),
    Metric("match_duty_owing", "gauge", ("zone",), "", "Cadres without a visit this quarter.", outside=("zone",)),
    # the log
    Metric("writer_group_commands", "histogram", (), "", "Commands answered together.", GROUP),
    Metric("writer_group_duration_seconds", "histogram", (), "s", "From the first command to the check.", SHORT_S),
    Metric("writer_sign_ins_total", "counter", (), "", "Writers that took a partition."),
    Metric("writer_fenced_total", "counter", (), "", "Writers that found their partition taken."),
    Metric("writer_appends_uncertain_total", "counter", (), "", "Appends whose answer was lost."),
    Metric("writer_attempts_total", "counter", ("n",), "", "Commands tried alone after a crash."),
    Metric("journal_void_records_total", "counter", (), "", "Journal records that mean nothing."),
    Metric("journal_records_read_back_total", "counter", (), "", "Records no driver had brought (holes, backlog)."),
    Metric("parked_total", "counter", ("topic", "reason"), "", "Records set aside, unreadable or undecidable."),
    Metric("parked_open", "gauge", (), "", "Commands set aside in own partitions, neither replayed nor dropped yet."),
    Metric("snapshots_total", "counter", ("outcome",), "", "Snapshots written or ignored."),
    Metric("snapshot_size_bytes", "gauge", (), "bytes", "Size of the last snapshot."),
    Metric("snapshot_duration_seconds", "histogram", (), "s", "Time to write a snapshot.", SHORT_S),
    # the stream: partitions of this process, looked at when somebody scrapes
    Metric("log_partitions", "gauge", (), "", "Partitions of the log; each needs one process that answers it."),
    Metric("stream_assigned_partitions", "gauge", (), "", "Partitions that this process answers."),
    Metric("stream_unready_partitions", "gauge", (), "", "Partitions taken whose writer has not caught up yet."),
    Metric("stream_lag_commands", "gauge", (), "", "Commands not answered, all own partitions together."),
    Metric("stream_lag_largest_commands", "gauge", (), "", "Commands not answered in the partition with most of them."),
    Metric("stream_oldest_unanswered_age_seconds", "gauge", (), "s", "Age of the oldest command in hand; 0 if none."),
    Metric("stream_standstill_seconds", "gauge", (), "s", "Longest time that a partition with commands answered none."),
    Metric("stream_last_progress_timestamp_seconds", "gauge", ("agent",), "s", "When an agent last took an entry."),
    Metric("stream_rebalances_total", "counter", (), "", "Times the partitions were handed out anew."),
    Metric(
        "stream_rebalance_duration_seconds", "histogram", (), "s", "From losing partitions to having them.", SHORT_S
    ),
    Metric("stream_commit_duration_seconds", "histogram", (), "s", "Time to commit offsets (a hint only).", SHORT_S),
    Metric("stream_clock_difference_seconds", "gauge", (), "s", "Own clock against the append time, the worst broker."),
    Metric("board_lag_entries", "gauge", (), "", "Journal entries read and not on the board yet."),
    # jobs
    Metric("queue_depth", "gauge", ("queue",), "", "Jobs that wait: before publishing, and at the broker."),
    Metric("queue_oldest_job_age_seconds", "gauge", ("queue",), "s", "Age of the job in hand, or of the last before."),
    Metric("notifications_total", "counter", ("channel", "outcome"), "", "Messages to people, by what became of them."),
    # the week's batch
    Metric("rematch_parts", "gauge", ("zone", "state"), "", "Parts of the running batch.", outside=("zone",)),
    Metric("rematch_cost_points", "gauge", ("zone",), "", "Cost of the parts that are planned.", outside=("zone",)),
    Metric("rematch_open_places", "gauge", ("zone",), "", "Places that they leave open.", outside=("zone",)),
    Metric(
        "rematch_fill_gap_places", "gauge", ("zone",), "", "Bound of the fill less what is filled.", outside=("zone",)
    ),
    Metric("rematch_duration_seconds", "histogram", (), "s", "A batch, from its start to its plan.", BATCH_S),
    Metric("rematch_jobs_failed_total", "counter", (), "", "Jobs of batches whose process died twice."),
    # HTTP
    Metric("http_requests_total", "counter", ("route", "status"), "", "HTTP requests answered."),
    Metric("http_request_duration_seconds", "histogram", ("route",), "s", "Time to answer.", SHORT_S),
    Metric("http_bodies_too_large_total", "counter", (), "", "Bodies refused with 413."),
    Metric("commands_unanswered", "gauge", (), "", "Commands taken by the API that wait for their answer."),
    Metric("commands_unanswered_limit", "gauge", (), "", "So many of them, and the API takes no more."),
    # the calendar
    Metric(
        "calendar_valid_until_timestamp_seconds",
        "gauge",
        ("source",),
        "s",
        "Until when working days are certain; set when the service starts.",
    ),
    Metric(
        "calendar_zone_valid_until_timestamp_seconds",
        "gauge",
        ("zone",),
        "s",
        "Until when the calendar that a zone's log holds is certain.",
        outside=("zone",),
    ),
    # the program
    Metric("build_info", "gauge", ("version", "python"), "", "Always 1; the labels say what runs."),
)

Collector = Counter | Gauge | Histogram
Look = Callable[[], None]


class Metrics:
    """The registry of one process, addressed by the table's names. Any thread may call."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for program in (ProcessCollector, PlatformCollector, GCCollector):
            program(registry=self.registry)
        self._rows = {row.name: row for row in TABLE}
        self._collectors: dict[str, Collector] = {row.name: _make(row, self.registry) for row in TABLE}
        #: Series that were used before, by their labels: to ask prometheus_client each time costs more than to count.
        self._children: dict[str, dict[tuple[tuple[str, str], ...], Collector]] = {row.name: {} for row in TABLE}
        self._seen: dict[tuple[str, str], set[str]] = {}
        self._lock = threading.Lock()
        self._looks: list[Look] = []
        self.set("build_info", 1, version=_version(), python=platform.python_version())

    def count(self, name: str, amount: float = 1, /, **labels: str) -> None:
        """Add to a counter."""
        child = self._child(name, labels)
        assert isinstance(child, Counter)
        child.inc(amount)

    def set(self, name: str, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        child = self._child(name, labels)
        assert isinstance(child, Gauge)
        child.set(value)

    def add(self, name: str, amount: float, /, **labels: str) -> None:
        """Move a gauge."""
        child = self._child(name, labels)
        assert isinstance(child, Gauge)
        child.inc(amount)

    def remove(self, name: str, /, **labels: str) -> None:
        """Show a labelled series no more; one that is counted as `other` stays."""
        collector, row = self._collectors[name], self._rows[name]
        if all(self._bounded(row, label, value) == value for label, value in labels.items()):
            self._children[name].clear()
            with contextlib.suppress(KeyError):
                collector.remove(*(labels[label] for label in row.labels))

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        """Add an observation to a histogram."""
        child = self._child(name, labels)
        assert isinstance(child, Histogram)
        child.observe(value)

    def at_scrape(self, look: Look) -> None:
        """Call `look` before each exposition, in its thread: for what is told by looking and by no event."""
        self._looks.append(look)

    def exposition(self) -> tuple[bytes, str]:
        """The text that Prometheus scrapes, and its media type."""
        for look in self._looks:
            look()
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def _child(self, name: str, labels: dict[str, str]) -> Collector:
        collector, row = self._collectors[name], self._rows[name]
        if not row.labels:
            return collector
        known = self._children[name].get(tuple(labels.items()))
        if known is not None:
            return known
        bounded = {label: self._bounded(row, label, value) for label, value in labels.items()}
        child = collector.labels(**bounded)
        if bounded == labels:  # what is counted as `other` has values without end
            self._children[name][tuple(labels.items())] = child
        return child

    def _bounded(self, row: Metric, label: str, value: str) -> str:
        if label not in row.outside:
            return value
        with self._lock:
            seen = self._seen.setdefault((row.name, label), set())
            if value in seen or len(seen) < OUTSIDE_LABELS_MAX:
                seen.add(value)
                return value
        return "other"


def document() -> str:
    """The table as Markdown."""
    lines = [
        "# Metrics",
        "",
        "Made from the table in `services/metrics.py` by `python -m services.metrics`; a test holds the two equal.",
        f"Labels marked * take their first {OUTSIDE_LABELS_MAX} values; later ones are counted as `other`.",
        "Counters and histograms count what this process saw since it was ready; gauges are rebuilt from the journal.",
        "Lag, ages and depths are looked up when somebody scrapes, so they do not stand still with what they watch.",
        "Beside them stand `process_*` and `python_*` of prometheus_client: memory, processor, files, start time.",
        "Rules and alerts made of these: `deploy/prometheus/`, and what to do about each: [alerts.md](alerts.md).",
        "",
        "| Metric | Type | Labels | Unit | Meaning |",
        "|---|---|---|---|---|",
    ]
    for row in TABLE:
        labels = ", ".join(f"`{label}`{'*' if label in row.outside else ''}" for label in row.labels)
        lines.append(f"| `{NAME}_{row.name}` | {row.kind} | {labels} | {row.unit} | {row.help} |")
    return "\n".join(lines) + "\n"


def _make(row: Metric, registry: CollectorRegistry) -> Collector:
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    name = f"{NAME}_{row.name}"
    match row.kind:
        case "counter":
            return Counter(name, row.help, row.labels, registry=registry)
        case "gauge":
            return Gauge(name, row.help, row.labels, registry=registry)
        case "histogram":
            return Histogram(name, row.help, row.labels, registry=registry, buckets=row.buckets)


def _version() -> str:
    try:
        return version(NAME)
    except PackageNotFoundError:
        return "unknown"


if __name__ == "__main__":
    print(document(), end="")
