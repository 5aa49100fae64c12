"""What people do with an offer and a visit: 接单 accept, 拒单 decline, depart, 到场 arrive, 完成 finish.

Called by `decisions`; changes nothing. An offer is answered once; a visit goes forward only.
"""

from __future__ import annotations

from matcher import events as e
from matcher.commands import AcceptOffer, Arrive, DeclineOffer, Depart, Finish
from matcher.events import Event
from matcher.facts import Facts
from matcher.progress import consequences
from matcher.reasons import Refusal, Unknown, WrongState
from matcher.zone import Assignment, OfferState, Status, Zone


def accept(zone: Zone, command: AcceptOffer, facts: Facts) -> list[Event]:
    """Say yes: the person is committed; the requirement is filled when enough have said so."""
    assignment = zone.assignments.get(command.offer)
    if assignment is None or assignment.offer is not OfferState.SENT:
        return facts.refused(_not_open(command.offer, assignment))
    accepted = facts(e.OfferAccepted, command=command)
    committed = facts(e.AssignmentCommitted, assignment=assignment.id)
    return [accepted, committed, *_follow(zone, assignment, Status.COMMITTED, facts)]


def decline(zone: Zone, command: DeclineOffer, facts: Facts) -> list[Event]:
    """Say no: this place opens again, for somebody else; those who accepted stay."""
    assignment = zone.assignments.get(command.offer)
    if assignment is None or assignment.offer is not OfferState.SENT:
        return facts.refused(_not_open(command.offer, assignment))
    declined = facts(e.OfferDeclined, command=command)
    reason = e.ReleaseReason.OFFER_DECLINED
    released = facts(e.AssignmentReleased, assignment=assignment.id, reason=reason)
    return [declined, released, *_follow(zone, assignment, Status.RELEASED, facts)]


def depart(zone: Zone, command: Depart, facts: Facts) -> list[Event]:
    """Set out."""
    assignment = zone.assignments.get(command.assignment)
    if assignment is None or assignment.status is not Status.COMMITTED:
        return facts.refused(_wrong_status(command.assignment, assignment, "committed"))
    return [facts(e.VolunteerDeparted, command=command)]


def arrive(zone: Zone, command: Arrive, facts: Facts) -> list[Event]:
    """Be on site; the service begins."""
    assignment = zone.assignments.get(command.assignment)
    if assignment is None or assignment.status not in {Status.COMMITTED, Status.EN_ROUTE}:
        return facts.refused(_wrong_status(command.assignment, assignment, "committed or en_route"))
    return [facts(e.VolunteerArrived, command=command)]


def finish(zone: Zone, command: Finish, facts: Facts) -> list[Event]:
    """Be done; when everybody is, the request is completed and the resident is asked to rate."""
    assignment = zone.assignments.get(command.assignment)
    if assignment is None or assignment.status is not Status.ON_SITE:
        return facts.refused(_wrong_status(command.assignment, assignment, "on_site"))
    return [facts(e.WorkFinished, command=command), *_follow(zone, assignment, Status.DONE, facts)]


def _follow(zone: Zone, assignment: Assignment, status: Status, facts: Facts) -> list[Event]:
    return consequences(zone, zone.requests[assignment.request], {assignment.id: status}, facts)


def _not_open(offer: str, assignment: Assignment | None) -> Refusal:
    if assignment is None:
        return Unknown(kind="offer", value=offer)
    return WrongState(kind="offer", value=offer, state=assignment.offer, needed="sent")


def _wrong_status(name: str, assignment: Assignment | None, needed: str) -> Refusal:
    if assignment is None:
        return Unknown(kind="assignment", value=name)
    return WrongState(kind="assignment", value=name, state=assignment.status, needed=needed)
