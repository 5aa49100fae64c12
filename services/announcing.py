"""The journal reader that turns offers into jobs: OfferSent, OfferSuperseded, JobReissued -> `Notify`.

Subscribed by `services/runtime.py`. While the past is folded nothing is published; then, once, every job without a
good report; from there on each as it comes. Job ids are derived from the offer, as the core derives them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from matcher import events as e
from matcher.commands import JobOutcome
from services.jobs import Jobs, Notify
from services.wire import Entry


class Announcing:
    """Journal -> jobs. Keeps the open jobs, and what they say, of every zone."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._live = False
        #: (zone, job) -> the job as it would be published again
        self._open: dict[tuple[str, str], Notify] = {}
        self._due: dict[tuple[str, str], None] = {}
        #: (zone, offer) -> what the stand-down would say; while the offer or its visit may still be called off
        self._offers: dict[tuple[str, str], Notify] = {}
        self._places: dict[tuple[str, str], str] = {}
        self._request_place: dict[tuple[str, str], str] = {}
        self._silent: set[str] = set()

    @property
    def open(self) -> int:
        """Jobs without a good report."""
        return len(self._open)

    def live(self) -> None:
        """The past is folded: publish what is open, in the order in which it became due."""
        self._live = True
        for key in self._due:
            self._jobs.publish(self._open[key])
        self._due.clear()

    def entry(self, partition: int, offset: int, entry: Entry, events: list[e.Event]) -> None:
        """See `projecting.Listener`."""
        for event in events:
            self._fold(event)

    def _fold(self, event: e.Event) -> None:
        step = _STEPS.get(type(event))
        if step is not None:
            step(self, event)

    def _place(self, event: e.PlaceDefined) -> None:
        self._places[event.zone, event.command.place] = event.command.name

    def _asked(self, event: e.RequestSubmitted) -> None:
        if event.command.place is not None:
            self._request_place[event.zone, event.command.request] = event.command.place

    def _closed(self, event: e.RequestClosed) -> None:
        self._request_place.pop((event.zone, event.request), None)

    def _cancelled(self, event: e.RequestCancelled) -> None:
        self._request_place.pop((event.zone, event.command.request), None)

    def _answered(self, event: e.OfferAccepted | e.OfferDeclined) -> None:
        self._offers.pop((event.zone, event.command.offer), None)

    def _expired(self, event: e.OfferExpired) -> None:
        self._offers.pop((event.zone, event.offer), None)

    def _abandoned(self, event: e.JobAbandoned) -> None:
        self._drop((event.zone, event.job))

    def _set_silent(self, event: e.PolicySet) -> None:
        if event.command.policy.notify:
            self._silent.discard(event.zone)
        else:
            self._silent.add(event.zone)

    def _sent(self, event: e.OfferSent) -> None:
        if event.zone in self._silent:
            return
        place = self._request_place.get((event.zone, event.request), "")
        job = Notify(
            job=f"notify:{event.offer}",
            attempt=1,
            about="offer",
            zone=event.zone,
            person=event.volunteer,
            offer=event.offer,
            request=event.request,
            place=self._places.get((event.zone, place), ""),
            start=event.start,
            end=event.end,
            expires_at=event.expires_at,
        )
        self._offers[event.zone, event.offer] = job
        self._issue(job)

    def _superseded(self, event: e.OfferSuperseded) -> None:
        offer = self._offers.pop((event.zone, event.offer), None)
        if offer is not None and event.zone not in self._silent:
            self._issue(replace(offer, job=f"{offer.job}:stand-down", about="stand_down", attempt=1))

    def _reported(self, event: e.JobReported) -> None:
        key = (event.zone, event.command.job)
        self._due.pop(key, None)
        if event.command.outcome is not JobOutcome.FAILED:
            self._drop(key)

    def _reissued(self, event: e.JobReissued) -> None:
        job = self._open.get((event.zone, event.job))
        if job is not None:
            self._issue(replace(job, attempt=event.attempt))

    def _issue(self, job: Notify) -> None:
        key = (job.zone, job.job)
        self._open[key] = job
        if self._live:
            self._jobs.publish(job)
        else:
            self._due.pop(key, None)
            self._due[key] = None

    def _drop(self, key: tuple[str, str]) -> None:
        self._open.pop(key, None)
        self._due.pop(key, None)


_STEPS: dict[type[e.Event], Callable[[Announcing, Any], None]] = {
    e.PlaceDefined: Announcing._place,
    e.PolicySet: Announcing._set_silent,
    e.RequestSubmitted: Announcing._asked,
    e.RequestClosed: Announcing._closed,
    e.RequestCancelled: Announcing._cancelled,
    e.OfferSent: Announcing._sent,
    e.OfferAccepted: Announcing._answered,
    e.OfferDeclined: Announcing._answered,
    e.OfferExpired: Announcing._expired,
    e.OfferSuperseded: Announcing._superseded,
    e.JobReported: Announcing._reported,
    e.JobReissued: Announcing._reissued,
    e.JobAbandoned: Announcing._abandoned,
}
