"""Small problems for tests, written by hand or drawn from a seed.

Points are metres east and north of one centre, times whole seconds around NOW, people are named by their ids.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from matcher.policy import Bands, Budget
from matcher.problem import (
    Areas,
    AskedTeams,
    Bool,
    Crowding,
    Favour,
    PeopleArrays,
    Problem,
    RequirementArrays,
    Wishes,
)

MINUTE = 60
HOUR = 3600
DAY = 86_400
NOW = 1_700_000_000
CENTRE = (31.47, 104.68)
METRES_A_DEGREE = math.pi * 6_371_008.8 / 180

Pair = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Person:
    """One volunteer; `hours=None` is always free, `skills` maps a skill to the level held."""

    id: str
    at: tuple[float, float] = (0.0, 0.0)  # metres (east, north) of the centre
    skills: Mapping[str, int] = field(default_factory=lambda: {"help": 1})
    expires: Mapping[str, int] = field(default_factory=dict)  # skill -> seconds since 1970
    reach_m: float = 5000.0
    speed_mps: float = 1.0
    capacity: int = 1
    zone: int = -1
    places: Sequence[int] = ()  # numbers of the places of the tree at which they are registered
    hours: Sequence[Pair] | None = None
    busy: Sequence[Pair] = ()
    full: Sequence[Pair] = ()  # enough visits then; busy, too
    active: bool = True
    engaged: bool = False
    spent: bool = False
    points: Mapping[str, int] = field(default_factory=dict)  # cost term -> points, wherever they serve


@dataclass(frozen=True, kw_only=True)
class Need:
    """One requirement; `refused`, `excluded` and `serving` name people. `request=None` makes a request of its own."""

    id: str
    request: str | None = None
    at: tuple[float, float] = (0.0, 0.0)
    skills: Mapping[str, int] = field(default_factory=lambda: {"help": 1})
    earliest_s: int = NOW
    latest_s: int = NOW + DAY
    duration_s: int = HOUR
    depart_s: int | None = None
    circle_s: int = -1
    area: Pair | None = None  # numbers of the places in which people are looked for, [first, end)
    compound: int = -1
    fixed_start_s: int = -1
    people: int = 1
    minimum: int | None = None
    weight: int = 1
    waiting: int = 0
    zone: int = -1
    refused: Sequence[str] = ()
    excluded: Sequence[str] = ()
    serving: Sequence[str] = ()
    restricted: Sequence[str] = ()
    must_have: Sequence[str] | None = None
    should: Mapping[str, int] = field(default_factory=dict)  # skill -> level
    nice: Mapping[str, int] = field(default_factory=dict)
    preferred: Sequence[str] = ()  # named people are spared PREFERRED points
    helpers: Sequence[str] = ()  # and these CONTINUITY points
    claimed_by: Sequence[str] = ()  # and these CLAIMED points
    told: Sequence[str] = ()  # and these DISTURBANCE points
    teams: Mapping[str, Sequence[str]] | None = None  # team -> its people; nobody else may come
    together: bool = False  # all of one of the teams


#: What tests charge for a wish that is not granted.
SHOULD, NICE, PREFERRED, CONTINUITY, CLAIMED, DISTURBANCE = 700, 150, 400, 250, 350, 300


def problem(
    people: Sequence[Person] = (),
    requirements: Sequence[Need] = (),
    *,
    now_s: int = NOW,
    zone: str = "z",
    beat: int = 7,
    budget: Budget | None = None,
    rest_s: int = 0,
    bands: Bands | None = None,
    crowding: tuple[int, Mapping[Pair, int]] | None = None,
) -> Problem:
    """Put people and needs into arrays."""
    named = {skill for person in people for skill in person.skills}
    named |= {skill for need in requirements for skill in (*need.skills, *need.should, *need.nice)}
    skills = sorted(named)
    return Problem(
        zone=zone,
        beat=beat,
        now_s=now_s,
        skills=skills,
        people=_people(people, skills),
        requirements=_requirements(requirements, skills, [person.id for person in people], now_s),
        budget=budget or Budget(),
        rest_s=rest_s,
        bands=bands or Bands(),
        areas=_areas(people, requirements),
        crowding=crowding and _crowding(requirements, *crowding),
    )


def _areas(people: Sequence[Person], needs: Sequence[Need]) -> Areas | None:
    if not any(need.area for need in needs):
        return None
    spans = [need.area or (-1, -1) for need in needs]
    return Areas(
        name=["" if need.area is None else f"area {need.area[0]}" for need in needs],
        first=_column([a for a, _ in spans], np.int64),
        end=_column([b for _, b in spans], np.int64),
        indptr=np.cumsum([0, *(len(person.places) for person in people)], dtype=np.int64),
        at=_column([place for person in people for place in person.places], np.int64),
    )


def _crowding(needs: Sequence[Need], most: int, taken: Mapping[Pair, int]) -> Crowding:
    return Crowding(most=most, compound=_column([need.compound for need in needs], np.int64), taken=dict(taken))


def degrees(at: tuple[float, float]) -> tuple[float, float]:
    """Latitude and longitude of a point given in metres east and north of the centre."""
    east, north = at
    lat = CENTRE[0] + north / METRES_A_DEGREE
    return lat, CENTRE[1] + east / (METRES_A_DEGREE * math.cos(math.radians(CENTRE[0])))


def _column(values: Sequence[float | bool], kind: type) -> np.ndarray:
    return np.array(list(values), dtype=kind)


def _table(rows: Sequence[Sequence[Pair]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """CSR of rows of intervals."""
    indptr = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    flat = [pair for row in rows for pair in sorted(row)]
    return indptr, _column([a for a, _ in flat], np.int64), _column([b for _, b in flat], np.int64)


def _people(people: Sequence[Person], skills: list[str]) -> PeopleArrays:
    points = [degrees(person.at) for person in people]
    always = ((NOW - 400 * DAY, NOW + 400 * DAY),)
    rows: dict[tuple[Pair, ...], int] = {}
    hours = [rows.setdefault(always if p.hours is None else tuple(sorted(p.hours)), len(rows)) for p in people]
    levels = np.zeros((len(skills), len(people)), dtype=np.uint8)
    for i, person in enumerate(people):
        for skill, level in person.skills.items():
            levels[skills.index(skill), i] = level
    certs = [(i, skills.index(s), at) for i, p in enumerate(people) for s, at in sorted(p.expires.items())]
    hours_table = _table(list(rows))
    busy_table = _table([[*person.busy, *person.full] for person in people])
    full_table = _table([person.full for person in people])
    return PeopleArrays(
        ids=[person.id for person in people],
        lat=_column([lat for lat, _ in points], np.float64),
        lon=_column([lon for _, lon in points], np.float64),
        reach_m=_column([p.reach_m for p in people], np.float64),
        speed_mps=_column([p.speed_mps for p in people], np.float64),
        capacity=_column([p.capacity for p in people], np.int32),
        zone=_column([p.zone for p in people], np.int32),
        levels=levels,
        hours=_column(hours, np.int32),
        active=_flags([p.active for p in people]),
        engaged=_flags([p.engaged for p in people]),
        spent=_flags([p.spent for p in people]),
        cert_person=_column([i for i, _, _ in certs], np.int32),
        cert_skill=_column([s for _, s, _ in certs], np.int32),
        cert_expires_s=_column([at for _, _, at in certs], np.int64),
        busy_indptr=busy_table[0],
        busy_from_s=busy_table[1],
        busy_until_s=busy_table[2],
        hours_indptr=hours_table[0],
        hours_from_s=hours_table[1],
        hours_until_s=hours_table[2],
        full_indptr=full_table[0],
        full_from_s=full_table[1],
        full_until_s=full_table[2],
        points=_points(people),
    )


def _points(people: Sequence[Person]) -> dict[str, np.ndarray]:
    used = [name for name in ("fairness", "duty", "coverage") if any(person.points.get(name) for person in people)]
    return {name: _column([person.points.get(name, 0) for person in people], np.int64) for name in used}


def _flags(values: Sequence[bool]) -> Bool:
    return np.array(values, dtype=np.bool_)


def _pairs(lists: Sequence[Sequence[str]], ids: list[str]) -> tuple[np.ndarray, np.ndarray]:
    pairs = [(r, ids.index(name)) for r, names in enumerate(lists) for name in names]
    return _column([r for r, _ in pairs], np.int32), _column([p for _, p in pairs], np.int32)


def _requirements(needs: Sequence[Need], skills: list[str], ids: list[str], now_s: int) -> RequirementArrays:
    points = [degrees(need.at) for need in needs]
    asked = [sorted((skills.index(s), level) for s, level in need.skills.items()) for need in needs]
    wishes = [
        [
            (s, skills.index(s), level, nice)
            for nice, named in ((False, n.should), (True, n.nice))
            for s, level in named.items()
        ]
        for n in needs
    ]
    favours = _favours(needs, ids)
    wished = [sum(NICE if nice else SHOULD for *_, nice in row) for row in wishes]
    for favour in favours.values():
        wished = [points + int(more) for points, more in zip(wished, favour.points, strict=True)]
    least = [n.minimum or (1 if n.fixed_start_s >= 0 else n.people) for n in needs]
    return RequirementArrays(
        ids=[(need.request or need.id, "1" if need.request is None else need.id) for need in needs],
        lat=_column([lat for lat, _ in points], np.float64),
        lon=_column([lon for _, lon in points], np.float64),
        earliest_s=_column([n.earliest_s for n in needs], np.int64),
        latest_s=_column([n.latest_s for n in needs], np.int64),
        duration_s=_column([n.duration_s for n in needs], np.int64),
        depart_s=_column([now_s if n.depart_s is None else n.depart_s for n in needs], np.int64),
        circle_s=_column([n.circle_s for n in needs], np.int64),
        fixed_start_s=_column([n.fixed_start_s for n in needs], np.int64),
        people=_column([n.people for n in needs], np.int32),
        minimum=_column(least, np.int32),
        weight=_column([n.weight for n in needs], np.int32),
        waiting=_column([n.waiting + more for n, more in zip(needs, wished, strict=True)], np.int64),
        zone=_column([n.zone for n in needs], np.int32),
        need_indptr=np.cumsum([0, *(len(row) for row in asked)], dtype=np.int64),
        need_skill=_column([s for row in asked for s, _ in row], np.int32),
        need_level=_column([level for row in asked for _, level in row], np.uint8),
        refused=_pairs([n.refused for n in needs], ids),
        excluded=_pairs([n.excluded for n in needs], ids),
        serving=_pairs([n.serving for n in needs], ids),
        restricted=_pairs([n.restricted for n in needs], ids),
        must_have=_pairs([n.must_have or () for n in needs], ids),
        choosy=_flags([n.must_have is not None for n in needs]),
        wishes=_wishes(wishes),
        favours=favours,
        teams={r: _asked_teams(need, ids) for r, need in enumerate(needs) if need.teams is not None},
    )


def _asked_teams(need: Need, ids: list[str]) -> AskedTeams:
    named = need.teams or {}
    members = tuple(_column([ids.index(name) for name in team], np.int32) for team in named.values())
    return AskedTeams(names=tuple(named), members=members, together=need.together)


def _wishes(rows: Sequence[Sequence[tuple[str, int, int, bool]]]) -> Wishes:
    flat = [wish for row in rows for wish in row]
    return Wishes(
        indptr=np.cumsum([0, *map(len, rows)], dtype=np.int64),
        skill=_column([skill for _, skill, _, _ in flat], np.int32),
        level=_column([level for _, _, level, _ in flat], np.uint8),
        points=_column([NICE if nice else SHOULD for *_, nice in flat], np.int64),
        nice=_flags([nice for *_, nice in flat]),
    )


def _favours(needs: Sequence[Need], ids: list[str]) -> dict[str, Favour]:
    asked = (
        ("preferred", PREFERRED, [n.preferred for n in needs]),
        ("claimed", CLAIMED, [n.claimed_by for n in needs]),
        ("continuity", CONTINUITY, [n.helpers for n in needs]),
        ("disturbance", DISTURBANCE, [n.told for n in needs]),
    )
    made = {}
    for name, points, lists in asked:
        if any(lists):
            requirement, person = _pairs(lists, ids)
            paid = _column([points if people else 0 for people in lists], np.int64)
            made[name] = Favour(points=paid, requirement=requirement, person=person)
    return made


# --- drawn from a seed ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How often the awkward things happen, each as a share of people or requirements."""

    skills: int = 3
    levels: int = 3
    spread_m: int = 3000
    zones: float = 0.2
    certificates: float = 0.3
    hours: float = 0.7
    busy: float = 0.4
    idle: float = 0.1  # not active, engaged, or spent: this share each
    capacity_max: int = 2
    fixed: float = 0.2
    crews: float = 0.2
    partial: float = 0.3  # of the crews: a minimum below the whole
    pairs: float = 0.1  # refused, excluded, serving: this share of all pairs each
    shared_requests: float = 0.2
    weights: Sequence[int] = (1, 1, 4)
    waiting_max: int = 300
    wishes: float = 0.3  # a skill that should be held, that would be nice, people preferred, a known helper: each
    lists: float = 0.2  # restricted people, only these people: each
    points_max: int = 500  # of fairness, of duty and of coverage
    posts: float = 0.3  # a claimed post, somebody told: each
    full: float = 0.3  # people with days full of visits
    circles: float = 0.3
    leads: float = 0.3  # requirements for which people may depart earlier or later than for others
    teams: float = 0.2  # requirements that ask for teams; of the crews among them half for one team
    areas: float = 0.3  # requirements within an area
    bands: float = 0.5  # problems with a price for long ways
    crowds: float = 0.0  # problems with a limit of visitors


#: Travel alone costs, and only the rules that every problem has: what `matcher.costs.plain` says yes to.
PLAIN = Mix(wishes=0, lists=0, points_max=0, full=0, circles=0, leads=0, posts=0, teams=0, areas=0, bands=0)
#: Every pair lacks only distance and skill: for solver tests that want many feasible pairs.
EASY = Mix(
    zones=0,
    certificates=0,
    hours=0,
    busy=0,
    idle=0,
    fixed=0,
    crews=0,
    pairs=0,
    shared_requests=0,
    wishes=0,
    lists=0,
    points_max=0,
    full=0,
    circles=0,
    leads=0,
    posts=0,
    teams=0,
    areas=0,
    bands=0,
)


def random_problem(seed: int, *, people: int = 12, requirements: int = 6, mix: Mix | None = None) -> Problem:
    """Draw a problem; the same seed and sizes give the same one. Points lie on a grid so that ties happen."""
    draw = random.Random(seed)
    how = mix or Mix()
    later = random.Random(f"later {seed}")  # what came later leaves the older draws as they are
    newest = random.Random(f"newest {seed}")  # and so does this
    tree = random.Random(f"tree {seed}")  # and this
    teamed = random.Random(f"teamed {seed}")  # and this
    crowd = [drawn_person(draw, how, f"p{i}", later, newest) for i in range(people)]
    crowd = [replace(person, places=tree.sample(range(6), tree.choice([0, 1, 1, 2]))) for person in crowd]
    ids = [person.id for person in crowd]
    needs: list[Need] = []
    for i in range(requirements):
        request = f"r{i}"
        if needs and draw.random() < how.shared_requests:
            request = needs[-1].request or request
        needs.append(_placed(tree, how, drawn_need(draw, how, f"q{i}", ids, later, newest, teamed, request=request)))
    rest_s = later.choice([0, 0, 600]) if how.leads else 0
    bands = Bands(
        preferred_m=tree.choice([0, 300, 500]), acceptable_m=1000, points_max=tree.choice([900, 20_000]),
        beyond_preferred_points=tree.randint(1, 2), beyond_acceptable_points=tree.randint(0, 3),
    )  # fmt: skip
    begun = NOW // HOUR
    taken = {(tree.randrange(2), begun + tree.randrange(24)): tree.randint(1, 3) for _ in range(6)}
    return problem(
        crowd, needs, beat=seed % 97, rest_s=rest_s,
        bands=bands if tree.random() < how.bands else None,
        crowding=(tree.randint(1, 3), taken) if tree.random() < how.crowds else None,
    )  # fmt: skip


def _placed(draw: random.Random, how: Mix, need: Need) -> Need:
    spans = [(0, 6), (0, 3), (3, 6), *((n, n + 1) for n in range(6))]
    area = draw.choice(spans) if draw.random() < how.areas else None
    return replace(need, area=area, compound=draw.choice([-1, 0, 0, 1]))


def drawn_person(
    draw: random.Random,
    how: Mix,
    name: str,
    later: random.Random | None = None,
    newest: random.Random | None = None,
) -> Person:
    """Draw one person; by one source of chance if no others are given."""
    return _covering(newest or draw, how, _limited(later or draw, how, _person(draw, how, name)))


def drawn_need(
    draw: random.Random,
    how: Mix,
    name: str,
    ids: list[str],
    later: random.Random | None = None,
    newest: random.Random | None = None,
    teamed: random.Random | None = None,
    request: str | None = None,
) -> Need:
    """Draw one requirement, of a request of its own if no other is given."""
    need = _wishing(later or draw, how, _need(draw, how, request or name, name, ids), ids)
    return _teamed(teamed or draw, how, _posted(newest or draw, how, need, ids), ids)


def _prices(draw: random.Random, how: Mix) -> dict[str, int]:
    return {name: draw.randint(0, how.points_max) for name in ("fairness", "duty") if draw.random() < 0.7}


def _limited(draw: random.Random, how: Mix, person: Person) -> Person:
    full: list[Pair] = []
    if draw.random() < how.full:
        begin = NOW + draw.choice([-DAY, -HOUR, HOUR, 6 * HOUR])
        full = [(begin, begin + draw.choice([HOUR, DAY, 7 * DAY]))]
    return replace(person, points=_prices(draw, how), full=full)


def _covering(draw: random.Random, how: Mix, person: Person) -> Person:
    points = {"coverage": draw.randint(0, how.points_max)} if draw.random() < 0.7 else {}
    return replace(person, points={**person.points, **points})


def _posted(draw: random.Random, how: Mix, need: Need, ids: list[str]) -> Need:
    claimed, told = ([name for name in ids if draw.random() < 0.3] if draw.random() < how.posts else [] for _ in "ab")
    return replace(need, claimed_by=claimed, told=told[: need.people])


def _teamed(draw: random.Random, how: Mix, need: Need, ids: list[str]) -> Need:
    if draw.random() >= how.teams:
        return need
    teams = {f"t{n}": [name for name in ids if draw.random() < 0.5] for n in range(draw.randint(1, 3))}
    crew = need.people > 1 and need.fixed_start_s < 0
    return replace(need, teams=teams, together=crew and draw.random() < 0.5)


def _wishing(draw: random.Random, how: Mix, need: Need, ids: list[str]) -> Need:
    def some(share: float, least: int = 0) -> list[str]:
        return sorted(draw.sample(ids, min(len(ids), max(least, len(ids) // 4)))) if draw.random() < share else []

    return replace(
        need,
        should=_abilities(draw, how, 1) if draw.random() < how.wishes else {},
        nice=_abilities(draw, how, 2) if draw.random() < how.wishes else {},
        preferred=some(how.wishes),
        helpers=some(how.wishes),
        restricted=some(how.lists),
        circle_s=draw.choice([1, 290, 610, 1990]) if draw.random() < how.circles else -1,
        depart_s=NOW + draw.choice([-HOUR, 1, 1800]) if draw.random() < how.leads else None,
        must_have=some(1.0, 2) if draw.random() < how.lists else None,
    )


def _spot(draw: random.Random, how: Mix) -> tuple[float, float]:
    step = max(1, how.spread_m // 12)
    return float(draw.randrange(0, how.spread_m, step)), float(draw.randrange(0, how.spread_m, step))


def _abilities(draw: random.Random, how: Mix, count: int) -> dict[str, int]:
    names = [f"s{i}" for i in range(how.skills)]
    return {name: draw.randint(1, how.levels) for name in draw.sample(names, min(count, how.skills))}


def _windows(draw: random.Random) -> list[Pair]:
    """Sorted, disjoint, not touching; some begin before NOW, some are shorter than a visit."""
    windows, at = [], NOW - HOUR * draw.randint(0, 12)
    for _ in range(draw.randint(0, 4)):
        begin = at + draw.randint(1, 6 * HOUR)
        at = begin + draw.choice([600, HOUR, 2 * HOUR, 5 * HOUR])
        windows.append((begin, at))
    return windows


def _visits(draw: random.Random) -> list[Pair]:
    """Busy time; two visits may overlap by the rest between them."""
    visits, at = [], NOW - HOUR
    for _ in range(draw.randint(1, 3)):
        begin = at + draw.choice([-300, 0, 1, 1800, 3 * HOUR])
        at = begin + draw.choice([1200, HOUR, 3 * HOUR])
        visits.append((begin, at))
    return visits


def _person(draw: random.Random, how: Mix, name: str) -> Person:
    skills = _abilities(draw, how, draw.randint(1, how.skills))
    expires = {
        skill: NOW + draw.choice([-DAY, 0, HOUR, 2 * HOUR, 7 * HOUR, 30 * DAY])
        for skill in skills
        if draw.random() < how.certificates
    }
    return Person(
        id=name,
        at=_spot(draw, how),
        skills=skills,
        expires=expires,
        reach_m=float(draw.choice([how.spread_m // 3, how.spread_m, 2 * how.spread_m])),
        speed_mps=draw.choice([0.9, 1.0, 2.5, 5.0]),
        capacity=draw.choice([0, 1, 1, 1]) if draw.random() < how.idle else draw.randint(1, how.capacity_max),
        zone=draw.randrange(2) if draw.random() < how.zones else -1,
        hours=_windows(draw) if draw.random() < how.hours else None,
        busy=_visits(draw) if draw.random() < how.busy else (),
        active=draw.random() >= how.idle,
        engaged=draw.random() < how.idle,
        spent=draw.random() < how.idle,
    )


def _need(draw: random.Random, how: Mix, request: str, name: str, ids: list[str]) -> Need:
    earliest = NOW + draw.choice([-2 * HOUR, 0, 1, HOUR, 5 * HOUR])
    duration = draw.choice([MINUTE, 1200, HOUR, 2 * HOUR])
    latest = earliest + duration + draw.choice([0, 1, 1800, 4 * HOUR, DAY])
    fixed = draw.randint(earliest, latest - duration) if draw.random() < how.fixed else -1
    people = draw.randint(2, 3) if draw.random() < how.crews else 1
    minimum = draw.randint(1, people) if draw.random() < how.partial else people
    return Need(
        id=name,
        request=request,
        at=_spot(draw, how),
        skills=_abilities(draw, how, draw.choice([0, 1, 1, 1, 2])),
        earliest_s=earliest,
        latest_s=latest,
        duration_s=duration,
        fixed_start_s=fixed,
        people=people,
        minimum=1 if fixed >= 0 else minimum,
        weight=draw.choice(list(how.weights)),
        waiting=draw.randint(0, how.waiting_max),
        zone=draw.randrange(2) if draw.random() < how.zones else -1,
        refused=[i for i in ids if draw.random() < how.pairs],
        excluded=[i for i in ids if draw.random() < how.pairs],
        serving=[i for i in ids if draw.random() < how.pairs],
    )
