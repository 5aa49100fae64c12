"""What residents ask: 点单 submit, 撤单 cancel, 重办 reopen, 评单 rate (改单 change is in `changing`).

Called by `decisions`; changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import UNSET

from matcher import events as e
from matcher import windows
from matcher.commands import CancelRequest, RateRequest, ReopenRequest, SubmitRequest
from matcher.events import Event, Outcome
from matcher.facts import Facts
from matcher.reasons import AlreadyExists, ImpossibleValue, ImpossibleWindow, Refusal, TooLate, Unknown, WrongState
from matcher.zone import KEPT, LIVE, Assignment, OfferState, Request, RequestState, Status, Zone


def submit(zone: Zone, command: SubmitRequest, facts: Facts) -> list[Event]:
    """Take a request in: submitted, accepted (受理, automatic until the front desk), open to the matcher."""
    earliest = command.earliest or zone.now
    latest, provisional = (command.latest, UNSET) if command.latest else windows.of(zone, earliest)
    objection = _objection(zone, command) or window_objection(command.duration_minutes, earliest, latest)
    if objection is not None:
        return facts.refused(objection)
    name = command.request
    return [
        facts(e.RequestSubmitted, command=command, earliest=earliest, latest=latest, provisional=provisional),
        facts(e.RequestAccepted, request=name),
        *(facts(e.RequirementOpened, request=name, requirement=r.requirement, wave=0) for r in command.requirements),
    ]


def _objection(zone: Zone, command: SubmitRequest) -> Refusal | None:
    if command.request in zone.requests or command.request in zone.ended:
        return AlreadyExists(kind="request", value=command.request)
    if command.place is not None and command.place not in zone.places:
        return Unknown(kind="place", value=command.place)
    if not zone.policy.travel_only and command.urgency not in zone.policy.urgency:
        return Unknown(kind="urgency class", value=command.urgency)
    names = [need.requirement for need in command.requirements]
    if len(set(names)) < len(names):
        remedy = "Give each requirement of a request its own name."
        return ImpossibleValue(field="requirements", value=", ".join(names), remedy=remedy)
    for need in command.requirements:
        if need.minimum_people is not None and need.minimum_people > need.people:
            remedy = f"It cannot be more than `people` ({need.people})."
            return ImpossibleValue(field="minimum_people", value=str(need.minimum_people), remedy=remedy)
        for team in (need.team, need.preferred_team):
            if team is not UNSET and team not in zone.known_teams:
                return Unknown(kind="team", value=team)
        for skill in (*need.skills, *(need.should or ()), *(need.nice or ())):
            if skill.skill not in zone.people.skill_row:
                return Unknown(kind="skill", value=skill.skill)
    return None


def window_objection(minutes: int, earliest: datetime, latest: datetime) -> Refusal | None:
    if latest - earliest >= timedelta(minutes=minutes):
        return None
    return ImpossibleWindow(earliest=earliest, latest=latest, duration_minutes=minutes)


def cancel(zone: Zone, command: CancelRequest, facts: Facts) -> list[Event]:
    """Cancel a request before it is completed; everybody involved stands down."""
    request = zone.requests.get(command.request)
    if request is None or request.state is RequestState.COMPLETED:
        return facts.refused(not_in_state(zone, command.request, "open"))
    return [
        facts(e.RequestCancelled, command=command),
        *stand_down(zone, request, facts, e.ReleaseReason.REQUEST_CANCELLED),
    ]


def stand_down(zone: Zone, request: Request, facts: Facts, reason: e.ReleaseReason) -> list[Event]:
    """Take back every open offer and release everyone who was to come."""
    everybody = [zone.assignments[name] for need in request.needs.values() for name in need.assignments]
    return dismissed(everybody, facts, reason)


def dismissed(assignments: Iterable[Assignment], facts: Facts, reason: e.ReleaseReason) -> list[Event]:
    """Take back the open offers among these and release everyone who was to come; all of them are told."""
    follow: list[Event] = []
    for assignment in assignments:
        if assignment.offer is OfferState.SENT and assignment.status is Status.TENTATIVE:
            follow.append(facts(e.OfferSuperseded, offer=assignment.id))
        if assignment.status in LIVE:
            coming = assignment.status in KEPT or UNSET
            released = facts(e.AssignmentReleased, assignment=assignment.id, reason=reason, stand_down=coming)
            follow.append(released)
    return follow


def reopen(zone: Zone, command: ReopenRequest, facts: Facts) -> list[Event]:
    """Open a completed or closed request again, within `reopen_days` and `reopen_times_max`."""
    request = zone.requests.get(command.request) or zone.ended.get(command.request)
    if request is None or request.state not in {RequestState.COMPLETED, RequestState.CLOSED}:
        return facts.refused(not_in_state(zone, command.request, "completed or closed"))
    since = request.ended_at or request.completed_at
    days = zone.policy.reopen_days
    if since is None or zone.now - since > timedelta(days=days):
        return facts.refused(TooLate(kind="request", value=command.request, limit_days=days))
    if request.reopened >= zone.policy.reopen_times_max:
        remedy = "Submit a new request."
        return facts.refused(ImpossibleValue(field="reopened", value=str(request.reopened), remedy=remedy))
    return _reopened(zone, request, facts, command)


def _reopened(zone: Zone, request: Request, facts: Facts, command: ReopenRequest | None) -> list[Event]:
    name = request.command.request
    latest, provisional = windows.again(zone, request, facts.at)
    window = {"earliest": facts.at, "latest": latest, "provisional": provisional}
    return [
        facts(e.RequestReopened, request=name, command=command, **window),
        *_opened_anew(request, facts),
    ]


def _opened_anew(request: Request, facts: Facts) -> list[Event]:
    name = request.command.request
    return [
        facts(e.RequirementOpened, request=name, requirement=requirement, wave=need.wave + 1)
        for requirement, need in request.needs.items()
    ]


def rate(zone: Zone, command: RateRequest, facts: Facts) -> list[Event]:
    """Record the resident's word; solved closes the request, not solved reopens it while it may be (U16)."""
    request = zone.requests.get(command.request)
    if request is None or request.state is not RequestState.COMPLETED:
        return facts.refused(not_in_state(zone, command.request, "completed"))
    rated = facts(e.RatingSubmitted, command=command)
    if command.solved:
        return [rated, facts(e.RequestClosed, request=command.request, outcome=outcome(zone, request))]
    if request.reopened < zone.policy.reopen_times_max:
        return [rated, *_reopened(zone, request, facts, None)]
    return [rated, facts(e.RequestClosed, request=command.request, outcome=Outcome.FAILED)]


def outcome(zone: Zone, request: Request) -> Outcome:
    """Say how a completed request ended: every requirement served by enough people, or only some."""
    for need in request.needs.values():
        served = sum(status is Status.DONE for status in zone.statuses(need))
        if served < (need.requirement.minimum_people or need.requirement.people):
            return Outcome.PARTLY
    return Outcome.FULFILLED


def not_in_state(zone: Zone, name: str, needed: str) -> Refusal:
    request = zone.requests.get(name) or zone.ended.get(name)
    if request is None:
        return Unknown(kind="request", value=name)
    return WrongState(kind="request", value=name, state=request.state, needed=needed)
