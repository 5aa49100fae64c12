"""What can be asked. Imperative; the only thing that crosses into the core.

The sender gives `id` (a repeat under the same id is ignored, another body under it is refused),
`zone` (whose writer decides) and `at` (the sender's clock: data, never a rule's time).
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from matcher.calendar import YearDays
from matcher.policy import Policy
from matcher.terms import (
    NEEDS_MAX,
    PEOPLE_LISTED_MAX,
    POSTS_MAX,
    REACH_M_MAX,
    RESIDENTS_MAX,
    TEAMS_MAX,
    CircleMinutes,
    HeldSkill,
    Hours,
    Id,
    NeededSkill,
    PlaceLevel,
    PlannedVisit,
    Point,
    Requirement,
    StatedNeed,
    TeamKind,
    Time,
    Travel,
)

Functions = Annotated[tuple[Id, ...], Meta(max_length=NEEDS_MAX)]
Minutes = Annotated[int, Meta(ge=1, le=1440)]
PeopleList = Annotated[tuple[Id, ...], Meta(max_length=PEOPLE_LISTED_MAX)]
Posts = Annotated[tuple[Id, ...], Meta(max_length=POSTS_MAX)]
Teams = Annotated[tuple[Id, ...], Meta(max_length=TEAMS_MAX)]
VisitLimit = Annotated[int, Meta(ge=1, le=100)]
Stars = Annotated[int, Meta(ge=1, le=5)]
Iterations = Annotated[int, Meta(ge=1, le=10**9)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
#: Some 90 bytes each; a command of them stays below the 512 KiB that a body may have.
VISITS_A_COMMAND_MAX = 4000
Visits = Annotated[tuple[PlannedVisit, ...], Meta(max_length=VISITS_A_COMMAND_MAX)]
Number = Annotated[int, Meta(ge=0, le=9999)]
Count = Annotated[int, Meta(ge=1, le=9999)]


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, forbid_unknown_fields=True):
    """One ask. Subclasses are the vocabulary (VOCABULARY 5a); the class name is the wire type."""

    id: Id
    zone: Id
    at: Time
    actor: str = ""


class DeclineReason(StrEnum):
    """Why a person says no (VOCABULARY 6)."""

    BUSY = "BUSY"
    TOO_FAR = "TOO_FAR"
    LACKS_SKILL = "LACKS_SKILL"
    UNWELL = "UNWELL"
    UNSAFE = "UNSAFE"
    KNOWS_REQUESTER = "KNOWS_REQUESTER"
    WRONG_TIME = "WRONG_TIME"
    NO_ANSWER = "NO_ANSWER"
    WRONG_CONTACT = "WRONG_CONTACT"
    NO_LONGER_ACTIVE = "NO_LONGER_ACTIVE"
    OTHER = "OTHER"


class JobOutcome(StrEnum):
    """What became of one try to tell somebody something."""

    SENT = "sent"
    NO_CONTACT = "no_contact"
    FAILED = "failed"


# --- what rules read -------------------------------------------------------------------------------------------


class DefinePlace(Command, frozen=True, kw_only=True):
    """Put a node into the place tree. The first one opens its zone."""

    place: Id
    level: PlaceLevel
    parent: Id | None = None
    name: str = ""
    point: Point | None = None
    #: What placement reads (`matcher.placement`): who lives there, the skills needed, the functions of units asked for.
    residents: Annotated[int, Meta(ge=0, le=RESIDENTS_MAX)] | UnsetType = UNSET
    needs: Annotated[tuple[StatedNeed, ...], Meta(max_length=NEEDS_MAX)] | UnsetType = UNSET
    functions: Functions | UnsetType = UNSET


class DefineUnit(Command, frozen=True, kw_only=True):
    """机关单位: an organisation that people belong to. Defined again, it is all new."""

    unit: Id
    name: str = ""
    #: What placement reads: where it is, what it is for (职能), what it is good at (特长).
    point: Point | UnsetType = UNSET
    functions: Functions | UnsetType = UNSET
    skills: Annotated[tuple[HeldSkill, ...], Meta(max_length=200)] | UnsetType = UNSET


class LinkUnit(Command, frozen=True, kw_only=True):
    """结对共建: a unit is paired with a community or compound (R86). Said again, its days are all new.

    Many to many. `until` is the first day on which it holds no more, the first day of all takes it back; left out: it
    goes on.
    """

    unit: Id
    place: Id
    since: date | UnsetType = UNSET
    until: date | UnsetType = UNSET


class DefineSkill(Command, frozen=True, kw_only=True):
    """A skill of the zone's taxonomy. People and requests may only name defined ones. Defined again, it is all new."""

    skill: Id
    name: str = ""
    #: R145: a visit that needs this skill has a way of so many minutes at most.
    circle_minutes: CircleMinutes | UnsetType = UNSET


class DefineTeam(Command, frozen=True, kw_only=True):
    """志愿服务队: a named group of people. People say when they register that they belong to it. Again: all new."""

    team: Id
    name: str = ""
    kind: TeamKind | None = None
    #: Whose team it is, and where it serves; both only for people to read.
    unit: Id | None = None
    place: Id | None = None


class DefinePost(Command, frozen=True, kw_only=True):
    """公益服务岗: a standing post to be claimed (R94). Defined again, it is all new; who has claimed it keeps it."""

    post: Id
    name: str = ""
    place: Id | None = None
    #: So many people may claim it; left out: any number.
    capacity: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType = UNSET
    #: Who claims it must hold all of these.
    skills: Annotated[tuple[NeededSkill, ...], Meta(max_length=50)] = ()


class SetPolicy(Command, frozen=True, kw_only=True):
    """Replace the zone's policy as a whole."""

    policy: Policy


class SetCalendarDay(Command, frozen=True, kw_only=True):
    """A city's own word about one day, over the national calendar. `working` None takes it back."""

    day: date
    working: bool | None
    name: Annotated[str, Meta(max_length=200)] = ""


class SetCalendarYear(Command, frozen=True, kw_only=True):
    """The national calendar of one year, as far as it is known; told again, it is all new. A city's own days win."""

    days: YearDays


# --- requests --------------------------------------------------------------------------------------------------


class SubmitRequest(Command, frozen=True, kw_only=True):
    """点单. No `earliest`: from the zone's time on. No `latest`: `policy.window_days` after `earliest`."""

    request: Id
    point: Point
    place: Id | None = None
    requester: Id | None = None
    requirements: Annotated[tuple[Requirement, ...], Meta(min_length=1, max_length=50)] = (Requirement(),)
    earliest: Time | None = None
    latest: Time | None = None
    duration_minutes: Minutes = 60
    urgency: Id = "normal"
    channel: Id = "api"
    #: People whom the requester does not want (EXCLUDED_BY_REQUESTER).
    excluded: tuple[Id, ...] = ()
    #: People who had better come: everybody else costs points.
    preferred: PeopleList | UnsetType = UNSET
    #: People who may never serve this request (RESTRICTED); the only people who may (NOT_AMONG_MUST_HAVE).
    restricted: PeopleList | UnsetType = UNSET
    must_have: PeopleList | UnsetType = UNSET
    #: 公益服务岗 that it belongs to: people who have claimed it go first (R94).
    post: Id | UnsetType = UNSET
    #: Key of the free text in Contacts; the text itself never enters the log.
    text: Id | None = None


class CancelRequest(Command, frozen=True, kw_only=True):
    """撤单."""

    request: Id


class ChangeRequest(Command, frozen=True, kw_only=True):
    """改单: another window, duration, place or other skills, before anybody is on the way. What is left out stays.

    Who was asked or has said yes stays where all that they were told is still true; else they stand down, and the place
    opens anew (`matcher.changing`). Those who refused the request as it was are asked again.
    """

    request: Id
    earliest: Time | UnsetType = UNSET
    latest: Time | UnsetType = UNSET
    duration_minutes: Minutes | UnsetType = UNSET
    #: Another point without a place leaves the request without a place of the tree.
    point: Point | UnsetType = UNSET
    place: Id | None | UnsetType = UNSET
    #: requirement -> all the skills that it needs from now on
    skills: Annotated[dict[Id, tuple[NeededSkill, ...]], Meta(max_length=50)] | UnsetType = UNSET


class ReopenRequest(Command, frozen=True, kw_only=True):
    """重办: not done, or not well; within `policy.reopen_days` of completion or closing."""

    request: Id


class RateRequest(Command, frozen=True, kw_only=True):
    """评单: effect and conduct are never merged (R19); not `solved` reopens the request (U16)."""

    request: Id
    effect: Stars
    conduct: Stars
    solved: bool = True


# --- people ----------------------------------------------------------------------------------------------------


class RegisterVolunteer(Command, frozen=True, kw_only=True):
    """报到, or a change of everything but the id. `places`: both registrations of 双报到 (R14)."""

    volunteer: Id
    point: Point
    skills: Annotated[tuple[HeldSkill, ...], Meta(max_length=200)] = ()
    hours: Hours = Hours()
    reach_m: Annotated[float, Meta(gt=0, le=REACH_M_MAX)] = 3000.0
    capacity: Annotated[int, Meta(ge=1, le=100)] = 1
    travel: Travel = Travel.WALK
    unit: Id | None = None
    places: tuple[Id, ...] = ()
    #: The person's own limits; with one of the policy's, the smaller holds.
    visits_per_day: VisitLimit | UnsetType = UNSET
    visits_per_week: VisitLimit | UnsetType = UNSET
    #: 认领岗位: the standing posts that the person has claimed (R94).
    posts: Posts | UnsetType = UNSET
    #: 志愿服务队: the teams that the person belongs to (R106).
    teams: Teams | UnsetType = UNSET


class ChangeAvailability(Command, frozen=True, kw_only=True):
    """New hours for a registered person; commitments stay."""

    volunteer: Id
    hours: Hours


class PauseVolunteer(Command, frozen=True, kw_only=True):
    """No new offers until this time (None: until registered again or paused until a past time)."""

    volunteer: Id
    until: Time | None = None


class RemoveVolunteer(Command, frozen=True, kw_only=True):
    """The person leaves; what they have not begun is released."""

    volunteer: Id


# --- offers and visits -----------------------------------------------------------------------------------------


class AcceptOffer(Command, frozen=True, kw_only=True):
    """接单."""

    offer: Id


class DeclineOffer(Command, frozen=True, kw_only=True):
    """拒单. The pair (person, request) is remembered and not offered again."""

    offer: Id
    reason: DeclineReason = DeclineReason.OTHER


class Depart(Command, frozen=True, kw_only=True):
    """出发."""

    assignment: Id


class Arrive(Command, frozen=True, kw_only=True):
    """到场 (签到)."""

    assignment: Id


class Finish(Command, frozen=True, kw_only=True):
    """完成 (签退)."""

    assignment: Id


# --- time and jobs ---------------------------------------------------------------------------------------------


class Tick(Command, frozen=True, kw_only=True):
    """Time passes in a zone: beat number `beat` is at `at`. Appended only by the partition's owner."""

    beat: int


class ReportJob(Command, frozen=True, kw_only=True):
    """What became of a job (a notification). No matching rule reads it."""

    job: Id
    attempt: int
    outcome: JobOutcome
    #: A short code, never a text with personal data.
    detail: str = ""


# --- the week's batch (集中报到周) -------------------------------------------------------------------------------


class RematchStage(StrEnum):
    """What a worker of a batch has done: cut the state into parts, planned one, repaired plans where parts meet."""

    CUT = "cut"
    PART = "part"
    REPAIR = "repair"


class StatePlace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A state of a partition: everything up to and with this journal offset."""

    partition: Number
    offset: Annotated[int, Meta(ge=-1)]


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plan, or a part of one, says of itself. No times: the same work gives the same figures."""

    #: places asked for, filled, and the most that any plan could fill
    places: int
    filled: int
    bound: int
    #: of all ways, those home included
    metres: int
    #: what the search minimises, of its first plan and of this one; points
    first_cost: int
    cost: int
    iterations: int


class StartRematch(Command, frozen=True, kw_only=True):
    """重排: plan everything open of a week again as one plan. Exactly one of `iterations` and `budget_s` is given.

    `week`: any day of it. The week is the report week that the day lies in, else Monday to Sunday. A plan by
    `iterations` is the same whatever the number of workers; one by `budget_s` is not.
    """

    rematch: Id
    week: date
    #: steps of the search, of each part
    iterations: Iterations | UnsetType = UNSET
    #: wall seconds of the search, of each part
    budget_s: Seconds | UnsetType = UNSET
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 1


class ReportRematch(Command, frozen=True, kw_only=True):
    """What a worker of a batch says of one job: begun (`done` false) or done. The first report of a job done wins.

    A part with more visits than one command holds reports them as piece 1 ... `pieces`; it is done with the last.
    """

    rematch: Id
    stage: RematchStage
    #: 0 for the cut; parts and repairs are numbered from 0
    part: Number = 0
    done: bool = False
    #: Of a cut that is done: how many parts, and how many repairs after them.
    parts: Count | UnsetType = UNSET
    repairs: Number | UnsetType = UNSET
    #: Of a part or repair that is done: the visits that it plans, accepted ones too; and, of a repair, those that it
    #: takes out of what was reported before.
    visits: Visits | UnsetType = UNSET
    gone: Visits | UnsetType = UNSET
    piece: Count = 1
    pieces: Count = 1
    figures: Figures | UnsetType = UNSET
    #: Of a cut that is done: the state that was cut. The jobs of all parts name it.
    as_of: StatePlace | UnsetType = UNSET


class AdoptPlan(Command, frozen=True, kw_only=True):
    """A batch's plan, in parts 1 ... `parts`; with the last of them to come the zone adopts what is still valid.

    `as_of`: the state that it was computed from; the same in all parts, as are the figures.
    All visits of one requirement stand in one part.
    """

    rematch: Id
    as_of: StatePlace
    part: Count = 1
    parts: Count = 1
    moves: Visits = ()
    figures: Figures | UnsetType = UNSET


class PublishPlan(Command, frozen=True, kw_only=True):
    """发布: the visits of an adopted plan become offers; nobody is told yet. A plan has the name of its batch."""

    plan: Id


class NotifyPlan(Command, frozen=True, kw_only=True):
    """通知: tell everybody with an offer of a published plan."""

    plan: Id


class RollBackPlan(Command, frozen=True, kw_only=True):
    """撤回: throw a plan away; of a published one every offer that nobody has accepted. Accepted work stays."""

    plan: Id


class EndRematch(Command, frozen=True, kw_only=True):
    """End a running batch: what has been reported is adopted as its plan; nothing reported, no plan."""

    rematch: Id


AnyCommand = (
    DefinePlace
    | DefineUnit
    | LinkUnit
    | DefineSkill
    | DefineTeam
    | DefinePost
    | SetPolicy
    | SetCalendarDay
    | SetCalendarYear
    | SubmitRequest
    | CancelRequest
    | ChangeRequest
    | ReopenRequest
    | RateRequest
    | RegisterVolunteer
    | ChangeAvailability
    | PauseVolunteer
    | RemoveVolunteer
    | AcceptOffer
    | DeclineOffer
    | Depart
    | Arrive
    | Finish
    | Tick
    | ReportJob
    | StartRematch
    | ReportRematch
    | AdoptPlan
    | PublishPlan
    | NotifyPlan
    | RollBackPlan
    | EndRematch
)
