"""A reference county by seed, as commands: skills, places with residents and needs, units and their communities, teams,
posts, 8,636 people, and a day's requests.

Sizes are those of a real county (69 units, 22 communities, 223 compounds, 8,636 people); names and geometry are
invented, and whoever shows it says so. Called by the demo, `paidan generate county`, tests and benchmarks. The same
seed gives the same commands anywhere.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from random import Random
from typing import Any

import msgspec
from msgspec import UNSET

from matcher.commands import (
    Command,
    DefinePlace,
    DefinePost,
    DefineSkill,
    DefineTeam,
    DefineUnit,
    LinkUnit,
    RegisterVolunteer,
    SubmitRequest,
)
from matcher.matching_point import PUBLIC_DECIMALS, coarse
from matcher.terms import HeldSkill, NeededSkill, PlaceLevel, Point, Requirement, StatedNeed, TeamKind, Travel
from producers import availability
from producers.asking import identified

ZONE = "yunxiu"
ZONE_NAME = "云岫县"
UNITS, COMMUNITIES, COMPOUNDS, PEOPLE = 69, 22, 223, 8636
#: The first units have a team each; every compound has a post without skills and one that asks for a skill.
TEAMS = 56
PATROL_PLACES, SKILLED_PLACES = 40, 8
#: A compound of so many buildings or more has two cells.
BUILDINGS_OF_CELLS = 6
#: Communities in the county seat; the others are townships around it.
IN_THE_SEAT = 16
CENTRE = Point(lat=30.55, lon=106.42)
#: The county's clock has no summer time.
CLOCK = timezone(timedelta(hours=8))
OPENED = datetime(2026, 1, 1, tzinfo=UTC)
METRES_PER_DEGREE = 111_195.0

#: skill, name, share among people, share among requests, minutes of a visit
SKILLS = (
    ("errands", "代办跑腿", 22, 18, 45),
    ("companionship", "陪伴探访", 18, 14, 60),
    ("cleaning", "清扫搬运", 16, 12, 90),
    ("phone-help", "手机使用指导", 12, 10, 45),
    ("tutoring", "课业辅导", 10, 8, 90),
    ("appliance-repair", "家电维修", 8, 11, 60),
    ("plumbing", "水管疏通", 6, 8, 60),
    ("electrical", "电路检修", 6, 7, 60),
    ("escort", "陪同就医", 8, 6, 120),
    ("mediation", "邻里调解", 6, 3, 60),
    ("legal-advice", "法律咨询", 4, 2, 45),
    ("first-aid", "健康急救", 4, 1, 30),
)
#: hours, share
PATTERNS = (
    ("Mon-Fri 18:00-21:00; Sat,Sun 09:00-17:00", 42),
    ("Mon-Fri 18:00-21:00", 18),
    ("Sat,Sun 09:00-17:00", 14),
    ("Mon-Fri 12:00-13:30; Mon-Fri 18:00-21:00", 10),
    ("Mon-Fri 08:30-11:30; Mon-Fri 14:00-17:30", 10),
    ("Mon-Sun 08:00-20:00", 6),
)
#: way to travel, reaches in metres, share
JOURNEYS = (
    (Travel.WALK, (800, 1000, 1500), 40),
    (Travel.BIKE, (1500, 2500, 3500), 42),
    (Travel.TRANSIT, (3000, 4000), 8),
    (Travel.DRIVE, (5000, 8000), 10),
)
#: Share of a day's requests by hour, from midnight.
HOURLY = (1, 0, 0, 0, 0, 1, 3, 8, 13, 14, 12, 8, 5, 6, 9, 10, 9, 8, 9, 10, 7, 4, 2, 1)
#: days that a request may wait, share
WAITS = ((0, 25), (1, 30), (2, 25), (3, 12), (6, 8))
_UNIT_KINDS = ("局", "办公室", "中心", "委员会", "站", "学校", "医院", "支行")
_UNIT_WORDS = ("民生", "水务", "教育", "交通", "文旅", "卫健", "财政", "农业", "林业", "统计", "住建", "应急")
_SYLLABLES = "云岫清禾青溪竹松桂兰石桥柳泉枫岭荷塘梅坪杏苑锦澜"
_HOURS = tuple(availability.parse(text) for text, _ in PATTERNS)


@dataclass(frozen=True, slots=True)
class Building:
    """Where somebody lives: its compound, the compound's community, its registered point."""

    place: str
    compound: str
    community: str
    point: Point


@dataclass(frozen=True, slots=True)
class _Place:
    place: str
    level: PlaceLevel
    parent: str | None
    name: str
    point: Point


def county(seed: int, *, zone: str = ZONE) -> Iterator[Command]:
    """Yield the commands that build the county, in order: skills, places, units, links, teams, posts, then its people.

    The zone itself comes first; what other places need are skills, so these come before them.
    """
    root, *places = _places(seed, zone)
    yield _defined(root, zone)
    for skill, name, *_ in SKILLS:
        yield identified(DefineSkill(id="-", zone=zone, at=OPENED, skill=skill, name=name))
    stated = _Stated(seed, places)
    for place in places:
        yield identified(msgspec.structs.replace(_defined(place, zone), **stated.of(place)))
    yield from _units(seed, zone)
    for number in range(1, UNITS + 1):
        yield identified(
            LinkUnit(id="-", zone=zone, at=OPENED, unit=_unit(number), place=_served_by(number), since=OPENED.date())
        )
    yield from _teams(zone)
    posts = _posts(seed, zone)
    yield from posts.values()
    yield from _people(seed, zone, posts)


def requests(seed: int, day: date, count: int, *, zone: str = ZONE) -> list[SubmitRequest]:
    """Draw `count` requests of one local day, ordered by time and id; ids are unique over days."""
    homes = _buildings(seed, zone)
    weights = _crowding(homes, seed)
    chance = Random(f"county:{seed}:{day.isoformat()}")
    moments = sorted(_moment(day, chance) for _ in range(count))
    chosen = chance.choices(homes, weights, k=count)
    return [
        _request(zone, f"r{day:%Y%m%d}-{number:05d}", moment, home, chance)
        for number, (moment, home) in enumerate(zip(moments, chosen, strict=True), start=1)
    ]


def _defined(place: _Place, zone: str) -> DefinePlace:
    return identified(
        DefinePlace(
            id="-",
            zone=zone,
            at=OPENED,
            place=place.place,
            level=place.level,
            parent=place.parent,
            name=place.name,
            point=place.point,
        )
    )


# --- what places and units tell of themselves -------------------------------------------------------------------

#: Residents of a building, between; of 1,000 residents so many people of a skill are asked for, skills together.
RESIDENTS_OF_A_BUILDING = (90, 280)
NEEDED_OF_A_THOUSAND = 20.0


class _Stated:
    """Residents, needs and functions asked for, by place: drawn apart from people, so that these stay who they are.

    Compounds have residents by their buildings, whoever registered there: how many registered people come on 1,000 of
    them differs widely, as it does in real counties (R27).
    """

    def __init__(self, seed: int, places: list[_Place]) -> None:
        self._chance = Random(f"county:{seed}:stated")
        above = {place.place: place.parent for place in places}
        self._residents: Counter[str] = Counter()
        for place in places:
            if place.level is PlaceLevel.BUILDING:
                count, at = self._chance.randint(*RESIDENTS_OF_A_BUILDING), place.parent
                while at in above:
                    self._residents[at] += count
                    at = above[at]

    def of(self, place: _Place) -> dict[str, Any]:
        """Return the fields of this place; none of a building."""
        if place.level in (PlaceLevel.COMPOUND, PlaceLevel.GRID):
            return {"residents": self._residents[place.place], "needs": self._needs(self._residents[place.place])}
        if place.level is PlaceLevel.COMMUNITY:
            asked = sorted(self._chance.sample([skill for skill, *_ in SKILLS], 3))
            return {
                "residents": self._residents[place.place],
                "needs": tuple(StatedNeed(skill=skill) for skill in asked),
                "functions": tuple(sorted(self._chance.sample(_UNIT_WORDS, 3))),
            }
        return {}

    def _needs(self, residents: int) -> tuple[StatedNeed, ...]:
        wanted = ((skill, residents / 1000 * NEEDED_OF_A_THOUSAND * share / 100) for skill, _, _, share, _ in SKILLS)
        people = [(skill, int(many) + (self._chance.random() < many % 1)) for skill, many in wanted]
        return tuple(StatedNeed(skill=skill, people=many) for skill, many in people if many)


def _units(seed: int, zone: str) -> Iterator[DefineUnit]:
    """Units sit in the county seat; what they are for is the word in their name, and they are good at two skills."""
    chance = Random(f"county:{seed}:profiles")
    names = [skill for skill, *_ in SKILLS]
    for number, name in enumerate(_unit_names(seed), start=1):
        yield identified(
            DefineUnit(
                id="-",
                zone=zone,
                at=OPENED,
                unit=_unit(number),
                name=name,
                point=_seat_point(chance),
                functions=tuple(word for word in _UNIT_WORDS if word in name),
                skills=tuple(HeldSkill(skill=skill, level=2) for skill in sorted(chance.sample(names, 2))),
            )
        )


# --- places -----------------------------------------------------------------------------------------------------


def _places(seed: int, zone: str) -> list[_Place]:
    """The tree of the county: communities, compounds, buildings, each after its parent."""
    chance = Random(f"county:{seed}:places")
    names = _names(chance, COMMUNITIES + COMPOUNDS)
    places = [_Place(zone, PlaceLevel.DISTRICT, None, f"{ZONE_NAME} (虚构)", CENTRE)]
    communities = []
    for number in range(1, COMMUNITIES + 1):
        point = _seat_point(chance) if number <= IN_THE_SEAT else _township_point(number, chance)
        communities.append(_Place(f"c{number:02}", PlaceLevel.COMMUNITY, zone, f"{names[number - 1]}社区", point))
    places += communities
    for number in range(1, COMPOUNDS + 1):
        community = communities[(number - 1) % COMMUNITIES]
        name = f"{names[COMMUNITIES + number - 1]}小区"
        point = _near(community.point, 350.0, chance)
        compound = _Place(f"p{number:03}", PlaceLevel.COMPOUND, community.place, name, point)
        places.append(compound)
        buildings = []
        for building in range(1, chance.randint(3, 8) + 1):
            there, label = _near(point, 70.0, chance), f"{building}号楼"
            buildings.append(_Place(f"{compound.place}-{building}", PlaceLevel.BUILDING, compound.place, label, there))
        places += _in_cells(compound, buildings)
    return places


def _in_cells(compound: _Place, buildings: list[_Place]) -> list[_Place]:
    """Part the buildings of a large compound between two cells (网格); those of a smaller one lie in it themselves."""
    if len(buildings) < BUILDINGS_OF_CELLS:
        return buildings
    found: list[_Place] = []
    half = len(buildings) // 2
    for number, own in enumerate((buildings[:half], buildings[half:]), start=1):
        lat = sum(building.point.lat for building in own) / len(own)
        lon = sum(building.point.lon for building in own) / len(own)
        middle = coarse(Point(lat=lat, lon=lon), PUBLIC_DECIMALS)
        cell = _Place(f"{compound.place}-g{number}", PlaceLevel.GRID, compound.place, f"第{number}网格", middle)
        found += [cell, *(replace(building, parent=cell.place) for building in own)]
    return found


def _buildings(seed: int, zone: str) -> list[Building]:
    places = _places(seed, zone)
    community_of = {place.place: place.parent for place in places if place.level is PlaceLevel.COMPOUND}
    return [
        Building(place.place, compound, str(community_of[compound]), place.point)
        for place, compound in ((place, _compound_of(place.place)) for place in places)
        if place.level is PlaceLevel.BUILDING
    ]


def _compound_of(building: str) -> str:
    return building.partition("-")[0]


def _seat_point(chance: Random) -> Point:
    return _near(CENTRE, 1400.0, chance)


def _township_point(number: int, chance: Random) -> Point:
    """Townships lie in a ring 6 to 14 km round the seat."""
    angle = 2 * math.pi * (number - IN_THE_SEAT) / (COMMUNITIES - IN_THE_SEAT) + chance.uniform(-0.3, 0.3)
    away_m = chance.uniform(6000.0, 14_000.0)
    return _moved(CENTRE, away_m * math.sin(angle), away_m * math.cos(angle))


def _near(point: Point, spread_m: float, chance: Random) -> Point:
    return _moved(point, chance.gauss(0.0, spread_m), chance.gauss(0.0, spread_m))


def _moved(point: Point, north_m: float, east_m: float) -> Point:
    lat = point.lat + north_m / METRES_PER_DEGREE
    lon = point.lon + east_m / (METRES_PER_DEGREE * math.cos(math.radians(point.lat)))
    return coarse(Point(lat=lat, lon=lon), PUBLIC_DECIMALS)


def _names(chance: Random, count: int) -> list[str]:
    pairs = [first + second for first in _SYLLABLES for second in _SYLLABLES if first != second]
    return chance.sample(pairs, count)


def _unit_names(seed: int) -> list[str]:
    names = [f"{ZONE_NAME}{word}{kind}" for word in _UNIT_WORDS for kind in _UNIT_KINDS]
    return Random(f"county:{seed}:units").sample(names, UNITS)


def _unit(number: int) -> str:
    return f"u{number:02}"


# --- teams and posts --------------------------------------------------------------------------------------------

_KIND_NAMES = dict(zip(TeamKind, ("义工", "帮扶", "咨询", "应急"), strict=True))


def _teams(zone: str) -> Iterator[DefineTeam]:
    """A team of each of the first units, of the four kinds in turn; it serves the community that its unit serves."""
    kinds = list(TeamKind)
    for number in range(1, TEAMS + 1):
        kind = kinds[(number - 1) % len(kinds)]
        yield identified(
            DefineTeam(
                id="-",
                zone=zone,
                at=OPENED,
                team=_team(number),
                name=f"{ZONE_NAME}{_KIND_NAMES[kind]}服务{number}队",
                kind=kind,
                unit=_unit(number),
                place=_served_by(number),
            )
        )


def _team(number: int) -> str:
    return f"t{number:02}"


def _served_by(unit: int) -> str:
    return f"c{(unit - 1) % COMMUNITIES + 1:02}"


def _posts(seed: int, zone: str) -> dict[str, DefinePost]:
    """Two posts of every compound, by id: the patrol, and one that asks for a skill."""
    chance = Random(f"county:{seed}:posts")
    posts: dict[str, DefinePost] = {}
    for number in range(1, COMPOUNDS + 1):
        place = f"p{number:03}"
        skill, name, *_ = chance.choices(SKILLS, [skill[2] for skill in SKILLS])[0]
        patrol = DefinePost(
            id="-", zone=zone, at=OPENED, post=_patrol(place), name="环境巡护岗", place=place, capacity=PATROL_PLACES
        )
        skilled = DefinePost(
            id="-",
            zone=zone,
            at=OPENED,
            post=_skilled(place),
            name=f"{name}岗",
            place=place,
            capacity=SKILLED_PLACES,
            skills=(NeededSkill(skill=skill),),
        )
        posts |= {post.post: identified(post) for post in (patrol, skilled)}
    return posts


def _patrol(compound: str) -> str:
    return f"{compound}-patrol"


def _skilled(compound: str) -> str:
    return f"{compound}-skilled"


class _Joining:
    """Who joins a team and claims a post: drawn apart from people, so that these stay who they are."""

    def __init__(self, seed: int, posts: dict[str, DefinePost]) -> None:
        self._chance = Random(f"county:{seed}:joining")
        self._posts = posts
        self._claims: Counter[str] = Counter()

    def teams(self, unit: int) -> tuple[str, ...]:
        """About four in ten of a unit with a team belong to it."""
        return (_team(unit),) if self._chance.random() < 0.4 and unit <= TEAMS else ()

    def posts(self, compound: str, skills: tuple[HeldSkill, ...]) -> tuple[str, ...]:
        """Nearly everybody claims one post where they live, as far as there is room."""
        willing = self._chance.random() < 0.95
        held = {skill.skill for skill in skills}
        for post in (_skilled(compound), _patrol(compound)):
            asked = self._posts[post]
            room = asked.capacity or 0
            if willing and self._claims[post] < room and all(need.skill in held for need in asked.skills):
                self._claims[post] += 1
                return (post,)
        return ()


# --- people -----------------------------------------------------------------------------------------------------


def _people(seed: int, zone: str, posts: dict[str, DefinePost]) -> Iterator[RegisterVolunteer]:
    """Everybody lives in a building and comes from a unit, which serves a community: both registrations (双报到)."""
    homes = _buildings(seed, zone)
    weights = _crowding(homes, seed)
    chance = Random(f"county:{seed}:people")
    joining = _Joining(seed, posts)
    for number, home in enumerate(chance.choices(homes, weights, k=PEOPLE), start=1):
        unit = chance.randint(1, UNITS)
        travel, reaches, _ = chance.choices(JOURNEYS, [journey[2] for journey in JOURNEYS])[0]
        skills = _skills(chance)
        yield identified(
            RegisterVolunteer(
                id="-",
                zone=zone,
                at=OPENED,
                volunteer=f"v{number:04}",
                point=home.point,
                skills=skills,
                hours=chance.choices(_HOURS, [share for _, share in PATTERNS])[0],
                reach_m=float(chance.choice(reaches)),
                capacity=1,
                travel=travel,
                unit=_unit(unit),
                places=(home.compound, _served_by(unit)),
                posts=joining.posts(home.compound, skills) or UNSET,
                teams=joining.teams(unit) or UNSET,
            )
        )


def _crowding(homes: list[Building], seed: int) -> list[float]:
    """Compounds differ in size, up to sixfold."""
    chance = Random(f"county:{seed}:crowding")
    size = {compound: chance.uniform(0.5, 3.0) for compound in sorted({home.compound for home in homes})}
    return [size[home.compound] for home in homes]


def _skills(chance: Random) -> tuple[HeldSkill, ...]:
    count = chance.choices((1, 2, 3), (45, 40, 15))[0]
    drawn = chance.choices(SKILLS, [skill[2] for skill in SKILLS], k=count)
    names = sorted({skill[0] for skill in drawn})
    return tuple(HeldSkill(skill=name, level=chance.choices((1, 2, 3), (60, 30, 10))[0]) for name in names)


# --- requests ---------------------------------------------------------------------------------------------------


def _moment(day: date, chance: Random) -> datetime:
    hour = chance.choices(range(24), HOURLY)[0]
    local = datetime.combine(day, time(hour), CLOCK) + timedelta(seconds=chance.randrange(3600))
    return local.astimezone(UTC)


def _request(zone: str, name: str, moment: datetime, home: Building, chance: Random) -> SubmitRequest:
    skill, _, _, _, minutes = chance.choices(SKILLS, [skill[3] for skill in SKILLS])[0]
    people = 2 if skill == "cleaning" and chance.random() < 0.25 else 1
    level = chance.choices((1, 2, 3), (84, 11, 5))[0]
    urgency = chance.choices(("urgent", "normal", "low"), (8, 77, 15))[0]
    needs = (NeededSkill(skill=skill, level=level),)
    return identified(
        SubmitRequest(
            id="-",
            zone=zone,
            at=moment,
            request=name,
            point=home.point,
            place=home.compound,
            requirements=(Requirement(people=people, skills=needs),),
            earliest=moment,
            latest=_latest(moment, minutes, urgency, chance),
            duration_minutes=minutes,
            urgency=urgency,
            channel="generated",
        )
    )


def _latest(moment: datetime, minutes: int, urgency: str, chance: Random) -> datetime:
    """What is urgent cannot wait beyond some hours; the rest waits until ten at night of this day or one of the next.

    There is always room for the visit and the way, not always for anybody's free time.
    """
    if urgency == "urgent":
        return moment + timedelta(minutes=minutes, hours=chance.choice((2, 3, 4)))
    wait = chance.choices([days for days, _ in WAITS], [share for _, share in WAITS])[0]
    local = moment.astimezone(CLOCK)
    evening = datetime.combine(local.date() + timedelta(days=wait), time(22), CLOCK)
    while evening - local < timedelta(minutes=minutes + 120):
        evening += timedelta(days=1)
    return evening.astimezone(UTC)
