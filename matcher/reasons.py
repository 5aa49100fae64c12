"""Every "no" as a typed value: why a pair cannot be, why a request has nobody, why a command is refused.

A reason says its numbers; sentences are made from it (`message`), never stored.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec

from matcher.terms import Id, Time


class Unassigned(StrEnum):
    """Why a requirement stays open: the first stage of the funnel at which nobody was left (VOCABULARY 6)."""

    NO_REGISTERED_VOLUNTEER = "NO_REGISTERED_VOLUNTEER"
    MISSING_SKILL = "MISSING_SKILL"
    QUALIFICATION_EXPIRED = "QUALIFICATION_EXPIRED"
    OUTSIDE_AREA = "OUTSIDE_AREA"
    TRAVEL_TOO_FAR = "TRAVEL_TOO_FAR"
    OUTSIDE_SERVICE_CIRCLE = "OUTSIDE_SERVICE_CIRCLE"
    NO_START_POSSIBLE = "NO_START_POSSIBLE"
    EXCLUDED_BY_REQUESTER = "EXCLUDED_BY_REQUESTER"
    RESTRICTED = "RESTRICTED"
    NOT_AMONG_MUST_HAVE = "NOT_AMONG_MUST_HAVE"
    NOT_OF_TEAM = "NOT_OF_TEAM"
    PREVIOUSLY_REFUSED = "PREVIOUSLY_REFUSED"
    ALERT_BUDGET_SPENT = "ALERT_BUDGET_SPENT"
    VISIT_LIMIT_REACHED = "VISIT_LIMIT_REACHED"
    ALREADY_COMMITTED = "ALREADY_COMMITTED"
    CREW_INCOMPLETE = "CREW_INCOMPLETE"
    PLACE_CROWDED = "PLACE_CROWDED"
    OUTBID = "OUTBID"
    NOT_YET_SOLVED = "NOT_YET_SOLVED"


# --- one pair (person, requirement) ----------------------------------------------------------------------------


class PairReason(msgspec.Struct, frozen=True, kw_only=True, tag_field="code", tag=True):
    """Why this person cannot serve this requirement. One subclass a rule."""


class NotRegistered(PairReason, frozen=True, kw_only=True, tag="NO_REGISTERED_VOLUNTEER"):
    """The person has left, or is paused."""


class OtherZone(PairReason, frozen=True, kw_only=True, tag="OTHER_ZONE"):
    """Person and request name different zones (offline matching only: a writer sees one zone)."""


class MissingSkill(PairReason, frozen=True, kw_only=True, tag="MISSING_SKILL"):
    skill: Id
    level_needed: int
    level_held: int


class QualificationExpired(PairReason, frozen=True, kw_only=True, tag="QUALIFICATION_EXPIRED"):
    skill: Id
    expired_s: int


class OutsideArea(PairReason, frozen=True, kw_only=True, tag="OUTSIDE_AREA"):
    """The person is registered at no place of the area in which people are looked for now."""

    area: Id


class TooFar(PairReason, frozen=True, kw_only=True, tag="TRAVEL_TOO_FAR"):
    distance_m: float
    reach_m: float


class OutsideCircle(PairReason, frozen=True, kw_only=True, tag="OUTSIDE_SERVICE_CIRCLE"):
    """The way there takes longer than the service allows."""

    travel_s: int
    circle_s: int


class NoStartPossible(PairReason, frozen=True, kw_only=True, tag="NO_START_POSSIBLE"):
    """No start fits window, hours and travel: `from_s` is the earliest arrival, `until_s` the latest end."""

    from_s: int
    until_s: int
    duration_s: int


class Committed(PairReason, frozen=True, kw_only=True, tag="ALREADY_COMMITTED"):
    """Every possible start meets another commitment (travel and rest included), or an offer is open."""


class AlertBudgetSpent(PairReason, frozen=True, kw_only=True, tag="ALERT_BUDGET_SPENT"):
    pass


class PreviouslyRefused(PairReason, frozen=True, kw_only=True, tag="PREVIOUSLY_REFUSED"):
    pass


class ExcludedByRequester(PairReason, frozen=True, kw_only=True, tag="EXCLUDED_BY_REQUESTER"):
    pass


class VisitLimitReached(PairReason, frozen=True, kw_only=True, tag="VISIT_LIMIT_REACHED"):
    """Every possible start lies on a day, or in a week, in which the person has visits enough already."""


class Restricted(PairReason, frozen=True, kw_only=True, tag="RESTRICTED"):
    """The request names this person as one who may never serve it."""


class NotAmongMustHave(PairReason, frozen=True, kw_only=True, tag="NOT_AMONG_MUST_HAVE"):
    """The request names the only people who may come."""


class NotOfTeam(PairReason, frozen=True, kw_only=True, tag="NOT_OF_TEAM"):
    """The requirement asks for one of these teams, and the person belongs to none of them."""

    teams: tuple[Id, ...]


AnyPairReason = (
    NotRegistered
    | OtherZone
    | MissingSkill
    | QualificationExpired
    | OutsideArea
    | TooFar
    | NoStartPossible
    | Committed
    | AlertBudgetSpent
    | PreviouslyRefused
    | ExcludedByRequester
    | Restricted
    | NotAmongMustHave
    | NotOfTeam
    | OutsideCircle
    | VisitLimitReached
)


# --- one command -----------------------------------------------------------------------------------------------


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag_field="code", tag=True, forbid_unknown_fields=True):
    """Why a command is refused. Recorded with the command in `CommandRefused`."""

    def message(self) -> str:
        """One sentence: the thing, its value, what to do."""
        raise AssertionError(f"{type(self).__name__} has no sentence")


class UnknownZone(Refusal, frozen=True, kw_only=True):
    """Nobody has opened this zone."""

    zone: str

    def message(self) -> str:
        return f"Zone ({self.zone}) does not exist. Open it with DefinePlace first."


class Unknown(Refusal, frozen=True, kw_only=True):
    """The command names something that the zone does not know."""

    kind: str
    value: str

    def message(self) -> str:
        return f"The {self.kind} ({self.value}) is not known in this zone. Define it first, or check the id."


class AlreadyExists(Refusal, frozen=True, kw_only=True):
    """The id is taken."""

    kind: str
    value: str

    def message(self) -> str:
        return f"The {self.kind} ({self.value}) exists already. Choose another id."


class WrongState(Refusal, frozen=True, kw_only=True):
    """The thing is not in a state in which this can be done."""

    kind: str
    value: str
    state: str
    needed: str

    def message(self) -> str:
        return f"The {self.kind} ({self.value}) is ({self.state}), not ({self.needed})."


class ImpossibleWindow(Refusal, frozen=True, kw_only=True):
    """The window is shorter than the visit."""

    earliest: Time
    latest: Time
    duration_minutes: int

    def message(self) -> str:
        return (
            f"The window from ({self.earliest.isoformat()}) to ({self.latest.isoformat()}) has no room for "
            f"({self.duration_minutes}) minutes. Give a later `latest`."
        )


class ImpossibleValue(Refusal, frozen=True, kw_only=True):
    """A value that decodes but makes no sense (`minimum_people` above `people`, an empty weekly window, ...)."""

    field: str
    value: str
    remedy: str

    def message(self) -> str:
        return f"`{self.field}` is ({self.value}). {self.remedy}"


class TooLate(Refusal, frozen=True, kw_only=True):
    """Too long ago to be reopened."""

    kind: str
    value: str
    limit_days: int

    def message(self) -> str:
        return f"The {self.kind} ({self.value}) can only be reopened within ({self.limit_days}) days."


class IdempotencyConflict(Refusal, frozen=True, kw_only=True):
    """Another body came under the id of an earlier command (DESIGN 4.8)."""

    command_id: str

    def message(self) -> str:
        return f"The command id ({self.command_id}) was used before for another body. Use a fresh Idempotency-Key."


class TooLarge(Refusal, frozen=True, kw_only=True):
    """What follows would not fit into an entry."""

    size_bytes: int
    limit_bytes: int

    def message(self) -> str:
        return (
            f"What follows from the command is ({self.size_bytes}) bytes, the limit is ({self.limit_bytes}). Split it."
        )


class PostFull(Refusal, frozen=True, kw_only=True):
    """As many people as it takes have claimed the post."""

    post: str
    capacity: int

    def message(self) -> str:
        return f"The post ({self.post}) takes ({self.capacity}) people and is full. Claim another one."


class PostNeedsSkill(Refusal, frozen=True, kw_only=True):
    """The person does not hold what the post asks for."""

    post: str
    skill: str
    level: int

    def message(self) -> str:
        return f"The post ({self.post}) asks for ({self.skill}) at level ({self.level}). Claim another one."


class WeekOver(Refusal, frozen=True, kw_only=True):
    """The week lies in the past."""

    week: date
    ended: Time

    def message(self) -> str:
        return f"The week of ({self.week}) ended at ({self.ended.isoformat()}). Name a day of this week or a later one."


class CalendarRunsOut(Refusal, frozen=True, kw_only=True):
    """The policy wants a calendar that is certain, and a day of the week is only estimated."""

    day: date

    def message(self) -> str:
        return f"The calendar is not certain about ({self.day}). Publish that year's calendar, or set the day."


class RematchRuns(Refusal, frozen=True, kw_only=True):
    """One batch at a time."""

    rematch: str
    running: str

    def message(self) -> str:
        return f"The batch ({self.rematch}) cannot start while ({self.running}) runs. Wait for it, or end it."


class NobodyRegistered(Refusal, frozen=True, kw_only=True):
    """A week without people."""

    zone: str

    def message(self) -> str:
        return f"Nobody who could come is registered in zone ({self.zone}). Register people first."


class NothingOpen(Refusal, frozen=True, kw_only=True):
    """A week without requests."""

    zone: str
    from_at: Time
    until_at: Time

    def message(self) -> str:
        return (
            f"No request of zone ({self.zone}) is open from ({self.from_at.isoformat()}) to "
            f"({self.until_at.isoformat()}). There is nothing to plan."
        )


class AlreadyReported(Refusal, frozen=True, kw_only=True):
    """Another worker was first, or the same one says it twice: the first report stays."""

    rematch: str
    stage: str
    part: int

    def message(self) -> str:
        return f"Part ({self.part}) of ({self.stage}) of the batch ({self.rematch}) has come already. The first stays."


AnyRefusal = (
    UnknownZone
    | Unknown
    | AlreadyExists
    | WrongState
    | ImpossibleWindow
    | ImpossibleValue
    | TooLate
    | IdempotencyConflict
    | TooLarge
    | PostFull
    | PostNeedsSkill
    | WeekOver
    | CalendarRunsOut
    | RematchRuns
    | NobodyRegistered
    | NothingOpen
    | AlreadyReported
)
