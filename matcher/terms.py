"""The small typed words that commands and events are made of: ids, points, hours, skills, times.

Called by every file of the domain. Holds no rule.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

#: An id as the sender chose it. Ids are unique within a zone.
Id = Annotated[str, Meta(min_length=1, max_length=200)]
#: An aware point in time; the wire form is ISO 8601 with an offset, kept as UTC.
Time = Annotated[datetime, Meta(tz=True)]
#: Proficiency, 1 (can help) to 5 (teaches it). Holding a level means holding the lower ones.
Level = Annotated[int, Meta(ge=1, le=5)]
#: The farthest that anybody may agree to travel, metres.
REACH_M_MAX = 1_000_000
#: So many skills a requirement may wish for, of each kind.
WISHES_MAX = 5
#: So many people a request may prefer, exclude, restrict or insist on, each.
PEOPLE_LISTED_MAX = 200
#: So many posts a person may claim, and so many teams they may belong to.
POSTS_MAX = 20
TEAMS_MAX = 20
#: So many residents a place may have, and so many needs and functions a place or unit may state.
RESIDENTS_MAX = 10_000_000
NEEDS_MAX = 100


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value inside a command or an event."""


class Point(Term, frozen=True, kw_only=True):
    """A matching point in WGS-84 degrees. Never a home's exact point (DESIGN 4, personal data)."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]


class PlaceLevel(StrEnum):
    """The levels of the place tree, widest first (R23)."""

    CITY = "city"
    DISTRICT = "district"
    SUBDISTRICT = "subdistrict"
    COMMUNITY = "community"
    COMPOUND = "compound"
    GRID = "grid"
    BUILDING = "building"
    ENTRANCE = "entrance"


class Travel(StrEnum):
    """How a person comes; speed and detour of each mode are in the policy."""

    WALK = "walk"
    BIKE = "bike"
    DRIVE = "drive"
    TRANSIT = "transit"


class TeamKind(StrEnum):
    """What a team (志愿服务队) is for: 义工型, 帮扶型, 咨询型, 应急型 (R106)."""

    LABOUR = "labour"
    ASSISTANCE = "assistance"
    ADVICE = "advice"
    EMERGENCY = "emergency"


class WeeklyWindow(Term, frozen=True, kw_only=True):
    """Free every week on one weekday (0 = Monday), local time of the zone, minutes after midnight.

    `until_minute` may run past midnight, up to 2,880.
    """

    weekday: Annotated[int, Meta(ge=0, le=6)]
    from_minute: Annotated[int, Meta(ge=0, le=1439)]
    until_minute: Annotated[int, Meta(ge=1, le=2880)]


class HoursException(Term, frozen=True, kw_only=True):
    """One day that differs: an extra window (`available`) or time taken away."""

    day: date
    from_minute: Annotated[int, Meta(ge=0, le=1439)] = 0
    until_minute: Annotated[int, Meta(ge=1, le=2880)] = 1440
    available: bool = False


class DayWindow(Term, frozen=True, kw_only=True):
    """Free on days of one kind, local time of the zone, minutes after midnight; past midnight up to 2,880."""

    from_minute: Annotated[int, Meta(ge=0, le=1439)]
    until_minute: Annotated[int, Meta(ge=1, le=2880)]


class Hours(Term, frozen=True, kw_only=True):
    """服务时间: when a person can serve (R26, R99). Touching windows count as one.

    The three that read the calendar are added to the weekly ones: days that are worked (make-up days are), days that
    are not (holidays are not), and time that a unit releases inside report weeks.
    """

    weekly: tuple[WeeklyWindow, ...] = ()
    exceptions: tuple[HoursException, ...] = ()
    working_days: tuple[DayWindow, ...] | UnsetType = UNSET
    days_off: tuple[DayWindow, ...] | UnsetType = UNSET
    report_weeks: tuple[WeeklyWindow, ...] | UnsetType = UNSET

    @property
    def reads_calendar(self) -> bool:
        """Say whether another calendar could make other hours of these."""
        return bool(self.working_days or self.days_off or self.report_weeks)


class HeldSkill(Term, frozen=True, kw_only=True):
    """特长 or, with an expiry, 资质: valid while the whole visit ends by `expires`."""

    skill: Id
    level: Level = 1
    expires: Time | None = None


class NeededSkill(Term, frozen=True, kw_only=True):
    """A skill that each person of a requirement must hold at this level or better."""

    skill: Id
    level: Level = 1


class StatedNeed(Term, frozen=True, kw_only=True):
    """What a place needs in the long run: so many of its people with a skill at this level or better (R47)."""

    skill: Id
    level: Level = 1
    people: Annotated[int, Meta(ge=1, le=10_000)] = 1


class Link(Term, frozen=True, kw_only=True):
    """结对共建: a unit and a community or compound, from one day until before another (R86)."""

    since: date | None = None
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Say whether the link holds on this day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


CircleMinutes = Annotated[int, Meta(ge=1, le=240)]
Wished = Annotated[tuple[NeededSkill, ...], Meta(max_length=WISHES_MAX)]


class Requirement(Term, frozen=True, kw_only=True):
    """用工需求: n different people with these skills, one common start.

    Filled whole or not at all, unless `minimum_people` is smaller than `people`.
    """

    requirement: Id = "1"
    people: Annotated[int, Meta(ge=1, le=100)] = 1
    minimum_people: Annotated[int, Meta(ge=1, le=100)] | None = None
    skills: tuple[NeededSkill, ...] = ()
    #: Skills that each person should have, and that would be nice to have: lacking one costs points, bars nobody.
    should: Wished | UnsetType = UNSET
    nice: Wished | UnsetType = UNSET
    #: R145: the way there takes no longer (OUTSIDE_SERVICE_CIRCLE); of this and its skills' the smallest holds.
    circle_minutes: CircleMinutes | UnsetType = UNSET
    #: Nobody but this team's people may come, or but those of teams of this kind (NOT_OF_TEAM).
    team: Id | UnsetType = UNSET
    team_kind: TeamKind | UnsetType = UNSET
    #: All of its people from one team.
    one_team: bool | UnsetType = UNSET
    #: This team's people had better come: everybody else costs points, as with preferred people.
    preferred_team: Id | UnsetType = UNSET


class PlannedVisit(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One person on one place of a requirement in a week's plan; an array of four on the wire."""

    request: Id
    requirement: Id
    volunteer: Id
    start: Time


class Shares(Term, frozen=True, kw_only=True):
    """How this quarter's visits are shared, those of the plan included.

    `gini`: 0 when all have the same, towards 1 when one person has them all; 0 without visits. `owing`: cadres who have
    not served yet.
    """

    people: int
    visits: int
    gini: float
    most: int
    least: int
    owing: int
