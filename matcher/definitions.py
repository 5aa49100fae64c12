"""What rules read comes in as commands: places, units, skills, teams, posts, policy, calendar days (DESIGN 4.7).

Called by `decisions`.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from matcher import windows
from matcher.commands import (
    DefinePlace,
    DefinePost,
    DefineSkill,
    DefineTeam,
    DefineUnit,
    LinkUnit,
    SetCalendarDay,
    SetCalendarYear,
    SetPolicy,
)
from matcher.events import (
    CalendarDaySet,
    CalendarYearSet,
    Event,
    PlaceDefined,
    PolicySet,
    PostDefined,
    SkillDefined,
    TeamDefined,
    UnitDefined,
    UnitLinked,
)
from matcher.facts import Facts
from matcher.people import MODES
from matcher.policy import objection, sha256
from matcher.reasons import ImpossibleValue, Unknown
from matcher.terms import PlaceLevel
from matcher.zone import Zone

#: A calendar day further than this from the zone's time is taken for a slip of the pen.
CALENDAR_YEARS_MAX = 30


def place(zone: Zone | None, command: DefinePlace, facts: Facts) -> list[Event]:
    """Define a node of the place tree, or change it; its parent must be there. The first one opens the zone."""
    if command.parent is not None and (zone is None or command.parent not in zone.places):
        return facts.refused(Unknown(kind="place", value=command.parent))
    if zone is not None and _is_above(zone, command):
        remedy = "A place cannot lie inside itself. Choose another parent."
        return facts.refused(ImpossibleValue(field="parent", value=str(command.parent), remedy=remedy))
    for need in command.needs or ():
        if zone is None or need.skill not in zone.people.skill_row:
            return facts.refused(Unknown(kind="skill", value=need.skill))
    return [facts(PlaceDefined, command=command)]


def _is_above(zone: Zone, command: DefinePlace) -> bool:
    at = command.parent
    while at is not None and at != command.place:
        at = zone.places[at].parent
    return at is not None


def unit(zone: Zone, command: DefineUnit, facts: Facts) -> list[Event]:
    """Define a unit, or change it; its skills must be there."""
    for held in command.skills or ():
        if held.skill not in zone.people.skill_row:
            return facts.refused(Unknown(kind="skill", value=held.skill))
    return [facts(UnitDefined, command=command)]


def link(zone: Zone, command: LinkUnit, facts: Facts) -> list[Event]:
    """Pair a unit with a community or compound, or say from when and until when; both must be there."""
    if command.unit not in zone.units:
        return facts.refused(Unknown(kind="unit", value=command.unit))
    place = zone.places.get(command.place)
    if place is None:
        return facts.refused(Unknown(kind="place", value=command.place))
    if place.level not in (PlaceLevel.COMMUNITY, PlaceLevel.COMPOUND):
        remedy = "A unit is paired with a community or a compound. Name one."
        return facts.refused(ImpossibleValue(field="place", value=command.place, remedy=remedy))
    if command.since and command.until and command.until < command.since:
        remedy = "A link does not end before it begins. Give a later day, or none."
        return facts.refused(ImpossibleValue(field="until", value=command.until.isoformat(), remedy=remedy))
    return [facts(UnitLinked, command=command)]


def skill(zone: Zone, command: DefineSkill, facts: Facts) -> list[Event]:
    """Define a skill, or rename it."""
    return [facts(SkillDefined, command=command)]


def team(zone: Zone, command: DefineTeam, facts: Facts) -> list[Event]:
    """Define a team, or change it; its unit and place must be there."""
    if command.unit is not None and command.unit not in zone.units:
        return facts.refused(Unknown(kind="unit", value=command.unit))
    if command.place is not None and command.place not in zone.places:
        return facts.refused(Unknown(kind="place", value=command.place))
    return [facts(TeamDefined, command=command)]


def post(zone: Zone, command: DefinePost, facts: Facts) -> list[Event]:
    """Define a post, or change it; its place and skills must be there."""
    if command.place is not None and command.place not in zone.places:
        return facts.refused(Unknown(kind="place", value=command.place))
    for need in command.skills:
        if need.skill not in zone.people.skill_row:
            return facts.refused(Unknown(kind="skill", value=need.skill))
    return [facts(PostDefined, command=command)]


def policy(zone: Zone, command: SetPolicy, facts: Facts) -> list[Event]:
    """Replace the policy; a time zone that nobody knows or a mode without speed is refused."""
    try:
        ZoneInfo(command.policy.timezone)
    except (KeyError, ValueError, OSError):
        remedy = "Use an IANA name such as Asia/Shanghai."
        return facts.refused(ImpossibleValue(field="timezone", value=command.policy.timezone, remedy=remedy))
    dear = objection(command.policy)
    if dear is not None:
        return facts.refused(ImpossibleValue(field="costs", value=command.policy.name, remedy=dear))
    missing = [mode for mode in MODES if mode not in command.policy.modes]
    if missing:
        remedy = "Give speed and detour of every mode."
        return facts.refused(ImpossibleValue(field="modes", value=f"without {missing[0]}", remedy=remedy))
    return [facts(PolicySet, command=command, policy_sha256=sha256(command.policy))]


def calendar_day(zone: Zone, command: SetCalendarDay, facts: Facts) -> list[Event]:
    """Set a day of the city's own calendar, or take it back; one that was never set cannot be taken back."""
    if abs(command.day.year - zone.now.year) > CALENDAR_YEARS_MAX:
        remedy = f"Give a day within {CALENDAR_YEARS_MAX} years."
        return facts.refused(ImpossibleValue(field="day", value=command.day.isoformat(), remedy=remedy))
    if command.working is None and command.day not in zone.own_days:
        return facts.refused(Unknown(kind="calendar day", value=command.day.isoformat()))
    own = {day: worked for day, worked in zone.own_days.items() if day != command.day}
    if command.working is not None:
        own[command.day] = command.working
    return [facts(CalendarDaySet, command=command), *windows.moved(zone, zone.days(own=own), facts)]


def calendar_year(zone: Zone, command: SetCalendarYear, facts: Facts) -> list[Event]:
    """Learn the national calendar of one year; days of another year in it are refused."""
    told = command.days
    if abs(told.year - zone.now.year) > CALENDAR_YEARS_MAX:
        remedy = f"Give a year within {CALENDAR_YEARS_MAX} years."
        return facts.refused(ImpossibleValue(field="days.year", value=str(told.year), remedy=remedy))
    for day in (*told.holidays, *told.make_up, *told.disputed):
        if day.year != told.year:
            remedy = f"Give days of ({told.year}) only."
            return facts.refused(ImpossibleValue(field="days", value=day.isoformat(), remedy=remedy))
    return [facts(CalendarYearSet, command=command), *windows.moved(zone, zone.days(told=told), facts)]
