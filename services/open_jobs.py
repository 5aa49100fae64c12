"""The jobs of one zone that have no good report: folded from its events, or derived from its state in a snapshot.

Kept by `services/announcing.py`; both ways lead to the same jobs with the same words. Decides nothing: which job is
issued when is the core's own (`matcher/evolving.py`), and job ids are derived from the offer as the core derives them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from matcher import events as e
from matcher.commands import JobOutcome
from matcher.zone import LIVE, Assignment, Due, Job, OfferState, Zone
from services.jobs import Notify

#: Ended requests whose place is remembered, for they may be reopened; the oldest are forgotten first.
ENDED_MAX = 20_000
_STAND_DOWN = ":stand-down"


class OpenJobs:
    """What a zone would tell people, and which of it is still to be told."""

    def __init__(self) -> None:
        #: job -> as it would be published again
        self.open: dict[str, Notify] = {}
        #: those whose newest attempt has no report, in the order in which they were issued
        self.due: dict[str, None] = {}
        #: offer -> what it says; while it may be called off
        self.offers: dict[str, Notify] = {}
        #: the same of those who have said yes; while they may be told not to come
        self.visits: dict[str, Notify] = {}
        self.silent = False
        #: offer -> the week's plan that it belongs to; while nobody has been told of it
        self.untold: dict[str, str] = {}
        self._places: dict[str, str] = {}
        self._place_of: dict[str, str] = {}
        self._place_of_ended: dict[str, str] = {}

    def take(self, event: e.Event) -> Notify | None:
        """Take in an event of the zone; return the job that it issues."""
        step = STEPS.get(type(event))
        return None if step is None else step(self, event)

    @classmethod
    def of(cls, zone: Zone) -> OpenJobs:
        """What the zone's events have led to, as far as its state says.

        When an offer that has run out would have expired is not known any more; the zone's time stands for it.
        """
        made = cls()
        made.silent = not zone.policy.notify
        made._places = {place: command.name for place, command in zone.places.items()}
        made._place_of = _places_of(zone.requests)
        made._place_of_ended = dict(list(_places_of(zone.ended).items())[-ENDED_MAX:])
        expiries: dict[str, int] = {}
        for due_s, why, what in zone.deadlines:
            if why == Due.OFFER:
                expiries[what] = min(due_s, expiries.get(what, due_s))
        for assignment in zone.assignments.values():
            if assignment.offer is OfferState.SENT:
                made.offers[assignment.id] = made._told(zone, assignment, expiries)
                if assignment.plan is not UNSET and not zone.knows_of(assignment):
                    made.untold[assignment.id] = assignment.plan
            elif assignment.offer is OfferState.ACCEPTED and assignment.status in LIVE:
                made.visits[assignment.id] = made._told(zone, assignment, expiries)
        for job in sorted(zone.jobs.values(), key=_issued):
            offer = job.id.removeprefix("notify:").removesuffix(_STAND_DOWN)
            if offer in zone.assignments:
                said = made._told(zone, zone.assignments[offer], expiries)
                about = "stand_down" if job.id != said.job else "offer"
                made._issue(replace(said, job=job.id, about=about, attempt=job.attempt))
                if made.open[job.id].report in zone.remembered:
                    del made.due[job.id]
        return made

    def _told(self, zone: Zone, assignment: Assignment, expiries: dict[str, int]) -> Notify:
        accepted = assignment.offer is OfferState.ACCEPTED
        expires_s = assignment.start_s if accepted else expiries.get(assignment.id)
        return Notify(
            job=f"notify:{assignment.id}",
            attempt=1,
            about="offer",
            zone=zone.id,
            person=zone.people.ids[assignment.volunteer],
            offer=assignment.id,
            request=assignment.request,
            place=self._place(assignment.request),
            start=_time(assignment.start_s),
            end=_time(assignment.end_s),
            expires_at=_whole(zone.now) if expires_s is None else _time(expires_s),
        )

    # --- one function an event -----------------------------------------------------------------------------------

    def _place_defined(self, event: e.PlaceDefined) -> None:
        self._places[event.command.place] = event.command.name

    def _policy_set(self, event: e.PolicySet) -> None:
        self.silent = not event.command.policy.notify

    def _asked(self, event: e.RequestSubmitted) -> None:
        if event.command.place is not None:
            self._place_of[event.command.request] = event.command.place

    def _closed(self, event: e.RequestClosed) -> None:
        self._ended(event.request)

    def _cancelled(self, event: e.RequestCancelled) -> None:
        self._ended(event.command.request)

    def _ended(self, request: str) -> None:
        place = self._place_of.pop(request, None)
        if place is not None:
            self._place_of_ended[request] = place
        if len(self._place_of_ended) > ENDED_MAX:
            del self._place_of_ended[next(iter(self._place_of_ended))]

    def _reopened(self, event: e.RequestReopened) -> None:
        place = self._place_of_ended.pop(event.request, None)
        if place is not None:
            self._place_of[event.request] = place

    def _changed(self, event: e.RequestChanged) -> None:
        if event.place is None:
            self._place_of.pop(event.command.request, None)
        elif event.place is not UNSET:
            self._place_of[event.command.request] = event.place
        for told in (self.offers, self.visits):
            for name, said in told.items():
                if said.request == event.command.request:
                    told[name] = replace(said, place=self._place(said.request))

    def _accepted(self, event: e.OfferAccepted) -> None:
        offer = self.offers.pop(event.command.offer, None)
        self.untold.pop(event.command.offer, None)
        if offer is not None:
            self.visits[event.command.offer] = replace(offer, expires_at=offer.start)

    def _declined(self, event: e.OfferDeclined) -> None:
        self.offers.pop(event.command.offer, None)
        self.untold.pop(event.command.offer, None)

    def _released(self, event: e.AssignmentReleased) -> Notify | None:
        visit = self.visits.pop(event.assignment, None)
        if visit is None or self.silent or not event.stand_down:
            return None
        return self._issue(replace(visit, job=f"{visit.job}{_STAND_DOWN}", about="stand_down", attempt=1))

    def _finished(self, event: e.WorkFinished) -> None:
        self.visits.pop(event.command.assignment, None)

    def _missed(self, event: e.NoShowRecorded) -> None:
        self.visits.pop(event.assignment, None)

    def _expired(self, event: e.OfferExpired) -> None:
        self.offers.pop(event.offer, None)

    def _sent(self, event: e.OfferSent) -> Notify | None:
        job = Notify(
            job=f"notify:{event.offer}",
            attempt=1,
            about="offer",
            zone=event.zone,
            person=event.volunteer,
            offer=event.offer,
            request=event.request,
            place=self._place(event.request),
            start=event.start,
            end=event.end,
            expires_at=_whole(event.expires_at),
        )
        self.offers[event.offer] = job
        if event.plan is not UNSET:
            self.untold[event.offer] = event.plan
            return None
        return None if self.silent else self._issue(job)

    def told(self, event: e.PlanNotified) -> list[Notify]:
        """Take in that a plan's people are told; return the jobs that this issues."""
        issued = []
        for name in [name for name, plan in self.untold.items() if plan == event.command.plan]:
            del self.untold[name]
            said = self.offers[name]
            self.offers[name] = said = replace(said, expires_at=min(said.expires_at, _whole(event.expires_at)))
            if not self.silent:
                issued.append(self._issue(said))
        return issued

    def _superseded(self, event: e.OfferSuperseded) -> Notify | None:
        offer, plan = self.offers.pop(event.offer, None), self.untold.pop(event.offer, None)
        if offer is None or self.silent or plan is not None:
            return None
        return self._issue(replace(offer, job=f"{offer.job}{_STAND_DOWN}", about="stand_down", attempt=1))

    def _reported(self, event: e.JobReported) -> None:
        job = self.open.get(event.command.job)
        if job is not None and event.command.attempt == job.attempt:
            self.due.pop(job.job, None)
        if event.command.outcome is not JobOutcome.FAILED:
            self._drop(event.command.job)

    def _reissued(self, event: e.JobReissued) -> Notify | None:
        job = self.open.get(event.job)
        return None if job is None else self._issue(replace(job, attempt=event.attempt))

    def _abandoned(self, event: e.JobAbandoned) -> None:
        self._drop(event.job)

    def _place(self, request: str) -> str:
        place = self._place_of.get(request) or self._place_of_ended.get(request, "")
        return self._places.get(place, "")

    def _issue(self, job: Notify) -> Notify:
        self.open[job.job] = job
        self.due.pop(job.job, None)
        self.due[job.job] = None
        return job

    def _drop(self, job: str) -> None:
        self.open.pop(job, None)
        self.due.pop(job, None)


def _places_of(requests: dict[str, Any]) -> dict[str, str]:
    return {name: request.command.place for name, request in requests.items() if request.command.place is not None}


def _issued(job: Job) -> int:
    return job.issued_s


def _time(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def _whole(at: datetime) -> datetime:
    """To whole seconds, as a zone keeps its deadlines."""
    return at.replace(microsecond=0)


#: The events that concern jobs.
STEPS: dict[type[e.Event], Callable[[OpenJobs, Any], Notify | None]] = {
    e.PlaceDefined: OpenJobs._place_defined,
    e.PolicySet: OpenJobs._policy_set,
    e.RequestSubmitted: OpenJobs._asked,
    e.RequestClosed: OpenJobs._closed,
    e.RequestCancelled: OpenJobs._cancelled,
    e.RequestReopened: OpenJobs._reopened,
    e.OfferSent: OpenJobs._sent,
    e.RequestChanged: OpenJobs._changed,
    e.OfferAccepted: OpenJobs._accepted,
    e.OfferDeclined: OpenJobs._declined,
    e.AssignmentReleased: OpenJobs._released,
    e.WorkFinished: OpenJobs._finished,
    e.NoShowRecorded: OpenJobs._missed,
    e.OfferExpired: OpenJobs._expired,
    e.OfferSuperseded: OpenJobs._superseded,
    e.JobReported: OpenJobs._reported,
    e.JobReissued: OpenJobs._reissued,
    e.JobAbandoned: OpenJobs._abandoned,
}
