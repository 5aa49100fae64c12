"""What time itself ends: offers, waits for a no-show, crews that never came together, windows, ratings, jobs.

Called by `decisions` for a Tick that moves the zone's time. Several things of one request may lapse at the same tick;
each sees what the ones before it have ended.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from msgspec import UNSET

from matcher import adopting, publishing, rematching
from matcher import events as e
from matcher.commands import ReportJob, Tick
from matcher.events import Event, ReleaseReason, RematchEnding
from matcher.facts import Facts
from matcher.progress import consequences
from matcher.requests import outcome
from matcher.zone import KEPT, LIVE, Due, Need, OfferState, RequestState, Status, Zone

#: Deadlines that one Tick looks at: what follows of each is below 1 KB, and an entry holds 4 MiB (DESIGN 4.9).
LAPSES_MAX = 2500


def time_passes(zone: Zone, tick: Tick, facts: Facts) -> list[Event]:
    """Move the zone's time, then end what has lapsed by then, oldest first; then a week's plan goes on."""
    lapse = _Lapse(zone, facts)
    due = zone.due(int(tick.at.timestamp()))
    for _, why, what in due[:LAPSES_MAX]:
        lapse.ends(Due(why), what)
    lapsed = LAPSES_MAX if len(due) > LAPSES_MAX else UNSET
    begun = [facts(e.TimePassed, beat=tick.beat, lapsed=lapsed), *lapse.events, *lapse.consequences()]
    return [*begun, *publishing.goes_on(zone, facts, lapse.touched), *rematching.by_itself(zone, facts)]


class _Lapse:
    """One tick's lapses: the events so far, and where assignments are after them."""

    def __init__(self, zone: Zone, facts: Facts) -> None:
        self.zone = zone
        self.facts = facts
        self.events: list[Event] = []
        self.changed: dict[str, Status] = {}
        self.touched: dict[str, None] = {}
        self.started: set[tuple[str, str]] = set()
        self._ends: dict[Due, Callable[[str], None]] = {
            Due.OFFER: self._offer,
            Due.START: self._start,
            Due.NO_SHOW: self._no_show,
            Due.OVERRUN: self._overrun,
            Due.WINDOW: self._window,
            Due.RATING: self._rating,
            Due.JOB: self._job,
            Due.REMATCH: self._rematch,
        }

    def ends(self, why: Due, what: str) -> None:
        """End one thing, if it is still there to be ended."""
        if why in self._ends:
            self._ends[why](what)

    def consequences(self) -> list[Event]:
        """Return what all of it means for the requests it touched."""
        follow: list[Event] = []
        for name in self.touched:
            if name in self.zone.requests:
                follow += consequences(self.zone, self.zone.requests[name], self.changed, self.facts)
        return follow

    def _status(self, name: str) -> Status | None:
        assignment = self.zone.assignments.get(name)
        return self.changed.get(name, assignment.status) if assignment else None

    def _change(self, name: str, status: Status, event: Event) -> None:
        self.events.append(event)
        self.changed[name] = status
        self.touched[self.zone.assignments[name].request] = None

    def _release(self, name: str, reason: ReleaseReason) -> None:
        released = self.facts(e.AssignmentReleased, assignment=name, reason=reason)
        self._change(name, Status.RELEASED, released)

    def _offer(self, name: str) -> None:
        if self._status(name) is not Status.TENTATIVE:
            return
        if self.zone.knows_of(self.zone.assignments[name]):
            self.events.append(self.facts(e.OfferExpired, offer=name))
            self._release(name, ReleaseReason.OFFER_EXPIRED)
        else:  # nobody was told: nobody has failed to answer
            self.events.append(self.facts(e.OfferSuperseded, offer=name))
            self._release(name, ReleaseReason.OFFER_SUPERSEDED)

    def _no_show(self, name: str) -> None:
        if self._status(name) in {Status.COMMITTED, Status.EN_ROUTE}:
            self._change(name, Status.NO_SHOW, self.facts(e.NoShowRecorded, assignment=name))

    def _overrun(self, name: str) -> None:
        if self._status(name) is Status.ON_SITE:
            self._release(name, ReleaseReason.OVERRUN)

    def _start(self, name: str) -> None:
        """At a crew's start: enough people go without the rest; too few are all let go, and the place opens again."""
        assignment = self.zone.assignments.get(name)
        if assignment is None or self._status(name) not in LIVE or assignment.request not in self.zone.requests:
            return
        if (assignment.request, assignment.requirement) in self.started:
            return  # one deadline a member, one decision a crew
        self.started.add((assignment.request, assignment.requirement))
        request = self.zone.requests[assignment.request]
        need = request.needs[assignment.requirement]
        kept = sum(self._status(other) in KEPT for other in need.assignments)
        enough = need.requirement.minimum_people or need.requirement.people
        self._dismiss(need, also_kept=kept < enough)
        place = {"request": assignment.request, "requirement": assignment.requirement}
        if kept >= enough and not need.filled and kept < need.requirement.people:
            self.events.append(self.facts(e.RequirementFilled, **place))
        elif kept < enough and self.facts.at < request.latest:
            self.events.append(self.facts(e.RequirementOpened, **place, wave=need.wave + 1))

    def _dismiss(self, need: Need, also_kept: bool) -> None:
        for name in need.assignments:
            status = self._status(name)
            if status is Status.TENTATIVE:
                if self.zone.assignments[name].offer is OfferState.SENT:
                    self.events.append(self.facts(e.OfferSuperseded, offer=name))
                self._release(name, ReleaseReason.OFFER_SUPERSEDED)
            elif status in LIVE and also_kept:
                self._release(name, ReleaseReason.CREW_INCOMPLETE)

    def _window(self, name: str) -> None:
        request = self.zone.requests.get(name)
        if request is not None and self.facts.at >= request.latest:
            self.touched[name] = None

    def _rating(self, name: str) -> None:
        request = self.zone.requests.get(name)
        if request is None or request.state is not RequestState.COMPLETED or request.completed_at is None:
            return
        if self.facts.at >= request.completed_at + timedelta(days=self.zone.policy.rating_expiry_days):
            ending = outcome(self.zone, request)
            self.events.append(self.facts(e.RequestClosed, request=name, outcome=ending))

    def _job(self, name: str) -> None:
        job, policy = self.zone.jobs.get(name), self.zone.policy
        if job is None or job.issued_s + 60 * policy.job_retry_minutes > self.facts.at.timestamp():
            return
        if job.attempt >= policy.job_attempts_max:
            self.events.append(self.facts(e.JobAbandoned, job=name, attempts=job.attempt))
        else:
            self.events.append(self.facts(e.JobReissued, job=name, attempt=job.attempt + 1))

    def _rematch(self, name: str) -> None:
        """A batch that ran too long ends with what it has."""
        rematch = self.zone.rematch
        if rematch is not UNSET and rematch.id == name:
            self.events += adopting.ended(self.zone, rematch, RematchEnding.DEADLINE, None, self.facts)


def report_job(zone: Zone, command: ReportJob, facts: Facts) -> list[Event]:
    """Record what became of a job. A failed one is issued again when its time comes."""
    return [facts(e.JobReported, command=command)]
