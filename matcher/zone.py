"""The state of a zone: what `evolve` builds from events and `decide` reads. Nothing here decides.

`Zone.encode` is canonical: the same events give the same bytes, whatever the process or the hash seed.
"""

from __future__ import annotations

import hashlib
import heapq
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from matcher.calendar import YearDays
from matcher.city_days import CityDays
from matcher.commands import Command, DefinePlace, DefinePost, DefineTeam, DefineUnit, SubmitRequest
from matcher.events import Outcome
from matcher.history import History, Quarter, quarter_of
from matcher.people import People
from matcher.plans import AdoptedPlan, Rematch
from matcher.policy import DEFAULT, Policy
from matcher.reasons import Unassigned
from matcher.terms import Hours, Link, PlaceLevel, Requirement


class RequestState(StrEnum):
    """VOCABULARY 3, as far as the spine has its parts. `submitted`, `accepted` and `rated` are passed through."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    MATCHING = "matching"
    PARTIALLY_ASSIGNED = "partially_assigned"
    ASSIGNED = "assigned"
    UNASSIGNABLE = "unassignable"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    RATED = "rated"
    REOPENED = "reopened"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class OfferState(StrEnum):
    """VOCABULARY 4."""

    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


class Status(StrEnum):
    """Where an assignment is (VOCABULARY 4)."""

    TENTATIVE = "tentative"
    COMMITTED = "committed"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    DONE = "done"
    RELEASED = "released"
    NO_SHOW = "no_show"


#: A person's time is held.
LIVE = frozenset({Status.TENTATIVE, Status.COMMITTED, Status.EN_ROUTE, Status.ON_SITE})
#: The person said yes and has not failed.
KEPT = frozenset({Status.COMMITTED, Status.EN_ROUTE, Status.ON_SITE, Status.DONE})
#: Nothing more will come, unless the request is reopened.
ENDED = frozenset({RequestState.CLOSED, RequestState.CANCELLED})


class Assignment(msgspec.Struct):
    """One person on one place of a requirement; its id is its offer's id."""

    id: str
    request: str
    requirement: str
    volunteer: int  # row in People
    departure_s: int
    start_s: int
    end_s: int
    offer: OfferState = OfferState.SENT
    status: Status = Status.TENTATIVE
    #: the week's plan that it belongs to; absent: a beat's
    plan: str | msgspec.UnsetType = msgspec.UNSET


class Widened(msgspec.Struct, frozen=True):
    """How far a requirement's area was widened, and why last; `level` None: to the whole zone."""

    level: PlaceLevel | None
    because: Unassigned


class Need(msgspec.Struct):
    """A requirement and how far it is filled."""

    requirement: Requirement
    wave: int = 0
    filled: bool = False
    #: Why the last solve left it open; None when it did not.
    reason: Unassigned | None = None
    #: ids of all assignments of this wave and before, oldest first
    assignments: list[str] = []
    #: Absent: still in the narrowest area, or areas are not looked at.
    area: Widened | msgspec.UnsetType = msgspec.UNSET


class Request(msgspec.Struct):
    """One request and its needs."""

    command: SubmitRequest
    submitted_at: datetime
    earliest: datetime
    latest: datetime
    needs: dict[str, Need]
    state: RequestState = RequestState.SUBMITTED
    reopened: int = 0
    #: rows of people who will not be asked again
    refused: list[int] = []
    #: somebody once said yes since it was (re)opened
    was_assigned: bool = False
    completed_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    #: The window ends after so many working days, and whether a day on the way is only estimated; absent: it does not.
    provisional: bool | msgspec.UnsetType = msgspec.UNSET
    #: rows of people who had said yes to the request as it was before it changed; absent: nobody
    told: list[int] | msgspec.UnsetType = msgspec.UNSET


class Job(msgspec.Struct):
    """A notification that has no good report yet."""

    id: str
    attempt: int
    issued_s: int


class Due(StrEnum):
    """Why time itself will change something."""

    OFFER = "offer"  # expiry
    START = "start"  # is the crew complete?
    NO_SHOW = "no_show"
    OVERRUN = "overrun"
    WINDOW = "window"  # the request's latest
    RATING = "rating"
    PAUSE = "pause"  # a pause ends
    BUDGET = "budget"  # an offer leaves somebody's 24 hours
    JOB = "job"
    HOLD = "hold"  # beats look at a draft's requests again
    REMATCH = "rematch"  # a batch has run long enough


#: (when, why, id of the thing)
Deadline = tuple[int, str, str]


class Zone(msgspec.Struct):
    """Everything that one zone's rules read. Changed only by `evolving.evolve`."""

    id: str
    #: The zone's time: the last Tick's; before any, the time that opened it.
    now: datetime
    beat: int = -1
    policy: Policy = DEFAULT
    places: dict[str, DefinePlace] = {}
    units: dict[str, str] = {}
    #: The city's own days (`own_days`). Absent until the first is set: an older log holds hashes of zones without it.
    calendar: dict[date, bool] | msgspec.UnsetType = msgspec.UNSET
    people: People = msgspec.field(default_factory=People)
    #: The national calendar as told (`CalendarYearSet`), by year. Absent until the first one, for the same reason.
    years: dict[int, YearDays] | msgspec.UnsetType = msgspec.UNSET
    #: Absent until the policy asks for it (`Policy.keeps_history`), for the same reason.
    history: History | msgspec.UnsetType = msgspec.UNSET
    #: Skills whose visits have a way of so many minutes at most; absent until one has, for the same reason.
    circles: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    #: 志愿服务队 and 公益服务岗 by id; absent until the first one, for the same reason.
    teams: dict[str, DefineTeam] | msgspec.UnsetType = msgspec.UNSET
    posts: dict[str, DefinePost] | msgspec.UnsetType = msgspec.UNSET
    #: The batch that plans a week, while it runs; absent else, for the same reason.
    rematch: Rematch | msgspec.UnsetType = msgspec.UNSET
    #: Plans of batches by name, until their week is over; absent until the first one, for the same reason.
    plans: dict[str, AdoptedPlan] | msgspec.UnsetType = msgspec.UNSET
    #: requests that beats leave alone -> the draft that they belong to; absent where none, for the same reason
    held: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    #: first seconds of the report weeks whose batch began by itself, the last ones; absent before, for the same reason
    begun_weeks: list[int] | msgspec.UnsetType = msgspec.UNSET
    #: What units told of themselves for placement, and unit -> place -> 结对; absent until the first, as above.
    profiles: dict[str, DefineUnit] | msgspec.UnsetType = msgspec.UNSET
    links: dict[str, dict[str, Link]] | msgspec.UnsetType = msgspec.UNSET
    #: not ended
    requests: dict[str, Request] = {}
    #: ended, kept while they can be reopened
    ended: dict[str, Request] = {}
    #: assignments of all requests above
    assignments: dict[str, Assignment] = {}
    #: row of a person -> ids of their live assignments
    engagements: dict[int, list[str]] = {}
    #: row of a person -> times (s) of the offers of the last 24 hours
    alerts: dict[int, list[int]] = {}
    jobs: dict[str, Job] = {}
    #: command id -> [digest of its body, zone time in s]; 7 days (DESIGN 4.8)
    remembered: dict[str, tuple[bytes, int]] = {}
    #: requests with a place open to the matcher
    seeking: dict[str, bool] = {}
    #: heap of what time will change; outdated lines are dropped when they come up
    deadlines: list[Deadline] = []
    #: What a solve could answer: time alone only takes possibilities away, so nothing else needs one.
    #: everything must be looked at again
    stale: bool = False
    #: requests with a requirement that no solve has seen since it opened
    fresh: dict[str, bool] = {}
    #: rows of people who became able to do more, since the last Tick / by the last Tick
    freed: dict[int, bool] = {}
    considered: dict[int, bool] = {}

    @property
    def known_teams(self) -> dict[str, DefineTeam]:
        """The zone's teams by id."""
        return self.teams or {}

    @property
    def known_posts(self) -> dict[str, DefinePost]:
        """The zone's posts by id."""
        return self.posts or {}

    def linked(self, unit: str, day: date) -> list[str]:
        """Return the places with which a unit is paired on this day, by id."""
        return sorted(place for place, link in (self.links or {}).get(unit, {}).items() if link.holds_on(day))

    @property
    def known_plans(self) -> dict[str, AdoptedPlan]:
        """The plans of batches by name, until their week is over."""
        return self.plans or {}

    def knows_of(self, assignment: Assignment) -> bool:
        """Say whether the person has been told of an offer: not of one whose plan has only been published."""
        plan = None if assignment.plan is msgspec.UNSET else self.known_plans.get(assignment.plan)
        return plan is None or plan.told

    @property
    def own_days(self) -> dict[date, bool]:
        """The city's own days: worked or not, whatever the national calendar says."""
        return {} if self.calendar is msgspec.UNSET else self.calendar

    def days(self, told: YearDays | None = None, own: dict[date, bool] | None = None) -> CityDays:
        """Return the city's days; as they would be with one more year told, or with other days of its own."""
        years = {} if self.years is msgspec.UNSET else dict(self.years)
        if told is not None:
            years[told.year] = told
        return CityDays(years.values(), self.own_days if own is None else own, self.policy.report_weeks)

    def quarter(self) -> Quarter:
        """Return where the zone's time lies in its local quarter."""
        return quarter_of(self.now, self.policy.timezone)

    def visits_this_quarter(self) -> dict[int, int]:
        """Return each person's visits (by row) of this quarter, finished or still before them; none without history."""
        if self.history is msgspec.UNSET:
            return {}
        visits = dict(self.history.visits_in(self.quarter()))
        for row, names in self.engagements.items():
            visits[row] = visits.get(row, 0) + len(names)
        return visits

    def circle_of(self, skill: str) -> int | None:
        """Return how many minutes the way to a visit that needs this skill may take; None for any."""
        return (self.circles or {}).get(skill)

    def visit_starts(self, row: int) -> list[int]:
        """Return when the person's visits of the last days began and those before them begin, seconds."""
        done = [] if self.history is msgspec.UNSET else self.history.lately.get(row, [])
        return [*done, *(self.assignments[name].start_s for name in self.engagements.get(row, []))]

    def helpers_of(self, requester: str | None) -> list[int]:
        """Return who served this requester last time (rows); nobody without history."""
        return [] if self.history is msgspec.UNSET else self.history.people_who_helped(requester)

    def waiting(self) -> bool:
        """Say whether anything waits for time to pass."""
        return bool(self.requests) or bool(self.jobs)

    def would_solve(self) -> bool:
        """Say whether the next Tick has something to match (`beats.pose` may still find that nobody fits)."""
        return bool(self.seeking) and bool(self.stale or self.fresh or self.freed)

    def request(self, request: str) -> Request:
        """Return a request, ended or not. Raises KeyError."""
        return self.requests.get(request) or self.ended[request]

    def statuses(self, need: Need) -> list[Status]:
        """Return where the assignments of a need are."""
        return [self.assignments[assignment].status for assignment in need.assignments]

    def places_open(self, need: Need) -> int:
        """Return how many people the matcher may still look for: none once the visit has begun."""
        statuses = self.statuses(need)
        if need.filled or Status.DONE in statuses or Status.ON_SITE in statuses:
            return 0
        return need.requirement.people - sum(status in LIVE for status in statuses)

    def next_due_s(self) -> int | None:
        """Return when time itself changes something next, seconds; None for never."""
        return self.deadlines[0][0] if self.deadlines else None

    def due(self, until_s: int) -> list[Deadline]:
        """Return the deadlines up to `until_s`, in order; the heap stays as it is."""
        found: list[Deadline] = []
        stack = [0] if self.deadlines else []
        while stack:
            at = stack.pop()
            if self.deadlines[at][0] <= until_s:
                found.append(self.deadlines[at])
                stack.extend(child for child in (2 * at + 1, 2 * at + 2) if child < len(self.deadlines))
        return sorted(found)

    def encode(self) -> bytes:
        """Encode canonically."""
        return _encoder.encode(msgspec.structs.replace(self, deadlines=sorted(self.deadlines)))

    @staticmethod
    def decode(encoded: bytes) -> Zone:
        """Build the zone again. Raises msgspec.ValidationError for another fold's bytes."""
        return _decoder.decode(encoded)

    def sha256(self) -> str:
        """Hex digest of the canonical encoding."""
        return hashlib.sha256(self.encode()).hexdigest()


def push(zone: Zone, due_s: int, why: Due, what: str) -> None:
    """Add a deadline."""
    heapq.heappush(zone.deadlines, (due_s, why.value, what))


def issue(zone: Zone, job: str, attempt: int, at: datetime) -> None:
    """Note a notification that waits for its report."""
    issued_s = int(at.timestamp())
    zone.jobs[job] = Job(id=job, attempt=attempt, issued_s=issued_s)
    push(zone, issued_s + 60 * zone.policy.job_retry_minutes, Due.JOB, job)


def digest(command: Command) -> bytes:
    """Return what makes two commands the same: everything but the sender's clock and the order of keys."""
    body = msgspec.json.encode(msgspec.structs.replace(command, at=_NO_TIME), order="deterministic")
    return hashlib.blake2b(body, digest_size=16).digest()


_NO_TIME = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _pack(value: Any) -> Any:
    if isinstance(value, People):
        return value.packed()
    raise TypeError(f"A zone cannot hold a ({type(value).__name__}).")


def _unpack(kind: type, value: Any) -> Any:
    if kind is People:
        return People.unpacked(value, msgspec.convert(value["hours_table"], list[Hours]))
    raise TypeError(f"A zone cannot hold a ({kind.__name__}).")


# Dictionaries keep the order in which events filled them, and decoding keeps it too, so the bytes follow from the
# events alone. There are no sets here: their order would depend on the hash seed.
_encoder = msgspec.msgpack.Encoder(enc_hook=_pack)
_decoder = msgspec.msgpack.Decoder(Zone, dec_hook=_unpack)
