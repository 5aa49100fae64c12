"""Zones for tests of the week's batch: commands drawn by seed, and what a journal says of a batch."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

from matcher import commands as c
from matcher import events as e
from matcher.policy import DEFAULT, Policy
from matcher.terms import Hours, PlaceLevel, PlannedVisit, Point, WeeklyWindow

#: A Monday, midnight in Shanghai; the week is planned from the evening before.
BEGIN = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)
WEEK = date(2026, 3, 4)
HALF_DAYS = ((8 * 60 + 30, 12 * 60), (14 * 60, 17 * 60 + 30))


def zone_of(
    zone: str,
    seed: int = 1,
    people: int = 24,
    requests: int = 40,
    towns: int = 3,
    policy: Policy = DEFAULT,
    begin: datetime = BEGIN,
) -> list[c.Command]:
    """A zone with some towns far from each other: people for one half-day each, visits all through the week."""
    draw = random.Random(f"{zone} {seed}")
    at = begin - timedelta(hours=4)

    def spot() -> Point:
        town = draw.randrange(towns)
        return Point(lat=round(31 + town + draw.random() * 0.02, 4), lon=round(104 + draw.random() * 0.02, 4))

    def hours() -> Hours:
        day, (begin, end) = draw.randrange(5), draw.choice(HALF_DAYS)
        return Hours(weekly=(WeeklyWindow(weekday=day, from_minute=begin, until_minute=end),))

    place = c.DefinePlace(id=f"{zone}:place", zone=zone, at=at, place=zone, level=PlaceLevel.DISTRICT, name=zone)
    terms = c.SetPolicy(id=f"{zone}:policy", zone=zone, at=at, policy=policy)
    crowd = [
        c.RegisterVolunteer(
            id=f"{zone}:v{n}",
            zone=zone,
            at=at,
            volunteer=f"v{n}",
            point=spot(),
            hours=hours(),
            reach_m=5000,
            capacity=9,
        )
        for n in range(people)
    ]
    asked = [
        c.SubmitRequest(
            id=f"{zone}:r{n}", zone=zone, at=at, request=f"r{n}", point=spot(), latest=begin + timedelta(days=7)
        )
        for n in range(requests)
    ]
    return [place, terms, *crowd, *asked]


def start(zone: str, rematch: str = "w1", **fields: object) -> c.StartRematch:
    """Begin a batch, of so many steps unless said otherwise."""
    fields = {"iterations": 400, **fields}
    return c.StartRematch(id=f"start:{rematch}", zone=zone, at=BEGIN, rematch=rematch, week=WEEK, **fields)


def proposed(events: list[e.Event]) -> list[PlannedVisit]:
    """Return the visits of a batch's plan, all parts in order."""
    parts = {event.command.part: event.command.moves for event in events if isinstance(event, e.PlanPartTaken)}
    return [visit for _, moves in sorted(parts.items()) for visit in moves]


def of_kind(events: list[e.Event], kind: type) -> list:
    """Return the events of one kind."""
    return [event for event in events if isinstance(event, kind)]
