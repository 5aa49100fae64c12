"""What people say of themselves: 报到 register, new hours, a pause, leaving. Called by `decisions`; changes nothing."""

from __future__ import annotations

from matcher import events as e
from matcher import posts, teams
from matcher.commands import ChangeAvailability, PauseVolunteer, RegisterVolunteer, RemoveVolunteer
from matcher.events import Event, ReleaseReason
from matcher.facts import Facts
from matcher.progress import consequences
from matcher.reasons import ImpossibleValue, Refusal, Unknown
from matcher.terms import Hours
from matcher.zone import Assignment, OfferState, Status, Zone


def register(zone: Zone, command: RegisterVolunteer, facts: Facts) -> list[Event]:
    """Register a person, or change everything but the id; what they hold already stays."""
    for held in command.skills:
        if held.skill not in zone.people.skill_row:
            return facts.refused(Unknown(kind="skill", value=held.skill))
    for place in command.places:
        if place not in zone.places:
            return facts.refused(Unknown(kind="place", value=place))
    if command.unit is not None and command.unit not in zone.units:
        return facts.refused(Unknown(kind="unit", value=command.unit))
    objection = _impossible(command.hours) or teams.objection(zone, command) or posts.objection(zone, command)
    if objection is not None:
        return facts.refused(objection)
    kind = e.VolunteerChanged if _is_here(zone, command.volunteer) else e.VolunteerRegistered
    return [facts(kind, command=command)]


def change_availability(zone: Zone, command: ChangeAvailability, facts: Facts) -> list[Event]:
    """Take new hours; commitments stay, they were given."""
    if not _is_here(zone, command.volunteer):
        return facts.refused(Unknown(kind="volunteer", value=command.volunteer))
    objection = _impossible(command.hours)
    return facts.refused(objection) if objection else [facts(e.AvailabilityChanged, command=command)]


def pause(zone: Zone, command: PauseVolunteer, facts: Facts) -> list[Event]:
    """Make no offers for a while; open ones are taken back, commitments stay."""
    if not _is_here(zone, command.volunteer):
        return facts.refused(Unknown(kind="volunteer", value=command.volunteer))
    open_offers = [a for a in _engagements(zone, command.volunteer) if a.status is Status.TENTATIVE]
    reason = ReleaseReason.OFFER_SUPERSEDED
    return [facts(e.VolunteerPaused, command=command), *_withdraw(zone, open_offers, reason, facts)]


def remove(zone: Zone, command: RemoveVolunteer, facts: Facts) -> list[Event]:
    """Let a person go; whatever they have not begun on site is released."""
    if not _is_here(zone, command.volunteer):
        return facts.refused(Unknown(kind="volunteer", value=command.volunteer))
    not_begun = [a for a in _engagements(zone, command.volunteer) if a.status is not Status.ON_SITE]
    reason = ReleaseReason.VOLUNTEER_LEFT
    return [facts(e.VolunteerLeft, command=command), *_withdraw(zone, not_begun, reason, facts)]


def _is_here(zone: Zone, volunteer: str) -> bool:
    row = zone.people.row_of.get(volunteer)
    return row is not None and not zone.people.has_left(row)


def _engagements(zone: Zone, volunteer: str) -> list[Assignment]:
    row = zone.people.row_of[volunteer]
    return [zone.assignments[name] for name in zone.engagements.get(row, [])]


def _withdraw(zone: Zone, assignments: list[Assignment], reason: ReleaseReason, facts: Facts) -> list[Event]:
    follow: list[Event] = []
    changed: dict[str, Status] = {}
    for assignment in assignments:
        if assignment.offer is OfferState.SENT:
            follow.append(facts(e.OfferSuperseded, offer=assignment.id))
        follow.append(facts(e.AssignmentReleased, assignment=assignment.id, reason=reason))
        changed[assignment.id] = Status.RELEASED
    for name in dict.fromkeys(assignment.request for assignment in assignments):
        follow.extend(consequences(zone, zone.requests[name], changed, facts))
    return follow


def _impossible(hours: Hours) -> Refusal | None:
    spans = [(window.from_minute, window.until_minute) for window in hours.weekly]
    spans += [(day.from_minute, day.until_minute) for day in hours.exceptions]
    for from_minute, until_minute in spans:
        if until_minute <= from_minute:
            value = f"from {from_minute} until {until_minute}"
            remedy = "A window ends after it begins; past midnight is minute 1440 and on."
            return ImpossibleValue(field="hours", value=value, remedy=remedy)
    return None
