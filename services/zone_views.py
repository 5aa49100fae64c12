"""The views of a zone's requests as the state in a snapshot says, for a reader that begins there.

Called by `services/scoring.py`. What the state does not keep is left out: people, offers and the five counters.
"""

from __future__ import annotations

from datetime import UTC, datetime

from matcher.zone import ENDED, Assignment, Need, Request, Zone
from services.viewing import Transition, ZoneFold
from services.views import AssignmentView, RequestView, RequirementView


def requests_of(zone: Zone, closed_max: int, transition: Transition | None = None) -> ZoneFold:
    """Return a fold that holds the zone's requests and visits, and goes on from there."""
    fold = ZoneFold(zone.id, closed_max, transition)
    visits: dict[str, list[str]] = {}
    for assignment in zone.assignments.values():
        fold.assignments[assignment.id] = _visit(zone, assignment)
        visits.setdefault(assignment.request, []).append(assignment.id)
    for name, request in [*zone.ended.items(), *zone.requests.items()]:
        view = _request(name, request, visits.get(name, []))
        fold.requests[name] = view
        fold.reasons.update(need.reason for need in view.requirements if need.reason is not None)
        fold.enter(view, request.state)
    return fold


def _request(name: str, request: Request, visits: list[str]) -> RequestView:
    asked = request.command
    return RequestView(
        request=name,
        state=None,
        point=asked.point,
        place=asked.place,
        post=asked.post or None,
        channel=asked.channel,
        urgency=asked.urgency,
        duration_minutes=asked.duration_minutes,
        submitted_at=request.submitted_at,
        earliest=request.earliest,
        latest=request.latest,
        provisional=request.provisional is True,
        requirements=[_requirement(need, request) for need in request.needs.values()],
        outcome=None if request.outcome is None else request.outcome.value,
        reopened=request.reopened,
        offers=visits,
    )


def _requirement(need: Need, request: Request) -> RequirementView:
    asked = need.requirement
    open_for = need.reason is not None and request.state not in ENDED
    return RequirementView(
        requirement=asked.requirement,
        people=asked.people,
        minimum_people=asked.minimum_people,
        skills=asked.skills,
        should=asked.should or (),
        nice=asked.nice or (),
        circle_minutes=asked.circle_minutes or None,
        team=asked.team or None,
        team_kind=asked.team_kind or None,
        one_team=bool(asked.one_team),
        preferred_team=asked.preferred_team or None,
        wave=need.wave,
        filled=need.filled,
        reason=need.reason.value if open_for and need.reason is not None else None,
        assignments=list(need.assignments),
    )


def _visit(zone: Zone, assignment: Assignment) -> AssignmentView:
    departure, start, end = (
        datetime.fromtimestamp(at_s, UTC) for at_s in (assignment.departure_s, assignment.start_s, assignment.end_s)
    )
    return AssignmentView(
        assignment=assignment.id,
        state=assignment.status,
        request=assignment.request,
        requirement=assignment.requirement,
        volunteer=zone.people.ids[assignment.volunteer],
        departure=departure,
        start=start,
        end=end,
    )
