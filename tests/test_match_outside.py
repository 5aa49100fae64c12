"""`paidan match` checked from outside: files in, PLAN.jsonl out, against solvers and rules that share nothing with it.

Everything is re-derived from DESIGN 7: reading, distance, travel, hours, starts. Nothing of `matcher/` is imported.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import combinations, permutations, product
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, hstack
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from tests.shell import paidan

RADIUS_M = 6_371_008.8
#: km/h and detour, as `paidan policy show travel-only` prints them
MODES = {"walk": (4.5, 1.3), "bike": (12.0, 1.3), "drive": (25.0, 1.4), "transit": (15.0, 1.5)}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
UNFILLED = 10**9
REQUEST_COLUMNS = (
    "request_id", "lat", "lon", "skills", "people", "minimum_people", "earliest", "latest", "duration_minutes", "zone",
)  # fmt: skip
VOLUNTEER_COLUMNS = (
    "volunteer_id", "lat", "lon", "skills", "availability", "reach_m", "capacity", "travel", "zone",
)  # fmt: skip


# --- the world as DESIGN 7 says it ------------------------------------------------------------------------------


def metres(lat_a, lon_a, lat_b, lon_b):
    """Haversine."""
    a, b, c, d = (np.radians(value) for value in (lat_a, lon_a, lat_b, lon_b))
    h = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    return 2 * RADIUS_M * np.arcsin(np.sqrt(h))


def way_s(distance_m: float, mode: str) -> int:
    speed, detour = MODES[mode]
    return math.ceil(distance_m * detour / (speed / 3.6) - 1e-9)


@lru_cache
def free_windows(text: str, zone: str, first: int, last: int) -> tuple[tuple[int, int], ...]:
    """UTC seconds of weekly hours between two days (ordinals), touching windows joined."""
    found = []
    for part in text.split(";"):
        days, times = part.split()
        names = []
        for span in days.split(","):
            begin, _, end = span.partition("-")
            names += WEEKDAYS[WEEKDAYS.index(begin) : WEEKDAYS.index(end or begin) + 1]
        clock = [int(t[:2]) * 60 + int(t[3:]) for t in times.split("-")]
        for ordinal in range(first - 2, last + 3):
            midnight = datetime.fromordinal(ordinal)
            if WEEKDAYS[midnight.weekday()] in names:
                stamps = [(midnight + timedelta(minutes=minute)).replace(tzinfo=ZoneInfo(zone)) for minute in clock]
                found.append(tuple(int(stamp.timestamp()) for stamp in stamps))
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(found):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return tuple(joined)


@dataclass
class Request:
    name: str
    lat: float
    lon: float
    skills: dict[str, int]
    earliest: int
    latest: int
    duration: int
    people: int = 1
    minimum: int = 1
    zone: str = ""


@dataclass
class Person:
    name: str
    lat: float
    lon: float
    skills: dict[str, int]
    hours: str
    reach: float
    travel: str
    capacity: int
    zone: str


@dataclass
class World:
    now: int
    clock: str
    requests: list[Request]
    people: list[Person]
    windows: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        last = max([self.now, *(r.latest for r in self.requests)])
        days = [datetime.fromtimestamp(s, UTC).toordinal() for s in (self.now, last)]
        self.windows = {p.hours: free_windows(p.hours, self.clock, *days) for p in self.people}

    def starts(self, request: Request, person: Person) -> list[tuple[int, int]]:
        """All starts of a pair, closed ranges of seconds; [] when it is not feasible."""
        if any(person.skills.get(skill, 0) < level for skill, level in request.skills.items()):
            return []
        if request.zone and person.zone and request.zone != person.zone:
            return []
        distance = float(metres(request.lat, request.lon, person.lat, person.lon))
        if distance > person.reach:
            return []
        soonest = max(self.now + way_s(distance, person.travel), request.earliest)
        ranges = [
            (max(soonest, begin), min(request.latest, end) - request.duration)
            for begin, end in self.windows[person.hours]
        ]
        return [(low, high) for low, high in ranges if low <= high]


@dataclass(frozen=True)
class Pairs:
    """Feasible pairs, one column each: rows of requests and people, metres, earliest start."""

    request: np.ndarray
    person: np.ndarray
    distance: np.ndarray
    start: np.ndarray


def skills_of(text: str) -> dict[str, int]:
    pairs = (part.partition(":") for part in text.split(";") if part)
    return {skill: int(level or 1) for skill, _, level in pairs}


def people_of(path: Path) -> list[Person]:
    with path.open(encoding="utf-8") as file:
        return [
            Person(
                row["volunteer_id"],
                float(row["lat"]),
                float(row["lon"]),
                skills_of(row["skills"]),
                row["availability"],
                float(row["reach_m"]),
                row["travel"],
                int(row["capacity"]),
                row["zone"],
            )
            for row in csv.DictReader(file)
        ]


def plan_of(path: Path) -> tuple[dict[str, dict], dict]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {line["request_id"]: line for line in lines[:-1]}, lines[-1]["summary"]


# --- the real month ---------------------------------------------------------------------------------------------


def boston(path: Path) -> list[Request]:
    clock = ZoneInfo("America/New_York")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        found = []
        for row in csv.DictReader(file):
            opened = int(datetime.fromisoformat(row["opened"]).replace(tzinfo=clock).timestamp())
            place = float(row["lat"]), float(row["lon"])
            skills = {row["reason"]: 1}
            found.append(Request(row["case_id"], *place, skills, opened, opened + 14 * 86_400, 3600))
    return found


def all_pairs(world: World) -> Pairs:
    """Every feasible pair of single requests that need one skill and name no zone, as columns."""
    lat, lon, reach = (np.array([getattr(p, name) for p in world.people]) for name in ("lat", "lon", "reach"))
    pace = np.array([MODES[p.travel][1] / (MODES[p.travel][0] / 3.6) for p in world.people])
    holders = {s: np.array([s in p.skills for p in world.people]) for r in world.requests for s in r.skills}
    patterns = {text: np.array([p.hours == text for p in world.people]) for text in world.windows}
    found: list[tuple[np.ndarray, ...]] = []
    for row, request in enumerate(world.requests):
        [skill] = request.skills
        distance = metres(request.lat, request.lon, lat, lon)
        near = (distance <= reach) & holders[skill]
        soonest = np.maximum(world.now + np.ceil(distance * pace - 1e-9).astype(np.int64), request.earliest)
        for text, theirs in patterns.items():
            who = np.flatnonzero(near & theirs)
            start = first_starts(soonest[who], request, np.array(world.windows[text]))
            who, start = who[start >= 0], start[start >= 0]
            found.append((np.full(who.size, row), who, distance[who], start))
    return Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))


def first_starts(soonest: np.ndarray, request: Request, windows: np.ndarray) -> np.ndarray:
    """Earliest start of each person with these windows; -1 where there is none."""
    start = np.maximum(soonest[:, None], windows[None, :, 0])
    fits = start + request.duration <= np.minimum(request.latest, windows[None, :, 1])
    best = np.where(fits, start, np.iinfo(np.int64).max).min(axis=1)
    return np.where(fits.any(axis=1), best, -1)


def best_assignment(pairs: Pairs, requests: int, people: int) -> tuple[int, int]:
    """Most filled, then least metres, by SciPy over all pairs; everybody may also stay at home at a high price."""
    cost = np.floor(pairs.distance + 0.5) + 1.0
    feasible = coo_array((cost, (pairs.person, pairs.request)), shape=(people, requests))
    idle = coo_array((np.full(people, float(UNFILLED)), (np.arange(people), np.arange(people))), shape=(people, people))
    whole = hstack([feasible, idle]).tocsr()
    who, what = min_weight_full_bipartite_matching(whole)
    taken = what < requests
    chosen = whole[who[taken], what[taken]]
    return int(taken.sum()), int(np.asarray(chosen).sum() - taken.sum())


@pytest.mark.data
@pytest.mark.slow
def test_the_month_of_boston_agrees_with_scipy_over_all_feasible_pairs(data: Path, tmp_path: Path) -> None:
    file = data / "boston-311-2015" / "boston-311-2015-06.csv.gz"
    roster, out = tmp_path / "roster.csv", tmp_path / "plan.jsonl"
    like = ("--like", file, "--mapping", "boston311", "--people", 2000, "--seed", 1)
    assert paidan("generate", "roster", *like, "--out", roster).code == 0
    given = ("--requests", file, "--mapping", "boston311", "--volunteers", roster, "--policy", "travel-only")
    assert paidan("match", *given, "--at", "2015-06-01T00:00", "--out", out).code == 0
    lines, summary = plan_of(out)

    now = int(datetime(2015, 6, 1, tzinfo=ZoneInfo("America/New_York")).timestamp())
    world = World(now, "America/New_York", boston(file), people_of(roster))
    pairs = all_pairs(world)
    filled, walked = best_assignment(pairs, len(world.requests), len(world.people))
    assert summary["engine"] == "paths"
    assert summary["feasible_pairs"] is None  # the kernel proves the plan without having counted them
    assert 0 < summary["listed_pairs"] <= pairs.request.size
    assert summary["optimal"] is True
    assert (summary["assigned"], summary["objective"]["travel"]) == (filled, walked)
    assert_every_line_holds(world, lines, pairs)


def assert_every_line_holds(world: World, lines: dict[str, dict], pairs: Pairs) -> None:
    """Each placement is a feasible pair at its earliest start, nobody serves twice, and a "no" has its true reason."""
    columns = zip(pairs.request.tolist(), pairs.person.tolist(), strict=True)
    place = {(world.requests[r].name, world.people[v].name): at for at, (r, v) in enumerate(columns)}
    with_somebody = {world.requests[r].name for r in np.unique(pairs.request)}
    busy: set[str] = set()
    assert list(lines) == [request.name for request in world.requests]
    for name, line in lines.items():
        assert (line["status"] == "assigned") == bool(line["people"])
        for placed in line["people"]:
            at = place[name, placed["volunteer_id"]]
            distance, start = pairs.distance[at], pairs.start[at]
            assert placed["distance_m"] == pytest.approx(distance, abs=1e-6)
            assert datetime.fromisoformat(placed["start"]).timestamp() == start
            assert sum(placed["cost"].values()) == math.floor(distance + 0.5)
            assert placed["volunteer_id"] not in busy
            busy.add(placed["volunteer_id"])
        if not line["people"]:
            assert (line["reasons"] == ["OUTBID"]) == (name in with_somebody), (name, line["reasons"])


# --- small random cities ----------------------------------------------------------------------------------------


def small_city(seed: int, *, crews: bool) -> World:
    """A few requests and people within 2 km; either crews, or people who can take two requests."""
    chance = random.Random(f"outside:{seed}:{crews}")
    now = int(datetime(2026, 3, 2, 8, tzinfo=UTC).timestamp())
    requests = []
    for number in range(chance.randint(2, 5)):
        earliest = now + chance.randrange(0, 8 * 3600, 600)
        duration = chance.choice((30, 60, 90)) * 60
        latest = earliest + duration + chance.choice((0, 900, 3600, 6 * 3600))
        people = chance.choice((1, 1, 2, 3)) if crews else 1
        skills = {skill: chance.choice((1, 1, 2)) for skill in ("a", "b") if chance.random() < 0.4}
        place = 30.0 + chance.uniform(-0.01, 0.01), 110.0 + chance.uniform(-0.01, 0.01)
        least = chance.randint(1, people)
        zone = chance.choice(("", "", "east", "west"))
        requests.append(Request(f"r{number}", *place, skills, earliest, latest, duration, people, least, zone))
    hours = ("Mon-Sun 00:00-24:00", "Mon 16:00-18:30", "Mon 16:00-17:00; Mon 17:00-20:00", "Mon,Tue 18:00-21:00")
    people_ = [
        Person(
            f"v{number}",
            30.0 + chance.uniform(-0.01, 0.01),
            110.0 + chance.uniform(-0.01, 0.01),
            {skill: chance.randint(1, 3) for skill in ("a", "b") if chance.random() < 0.8},
            chance.choice(hours),
            chance.choice((700.0, 1500.0, 3000.0)),
            chance.choice(sorted(MODES)),
            1 if crews else chance.choice((1, 2)),
            chance.choice(("", "", "east", "west")),
        )
        for number in range(chance.randint(1, 4))
    ]
    return World(now, "Asia/Shanghai", requests, people_)


def write_city(world: World, folder: Path) -> tuple[Path, Path]:
    asked, people = folder / "requests.csv", folder / "volunteers.csv"
    with asked.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(REQUEST_COLUMNS)
        for r in world.requests:
            skills = ";".join(f"{skill}:{level}" for skill, level in r.skills.items())
            window = [datetime.fromtimestamp(s, UTC).isoformat() for s in (r.earliest, r.latest)]
            out.writerow([r.name, r.lat, r.lon, skills, r.people, r.minimum, *window, r.duration // 60, r.zone])
    with people.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(VOLUNTEER_COLUMNS)
        for p in world.people:
            skills = ";".join(f"{skill}:{level}" for skill, level in p.skills.items())
            out.writerow([p.name, p.lat, p.lon, skills, p.hours, p.reach, p.capacity, p.travel, p.zone])
    return asked, people


def common_start(ranges: list[list[tuple[int, int]]]) -> bool:
    return any(
        all(any(low <= start <= high for low, high in own) for own in ranges)
        for start in {low for own in ranges for low, _ in own}
    )


def fits_in_turn(world: World, person: Person, requests: list[Request]) -> bool:
    """Some order of one person's visits exists, with the way between them."""
    for order in permutations(requests):
        ready, held = -math.inf, True
        for before, request in zip((None, *order), order, strict=False):
            leg = 0 if before is None else way_s(
                float(metres(before.lat, before.lon, request.lat, request.lon)), person.travel
            )  # fmt: skip
            possible = [max(low, ready + leg) for low, high in world.starts(request, person) if high >= ready + leg]
            if not possible:
                held = False
                break
            ready = min(possible) + request.duration
        if held:
            return True
    return False


def brute_force(world: World) -> tuple[int, int]:
    """Most places filled, then least metres, over every way to give people to requests."""
    options = []
    for request in world.requests:
        able = [(p, world.starts(request, p)) for p in world.people]
        able = [(p, starts) for p, starts in able if starts]
        crews = [
            tuple(p for p, _ in crew)
            for size in range(request.minimum, request.people + 1)
            for crew in combinations(able, size)
            if common_start([starts for _, starts in crew])
        ]
        options.append([(), *crews])
    best = (0, 0)
    for choice in product(*options):
        value = worth(world, choice)
        if value is not None:
            best = max(best, value)
    return best[0], -best[1]


def worth(world: World, choice: tuple[tuple[Person, ...], ...]) -> tuple[int, int] | None:
    served: dict[str, list[Request]] = {}
    cost = 0
    for request, crew in zip(world.requests, choice, strict=True):
        for person in crew:
            served.setdefault(person.name, []).append(request)
            cost += math.floor(float(metres(request.lat, request.lon, person.lat, person.lon)) + 0.5)
    for person in world.people:
        own = served.get(person.name, [])
        if len(own) > person.capacity or (len(own) > 1 and not fits_in_turn(world, person, own)):
            return None
    return sum(map(len, choice)), -cost


@pytest.mark.parametrize("crews", [True, False], ids=["crews", "two-visits-a-person"])
@pytest.mark.parametrize("seed", range(12))
def test_small_random_cities_agree_with_brute_force(seed: int, crews: bool, tmp_path: Path) -> None:
    world = small_city(seed, crews=crews)
    asked, people = write_city(world, tmp_path)
    now = datetime.fromtimestamp(world.now, UTC).isoformat()
    given = ("--requests", asked, "--volunteers", people, "--policy", "travel-only", "--at", now)
    ended = paidan("match", *given, "--timezone", world.clock, "--out", tmp_path / "plan.jsonl")
    lines, summary = plan_of(tmp_path / "plan.jsonl")
    filled, walked = brute_force(world)
    assert (summary["objective"]["filled"], summary["objective"]["travel"]) == (filled, walked)
    assert sum(len(line["people"]) for line in lines.values()) == filled
    assert ended.code == (0 if filled else 6)


def test_the_two_outside_solvers_agree_with_each_other() -> None:
    """The sparse oracle is itself checked against a dense one, on a square with holes."""
    chance = random.Random("oracle")
    drawn = [(r, v, chance.uniform(0, 900), 0) for r in range(9) for v in range(7) if chance.random() < 0.5]
    pairs = Pairs(*(np.array(column) for column in zip(*drawn, strict=True)))
    dense = np.full((7, 9), float(UNFILLED))
    dense[pairs.person, pairs.request] = np.floor(pairs.distance + 0.5)
    rows, columns = linear_sum_assignment(dense)
    taken = dense[rows, columns] < UNFILLED
    assert best_assignment(pairs, 9, 7) == (int(taken.sum()), int(dense[rows, columns][taken].sum()))


@pytest.mark.parametrize("seed", range(3))
def test_the_two_outside_enumerators_agree_with_each_other(seed: int) -> None:
    """The columns of the real month and the pair by pair rule of the small cities are one rule."""
    city = small_city(seed, crews=False)
    for request in city.requests:
        request.skills, request.zone = {"a": 1}, ""
    pairs = all_pairs(city)
    columns = zip(pairs.request.tolist(), pairs.person.tolist(), pairs.start.tolist(), strict=True)
    one_by_one = {
        (r, v): city.starts(request, person)[0][0]
        for r, request in enumerate(city.requests)
        for v, person in enumerate(city.people)
        if city.starts(request, person)
    }
    assert {(r, v): start for r, v, start in columns} == one_by_one
