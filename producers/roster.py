"""An invented roster for a real file of requests: skills, places and zones are drawn from that file by seed.

No public data set has real volunteers; whoever shows such a roster says that it is generated. Called by
`paidan generate roster` and the demo. The same rows, number and seed give the same people anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from matcher.terms import NeededSkill, Point, Travel
from producers import availability
from producers.rows import RequestRow, VolunteerRow

#: A person lives about this far from a place where help was asked for (standard deviation in each direction).
SPREAD_M = 600.0
METRES_PER_DEGREE = 111_195.0
#: hours, share
PATTERNS = (
    ("Mon-Fri 18:00-21:00; Sat,Sun 09:00-17:00", 40),
    ("Mon-Fri 17:30-20:30", 15),
    ("Sat,Sun 09:00-18:00", 20),
    ("Mon-Fri 09:00-17:00", 15),
    ("Mon,Wed,Fri 12:00-20:00; Sun 10:00-16:00", 10),
)
#: way to travel, reach in metres, share
JOURNEYS = ((Travel.BIKE, 2000, 4000, 45), (Travel.TRANSIT, 3000, 5000, 30), (Travel.DRIVE, 4000, 6000, 25))
_HOURS = tuple(availability.parse(text) for text, _ in PATTERNS)


def roster_like(requests: Sequence[RequestRow], people: int, seed: int, *, capacity: int = 1) -> list[VolunteerRow]:
    """Invent people who could serve such requests; every zone gets somebody as long as there are people enough."""
    if not requests:
        return []
    skills = [skill for row in requests for skill in row.skills]
    homes = _homes(requests, people, seed)
    width = len(str(people))
    return [
        _person(f"v{number:0{width}}", row, skills, Random(f"roster:{seed}:{number}"), capacity)
        for number, row in enumerate(homes, start=1)
    ]


def _homes(requests: Sequence[RequestRow], people: int, seed: int) -> list[RequestRow]:
    """Choose whom each person lives near: once for every zone, then as often as zones ask."""
    chance = Random(f"roster:{seed}:homes")
    by_zone: dict[str, list[RequestRow]] = {}
    for row in requests:
        by_zone.setdefault(row.zone or "", []).append(row)
    first = [chance.choice(by_zone[zone]) for zone in sorted(by_zone)][:people]
    return first + [chance.choice(requests) for _ in range(people - len(first))]


def _person(name: str, near: RequestRow, skills: Sequence[NeededSkill], chance: Random, capacity: int) -> VolunteerRow:
    held = {skill.skill: skill.level for skill in near.skills}
    for _ in range(chance.choices((0, 1, 2), (40, 40, 20))[0] if skills else 0):
        other = chance.choice(skills)
        held[other.skill] = max(other.level, held.get(other.skill, 0))
    travel, least_m, most_m, _ = chance.choices(JOURNEYS, [journey[3] for journey in JOURNEYS])[0]
    return VolunteerRow(
        line=0,
        volunteer_id=name,
        point=_near(near.point, chance),
        skills=tuple(NeededSkill(skill=skill, level=held[skill]) for skill in sorted(held)),
        hours=chance.choices(_HOURS, [share for _, share in PATTERNS])[0],
        reach_m=float(chance.randrange(least_m, most_m + 1, 500)),
        capacity=capacity,
        travel=travel,
        zone=near.zone,
    )


def _near(point: Point, chance: Random) -> Point:
    north_m, east_m = chance.gauss(0.0, SPREAD_M), chance.gauss(0.0, SPREAD_M)
    lat = point.lat + north_m / METRES_PER_DEGREE
    lon = point.lon + east_m / (METRES_PER_DEGREE * max(0.01, math.cos(math.radians(point.lat))))
    return Point(lat=round(min(90.0, max(-90.0, lat)), 4), lon=round(min(180.0, max(-180.0, lon)), 4))
