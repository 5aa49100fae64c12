"""Why the bookings after one match run of a zone differ from those after another: what happened in between.

Called by `services/explaining/comparing.py` with the zone's own events; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from matcher import events as e
from matcher.events import Event, ReleaseReason
from matcher.explaining.answers import Booking, Difference
from matcher.reasons import Unassigned
from matcher.zone import LIVE, Zone

Key = tuple[str, str, str]


class Cause(StrEnum):
    """What ended a booking, or made one possible."""

    DONE = "DONE"
    NO_SHOW = "NO_SHOW"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    CANCELLED = "CANCELLED"
    CHANGED = "CHANGED"
    PERSON_LEFT = "PERSON_LEFT"
    CREW_INCOMPLETE = "CREW_INCOMPLETE"
    OVERRUN = "OVERRUN"
    ROLLED_BACK = "ROLLED_BACK"
    SUBMITTED = "SUBMITTED"
    REOPENED = "REOPENED"
    PERSON_CHANGED = "PERSON_CHANGED"
    PERSON_FREED = "PERSON_FREED"
    WAS_OPEN = "WAS_OPEN"


class Because(msgspec.Struct, frozen=True, kw_only=True):
    """Why one booking ended or began. `was`: why its place was open after the earlier run, if a solve had said so."""

    request: str
    requirement: str
    person: str
    ended: bool
    causes: list[Cause]
    was: Unassigned | None = None


_RELEASED = {
    ReleaseReason.OFFER_DECLINED: Cause.DECLINED,
    ReleaseReason.OFFER_EXPIRED: Cause.EXPIRED,
    ReleaseReason.OFFER_SUPERSEDED: Cause.SUPERSEDED,
    ReleaseReason.REQUEST_CANCELLED: Cause.CANCELLED,
    ReleaseReason.REQUEST_CHANGED: Cause.CHANGED,
    ReleaseReason.VOLUNTEER_LEFT: Cause.PERSON_LEFT,
    ReleaseReason.CREW_INCOMPLETE: Cause.CREW_INCOMPLETE,
    ReleaseReason.OVERRUN: Cause.OVERRUN,
    ReleaseReason.PLAN_ROLLED_BACK: Cause.ROLLED_BACK,
}


def standing(zone: Zone, costs: dict[str, dict[str, int]]) -> list[Booking]:
    """Return who is asked or booked in a zone now; `costs`: offer -> its points by term."""
    return [
        Booking(
            request=visit.request,
            requirement=visit.requirement,
            person=zone.people.ids[visit.volunteer],
            start_s=visit.start_s,
            cost=costs.get(visit.id, {}),
        )
        for visit in zone.assignments.values()
        if visit.status in LIVE
    ]


def because(said: Difference, between: Iterable[Event], before: Zone, held: dict[str, Key]) -> list[Because]:
    """Return why each booking that is gone ended and each new one began; `held`: assignment -> whose it was."""
    happened = _Happened(between, held)
    gone = [*said.dropped, *(move.before for move in said.moved)]
    come = [*said.new, *(move.after for move in said.moved)]
    return [
        *(happened.ended(booking) for booking in gone),
        *(happened.began(booking, _reason(before, booking)) for booking in come),
    ]


def _reason(zone: Zone, booking: Booking) -> Unassigned | None:
    request = zone.requests.get(booking.request)
    need = None if request is None else request.needs.get(booking.requirement)
    return None if need is None else need.reason


class _Happened:
    """What the events between two runs did to bookings, requests and people."""

    def __init__(self, events: Iterable[Event], held: dict[str, Key]) -> None:
        self._ends: dict[Key, Cause] = {}
        self._requests: dict[str, Cause] = {}
        self._people: set[str] = set()
        for event in events:
            self._take(event, held)

    def ended(self, booking: Booking) -> Because:
        """Return what ended a booking."""
        key = (booking.request, booking.requirement, booking.person)
        return _because(key, [self._ends[key]] if key in self._ends else [], ended=True)

    def began(self, booking: Booking, was: Unassigned | None) -> Because:
        """Return what made a booking possible that was not there before."""
        key = (booking.request, booking.requirement, booking.person)
        causes = [self._requests[booking.request]] if booking.request in self._requests else []
        places = [cause for end, cause in self._ends.items() if end[:2] == key[:2] and end[2] != booking.person]
        causes += [cause for cause in dict.fromkeys(places) if cause is not Cause.DONE]
        causes += [Cause.PERSON_CHANGED] if booking.person in self._people else []
        freed = any(end[2] == booking.person and end != key for end in self._ends)
        causes += [Cause.PERSON_FREED] if freed else []
        return _because(key, causes or [Cause.WAS_OPEN], ended=False, was=was)

    def _take(self, event: Event, held: dict[str, Key]) -> None:
        match event:
            case e.AssignmentReleased():
                self._ends[held[event.assignment]] = _RELEASED[event.reason]
            case e.NoShowRecorded():
                self._ends[held[event.assignment]] = Cause.NO_SHOW
            case e.WorkFinished():
                self._ends[held[event.command.assignment]] = Cause.DONE
            case e.RequestSubmitted():
                self._requests[event.command.request] = Cause.SUBMITTED
            case e.RequestReopened():
                self._requests[event.request] = Cause.REOPENED
            case e.RequestChanged():
                self._requests[event.command.request] = Cause.CHANGED
            case e.VolunteerRegistered() | e.VolunteerChanged() | e.AvailabilityChanged() | e.VolunteerPaused():
                self._people.add(event.command.volunteer)
            case _:
                pass


def _because(key: Key, causes: list[Cause], *, ended: bool, was: Unassigned | None = None) -> Because:
    request, requirement, person = key
    return Because(request=request, requirement=requirement, person=person, ended=ended, causes=causes, was=was)
