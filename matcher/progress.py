"""What a change of assignments means for their request: filled, completed, closed, or nothing yet.

Called by every decider that moves an assignment. It sees the zone as it is, plus the changes that are being decided.
"""

from __future__ import annotations

from collections.abc import Mapping

from matcher import events as e
from matcher.events import Event, Outcome
from matcher.facts import Facts
from matcher.zone import KEPT, LIVE, Need, Request, RequestState, Status, Zone

_SETTLED = frozenset({RequestState.COMPLETED, RequestState.RATED, RequestState.CLOSED, RequestState.CANCELLED})


def consequences(zone: Zone, request: Request, changed: Mapping[str, Status], facts: Facts) -> list[Event]:
    """Return what follows for the request when these assignments become so. The visit of a need is over when nobody
    of it is still to come and somebody has done it; without anybody, only the end of the window settles it."""
    if request.state in _SETTLED:
        return []
    name = request.command.request
    now = {need.requirement.requirement: _statuses(zone, need, changed) for need in request.needs.values()}
    follow: list[Event] = [
        facts(e.RequirementFilled, request=name, requirement=requirement)
        for requirement, need in request.needs.items()
        if not need.filled and sum(s in KEPT for s in now[requirement]) >= need.requirement.people
    ]
    everyone = [status for statuses in now.values() for status in statuses]
    if any(status in LIVE for status in everyone):
        return follow
    over = facts.at >= request.latest
    if Status.DONE in everyone:
        if over or all(Status.DONE in statuses for statuses in now.values()):
            follow += [facts(e.RequestCompleted, request=name), facts(e.RatingInvited, request=name)]
    elif over:
        outcome = Outcome.FAILED if request.was_assigned else Outcome.EXPIRED
        follow.append(facts(e.RequestClosed, request=name, outcome=outcome))
    return follow


def _statuses(zone: Zone, need: Need, changed: Mapping[str, Status]) -> list[Status]:
    return [changed.get(name, zone.assignments[name].status) for name in need.assignments]
