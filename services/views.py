"""What can be looked at: the shapes of requests, people, offers, visits and zones that the boards answer with.

Filled by `services/viewing.py`. States are the core's own (VOCABULARY 3 and 4). Nothing here changes anything.
"""

from __future__ import annotations

import msgspec

from matcher.terms import HeldSkill, Hours, NeededSkill, Point, TeamKind, Time, Travel
from matcher.zone import OfferState, RequestState, Status


class RequirementView(msgspec.Struct, kw_only=True):
    """One requirement of a request; `reason`, `funnel` and `rival` while nobody was found."""

    requirement: str
    people: int
    minimum_people: int | None
    skills: tuple[NeededSkill, ...]
    should: tuple[NeededSkill, ...] = ()
    nice: tuple[NeededSkill, ...] = ()
    circle_minutes: int | None = None
    team: str | None = None
    team_kind: TeamKind | None = None
    one_team: bool = False
    preferred_team: str | None = None
    #: people are looked for in an area of this level now ("zone": everywhere), since it was widened, and why
    area: str | None = None
    widened: str | None = None
    wave: int = 0
    filled: bool = False
    reason: str | None = None
    funnel: dict[str, int] | None = None
    rival: str = ""
    #: ids of the offers of this opening of the request, which are also its assignments' ids
    assignments: list[str] = []


class RequestView(msgspec.Struct, kw_only=True):
    """A request as the board shows it."""

    request: str
    state: RequestState | None
    point: Point
    place: str | None
    channel: str
    urgency: str
    duration_minutes: int
    submitted_at: Time
    earliest: Time
    latest: Time
    #: 暂定: the window ends after so many working days, and one of them is only estimated.
    provisional: bool = False
    requirements: list[RequirementView]
    #: the standing post that it belongs to
    post: str | None = None
    outcome: str | None = None
    effect: int | None = None
    conduct: int | None = None
    reopened: int = 0
    #: every offer made for it
    offers: list[str] = []


class VolunteerView(msgspec.Struct, kw_only=True):
    """A person as the board shows them: no name, no contact."""

    volunteer: str
    state: str
    point: Point
    skills: tuple[HeldSkill, ...]
    hours: Hours
    reach_m: float
    capacity: int
    travel: Travel
    unit: str | None
    places: tuple[str, ...]
    visits_per_day: int | None = None
    visits_per_week: int | None = None
    #: standing posts that the person has claimed
    posts: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    paused_until: Time | None = None
    open_offers: list[str] = []
    open_assignments: list[str] = []


class OfferView(msgspec.Struct, kw_only=True):
    """One offer: what the person is told, and the answer."""

    offer: str
    state: OfferState
    request: str
    requirement: str
    volunteer: str
    wave: int
    start: Time
    end: Time
    distance_m: float
    travel_s: int
    cost: dict[str, int]
    sent_at: Time
    expires_at: Time
    decline_reason: str | None = None


class AssignmentView(msgspec.Struct, kw_only=True):
    """One held or committed visit. Its id is its offer's id."""

    assignment: str
    state: Status
    request: str
    requirement: str
    volunteer: str
    departure: Time
    start: Time
    end: Time
    released_because: str | None = None


class ZoneView(msgspec.Struct, kw_only=True):
    """The five counters 点派接监评 of a zone, and what waits in it."""

    zone: str
    at: Time | None = None
    beat: int = 0
    ordered: int = 0
    dispatched: int = 0
    accepted: int = 0
    followed: int = 0
    rated: int = 0
    requests: dict[str, int] = {}
    unassigned: dict[str, int] = {}
    places: int = 0
    skills: int = 0
    volunteers: int = 0
