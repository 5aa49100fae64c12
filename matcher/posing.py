"""From people and open requirements to a `Problem`: the arrays that a solver reads.

Called by `decisions.pose` for a zone's beat and by `paidan match` for a file. Decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from matcher import coverage, fairness, hours
from matcher.city_days import CityDays
from matcher.history import Quarter
from matcher.hours import Stretch, merged
from matcher.limits import tighter
from matcher.people import MODES, People
from matcher.policy import Costs, Coverage, Policy, UrgencyClass, dearest_but_duty, room_for_duty
from matcher.problem import (
    I64,
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
from matcher.terms import REACH_M_MAX, NeededSkill, Point


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenRequirement:
    """One requirement with places to fill. `fixed_start_s` >= 0: others have agreed to that start."""

    request: str
    requirement: str
    point: Point
    earliest_s: int
    latest_s: int
    duration_s: int
    people: int
    minimum: int
    skills: tuple[NeededSkill, ...]
    urgency: str
    waiting_since_s: int
    should: tuple[NeededSkill, ...] = ()
    nice: tuple[NeededSkill, ...] = ()
    depart_s: int | None = None  # nobody departs for it before; None: before the problem's time
    circle_s: int = -1
    area: str | None = None  # the place of the tree in which people are looked for; None: the whole zone
    fixed_start_s: int = -1
    zone: int = -1
    refused: Sequence[int] = ()  # rows of people
    excluded: Sequence[int] = ()
    restricted: Sequence[int] = ()
    must_have: Sequence[int] | None = None  # None: anybody
    preferred: Sequence[int] = ()
    claimed_by: Sequence[int] = ()  # who has claimed the post that it belongs to
    helpers: Sequence[int] = ()  # who served the same requester last time
    told: Sequence[int] = ()  # who has been told that they would come, and could still be replaced
    serving: Sequence[int] = ()
    teams: Sequence[tuple[str, Sequence[int]]] | None = None  # team and who belongs to it; None: anybody may come
    one_team: bool = False  # all of its people from one of those teams


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the people are already bound to: rows with an open offer, rows without alert budget, busy times by row.

    `capacity_max`: a live zone takes 1, since a person holds one open offer; a file takes everybody's own capacity.
    """

    engaged: Sequence[int] = ()
    spent: Sequence[int] = ()
    #: row -> [(departure_s, end_s)], not overlapping
    busy: Mapping[int, Sequence[tuple[int, int]]] | None = None
    capacity_max: int | None = None
    #: the zone's time, for pauses: a pause ends when it ends, however early a visit could be planned
    at_s: int = 0
    #: row -> visits of this quarter, done or still to come; the quarter itself, None: it is not looked at
    visits: Mapping[int, int] = field(default_factory=dict)
    quarter: Quarter | None = None
    #: row -> stretches in which the person has visits enough
    full: Mapping[int, Sequence[Stretch]] = field(default_factory=dict)


def problem_of(  # the one place where all inputs of a solve meet
    *,
    zone: str,
    beat: int,
    now: datetime,
    policy: Policy,
    people: People,
    requirements: Sequence[OpenRequirement],
    standing: Standing | None = None,
    zone_codes: Sequence[int] | None = None,
    beyond_s: int = 0,
    city: CityDays | None = None,
    areas: Areas | None = None,
    crowding: Crowding | None = None,
) -> Problem:
    """Build the problem; `zone_codes` (offline only) gives each person's zone, -1 where not given.

    `city`: the days that hours read; None: weekdays and the holidays fixed by law.

    `beyond_s`: people's hours are known this much before and after all windows, so that wider ones can be tried.
    Every skill needed must have a row (`People.add_skill`), held by somebody or not.
    """
    now_s = _ceil_s(now)
    asked = _requirement_arrays(requirements, people.skill_row, policy, now_s)
    bound = standing or Standing()
    points = _person_points(people, policy, bound, asked, (now_s, city))
    return Problem(
        zone=zone,
        beat=beat,
        now_s=now_s,
        skills=people.skills,
        people=_people_arrays(people, policy, requirements, now_s, bound, zone_codes, beyond_s, city, points),
        requirements=asked,
        budget=policy.budget,
        rest_s=60 * policy.rest_minutes,
        bands=policy.ways,
        areas=areas,
        crowding=crowding,
    )


def _ceil_s(at: datetime) -> int:
    whole = int(at.timestamp())
    return whole if at.microsecond == 0 else whole + 1


def _people_arrays(
    people: People,
    policy: Policy,
    requirements: Sequence[OpenRequirement],
    now_s: int,
    standing: Standing,
    zone_codes: Sequence[int] | None,
    beyond_s: int,
    city: CityDays | None,
    points: dict[str, I64],
) -> PeopleArrays:
    count = len(people)
    speeds = np.array([policy.modes[mode].speed_kmh / 3.6 / policy.modes[mode].detour for mode in MODES])
    busy = _busy_arrays(count, standing.busy or {}, standing.full, 60 * policy.rest_minutes)
    full = _busy_arrays(count, standing.full, {}, 0)
    certificates = np.array([(row, skill, until) for (skill, row), until in people.expires_s.items()], np.int64)
    certificates = certificates.reshape(-1, 3)
    table = _hours_arrays(people, policy.timezone, requirements, now_s, (beyond_s, city))
    return PeopleArrays(
        ids=people.ids,
        lat=people.column("lat"),
        lon=people.column("lon"),
        reach_m=people.column("reach_m"),
        speed_mps=speeds[people.column("travel")],
        capacity=_capacity(people, policy, standing.capacity_max),
        zone=np.full(count, -1, np.int32) if zone_codes is None else np.asarray(zone_codes, np.int32),
        levels=people.levels,
        hours=people.column("hours"),
        active=~people.column("left") & (people.column("paused_until_s") <= standing.at_s),
        engaged=_flags(count, standing.engaged),
        spent=_flags(count, standing.spent),
        cert_person=certificates[:, 0].astype(np.int32),
        cert_skill=certificates[:, 1].astype(np.int32),
        cert_expires_s=certificates[:, 2],
        busy_indptr=busy[0],
        busy_from_s=busy[1],
        busy_until_s=busy[2],
        hours_indptr=table[0],
        hours_from_s=table[1],
        hours_until_s=table[2],
        full_indptr=full[0],
        full_from_s=full[1],
        full_until_s=full[2],
        points=points,
    )


def _person_points(
    people: People, policy: Policy, standing: Standing, asked: RequirementArrays, looking: tuple[int, CityDays | None]
) -> dict[str, I64]:
    now_s, city = looking
    found: dict[str, I64] = {}
    if standing.quarter is not None:
        visits, cadre = visit_counts(len(people), standing.visits), people.cadres()
        first = _first_price(people, policy, asked, ~fairness.owing(visits, cadre), standing.quarter, city)
        found = fairness.points(policy.points, visits, cadre, standing.quarter, first)
    reserve = policy.reserve
    if reserve.points and (reserve.people or reserve.skills):
        found["coverage"] = _coverage_points(people, reserve, standing, now_s)
    return found


def _first_price(
    people: People, policy: Policy, asked: RequirementArrays, paying: Bool, quarter: Quarter, city: CityDays | None
) -> int | None:
    """Return the price of a duty that comes before all; None before the quarter's last report week.

    The room for that price is measured by where people are, not by their reach: a change that widens a reach can then
    still be tried.
    """
    if not (city or CityDays(weeks=policy.report_weeks)).last_week_began(quarter):
        return None
    here = ~people.column("left")
    way_m = fairness.farthest_m(people.column("lat"), people.column("lon"), asked.lat, asked.lon)
    way_m = np.minimum(np.where(here, way_m, 0.0), REACH_M_MAX)
    dearest = dearest_but_duty(policy) + math.ceil(np.minimum(way_m, people.column("reach_m")).max(initial=0.0)) + 1
    room = room_for_duty(policy) - math.ceil(way_m[paying].max(initial=0.0)) - 1
    return fairness.before_all(dearest, asked.people, asked.waiting, room)


def _coverage_points(people: People, reserve: Coverage, standing: Standing, now_s: int) -> I64:
    """Count who is there to be left behind: not gone, paused, asked already, or away on a visit."""
    away = [row for row, own in (standing.busy or {}).items() if any(a <= now_s < b for a, b in own)]
    bound = _flags(len(people), [*standing.engaged, *standing.spent, *away])
    levels = people.levels.copy()
    for (skill, row), until_s in people.expires_s.items():
        levels[skill, row] *= until_s > now_s
    there = ~bound & ~people.column("left") & (people.column("paused_until_s") <= standing.at_s)
    lat, lon = people.column("lat"), people.column("lon")
    return coverage.points(reserve, lat, lon, levels, people.skill_row, there)


def visit_counts(count: int, visits: Mapping[int, int]) -> I64:
    """Return visits as a column, [P]."""
    column = np.zeros(count, np.int64)
    column[np.fromiter(visits.keys(), np.int64, len(visits))] = np.fromiter(visits.values(), np.int64, len(visits))
    return column


def _capacity(people: People, policy: Policy, most: int | None) -> Any:
    """Return how many visits one plan gives each person: no more than one day, or one week, of theirs allows."""
    capacity = people.column("capacity")
    limit = tighter(policy.visits.visits_per_day, policy.visits.visits_per_week)
    if limit or most is not None:
        capacity = np.minimum(capacity, tighter(limit, most or 0))
    if people.limits:
        capacity = capacity.copy()
        for row, own in people.limits.items():
            capacity[row] = tighter(int(capacity[row]), tighter(*own)) if capacity[row] else 0
    return capacity


def _flags(count: int, rows: Sequence[int]) -> Any:
    flags = np.zeros(count, np.bool_)
    flags[np.fromiter(rows, np.int64, len(rows))] = True
    return flags


def _busy_arrays(
    count: int, busy: Mapping[int, Sequence[Stretch]], full: Mapping[int, Sequence[Stretch]], rest_s: int
) -> tuple[Any, Any, Any]:
    """Lay busy time out by person, rest around it; full time is busy, too, and merged with it."""
    indptr = np.zeros(count + 1, np.int64)
    spans: list[tuple[int, int]] = []
    for row in sorted(busy.keys() | full.keys()):
        own = sorted((departure - rest_s, end + rest_s) for departure, end in busy.get(row, ()))
        if row in full:
            own = merged([*own, *full[row]])
        indptr[row + 1] = len(own)
        spans.extend(own)
    table = np.array(spans, np.int64).reshape(-1, 2)
    return np.cumsum(indptr), table[:, 0].copy(), table[:, 1].copy()


def _hours_arrays(
    people: People,
    timezone: str,
    requirements: Sequence[OpenRequirement],
    now_s: int,
    looking: tuple[int, CityDays | None],
) -> tuple[Any, Any, Any]:
    """Expand every distinct hours over the time that any requirement could take, and so much beyond it."""
    beyond_s, city = looking
    from_s = (
        min([now_s, *(min(r.earliest_s, now_s if r.depart_s is None else r.depart_s) for r in requirements)]) - beyond_s
    )
    until_s = max([now_s, *(r.latest_s for r in requirements)]) + beyond_s
    rows = [hours.expand(row, timezone, from_s, until_s, city) for row in people.hours_table]
    indptr = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    table = np.array([span for row in rows for span in row], np.int64).reshape(-1, 2)
    return indptr, table[:, 0].copy(), table[:, 1].copy()


def _requirement_arrays(
    requirements: Sequence[OpenRequirement], skill_row: Mapping[str, int], policy: Policy, now_s: int
) -> RequirementArrays:
    prices = [_price(r, policy, now_s) for r in requirements]
    needs = [need for r in requirements for need in r.skills]
    wishes, favours = _wishes(requirements, skill_row, policy.points), _favours(requirements, policy.points)
    return RequirementArrays(
        ids=[(r.request, r.requirement) for r in requirements],
        lat=np.array([r.point.lat for r in requirements], np.float64),
        lon=np.array([r.point.lon for r in requirements], np.float64),
        earliest_s=np.array([r.earliest_s for r in requirements], np.int64),
        latest_s=np.array([r.latest_s for r in requirements], np.int64),
        duration_s=np.array([r.duration_s for r in requirements], np.int64),
        depart_s=np.array([now_s if r.depart_s is None else r.depart_s for r in requirements], np.int64),
        circle_s=np.array([r.circle_s for r in requirements], np.int64),
        fixed_start_s=np.array([r.fixed_start_s for r in requirements], np.int64),
        people=np.array([r.people for r in requirements], np.int32),
        minimum=np.array([r.minimum for r in requirements], np.int32),
        weight=np.array([weight for weight, _ in prices], np.int32),
        waiting=np.array([waiting for _, waiting in prices], np.int64) + _wished_points(wishes, favours),
        zone=np.array([r.zone for r in requirements], np.int32),
        need_indptr=np.cumsum([0, *(len(r.skills) for r in requirements)], dtype=np.int64),
        need_skill=np.array([skill_row[need.skill] for need in needs], np.int32),
        need_level=np.array([need.level for need in needs], np.uint8),
        refused=_pairs(r.refused for r in requirements),
        excluded=_pairs(r.excluded for r in requirements),
        restricted=_pairs(r.restricted for r in requirements),
        must_have=_pairs(r.must_have or () for r in requirements),
        choosy=np.array([r.must_have is not None for r in requirements], np.bool_),
        serving=_pairs(r.serving for r in requirements),
        wishes=wishes,
        favours=favours,
        teams={row: _teams(r) for row, r in enumerate(requirements) if r.teams is not None},
    )


def _teams(asked: OpenRequirement) -> AskedTeams:
    teams = asked.teams or ()
    return AskedTeams(
        names=tuple(name for name, _ in teams),
        members=tuple(np.array(rows, np.int32) for _, rows in teams),
        together=asked.one_team and asked.people > 1 and asked.fixed_start_s < 0,
    )


def _wishes(requirements: Sequence[OpenRequirement], skill_row: Mapping[str, int], costs: Costs) -> Wishes:
    """Return the skills wished for whose lack costs anything."""
    prices = {False: costs.should_points, True: costs.nice_points}
    rows = [
        [(need, nice) for needs, nice in ((r.should, False), (r.nice, True)) for need in needs if prices[nice]]
        for r in requirements
    ]
    flat = [wish for row in rows for wish in row]
    return Wishes(
        indptr=np.cumsum([0, *map(len, rows)], dtype=np.int64),
        skill=np.array([skill_row[need.skill] for need, _ in flat], np.int32),
        level=np.array([need.level for need, _ in flat], np.uint8),
        points=np.array([prices[nice] for _, nice in flat], np.int64),
        nice=np.array([nice for _, nice in flat], np.bool_),
    )


def _favours(requirements: Sequence[OpenRequirement], costs: Costs) -> dict[str, Favour]:
    """Return who is spared what others pay; without anybody to spare nobody pays."""
    asked = {
        "preferred": (costs.preferred_points, [r.preferred for r in requirements]),
        "claimed": (costs.claimed, [r.claimed_by for r in requirements]),
        "continuity": (costs.continuity_points, [r.helpers for r in requirements]),
        "disturbance": (costs.disturbance, [r.told for r in requirements]),
    }
    return {name: _favour(points, spared) for name, (points, spared) in asked.items() if points and any(spared)}


def _favour(points: int, spared: Sequence[Sequence[int]]) -> Favour:
    requirement, person = _pairs(spared)
    return Favour(
        points=np.array([points if people else 0 for people in spared], np.int64),
        requirement=requirement,
        person=person,
    )


def _wished_points(wishes: Wishes, favours: Mapping[str, Favour]) -> I64:
    """Return the most that the wishes of each requirement could cost: a place left open grants none of them."""
    upto = np.concatenate(([0], np.cumsum(wishes.points)))
    most: I64 = upto[wishes.indptr[1:]] - upto[wishes.indptr[:-1]]
    return sum((favour.points for favour in favours.values()), start=most)


def _price(requirement: OpenRequirement, policy: Policy, now_s: int) -> tuple[int, int]:
    """Return (weight, waiting points) of one place; `travel-only` is 1 and 0 (DESIGN 7)."""
    if policy.travel_only:
        return 1, 0
    urgency = policy.urgency.get(requirement.urgency, UrgencyClass())
    waited_s = max(0, now_s - requirement.waiting_since_s)
    return urgency.weight, urgency.waiting_points_per_hour * waited_s // 3600


def _pairs(rows: Any) -> tuple[Any, Any]:
    pairs = [(r, person) for r, people in enumerate(rows) for person in people]
    table = np.array(pairs, np.int32).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()
