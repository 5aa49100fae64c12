"""A report week of the generated county (集中报到周): who is released when, what is known before it, what comes in it.

Called by the benchmark `county_week` and its small test. The same seed gives the same commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

import msgspec

from matcher.commands import Command, DefinePlace, RegisterVolunteer, SetPolicy, SubmitRequest
from matcher.policy import REPORT_WEEK, Policy, Weekly
from matcher.terms import Hours, HoursException, PlaceLevel
from producers import asking, city

#: The report week of June 2026 and the services of one (R156), by day: the theme day is its Friday.
MONDAY = date(2026, 6, 8)
DAILY = (560, 560, 560, 560, 639)
#: The Sunday evening on which the week is planned.
EVE = datetime.combine(MONDAY - timedelta(days=1), time(20), city.CLOCK).astimezone(UTC)
#: Share of what is not urgent that is known by then; the rest, and all that is urgent, comes when it comes.
KNOWN = 0.75
#: Half-days that units release (minutes after midnight), and how often each day is chosen.
HALF_DAYS = ((8 * 60 + 30, 12 * 60), (14 * 60, 17 * 60 + 30))
DAYS = (16, 16, 16, 16, 36)
#: The preset, and the same rules for a week without a batch. Nobody is to be told by post.
PLANNED = msgspec.structs.replace(REPORT_WEEK, notify=False)
UNPLANNED = msgspec.structs.replace(PLANNED, weekly=Weekly())


@dataclass(frozen=True)
class CountyWeek:
    """One week: what opens the zone, what is known on the eve, what is asked later at its own time."""

    zone: str
    opening: list[Command]
    known: list[SubmitRequest]
    later: list[SubmitRequest]

    @property
    def places(self) -> int:
        """How many people are asked for in all."""
        return sum(need.people for asked in (*self.known, *self.later) for need in asked.requirements)

    @property
    def people(self) -> list[RegisterVolunteer]:
        """Return everybody."""
        return [command for command in self.opening if isinstance(command, RegisterVolunteer)]


def county_week(seed: int, policy: Policy, *, communities: int = city.COMMUNITIES, free: float = 1.0) -> CountyWeek:
    """Draw the week of the county, or of its first communities alone with their people and requests.

    `free`: the share of people who have time this week at all; the others are registered and owe the quarter a visit.
    """
    first, *rest = city.county(seed)
    zone = first.zone
    compounds = _compounds(rest, {f"c{number:02}" for number in range(1, communities + 1)})
    terms = asking.identified(SetPolicy(id="-", zone=zone, at=city.OPENED, policy=policy))
    released = _released(seed)
    chance = Random(f"county:{seed}:free")
    opening: list[Command] = [first, terms]
    for command in rest:
        if not isinstance(command, RegisterVolunteer):
            opening.append(command)
        elif command.places[0] in compounds:
            opening.append(_free(command, released[str(command.unit)] if chance.random() < free else None))
    known, later = _demand(seed, compounds)
    opened = [msgspec.structs.replace(command, at=EVE - timedelta(hours=1)) for command in opening]
    return CountyWeek(zone, opened, known, later)


def _compounds(commands: list[Command], communities: set[str]) -> set[str]:
    return {
        place.place
        for place in commands
        if isinstance(place, DefinePlace) and place.level is PlaceLevel.COMPOUND and place.parent in communities
    }


def _released(seed: int) -> dict[str, HoursException]:
    """Return the half-day of each unit: all of its people are free on it, whatever their own hours say."""
    chance = Random(f"county:{seed}:released")
    found = {}
    for number in range(1, city.UNITS + 1):
        day = MONDAY + timedelta(days=chance.choices(range(5), DAYS)[0])
        begin, end = chance.choice(HALF_DAYS)
        found[f"u{number:02}"] = HoursException(day=day, from_minute=begin, until_minute=end, available=True)
    return found


def _free(person: RegisterVolunteer, half_day: HoursException | None) -> RegisterVolunteer:
    hours = Hours() if half_day is None else msgspec.structs.replace(person.hours, exceptions=(half_day,))
    return asking.identified(msgspec.structs.replace(person, hours=hours))


def _demand(seed: int, compounds: set[str]) -> tuple[list[SubmitRequest], list[SubmitRequest]]:
    """Return what is known on the eve (residents say when it suits them, days ahead), and what comes in the week."""
    chance = Random(f"county:{seed}:known")
    known, later = [], []
    for day, count in enumerate(DAILY):
        for asked in city.requests(seed, MONDAY + timedelta(days=day), count):
            early = chance.random() < KNOWN and asked.urgency != "urgent"
            if asked.place not in compounds:
                continue
            if early:
                known.append(asking.identified(msgspec.structs.replace(asked, at=EVE)))
            else:
                later.append(asked)
    return known, later
