"""The journal reader that keeps the figures of the domain, and the meters of the log's parts.

Subscribed by `services/runtime.py`. Counters count only what comes live (a restart must not look like a burst);
gauges follow the whole journal.
"""

from __future__ import annotations

import time
from collections import Counter

from matcher import events as e
from matcher.terms import Shares
from matcher.zone import ENDED, RequestState
from services.meters import Meters
from services.metrics import Metrics
from services.viewing import Fold
from services.views import RequestView
from services.wire import Entry

_OFFERS: dict[type[e.Event], str] = {
    e.OfferSent: "sent",
    e.OfferAccepted: "accepted",
    e.OfferDeclined: "declined",
    e.OfferExpired: "expired",
    e.OfferSuperseded: "superseded",
}
_VISITS: dict[type[e.Event], str] = {
    e.AssignmentCommitted: "committed",
    e.WorkFinished: "done",
    e.NoShowRecorded: "no_show",
}


class Scoring:
    """Journal -> metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._live = False
        self._fold = Fold(closed_max=0, transition=self._transition)
        self._reasons: Counter[str] = Counter()

    def live(self) -> None:
        """The past is folded; from here on, count."""
        self._live = True
        self._show_reasons()

    def entry(self, partition: int, offset: int, entry: Entry, events: list[e.Event]) -> None:
        """See `projecting.Listener`."""
        self._fold.apply(events)
        if not self._live:
            return
        self._metrics.set("stream_last_progress_timestamp_seconds", time.time(), agent="scoring")
        for event in events:
            self._count(event)
        if any(isinstance(event, e.RequirementUnfilled | e.AssignmentHeld | e.RequestClosed) for event in events):
            self._show_reasons()

    def _count(self, event: e.Event) -> None:
        kind = type(event)
        if kind in _OFFERS:
            self._metrics.count("offers_total", outcome=_OFFERS[kind])
        if kind in _VISITS:
            self._metrics.count("assignments_total", outcome=_VISITS[kind])
        match event:
            case e.RequestSubmitted():
                self._metrics.count("requests_total", channel=event.command.channel)
            case e.OfferSent():
                self._metrics.observe("match_distance_meters", event.distance_m)
            case e.AssignmentReleased():
                self._metrics.count("assignments_total", outcome=f"released_{event.reason.value}")
            case e.CommandRefused():
                self._metrics.count("commands_refused_total", code=type(event.reason).__name__)
            case e.MatchRunFinished():
                optimal = "yes" if event.optimal else "no"
                self._metrics.count("match_runs_total", engine=event.engine, optimal=optimal)
                self._metrics.set("match_optimality_gap_ratio", event.gap / max(1, sum(event.objective.values())))
                if event.shares:
                    self._show_shares(event.zone, event.shares)
            case _:
                pass

    def _transition(self, zone: str, request: RequestView, before: RequestState | None) -> None:
        after = request.state
        assert after is not None
        if before is not None and before not in ENDED:
            self._metrics.add("requests_open", -1, state=before.value, zone=zone)
        if after not in ENDED:
            self._metrics.add("requests_open", 1, state=after.value, zone=zone)
        if self._live:
            reason = request.outcome or ""
            steps = {"from": "none" if before is None else before.value, "to": after.value, "reason": reason}
            self._metrics.count("request_transitions_total", 1, **steps)

    def _show_shares(self, zone: str, shares: Shares) -> None:
        self._metrics.set("match_visits_gini_ratio", shares.gini, zone=zone)
        self._metrics.set("match_visits_most", shares.most, zone=zone)
        self._metrics.set("match_visits_least", shares.least, zone=zone)
        self._metrics.set("match_duty_owing", shares.owing, zone=zone)

    def _show_reasons(self) -> None:
        now: Counter[str] = Counter()
        for zone in self._fold.zones.values():
            now.update(zone.zone_view().unassigned)
        for reason in self._reasons.keys() | now.keys():
            self._metrics.set("match_unassigned", now[reason], reason=reason)
        self._reasons = now


class PrometheusMeters(Meters):
    """What the writer and its neighbours report, as metrics. Partitions are not labels: sixteen of each say less."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def group(self, partition: int, commands: int, seconds: float) -> None:
        """See `Meters.group`."""
        self._metrics.observe("writer_group_commands", commands)
        self._metrics.observe("writer_group_duration_seconds", seconds)

    def solve(self, partition: int, seconds: float) -> None:
        """See `Meters.solve`."""
        self._metrics.observe("match_solve_duration_seconds", seconds)

    def signed_in(self, partition: int) -> None:
        """See `Meters.signed_in`."""
        self._metrics.count("writer_sign_ins_total")

    def fenced(self, partition: int) -> None:
        """See `Meters.fenced`."""
        self._metrics.count("writer_fenced_total")

    def uncertain(self, partition: int) -> None:
        """See `Meters.uncertain`."""
        self._metrics.count("writer_appends_uncertain_total")

    def voids(self, partition: int, records: int) -> None:
        """See `Meters.voids`."""
        self._metrics.count("journal_void_records_total", records)

    def read_back(self, partition: int, records: int) -> None:
        """See `Meters.read_back`."""
        self._metrics.count("journal_records_read_back_total", records)

    def parked(self, topic: str, reason: str) -> None:
        """See `Meters.parked`."""
        self._metrics.count("parked_total", topic=topic, reason=reason)

    def attempt(self, partition: int, n: int) -> None:
        """See `Meters.attempt`."""
        self._metrics.count("writer_attempts_total", n=str(n))

    def snapshot(self, partition: int, size_bytes: int, seconds: float) -> None:
        """See `Meters.snapshot`."""
        self._metrics.count("snapshots_total", outcome="written")
        self._metrics.set("snapshot_size_bytes", size_bytes)
        self._metrics.observe("snapshot_duration_seconds", seconds)

    def snapshot_ignored(self, partition: int) -> None:
        """See `Meters.snapshot_ignored`."""
        self._metrics.count("snapshots_total", outcome="ignored")
