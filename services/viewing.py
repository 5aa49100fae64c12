"""How the journal becomes what can be looked at: one fold, read by the boards and the metrics.

Called by the boards (`services/adapters/board_*.py`) and by `services/scoring.py`. Holds no business rule: states
follow from events alone. Never writes, never reads a clock.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import UNSET

from matcher import events as e
from matcher.commands import RegisterVolunteer
from matcher.zone import ENDED, KEPT, LIVE, OfferState, RequestState, Status
from services.views import AssignmentView, OfferView, RequestView, RequirementView, VolunteerView, ZoneView

#: Assignment states that a supervising organisation follows (监).
FOLLOWED = LIVE - {Status.TENTATIVE}


#: (zone, the request in its new state, its state before); None before for a new request
Transition = Callable[[str, RequestView, RequestState | None], None]


class ZoneFold:
    """The views of one zone. `closed_max`: finished requests kept, the oldest are forgotten first."""

    def __init__(self, zone: str, closed_max: int, transition: Transition | None = None) -> None:
        self.view = ZoneView(zone=zone)
        self.requests: dict[str, RequestView] = {}
        self.volunteers: dict[str, VolunteerView] = {}
        self.offers: dict[str, OfferView] = {}
        self.assignments: dict[str, AssignmentView] = {}
        self.place_names: dict[str, str] = {}
        #: how many requests are in a state, and how many requirements have nobody for a reason
        self.states: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        #: finished requests, the oldest first
        self.closed: deque[str] = deque()
        self.closed_max = closed_max
        #: person -> ids of their offers (and assignments); state -> requests, in the order in which they came to it
        self.offers_of: dict[str, dict[str, None]] = {}
        self.in_state: dict[str, dict[str, None]] = {}
        self._transition = transition

    def apply(self, event: e.Event) -> None:
        """Fold one event of this zone, in journal order."""
        step = _STEPS.get(type(event))
        if step is not None:
            step(self, event)

    def zone_view(self) -> ZoneView:
        """The counters now."""
        self.view.requests = {state: n for state, n in sorted(self.states.items()) if n}
        self.view.unassigned = {reason: n for reason, n in sorted(self.reasons.items()) if n}
        return self.view

    # --- states ------------------------------------------------------------------------------------------------

    def enter(self, request: RequestView, state: RequestState) -> None:
        """Move a request into a state and keep the counts."""
        before = request.state
        if before is state:
            return
        request.state = state
        if before is not None:
            self.states[before] -= 1
            del self.in_state[before][request.request]
        self.in_state.setdefault(state, {})[request.request] = None
        self.states[state] += 1
        if self._transition is not None:
            self._transition(self.view.zone, request, before)
        if state in ENDED:
            self._finished(request)

    def settle(self, request: RequestView) -> None:
        """Derive the state of a request that is being matched or served from its requirements."""
        if request.state in ENDED or request.state in (RequestState.COMPLETED, RequestState.RATED):
            return
        self.enter(request, self._derived(request))

    def _derived(self, request: RequestView) -> RequestState:
        states = {self.assignments[a].state for r in request.requirements for a in r.assignments}
        if states & {Status.ON_SITE, Status.DONE}:
            return RequestState.IN_PROGRESS
        if all(r.filled for r in request.requirements):
            return RequestState.ASSIGNED
        if states & KEPT:
            return RequestState.PARTIALLY_ASSIGNED
        if Status.TENTATIVE not in states and all(r.filled or r.reason for r in request.requirements):
            return RequestState.UNASSIGNABLE
        return RequestState.MATCHING

    def explain(self, requirement: RequirementView, event: e.RequirementUnfilled | None) -> None:
        """Set (or clear, with None) why a requirement has nobody."""
        if requirement.reason is not None:
            self.reasons[requirement.reason] -= 1
        requirement.reason = None if event is None else event.reason.value
        requirement.funnel = None if event is None else event.funnel
        requirement.rival = "" if event is None else event.rival
        if requirement.reason is not None:
            self.reasons[requirement.reason] += 1

    def move(self, assignment: AssignmentView, state: Status) -> None:
        """Move an assignment into a state; keep the followed count and the person's open list."""
        self.view.followed += (state in FOLLOWED) - (assignment.state in FOLLOWED)
        if assignment.state in LIVE and state not in LIVE:
            _drop(self.volunteers.get(assignment.volunteer), "open_assignments", assignment.assignment)
        assignment.state = state
        request, requirement = self.requirement(assignment.request, assignment.requirement)
        if request is not None and requirement is not None:
            if state in (Status.RELEASED, Status.NO_SHOW):
                requirement.filled = False
            self.settle(request)

    def stand(self, volunteer: VolunteerView, state: str, before: str) -> None:
        """Set a person's state; keep the count of those who have not left. `before`: "left" for a new one."""
        volunteer.state = state
        self.view.volunteers += (state != "left") - (before != "left")

    def answer(self, offer: str, state: OfferState) -> OfferView | None:
        """An offer is no longer open."""
        view = self.offers.get(offer)
        if view is not None:
            view.state = state
            _drop(self.volunteers.get(view.volunteer), "open_offers", offer)
        return view

    def requirement(self, request: str, requirement: str) -> tuple[RequestView | None, RequirementView | None]:
        """Find a requirement of a request that is still kept."""
        view = self.requests.get(request)
        if view is None:
            return None, None
        return view, next((r for r in view.requirements if r.requirement == requirement), None)

    def _finished(self, request: RequestView) -> None:
        for requirement in request.requirements:
            self.explain(requirement, None)
        self.closed.append(request.request)
        while len(self.closed) > self.closed_max:
            oldest = self.requests.get(self.closed.popleft())
            if oldest is not None and oldest.state in ENDED:
                self._forget(oldest)

    def _forget(self, request: RequestView) -> None:
        del self.requests[request.request]
        if request.state is not None:
            del self.in_state[request.state][request.request]
        for offer in request.offers:
            gone = self.offers.pop(offer, None)
            self.assignments.pop(offer, None)
            if gone is not None:
                self.offers_of.get(gone.volunteer, {}).pop(offer, None)


def _drop(volunteer: VolunteerView | None, field: str, item: str) -> None:
    if volunteer is not None:
        kept: list[str] = getattr(volunteer, field)
        if item in kept:
            kept.remove(item)


# --- one function an event -------------------------------------------------------------------------------------


def _place(fold: ZoneFold, event: e.PlaceDefined) -> None:
    fold.view.places += event.command.place not in fold.place_names
    fold.place_names[event.command.place] = event.command.name


def _skill(fold: ZoneFold, event: e.SkillDefined) -> None:
    fold.view.skills += 1


def _time(fold: ZoneFold, event: e.TimePassed) -> None:
    fold.view.at, fold.view.beat = event.at, event.beat


def _submitted(fold: ZoneFold, event: e.RequestSubmitted) -> None:
    asked = event.command
    request = RequestView(
        request=asked.request,
        state=None,
        point=asked.point,
        place=asked.place,
        post=asked.post or None,
        channel=asked.channel,
        urgency=asked.urgency,
        duration_minutes=asked.duration_minutes,
        submitted_at=event.at,
        earliest=event.earliest,
        latest=event.latest,
        provisional=event.provisional is True,
        requirements=[
            RequirementView(
                requirement=r.requirement,
                people=r.people,
                minimum_people=r.minimum_people,
                skills=r.skills,
                should=r.should or (),
                nice=r.nice or (),
                circle_minutes=r.circle_minutes or None,
                team=r.team or None,
                team_kind=r.team_kind or None,
                one_team=bool(r.one_team),
                preferred_team=r.preferred_team or None,
            )
            for r in asked.requirements
        ],
    )
    fold.requests[asked.request] = request
    fold.view.ordered += 1
    fold.enter(request, RequestState.SUBMITTED)


def _accepted(fold: ZoneFold, event: e.RequestAccepted) -> None:
    if (request := fold.requests.get(event.request)) is not None:
        fold.enter(request, RequestState.ACCEPTED)


def _opened(fold: ZoneFold, event: e.RequirementOpened) -> None:
    request, requirement = fold.requirement(event.request, event.requirement)
    if request is not None and requirement is not None:
        requirement.wave, requirement.filled, requirement.assignments = event.wave, False, list(event.kept or ())
        requirement.area = requirement.widened = None
        fold.explain(requirement, None)
        fold.settle(request)


def _filled(fold: ZoneFold, event: e.RequirementFilled) -> None:
    request, requirement = fold.requirement(event.request, event.requirement)
    if request is not None and requirement is not None:
        requirement.filled = True
        fold.explain(requirement, None)
        fold.settle(request)


def _unfilled(fold: ZoneFold, event: e.RequirementUnfilled) -> None:
    request, requirement = fold.requirement(event.request, event.requirement)
    if request is not None and requirement is not None:
        fold.explain(requirement, event)
        fold.settle(request)


def _widened(fold: ZoneFold, event: e.AreaWidened) -> None:
    _, requirement = fold.requirement(event.request, event.requirement)
    if requirement is not None:
        requirement.area = "zone" if event.area is None else event.area.value
        requirement.widened = event.reason.value


def _changed(fold: ZoneFold, event: e.RequestChanged) -> None:
    if (request := fold.requests.get(event.command.request)) is not None:
        request.earliest, request.latest = event.earliest, event.latest
        request.duration_minutes = event.duration_minutes
        request.point = request.point if event.point is UNSET else event.point
        request.place = request.place if event.place is UNSET else event.place
        for requirement in request.requirements:
            requirement.skills = (event.command.skills or {}).get(requirement.requirement, requirement.skills)
        request.provisional = request.provisional and event.command.latest is UNSET


def _reopened(fold: ZoneFold, event: e.RequestReopened) -> None:
    known = event.request
    if (request := fold.requests.get(known)) is not None:
        request.earliest, request.latest, request.outcome = event.earliest, event.latest, None
        request.provisional = event.provisional is True
        request.reopened += 1
        fold.enter(request, RequestState.REOPENED)


def _window(fold: ZoneFold, event: e.WindowMoved) -> None:
    if (request := fold.requests.get(event.request)) is not None:
        request.latest, request.provisional = event.latest, event.provisional


def _completed(fold: ZoneFold, event: e.RequestCompleted) -> None:
    if (request := fold.requests.get(event.request)) is not None:
        fold.enter(request, RequestState.COMPLETED)


def _rated(fold: ZoneFold, event: e.RatingSubmitted) -> None:
    fold.view.rated += 1
    if (request := fold.requests.get(event.command.request)) is not None:
        request.effect, request.conduct = event.command.effect, event.command.conduct
        fold.enter(request, RequestState.RATED)


def _closed(fold: ZoneFold, event: e.RequestClosed) -> None:
    if (request := fold.requests.get(event.request)) is not None:
        request.outcome = event.outcome.value
        fold.enter(request, RequestState.CLOSED)


def _cancelled(fold: ZoneFold, event: e.RequestCancelled) -> None:
    if (request := fold.requests.get(event.command.request)) is not None:
        fold.enter(request, RequestState.CANCELLED)


def _volunteer(fold: ZoneFold, event: e.VolunteerRegistered | e.VolunteerChanged) -> None:
    said: RegisterVolunteer = event.command
    before = fold.volunteers.get(said.volunteer)
    now = fold.volunteers[said.volunteer] = VolunteerView(
        volunteer=said.volunteer,
        state="active",
        point=said.point,
        skills=said.skills,
        hours=said.hours,
        reach_m=said.reach_m,
        capacity=said.capacity,
        travel=said.travel,
        unit=said.unit,
        places=said.places,
        visits_per_day=said.visits_per_day or None,
        visits_per_week=said.visits_per_week or None,
        posts=said.posts or (),
        teams=said.teams or (),
        open_offers=[] if before is None else before.open_offers,
        open_assignments=[] if before is None else before.open_assignments,
    )
    fold.stand(now, "active", "left" if before is None else before.state)


def _hours(fold: ZoneFold, event: e.AvailabilityChanged) -> None:
    if (volunteer := fold.volunteers.get(event.command.volunteer)) is not None:
        volunteer.hours = event.command.hours


def _paused(fold: ZoneFold, event: e.VolunteerPaused) -> None:
    if (volunteer := fold.volunteers.get(event.command.volunteer)) is not None:
        volunteer.paused_until = event.command.until
        past = event.command.until is not None and event.command.until <= event.at
        fold.stand(volunteer, "active" if past else "paused", volunteer.state)


def _left(fold: ZoneFold, event: e.VolunteerLeft) -> None:
    if (volunteer := fold.volunteers.get(event.command.volunteer)) is not None:
        fold.stand(volunteer, "left", volunteer.state)


def _offer(fold: ZoneFold, event: e.OfferSent) -> None:
    fold.offers[event.offer] = OfferView(
        offer=event.offer,
        state=OfferState.SENT,
        request=event.request,
        requirement=event.requirement,
        volunteer=event.volunteer,
        wave=event.wave,
        start=event.start,
        end=event.end,
        distance_m=event.distance_m,
        travel_s=event.travel_s,
        cost=event.cost,
        sent_at=event.at,
        expires_at=event.expires_at,
    )
    fold.view.dispatched += 1
    fold.offers_of.setdefault(event.volunteer, {})[event.offer] = None
    if (request := fold.requests.get(event.request)) is not None:
        request.offers.append(event.offer)
    if (volunteer := fold.volunteers.get(event.volunteer)) is not None:
        volunteer.open_offers.append(event.offer)


def _held(fold: ZoneFold, event: e.AssignmentHeld) -> None:
    assignment = AssignmentView(
        assignment=event.assignment,
        state=Status.TENTATIVE,
        request=event.request,
        requirement=event.requirement,
        volunteer=event.volunteer,
        departure=event.departure,
        start=event.start,
        end=event.end,
    )
    fold.assignments[event.assignment] = assignment
    fold.offers_of.setdefault(event.volunteer, {})[event.assignment] = None
    if (volunteer := fold.volunteers.get(event.volunteer)) is not None:
        volunteer.open_assignments.append(event.assignment)
    request, requirement = fold.requirement(event.request, event.requirement)
    if request is not None and requirement is not None:
        requirement.assignments.append(event.assignment)
        fold.explain(requirement, None)
        fold.settle(request)


def _offer_accepted(fold: ZoneFold, event: e.OfferAccepted) -> None:
    fold.view.accepted += 1
    fold.answer(event.command.offer, OfferState.ACCEPTED)


def _offer_declined(fold: ZoneFold, event: e.OfferDeclined) -> None:
    view = fold.answer(event.command.offer, OfferState.DECLINED)
    if view is not None:
        view.decline_reason = event.command.reason.value


def _offer_expired(fold: ZoneFold, event: e.OfferExpired) -> None:
    fold.answer(event.offer, OfferState.EXPIRED)


def _offer_superseded(fold: ZoneFold, event: e.OfferSuperseded) -> None:
    fold.answer(event.offer, OfferState.SUPERSEDED)


def _mover(state: Status, of: Callable[[Any], str]) -> Callable[[ZoneFold, Any], None]:
    def step(fold: ZoneFold, event: Any) -> None:
        if (assignment := fold.assignments.get(of(event))) is not None:
            fold.move(assignment, state)

    return step


def _released(fold: ZoneFold, event: e.AssignmentReleased) -> None:
    if (assignment := fold.assignments.get(event.assignment)) is not None:
        assignment.released_because = event.reason.value
        fold.move(assignment, Status.RELEASED)


def _direct(event: Any) -> str:
    found: str = event.assignment
    return found


def _by_command(event: Any) -> str:
    found: str = event.command.assignment
    return found


_STEPS: dict[type[e.Event], Callable[[ZoneFold, Any], None]] = {
    e.PlaceDefined: _place,
    e.SkillDefined: _skill,
    e.TimePassed: _time,
    e.RequestSubmitted: _submitted,
    e.RequestAccepted: _accepted,
    e.RequirementOpened: _opened,
    e.RequirementFilled: _filled,
    e.RequirementUnfilled: _unfilled,
    e.AreaWidened: _widened,
    e.RequestChanged: _changed,
    e.RequestReopened: _reopened,
    e.WindowMoved: _window,
    e.RequestCompleted: _completed,
    e.RatingSubmitted: _rated,
    e.RequestClosed: _closed,
    e.RequestCancelled: _cancelled,
    e.VolunteerRegistered: _volunteer,
    e.VolunteerChanged: _volunteer,
    e.AvailabilityChanged: _hours,
    e.VolunteerPaused: _paused,
    e.VolunteerLeft: _left,
    e.OfferSent: _offer,
    e.OfferAccepted: _offer_accepted,
    e.OfferDeclined: _offer_declined,
    e.OfferExpired: _offer_expired,
    e.OfferSuperseded: _offer_superseded,
    e.AssignmentHeld: _held,
    e.AssignmentCommitted: _mover(Status.COMMITTED, _direct),
    e.VolunteerDeparted: _mover(Status.EN_ROUTE, _by_command),
    e.VolunteerArrived: _mover(Status.ON_SITE, _by_command),
    e.WorkFinished: _mover(Status.DONE, _by_command),
    e.AssignmentReleased: _released,
    e.NoShowRecorded: _mover(Status.NO_SHOW, _direct),
}


class Fold:
    """The views of all zones; a zone exists once a place was defined in it."""

    def __init__(self, closed_max: int = 100_000, transition: Transition | None = None) -> None:
        self.zones: dict[str, ZoneFold] = {}
        self._closed_max = closed_max
        self._transition = transition

    def apply(self, events: Sequence[e.Event]) -> None:
        """Fold one entry's events."""
        for event in events:
            zone = self.zones.get(event.zone)
            if zone is None:
                if not isinstance(event, e.PlaceDefined):
                    continue
                zone = self.zones[event.zone] = ZoneFold(event.zone, self._closed_max, self._transition)
            zone.apply(event)
