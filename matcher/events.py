"""What has happened. Past tense; the only thing that changes a zone (`zone.evolve`).

An event that a command caused directly carries that command in full, so that a zone is replayed, and a past
month decided again, from the journal alone (DESIGN 4.7). `at` is the zone's time, `causation_id` the command.
An event's identity is its place: partition, offset of its entry, index in it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import UNSET, UnsetType

from matcher.commands import (
    AcceptOffer,
    AdoptPlan,
    AnyCommand,
    Arrive,
    CancelRequest,
    ChangeAvailability,
    ChangeRequest,
    DeclineOffer,
    DefinePlace,
    DefinePost,
    DefineSkill,
    DefineTeam,
    DefineUnit,
    Depart,
    EndRematch,
    Figures,
    Finish,
    LinkUnit,
    NotifyPlan,
    PauseVolunteer,
    PublishPlan,
    RateRequest,
    RegisterVolunteer,
    RemoveVolunteer,
    ReopenRequest,
    ReportJob,
    ReportRematch,
    RollBackPlan,
    SetCalendarDay,
    SetCalendarYear,
    SetPolicy,
    StartRematch,
    StatePlace,
    SubmitRequest,
)
from matcher.reasons import AnyRefusal, Unassigned
from matcher.terms import Id, PlaceLevel, PlannedVisit, Point, Shares, Time


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, forbid_unknown_fields=True):
    """One fact. Subclasses are the vocabulary (VOCABULARY 5); the class name is the wire type.

    A field that this version does not know stops its reader as an unknown event does: it may change what follows.
    """

    zone: Id
    at: Time
    causation_id: Id


class Outcome(StrEnum):
    """How a request was closed (VOCABULARY 3)."""

    FULFILLED = "fulfilled"
    PARTLY = "partly"
    FAILED = "failed"
    EXPIRED = "expired"


class ReleaseReason(StrEnum):
    """Why a hold or commitment ended without the visit."""

    OFFER_DECLINED = "offer_declined"
    OFFER_EXPIRED = "offer_expired"
    OFFER_SUPERSEDED = "offer_superseded"
    REQUEST_CANCELLED = "request_cancelled"
    REQUEST_CHANGED = "request_changed"
    VOLUNTEER_LEFT = "volunteer_left"
    CREW_INCOMPLETE = "crew_incomplete"
    OVERRUN = "overrun"
    PLAN_ROLLED_BACK = "plan_rolled_back"


class RematchEnding(StrEnum):
    """How a batch ended without a plan of its own: by a command, or by the policy's deadline."""

    COMMAND = "command"
    DEADLINE = "deadline"


class NotAdopted(StrEnum):
    """Why a visit of a plan is not adopted, or not published: what no longer holds (where a pair's rule, its name)."""

    #: the request is over, gone or unknown
    REQUEST_CLOSED = "REQUEST_CLOSED"
    #: others have accepted the places
    PLACE_TAKEN = "PLACE_TAKEN"
    #: those who have accepted come at another time
    OTHER_START = "OTHER_START"
    #: the visit would begin before anybody could be told, or outside the request's window
    OUTSIDE_WINDOW = "OUTSIDE_WINDOW"
    NO_REGISTERED_VOLUNTEER = "NO_REGISTERED_VOLUNTEER"
    MISSING_SKILL = "MISSING_SKILL"
    QUALIFICATION_EXPIRED = "QUALIFICATION_EXPIRED"
    TRAVEL_TOO_FAR = "TRAVEL_TOO_FAR"
    OUTSIDE_SERVICE_CIRCLE = "OUTSIDE_SERVICE_CIRCLE"
    #: out of the person's hours, ways included
    NO_START_POSSIBLE = "NO_START_POSSIBLE"
    EXCLUDED_BY_REQUESTER = "EXCLUDED_BY_REQUESTER"
    RESTRICTED = "RESTRICTED"
    NOT_AMONG_MUST_HAVE = "NOT_AMONG_MUST_HAVE"
    NOT_OF_TEAM = "NOT_OF_TEAM"
    PREVIOUSLY_REFUSED = "PREVIOUSLY_REFUSED"
    VISIT_LIMIT_REACHED = "VISIT_LIMIT_REACHED"
    #: other work, ways and rest included, takes the person's time
    ALREADY_COMMITTED = "ALREADY_COMMITTED"
    CREW_INCOMPLETE = "CREW_INCOMPLETE"
    PLACE_CROWDED = "PLACE_CROWDED"
    #: it would disturb somebody told for less than the policy says that costs
    NOT_WORTH_IT = "NOT_WORTH_IT"


class MovedBecause(StrEnum):
    """Why a plan moves a visit that people have been told of."""

    #: the person told can no longer do it as it was
    NOT_POSSIBLE = "NOT_POSSIBLE"
    #: the person told serves another request then
    NEEDED_ELSEWHERE = "NEEDED_ELSEWHERE"
    #: the crew begins at another time
    CREW_MOVED = "CREW_MOVED"
    #: it saves more than the disturbance costs
    CHEAPER = "CHEAPER"


# --- what rules read -------------------------------------------------------------------------------------------


class PlaceDefined(Event, frozen=True, kw_only=True):
    """A node of the place tree; the first one opened the zone."""

    command: DefinePlace


class UnitDefined(Event, frozen=True, kw_only=True):
    """机关单位."""

    command: DefineUnit


class UnitLinked(Event, frozen=True, kw_only=True):
    """结对共建: a unit and a community or compound are paired, or on other days than before."""

    command: LinkUnit


class SkillDefined(Event, frozen=True, kw_only=True):
    """A skill of the zone's taxonomy."""

    command: DefineSkill


class TeamDefined(Event, frozen=True, kw_only=True):
    """A team, new or all new."""

    command: DefineTeam


class PostDefined(Event, frozen=True, kw_only=True):
    """A post, new or all new."""

    command: DefinePost


class PolicySet(Event, frozen=True, kw_only=True):
    """The zone's rules from now on; `policy_sha256` names them in every solve."""

    command: SetPolicy
    policy_sha256: str


class CalendarDaySet(Event, frozen=True, kw_only=True):
    """A day is worked, or not, by the city's word; or no longer by it."""

    command: SetCalendarDay


class CalendarYearSet(Event, frozen=True, kw_only=True):
    """The national calendar of a year is known, or known better."""

    command: SetCalendarYear


# --- requests and requirements ---------------------------------------------------------------------------------


class RequestSubmitted(Event, frozen=True, kw_only=True):
    """点单, with the window as decided."""

    command: SubmitRequest
    earliest: Time
    latest: Time
    #: The window ends after so many working days: whether a day on the way is only estimated. Absent: it does not.
    provisional: bool | UnsetType = UNSET


class WindowMoved(Event, frozen=True, kw_only=True):
    """A window that ends after so many working days ends on another day, or is certain now: the calendar changed."""

    request: Id
    latest: Time
    provisional: bool


class RequestAccepted(Event, frozen=True, kw_only=True):
    """受理; automatic until the front desk exists."""

    request: Id


class RequirementOpened(Event, frozen=True, kw_only=True):
    """A requirement is open to the matcher; `wave` counts the times it was opened, from 0."""

    request: Id
    requirement: Id
    wave: int
    #: Offers and visits of the wave before that go on: what was agreed is still true. Absent: none.
    kept: tuple[Id, ...] | UnsetType = UNSET


class RequirementFilled(Event, frozen=True, kw_only=True):
    """Enough people have accepted: all asked for, or at least the minimum with no place left open."""

    request: Id
    requirement: Id


class RequirementUnfilled(Event, frozen=True, kw_only=True):
    """Nobody this time, and why; recorded only when the reason changes. `funnel`: people left after each rule."""

    request: Id
    requirement: Id
    reason: Unassigned
    funnel: dict[str, int]
    #: OUTBID: the requirement (request.requirement) that took the person.
    rival: str = ""


class AreaWidened(Event, frozen=True, kw_only=True):
    """R24: nobody for it within its area, proven by a solve; from now on people are looked for in a wider one.

    `area` is the level and `place` the node; both None: the whole zone. `reason`, `funnel`, `rival`: why, as in
    `RequirementUnfilled`.
    """

    request: Id
    requirement: Id
    area: PlaceLevel | None
    place: Id | None
    reason: Unassigned
    funnel: dict[str, int]
    rival: str = ""


class RequestChanged(Event, frozen=True, kw_only=True):
    """改单: it is another ask now; who refused it before has refused something else. Absent: as it was."""

    command: ChangeRequest
    earliest: Time
    latest: Time
    duration_minutes: int
    point: Point | UnsetType = UNSET
    place: Id | None | UnsetType = UNSET
    #: Who had said yes to what is no longer true: the matcher asks them first. Absent: nobody.
    told: tuple[Id, ...] | UnsetType = UNSET


class RequestReopened(Event, frozen=True, kw_only=True):
    """重办: on the resident's word (a rating "not solved" or ReopenRequest), with a new window."""

    request: Id
    command: ReopenRequest | None = None
    earliest: Time
    latest: Time
    #: As in `RequestSubmitted`.
    provisional: bool | UnsetType = UNSET


class RequestCompleted(Event, frozen=True, kw_only=True):
    """办结待评."""

    request: Id


class RatingInvited(Event, frozen=True, kw_only=True):
    """R21: no request is closed as fulfilled without this."""

    request: Id


class RatingSubmitted(Event, frozen=True, kw_only=True):
    """评单."""

    command: RateRequest


class RequestClosed(Event, frozen=True, kw_only=True):
    """归档, with how it ended."""

    request: Id
    outcome: Outcome


class RequestCancelled(Event, frozen=True, kw_only=True):
    """撤单."""

    command: CancelRequest


# --- people ----------------------------------------------------------------------------------------------------


class VolunteerRegistered(Event, frozen=True, kw_only=True):
    """报到."""

    command: RegisterVolunteer


class VolunteerChanged(Event, frozen=True, kw_only=True):
    """A registered person said everything anew."""

    command: RegisterVolunteer


class AvailabilityChanged(Event, frozen=True, kw_only=True):
    """New hours; commitments stay."""

    command: ChangeAvailability


class VolunteerPaused(Event, frozen=True, kw_only=True):
    """No offers until then."""

    command: PauseVolunteer


class VolunteerLeft(Event, frozen=True, kw_only=True):
    """The person is gone."""

    command: RemoveVolunteer


# --- matching --------------------------------------------------------------------------------------------------


class MatchRunFinished(Event, frozen=True, kw_only=True):
    """One solve of one zone's beat, in figures; what went in is the journal up to here."""

    beat: int
    engine: str
    optimal: bool
    #: How much dearer than the optimum the plan could be, in points; 0 when proven optimal.
    gap: int
    requirements: int
    people: int
    filled: int
    objective: dict[str, int]
    listed_pairs: int
    policy_sha256: str
    #: lines of the plan that did not fit into this beat's entry
    held_back: int = 0
    #: the next beat looks at everything again, whatever happens until then
    again: bool = False
    #: how this quarter's visits are shared, this run's included; absent where the zone keeps no count
    shares: Shares | UnsetType = UNSET


# --- offers and assignments ------------------------------------------------------------------------------------


class OfferSent(Event, frozen=True, kw_only=True):
    """派单: one person, one place of a requirement, until `expires_at`. The offer's id is its assignment's id."""

    offer: Id
    request: Id
    requirement: Id
    wave: int
    volunteer: Id
    start: Time
    end: Time
    distance_m: float
    travel_s: int
    cost: dict[str, int]
    expires_at: Time
    #: The level of the area in which it was matched, and why that was widened last. Absent: the whole zone; it was not.
    area: PlaceLevel | UnsetType = UNSET
    widened: Unassigned | UnsetType = UNSET
    #: The week's plan that it belongs to; its person is told when `PlanNotified` says so. Absent: a beat's, told now.
    plan: Id | UnsetType = UNSET


class OfferAccepted(Event, frozen=True, kw_only=True):
    """接单."""

    command: AcceptOffer


class OfferDeclined(Event, frozen=True, kw_only=True):
    """拒单; the pair is not offered again."""

    command: DeclineOffer


class OfferExpired(Event, frozen=True, kw_only=True):
    """超时未接; the pair is not offered again."""

    offer: Id


class OfferSuperseded(Event, frozen=True, kw_only=True):
    """The place needs nobody any more (filled, cancelled, person left): stand down."""

    offer: Id


class AssignmentHeld(Event, frozen=True, kw_only=True):
    """预占: the person's time [departure, end) is held until the offer is answered."""

    assignment: Id
    request: Id
    requirement: Id
    volunteer: Id
    departure: Time
    start: Time
    end: Time


class AssignmentCommitted(Event, frozen=True, kw_only=True):
    """领单."""

    assignment: Id


class VolunteerDeparted(Event, frozen=True, kw_only=True):
    """出发."""

    command: Depart


class VolunteerArrived(Event, frozen=True, kw_only=True):
    """到场 (签到)."""

    command: Arrive


class WorkFinished(Event, frozen=True, kw_only=True):
    """完成 (签退)."""

    command: Finish


class AssignmentReleased(Event, frozen=True, kw_only=True):
    """释放: the person's time is free again."""

    assignment: Id
    reason: ReleaseReason
    #: The person had said yes, and is told that they need not come. Absent: they are not, or have been.
    stand_down: bool | UnsetType = UNSET


class NoShowRecorded(Event, frozen=True, kw_only=True):
    """接而不到."""

    assignment: Id


# --- the week's batch ------------------------------------------------------------------------------------------


class RematchStarted(Event, frozen=True, kw_only=True):
    """A batch plans the zone's week [from_at, until_at). Its jobs name the state with this event, or a later one."""

    rematch: Id
    from_at: Time
    until_at: Time
    seed: int
    #: exactly one of the two
    iterations: int | UnsetType = UNSET
    budget_s: float | UnsetType = UNSET
    #: A day of the week is only estimated by the calendar. Absent: all are certain, or nobody's hours read it.
    provisional: bool | UnsetType = UNSET
    #: None: the policy's calendar trigger started it, on a Tick.
    command: StartRematch | None = None


class RematchPartBegun(Event, frozen=True, kw_only=True):
    """A worker works on a job of the batch."""

    command: ReportRematch


class RematchCut(Event, frozen=True, kw_only=True):
    """The batch has so many parts, and so many repairs after them. The parts' jobs name the state that was cut
    (`command.as_of`), those of repairs a state in which all parts are done."""

    command: ReportRematch
    parts: int
    repairs: int


class RematchPartDone(Event, frozen=True, kw_only=True):
    """A job of the batch is done, or one piece of it; its visits are kept until the batch ends."""

    command: ReportRematch


class RematchEnded(Event, frozen=True, kw_only=True):
    """The batch ended before its plan came."""

    rematch: Id
    how: RematchEnding
    #: Something was reported, and `PlanAdopted` follows.
    adopted: bool
    command: EndRematch | None = None


class PlanPartTaken(Event, frozen=True, kw_only=True):
    """A part of a batch's plan has come."""

    command: AdoptPlan


class PlanAdopted(Event, frozen=True, kw_only=True):
    """排班方案草案: the batch is over, and its plan is a draft for staff to look at. The plan has the batch's name.

    Numbers in `kept`, `moved` and `dropped` count the plan's visits as they came, from 0: all parts of `AdoptPlan` in
    their order, or what was reported (`Rematch.proposed`, `Rematch.reported`). What is in none of them is new.
    """

    plan: Id
    from_at: Time
    until_at: Time
    #: visits of the draft: kept, moved and new
    visits: int
    #: offered already, as they are
    kept: tuple[int, ...] = ()
    #: in place of what people have been told, by why; what they were told is taken back when the plan is published
    moved: dict[MovedBecause, tuple[int, ...]] = {}
    new: int = 0
    #: of the plan, but no longer valid, or not worth it, by why
    dropped: dict[NotAdopted, tuple[int, ...]] = {}
    #: accepted work that the plan names, as it is; it stays whatever becomes of the plan
    pinned: tuple[int, ...] = ()
    #: open offers that are taken back when the plan is published
    replaces: tuple[Id, ...] = ()
    #: Beats leave the draft's requests alone until then. Absent: they do not.
    hold_until: Time | UnsetType = UNSET
    #: Absent: of what was reported.
    as_of: StatePlace | UnsetType = UNSET
    figures: Figures | UnsetType = UNSET


class PlanPublished(Event, frozen=True, kw_only=True):
    """发布: the draft's visits become offers from now on, some with each beat (`OfferSent.plan`)."""

    command: PublishPlan


class PlanVisitsDropped(Event, frozen=True, kw_only=True):
    """Visits of a plan that were no longer valid when they should have been published, by why."""

    plan: Id
    dropped: dict[NotAdopted, tuple[PlannedVisit, ...]]


class PlanNotified(Event, frozen=True, kw_only=True):
    """通知: everybody with an open offer of the plan is told; it waits for an answer until `expires_at` or, where that
    is earlier, until they would have to depart."""

    command: NotifyPlan
    expires_at: Time


class PlanRolledBack(Event, frozen=True, kw_only=True):
    """撤回: a draft is thrown away; the open offers of a published plan are taken back, some with each beat."""

    command: RollBackPlan


class PlanWithdrawn(Event, frozen=True, kw_only=True):
    """The last open offer of a plan that was rolled back has been taken back."""

    plan: Id


# --- the log's own ---------------------------------------------------------------------------------------------


class TimePassed(Event, frozen=True, kw_only=True):
    """A Tick moved the zone's time to `at`."""

    beat: int
    #: More was due than one entry holds: only so much of it, the oldest first; the next Tick goes on. Absent: all.
    lapsed: int | UnsetType = UNSET


class CommandRefused(Event, frozen=True, kw_only=True):
    """A "no", with the command in full and the reason."""

    command: AnyCommand
    reason: AnyRefusal


class CommandParked(Event, frozen=True, kw_only=True):
    """A command that could not be read or decided; its bytes are in the topic `parked`."""

    offset: int
    reason: str


class Attempt(Event, frozen=True, kw_only=True):
    """The command at `offset` is about to be tried alone for the n-th time (DESIGN 4.6)."""

    offset: int
    n: int


class JobReported(Event, frozen=True, kw_only=True):
    """What became of a notification."""

    command: ReportJob


class JobReissued(Event, frozen=True, kw_only=True):
    """No good report came in time: the announcer issues the job again."""

    job: Id
    attempt: int


class JobAbandoned(Event, frozen=True, kw_only=True):
    """The last attempt brought no good report; a person has to look."""

    job: Id
    attempts: int


AnyEvent = (
    PlaceDefined
    | UnitDefined
    | UnitLinked
    | SkillDefined
    | TeamDefined
    | PostDefined
    | PolicySet
    | CalendarDaySet
    | CalendarYearSet
    | RequestSubmitted
    | WindowMoved
    | RequestAccepted
    | RequirementOpened
    | RequirementFilled
    | RequirementUnfilled
    | AreaWidened
    | RequestChanged
    | RequestReopened
    | RequestCompleted
    | RatingInvited
    | RatingSubmitted
    | RequestClosed
    | RequestCancelled
    | VolunteerRegistered
    | VolunteerChanged
    | AvailabilityChanged
    | VolunteerPaused
    | VolunteerLeft
    | MatchRunFinished
    | OfferSent
    | OfferAccepted
    | OfferDeclined
    | OfferExpired
    | OfferSuperseded
    | AssignmentHeld
    | AssignmentCommitted
    | VolunteerDeparted
    | VolunteerArrived
    | WorkFinished
    | AssignmentReleased
    | NoShowRecorded
    | TimePassed
    | CommandRefused
    | CommandParked
    | Attempt
    | JobReported
    | JobReissued
    | JobAbandoned
    | RematchStarted
    | RematchPartBegun
    | RematchCut
    | RematchPartDone
    | RematchEnded
    | PlanPartTaken
    | PlanAdopted
    | PlanPublished
    | PlanVisitsDropped
    | PlanNotified
    | PlanRolledBack
    | PlanWithdrawn
)
