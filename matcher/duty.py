"""Who of the cadres has served a quarter (R100), who has not, and why: read from what happened, never from a guess.

Called by `services/explaining/duties.py`, which folds a zone event by event. Decides nothing and asks for no visit:
where nobody wanted anything, the reason is that nobody did (R156).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import numpy as np

from matcher import beats
from matcher import events as e
from matcher.history import Quarter, quarter_of
from matcher.posing import OpenRequirement, problem_of
from matcher.problem import I32, I64, Bool
from matcher.rules import certificate, circle, excluded, must_have, reach, restricted, skills, start, team
from matcher.rules.facts import Facts
from matcher.terms import Id, Term, Time
from matcher.zone import Assignment, Request, RequestState, Status, Zone


class Owes(StrEnum):
    """Why somebody has not served: what they stand before, else their last answer, else how near demand came."""

    VISIT_AHEAD = "VISIT_AHEAD"
    OFFER_OPEN = "OFFER_OPEN"
    NO_SHOW = "NO_SHOW"
    DECLINED = "DECLINED"
    NO_ANSWER = "NO_ANSWER"
    NOT_FINISHED = "NOT_FINISHED"
    LET_GO = "LET_GO"
    PAUSED = "PAUSED"
    NO_DEMAND = "NO_DEMAND"
    MISSING_SKILL = "MISSING_SKILL"
    QUALIFICATION_EXPIRED = "QUALIFICATION_EXPIRED"
    TRAVEL_TOO_FAR = "TRAVEL_TOO_FAR"
    OUTSIDE_SERVICE_CIRCLE = "OUTSIDE_SERVICE_CIRCLE"
    NO_START_POSSIBLE = "NO_START_POSSIBLE"
    OTHERS_WANTED = "OTHERS_WANTED"
    NOT_NEEDED = "NOT_NEEDED"


class HasServed(Term, frozen=True, kw_only=True):
    """A cadre who has done the quarter's duty."""

    person: Id
    unit: Id
    visits: int


class StillOwes(Term, frozen=True, kw_only=True):
    """A cadre who has not. `offers`: how often they were asked; `could_serve`: requests that they could have served."""

    person: Id
    unit: Id
    reason: Owes
    offers: int
    could_serve: int


class DutyList(Term, frozen=True, kw_only=True):
    """The quarter's duty of one zone as of `at`. `over`: the quarter has ended. `requests`: asked for in it."""

    zone: Id
    quarter: str
    first: date
    at: Time
    over: bool
    requests: int
    served: tuple[HasServed, ...]
    owing: tuple[StillOwes, ...]


@dataclass
class Book:
    """What happened in one quarter: requests as they were last asked for, visits done, and what people answered."""

    quarter: Quarter
    timezone: str
    asked: dict[str, Request] = field(default_factory=dict)
    visits: Counter[int] = field(default_factory=Counter)
    offers: Counter[int] = field(default_factory=Counter)
    #: row of a person -> how their last offer or commitment ended without a visit
    ended: dict[int, Owes] = field(default_factory=dict)

    def covers(self, event: e.Event) -> bool:
        """Say whether the event lies in the quarter."""
        return quarter_of(event.at, self.timezone).number == self.quarter.number

    def open_with(self, zone: Zone) -> None:
        """Take in what was still wanted when the quarter began."""
        done = {RequestState.COMPLETED, RequestState.RATED}
        self.asked = {name: request for name, request in zone.requests.items() if request.state not in done}

    def see(self, zone: Zone, event: e.Event) -> None:
        """Take in one event of the quarter; `zone` is the state just after it."""
        name = _request_of(event)
        if name is not None and name in zone.requests:
            self.asked[name] = zone.requests[name]
        match event:
            case e.OfferSent(volunteer=person):
                self.offers[zone.people.row_of[person]] += 1
            case e.WorkFinished(command=command):
                self.visits[zone.assignments[command.assignment].volunteer] += 1
            case e.OfferDeclined(command=command):
                self._end(zone.assignments[command.offer], Owes.DECLINED)
            case e.OfferExpired(offer=offer):
                self._end(zone.assignments[offer], Owes.NO_ANSWER)
            case e.NoShowRecorded(assignment=assignment):
                self._end(zone.assignments[assignment], Owes.NO_SHOW)
            case e.AssignmentReleased(assignment=assignment, reason=reason) if reason not in _ANSWERS:
                overrun = reason is e.ReleaseReason.OVERRUN
                self._end(zone.assignments[assignment], Owes.NOT_FINISHED if overrun else Owes.LET_GO)
            case _:
                pass

    def _end(self, assignment: Assignment, how: Owes) -> None:
        self.ended[assignment.volunteer] = how


#: A release that only repeats an answer.
_ANSWERS = frozenset({e.ReleaseReason.OFFER_DECLINED, e.ReleaseReason.OFFER_EXPIRED})


def _request_of(event: e.Event) -> str | None:
    """Return which request an event asks for, or asks for otherwise."""
    match event:
        case e.RequestSubmitted(command=command) | e.RequestChanged(command=command):
            return str(command.request)
        case e.RequestReopened(request=request) | e.WindowMoved(request=request):
            return str(request)
        case _:
            return None


def duty_list(zone: Zone, book: Book, *, over: bool) -> DutyList:
    """Return who has served the book's quarter and who has not; people who have left owe nothing.

    `zone`: as it was when the quarter ended, or now where it is not `over`.
    """
    people = zone.people
    here = people.cadres() & ~people.column("left")
    rows = np.flatnonzero(here).astype(np.int32)
    owing = np.array([row for row in rows.tolist() if not book.visits[row]], np.int32)
    near, could = _nearest(zone, book, owing)
    return DutyList(
        zone=zone.id,
        quarter=str(book.quarter),
        first=book.quarter.first,
        at=zone.now,
        over=over,
        requests=len(book.asked),
        served=tuple(
            HasServed(person=people.ids[row], unit=_unit(zone, row), visits=book.visits[row])
            for row in rows.tolist()
            if book.visits[row]
        ),
        owing=tuple(
            StillOwes(
                person=people.ids[row],
                unit=_unit(zone, row),
                reason=_reason(zone, book, row, int(steps)),
                offers=book.offers[row],
                could_serve=int(requests),
            )
            for row, steps, requests in zip(owing.tolist(), near, could, strict=True)
        ),
    )


def _unit(zone: Zone, row: int) -> str:
    unit = zone.people.units[row]
    assert unit is not None
    return unit


def _reason(zone: Zone, book: Book, row: int, steps: int) -> Owes:
    statuses = {zone.assignments[name].status for name in zone.engagements.get(row, [])}
    if statuses - {Status.TENTATIVE}:
        return Owes.VISIT_AHEAD
    if statuses:
        return Owes.OFFER_OPEN
    if row in book.ended:
        return book.ended[row]
    if int(zone.people.column("paused_until_s")[row]) > int(zone.now.timestamp()):
        return Owes.PAUSED
    if not book.asked:
        return Owes.NO_DEMAND
    return _STOPPED[steps]


# --- how near the quarter's demand came to somebody who was never asked -------------------------------------------


def _skilled(facts: Facts, r: int, who: I32) -> Bool:
    return skills.mask(facts, r, who)


def _certified(facts: Facts, r: int, who: I32) -> Bool:
    return certificate.mask(facts, r, who)


def _in_reach(facts: Facts, r: int, who: I32) -> Bool:
    return reach.mask(facts, r, who, facts.distance_m(r, who))


def _in_circle(facts: Facts, r: int, who: I32) -> Bool:
    return circle.mask(facts, r, who, facts.travel_s(who, facts.distance_m(r, who)))


def _has_time(facts: Facts, r: int, who: I32) -> Bool:
    return start.mask(facts, r, who, facts.travel_s(who, facts.distance_m(r, who)))


def _wanted(facts: Facts, r: int, who: I32) -> Bool:
    passes: Bool = excluded.mask(facts, r, who) & restricted.mask(facts, r, who) & must_have.mask(facts, r, who)
    return passes & team.mask(facts, r, who)


#: Rules in the order of the funnel, and the reason of whom each of them stopped at every request.
_STEPS: tuple[Callable[[Facts, int, I32], Bool], ...] = (
    _skilled, _certified, _in_reach, _in_circle, _has_time, _wanted,
)  # fmt: skip
_STOPPED = (
    Owes.MISSING_SKILL, Owes.QUALIFICATION_EXPIRED, Owes.TRAVEL_TOO_FAR, Owes.OUTSIDE_SERVICE_CIRCLE,
    Owes.NO_START_POSSIBLE, Owes.OTHERS_WANTED, Owes.NOT_NEEDED,
)  # fmt: skip


def _nearest(zone: Zone, book: Book, who: I32) -> tuple[I64, I64]:
    """Return for each person how many rules they passed where they came furthest, and how many requests let them in."""
    furthest, could = np.zeros(who.size, np.int64), np.zeros(who.size, np.int64)
    asked = list(_wished_for(zone, book))
    if not asked or not who.size:
        return furthest, could
    facts = Facts(
        problem_of(
            zone=zone.id,
            beat=zone.beat,
            now=zone.now,
            policy=zone.policy,
            people=zone.people,
            requirements=asked,
            city=zone.days(),
        )
    )
    admitted: set[tuple[int, str]] = set()
    for r, need in enumerate(asked):
        at = np.arange(who.size)
        for passed, step in enumerate(_STEPS, start=1):
            at = at[step(facts, r, who[at])]
            if not at.size:
                break
            furthest[at] = np.maximum(furthest[at], passed)
        for row in at.tolist():
            if (row, need.request) not in admitted:
                admitted.add((row, need.request))
                could[row] += 1
    return furthest, could


def _wished_for(zone: Zone, book: Book) -> Iterator[OpenRequirement]:
    """Write every requirement of the quarter as it was when it was asked for: nobody serves it yet."""
    for _, request in sorted(book.asked.items()):
        for _, need in sorted(request.needs.items()):
            yield beats.as_asked(zone, request, need)
