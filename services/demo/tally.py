"""What has become of the requests and people so far, counted from the journal alone.

Fed by the demo's reader; read by the view and the summary. Decides nothing and keeps nothing on disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from matcher.events import (
    AssignmentCommitted,
    AssignmentHeld,
    AssignmentReleased,
    CommandParked,
    CommandRefused,
    Event,
    MatchRunFinished,
    NoShowRecorded,
    OfferDeclined,
    OfferExpired,
    OfferSent,
    Outcome,
    PolicySet,
    RatingSubmitted,
    RequestCancelled,
    RequestClosed,
    RequestCompleted,
    RequestReopened,
    RequestSubmitted,
    RequirementFilled,
    RequirementOpened,
    RequirementUnfilled,
    TimePassed,
    VolunteerRegistered,
    WorkFinished,
)
from matcher.policy import DEFAULT, Bands

Key = tuple[str, str]

CANCELLED = "cancelled"


class Tally:
    """Counts of one run. `take` every event once, in the order of each zone."""

    def __init__(self) -> None:
        self.requests: set[Key] = set()
        self.assigned: set[Key] = set()
        self.accepted: set[Key] = set()
        self.completed: set[Key] = set()
        self.rated: set[Key] = set()
        #: requests that are over, with the outcome; reopening takes them out again
        self.ended: dict[Key, str] = {}
        #: request -> its requirements that wait for people
        self.open_needs: dict[Key, set[str]] = {}
        #: request -> requirement -> why the last solve that said so left it open
        self.unfilled: dict[Key, dict[str, str]] = {}
        self.counts: Counter[str] = Counter()
        self.people = 0
        self.parked = 0
        #: assignment -> metres of the way there; one that is released before the visit leaves again
        self.distance_m: dict[Key, float] = {}
        #: zone -> which ways its policy calls preferred and acceptable
        self.bands: dict[str, Bands] = {}
        #: visits made, and how many of them for a request that somebody has submitted (R28)
        self.visits = self.visits_asked_for = 0
        #: assignment -> (request, requirement)
        self._place_of: dict[Key, tuple[str, str]] = {}
        self._offered_m: dict[Key, float] = {}
        self._beats: set[int] = set()
        self.time: datetime | None = None

    def take(self, event: Event) -> None:
        """Count one event."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    @property
    def beats(self) -> int:
        """How many different beats some zone has lived through."""
        return len(self._beats)

    def share_near(self, *bands: str) -> float | None:
        """Return the share of the ways that lie in one of these bands; None of none."""
        ways = [self.bands.get(zone, DEFAULT.ways).band(metres) for (zone, _), metres in self.distance_m.items()]
        return round(sum(way in bands for way in ways) / len(ways), 4) if ways else None

    @property
    def expired(self) -> int:
        return sum(outcome == Outcome.EXPIRED for outcome in self.ended.values())

    @property
    def cancelled(self) -> int:
        return sum(outcome == CANCELLED for outcome in self.ended.values())

    @property
    def closed(self) -> int:
        return len(self.ended) - self.expired - self.cancelled

    @property
    def open(self) -> int:
        return len(self.requests) - len(self.ended)

    @property
    def waiting(self) -> int:
        """Requests with a requirement that is open to the matcher now."""
        return len(self.open_needs)

    def unassigned_by_reason(self) -> dict[str, int]:
        """Requests that ended expired, or wait with a recorded reason, by that reason; a request counts once."""
        reasons = Counter(
            next(iter(by_requirement.values()))
            for request, by_requirement in self.unfilled.items()
            if self.ended.get(request) in {None, Outcome.EXPIRED}
        )
        return dict(sorted(reasons.items()))

    # --- one method an event ---------------------------------------------------------------------------------

    def _submitted(self, event: RequestSubmitted) -> None:
        self.requests.add((event.zone, event.command.request))

    def _opened(self, event: RequirementOpened) -> None:
        self._needs_nobody((event.zone, event.request), event.requirement)
        self._needs_somebody((event.zone, event.request), event.requirement)

    def _unfilled(self, event: RequirementUnfilled) -> None:
        self.unfilled.setdefault((event.zone, event.request), {})[event.requirement] = event.reason.value

    def _filled(self, event: RequirementFilled) -> None:
        self._needs_nobody((event.zone, event.request), event.requirement)

    def _held(self, event: AssignmentHeld) -> None:
        self._place_of[event.zone, event.assignment] = (event.request, event.requirement)
        self._needs_nobody((event.zone, event.request), event.requirement)

    def _offered(self, event: OfferSent) -> None:
        self.counts["offers"] += 1
        self.assigned.add((event.zone, event.request))
        self._offered_m[event.zone, event.offer] = event.distance_m

    def _committed(self, event: AssignmentCommitted) -> None:
        key = (event.zone, event.assignment)
        self.accepted.add((event.zone, self._place_of[key][0]))
        self.distance_m[key] = self._offered_m[key]

    def _released(self, event: AssignmentReleased) -> None:
        self._come_to_nothing(event.zone, event.assignment)

    def _no_show(self, event: NoShowRecorded) -> None:
        self.counts["no_shows"] += 1
        self._come_to_nothing(event.zone, event.assignment)

    def _finished(self, event: WorkFinished) -> None:
        key = (event.zone, event.command.assignment)
        self.visits += 1
        self.visits_asked_for += (event.zone, self._place_of[key][0]) in self.requests
        del self._place_of[key], self._offered_m[key]

    def _come_to_nothing(self, zone: str, assignment: str) -> None:
        """The visit will not be: its place is open again, unless the request is over."""
        request, requirement = self._place_of.pop((zone, assignment))
        self._offered_m.pop((zone, assignment), None)
        self.distance_m.pop((zone, assignment), None)
        if (zone, request) not in self.ended:
            self._needs_somebody((zone, request), requirement)

    def _completed(self, event: RequestCompleted) -> None:
        self.completed.add((event.zone, event.request))
        self.open_needs.pop((event.zone, event.request), None)

    def _rated(self, event: RatingSubmitted) -> None:
        self.rated.add((event.zone, event.command.request))

    def _closed(self, event: RequestClosed) -> None:
        self._end(event.zone, event.request, event.outcome.value)

    def _cancelled(self, event: RequestCancelled) -> None:
        self._end(event.zone, event.command.request, CANCELLED)

    def _end(self, zone: str, request: str, outcome: str) -> None:
        self.ended[zone, request] = outcome
        self.open_needs.pop((zone, request), None)

    def _needs_somebody(self, request: Key, requirement: str) -> None:
        self.open_needs.setdefault(request, set()).add(requirement)

    def _needs_nobody(self, request: Key, requirement: str) -> None:
        """A person has been found for it, or it is filled: it waits no more and has no reason."""
        waiting = self.open_needs.get(request, set())
        waiting.discard(requirement)
        if not waiting:
            self.open_needs.pop(request, None)
        reasons = self.unfilled.get(request, {})
        reasons.pop(requirement, None)
        if not reasons:
            self.unfilled.pop(request, None)

    def _reopened(self, event: RequestReopened) -> None:
        self.ended.pop((event.zone, event.request), None)
        self.counts["reopened"] += 1

    def _declined(self, event: OfferDeclined) -> None:
        self.counts["declined"] += 1

    def _offer_expired(self, event: OfferExpired) -> None:
        self.counts["offers_expired"] += 1

    def _refused(self, event: CommandRefused) -> None:
        self.counts["refused"] += 1

    def _solved(self, event: MatchRunFinished) -> None:
        self.counts["solves"] += 1

    def _parked(self, event: CommandParked) -> None:
        self.parked += 1

    def _policy(self, event: PolicySet) -> None:
        self.bands[event.zone] = event.command.policy.ways

    def _registered(self, event: VolunteerRegistered) -> None:
        self.people += 1

    def _passed(self, event: TimePassed) -> None:
        self._beats.add(event.beat)
        if self.time is None or event.at > self.time:
            self.time = event.at


_HANDLERS: dict[type[Event], Callable[[Tally, Any], None]] = {
    RequestSubmitted: Tally._submitted,
    RequirementOpened: Tally._opened,
    RequirementUnfilled: Tally._unfilled,
    RequirementFilled: Tally._filled,
    AssignmentHeld: Tally._held,
    OfferSent: Tally._offered,
    AssignmentCommitted: Tally._committed,
    AssignmentReleased: Tally._released,
    NoShowRecorded: Tally._no_show,
    WorkFinished: Tally._finished,
    RequestCompleted: Tally._completed,
    RatingSubmitted: Tally._rated,
    RequestClosed: Tally._closed,
    RequestCancelled: Tally._cancelled,
    RequestReopened: Tally._reopened,
    OfferDeclined: Tally._declined,
    OfferExpired: Tally._offer_expired,
    CommandRefused: Tally._refused,
    MatchRunFinished: Tally._solved,
    CommandParked: Tally._parked,
    PolicySet: Tally._policy,
    VolunteerRegistered: Tally._registered,
    TimePassed: Tally._passed,
}
