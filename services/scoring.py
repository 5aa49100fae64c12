"""The journal's reader that keeps the figures of the domain, and the meters of the log's parts.

Subscribed by `services/runtime.py`, or followed partition by partition (`services/following.py`) in a process that may
lose partitions: then it begins at the newest snapshot. Counters count only what comes live (a restart must not look
like a burst); gauges follow the whole journal, and those of a partition that was given up are removed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from matcher import events as e
from matcher.calendar import YearDays, certain_until_s
from matcher.policy import DEFAULT, Bands, Policy
from matcher.terms import Shares
from matcher.zone import ENDED, RequestState
from services import beginning
from services.following import HeldEntry, Place
from services.meters import Meters
from services.metrics import Metrics
from services.ports import Log
from services.viewing import Fold
from services.views import RequestView
from services.wire import Entry
from services.zone_views import requests_of

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


#: Finished requests remembered of a zone, for they may be reopened; the oldest are forgotten first.
CLOSED_MAX = 5_000


class _Part:
    """One partition: its views, and whether what comes is news."""

    def __init__(self, metrics: Metrics) -> None:
        self.live = False
        self.fold = Fold(CLOSED_MAX, self.transition)
        self._metrics = metrics
        self._sharing: set[str] = set()
        self._years: dict[str, dict[int, YearDays]] = {}
        self._bands: dict[str, Bands] = {}

    def set_policy(self, zone: str, policy: Policy) -> None:
        """Know which ways a zone calls preferred and acceptable."""
        self._bands[zone] = policy.ways

    def offered(self, zone: str, metres: float) -> None:
        """Count an offer by how long the way is."""
        self._metrics.count("offers_by_way_total", band=self._bands.get(zone, DEFAULT.ways).band(metres))

    def know(self, zone: str, days: YearDays) -> None:
        """Show until when the calendar in a zone's log is certain."""
        years = self._years.setdefault(zone, {})
        years[days.year] = days
        until_s = certain_until_s(years.values())
        self._metrics.set("calendar_zone_valid_until_timestamp_seconds", until_s, zone=zone)

    def show_shares(self, zone: str, shares: Shares) -> None:
        """Show how a zone's visits of the quarter are shared."""
        self._sharing.add(zone)
        self._metrics.set("match_visits_gini_ratio", shares.gini, zone=zone)
        self._metrics.set("match_visits_most", shares.most, zone=zone)
        self._metrics.set("match_visits_least", shares.least, zone=zone)
        self._metrics.set("match_duty_owing", shares.owing, zone=zone)

    def transition(self, zone: str, request: RequestView, before: RequestState | None) -> None:
        after = request.state
        assert after is not None
        if before is not None and before not in ENDED:
            self._metrics.add("requests_open", -1, state=before.value, zone=zone)
        if after not in ENDED:
            self._metrics.add("requests_open", 1, state=after.value, zone=zone)
        if self.live:
            reason = request.outcome or ""
            steps = {"from": "none" if before is None else before.value, "to": after.value, "reason": reason}
            self._metrics.count("request_transitions_total", 1, **steps)

    def forget(self) -> None:
        """Take the partition's zones out of the gauges."""
        for zone in self.fold.zones.values():
            for state in RequestState:
                if zone.states[state] and state not in ENDED:
                    self._metrics.add("requests_open", -zone.states[state], state=state.value, zone=zone.view.zone)
                self._metrics.remove("requests_open", state=state.value, zone=zone.view.zone)
        for name in self._years:
            self._metrics.remove("calendar_zone_valid_until_timestamp_seconds", zone=name)
        for name in self._sharing:
            self._metrics.remove("match_visits_gini_ratio", zone=name)
            self._metrics.remove("match_visits_most", zone=name)
            self._metrics.remove("match_visits_least", zone=name)
            self._metrics.remove("match_duty_owing", zone=name)


class Scoring:
    """Journal -> metrics. `log`: where snapshots are; without it a partition is begun at its journal's start."""

    def __init__(self, metrics: Metrics, log: Log | None = None) -> None:
        self._metrics = metrics
        self._log = log
        self._parts: dict[int, _Part] = {}
        self._reasons: Counter[str] = Counter()

    async def begin(self, partition: int) -> Place:
        """See `Follower.begin`."""
        place, zones = await beginning.newest(self._log, partition)
        part = self._parts[partition] = _Part(self._metrics)
        for name, zone in zones.items():
            part.fold.zones[name] = requests_of(zone, CLOSED_MAX, part.transition)
            part.set_policy(name, zone.policy)
            for days in (zone.years or {}).values():
                part.know(name, days)
        return place

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Place) -> None:
        """See `Follower.take`."""
        for held in entries:
            self.entry(partition, held.offset, held.entry, held.events)

    def live(self, partition: int) -> None:
        """The partition's past is folded; from here on, count."""
        self._part(partition).live = True
        self._show_reasons()

    def end(self, partition: int) -> None:
        """See `Follower.end`."""
        part = self._parts.pop(partition, None)
        if part is not None:
            part.forget()
            self._show_reasons()

    def entry(self, partition: int, offset: int, entry: Entry, events: list[e.Event]) -> None:
        """See `reading.Reader`."""
        part = self._part(partition)
        part.fold.apply(events)
        for event in events:
            if isinstance(event, e.CalendarYearSet):
                part.know(event.zone, event.command.days)
            elif isinstance(event, e.PolicySet):
                part.set_policy(event.zone, event.command.policy)
        if not part.live:
            return
        self._metrics.set("stream_last_progress_timestamp_seconds", time.time(), agent="scoring")
        for event in events:
            self._count(event)
            if isinstance(event, e.MatchRunFinished) and event.shares:
                part.show_shares(event.zone, event.shares)
            elif isinstance(event, e.OfferSent):
                part.offered(event.zone, event.distance_m)
        if any(isinstance(event, e.RequirementUnfilled | e.AssignmentHeld | e.RequestClosed) for event in events):
            self._show_reasons()

    def _part(self, partition: int) -> _Part:
        part = self._parts.get(partition)
        if part is None:
            part = self._parts[partition] = _Part(self._metrics)
        return part

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
            case _:
                pass

    def _show_reasons(self) -> None:
        now: Counter[str] = Counter()
        for part in self._parts.values():
            for zone in part.fold.zones.values():
                now.update(zone.zone_view().unassigned)
        for reason in self._reasons.keys() | now.keys():
            self._metrics.set("match_unassigned", now[reason], reason=reason)
        self._reasons = now


class PrometheusMeters(Meters):
    """What the writer and its neighbours report, as metrics. Partitions are not labels: sixteen of each say less."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._clocks: dict[int, float] = {}

    def group(self, partition: int, commands: int, seconds: float) -> None:
        """See `Meters.group`."""
        self._metrics.observe("writer_group_commands", commands)
        self._metrics.observe("writer_group_duration_seconds", seconds)
        self.progress("matching")

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

    def progress(self, agent: str) -> None:
        """See `Meters.progress`."""
        self._metrics.set("stream_last_progress_timestamp_seconds", time.time(), agent=agent)

    def rebalanced(self, seconds: float) -> None:
        """See `Meters.rebalanced`."""
        self._metrics.count("stream_rebalances_total")
        self._metrics.observe("stream_rebalance_duration_seconds", seconds)

    def owned(self, partitions: int) -> None:
        """See `Meters.owned`."""
        self._metrics.set("stream_assigned_partitions", partitions)

    def committed(self, seconds: float) -> None:
        """See `Meters.committed`."""
        self._metrics.observe("stream_commit_duration_seconds", seconds)

    def clock_off(self, partition: int, seconds: float) -> None:
        """See `Meters.clock_off`. Each partition has a broker of its own; the worst of them is shown."""
        self._clocks[partition] = seconds
        self._metrics.set("stream_clock_difference_seconds", max(self._clocks.values(), key=abs))

    def board_lag(self, entries: int) -> None:
        """See `Meters.board_lag`."""
        self._metrics.set("board_lag_entries", entries)
