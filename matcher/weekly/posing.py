"""From a zone's state to its week: who could come when, and everything that is open, offered or accepted in it.

Called by the workers of a batch, never by the writer (a city takes seconds). Decides nothing; the same state gives the
same week, byte by byte. `visits` turns a plan back into the words of commands.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace as changed

from matcher import areas, beats
from matcher.commands import Figures
from matcher.geo import distance_m
from matcher.hours import Stretch, expand, midnight_s
from matcher.limits import full, tighter
from matcher.people import MODES
from matcher.posing import OpenRequirement, Standing, problem_of
from matcher.problem import I32, I64, Problem
from matcher.terms import PlannedVisit
from matcher.weekly.week import Week, WeekPlan
from matcher.zone import KEPT, LIVE, Assignment, Need, Request, RequestState, Status, Zone

_DAY = timedelta(days=1)
_OVER = frozenset({RequestState.COMPLETED, RequestState.RATED})
_BEGUN = frozenset({Status.ON_SITE, Status.DONE})
#: Terms of a beat that a week has its own word for (`Week.duty_points`), or that make no sense in it.
_NOT_IN_A_WEEK = ("duty", "coverage")
#: Assignments by number of the requirement.
Named = list[tuple[int, list[str]]]
#: Rows as (requirement, person, start).
Triples = list[tuple[int, int, int]]


@dataclass(frozen=True, kw_only=True)
class WeekPosed:
    """A zone's week, and what its numbers mean. `provisional`: a day of it is only estimated."""

    zone: str
    timezone: str
    week: Week
    from_at: datetime
    until_at: datetime
    #: ids by number of the person, (request, requirement) by number of the requirement
    people: list[str]
    asked: list[tuple[str, str]]
    #: compounds by number in `Week.compound`
    compounds: list[str]


def pose_week(zone: Zone, from_at: datetime, until_at: datetime) -> WeekPosed:
    """Pose the zone's week [from_at, until_at): everything that is still to be served and lies in it.

    Accepted work is pinned, open offers are told; both keep their places. An offer of a beat whose ways do not lie
    within the person's hours is pinned, too: a week would not make it again, and has no reason to take it back. Work
    outside of the week, and what has begun, is busy time. People are looked for in the whole zone: areas (R24) are a
    beat's way to be near, here ways cost.
    """
    from_s, until_s = int(from_at.timestamp()), int(until_at.timestamp())
    asked, pinned, told = _asked(zone, from_s, until_s)
    pinned, told = _strict(zone, pinned, told, (from_s, until_s))
    inside = {name for _, names in (*pinned, *told) for name in names}
    problem = _problem(zone, asked, inside, (from_s, until_s))
    compound, compounds = _compounds(zone, asked)
    points, batch = zone.policy.points, zone.policy.batch
    week = Week(
        problem=problem,
        from_s=from_s,
        until_s=until_s,
        compound=compound,
        crowd_max=zone.policy.tree.visitors_per_hour,
        day_max=zone.policy.visits.visits_per_day,
        midnights_s=_midnights(zone.policy.timezone, from_at, until_at),
        owing=_owing(zone) if points.prices_duty else None,
        duty_points=batch.duty_points if points.prices_duty else 0,
        pinned=_columns(zone, pinned),
        told=_columns(zone, told),
        disturbance_points=points.disturbance,
    )
    return WeekPosed(
        zone=zone.id,
        timezone=zone.policy.timezone,
        week=week,
        from_at=from_at,
        until_at=until_at,
        people=zone.people.ids,
        asked=problem.requirements.ids,
        compounds=compounds,
    )


def visits(posed: WeekPosed, plan: WeekPlan) -> tuple[PlannedVisit, ...]:
    """Return the plan in the words of commands, all visits of one requirement together."""
    return named(posed, (plan.requirement, plan.person, plan.start_s))


def named(posed: WeekPosed, columns: tuple[I32, I32, I64]) -> tuple[PlannedVisit, ...]:
    """Return columns (requirement, person, start) as visits, by requirement."""
    rows = zip(columns[0].tolist(), columns[2].tolist(), columns[1].tolist(), strict=True)
    return tuple(
        PlannedVisit(posed.asked[r][0], posed.asked[r][1], posed.people[p], datetime.fromtimestamp(start, UTC))
        for r, start, p in sorted(rows)
    )


def triples(posed: WeekPosed, planned: Sequence[PlannedVisit]) -> tuple[I32, I32, I64]:
    """Return visits as columns (requirement, person, start); those that the week does not know are left out."""
    row = {name: r for r, name in enumerate(posed.asked)}
    person = {name: p for p, name in enumerate(posed.people)}
    table = [
        (row[visit.request, visit.requirement], person[visit.volunteer], int(visit.start.timestamp()))
        for visit in planned
        if (visit.request, visit.requirement) in row and visit.volunteer in person
    ]
    return _table(table)


def figures(posed: WeekPosed, plan: WeekPlan) -> Figures:
    """Return what a plan says of itself."""
    return Figures(
        places=int(posed.week.problem.requirements.people.sum()),
        filled=plan.objective["filled"],
        bound=plan.bound,
        metres=plan.objective["metres"],
        first_cost=plan.first_cost,
        cost=plan.cost,
        iterations=plan.iterations,
    )


# --- what is asked ---------------------------------------------------------------------------------------------------


def _asked(zone: Zone, from_s: int, until_s: int) -> tuple[list[OpenRequirement], Named, Named]:
    """Return requirements, and by row the assignments that are accepted, and those that are offered."""
    asked: list[OpenRequirement] = []
    pinned: Named = []
    told: Named = []
    for _, request in sorted(zone.requests.items()):
        if request.state in _OVER:
            continue
        for _, need in sorted(request.needs.items()):
            row = _row(zone, request, need, from_s, until_s)
            if row is None:
                continue
            bound = [one for one in _bound(zone, need) if _lies_in(one, from_s, until_s)]
            pinned.append((len(asked), [one.id for one in bound if one.status is Status.COMMITTED]))
            told.append((len(asked), [one.id for one in bound if one.status is Status.TENTATIVE]))
            asked.append(row)
    return asked, pinned, told


def _bound(zone: Zone, need: Need) -> list[Assignment]:
    return [zone.assignments[name] for name in need.assignments if zone.assignments[name].status in LIVE]


def _lies_in(one: Assignment, from_s: int, until_s: int) -> bool:
    return from_s <= one.start_s and one.end_s <= until_s


def _row(zone: Zone, request: Request, need: Need, from_s: int, until_s: int) -> OpenRequirement | None:
    """Return a requirement with all of its places, offered ones open; None where the week has nothing to do with it."""
    if any(status in _BEGUN for status in zone.statuses(need)):
        return None
    bound = _bound(zone, need)
    if any(one.status is Status.EN_ROUTE or not _lies_in(one, from_s, until_s) for one in bound):
        return None
    accepted = [one for one in bound if one.status in KEPT]
    if need.filled and not accepted:
        return None
    agreed = changed(need, assignments=[one.id for one in accepted])
    places = len(accepted) if need.filled else need.requirement.people
    row = beats.posed_requirement(zone, request, agreed, places)
    begin, end = max(row.earliest_s, from_s), min(row.latest_s, until_s)
    if not accepted and end - begin < row.duration_s:
        return None
    serving = [one.volunteer for other in request.needs.values() for one in _bound(zone, other) if one.status in KEPT]
    return replace(row, earliest_s=begin, latest_s=end, area=None, fixed_start_s=-1, serving=serving)


def _strict(zone: Zone, pinned: Named, told: Named, span: tuple[int, int]) -> tuple[Named, Named]:
    """Pin the offers that a week's stricter rules would not make: with a way before or after the person's hours."""
    offers = [zone.assignments[name] for _, names in told for name in names]
    kinds = {int(zone.people.column("hours")[one.volunteer]) for one in offers}
    city, clock = zone.days(), zone.policy.timezone
    free = {kind: expand(zone.people.hours_table[kind], clock, span[0], span[1], city) for kind in sorted(kinds)}
    loose = {one.id for one in offers if not _within_hours(zone, one, free)}
    accepted = [
        (row, [*names, *(name for name in offered if name in loose)])
        for (row, names), (_, offered) in zip(pinned, told, strict=True)
    ]
    return accepted, [(row, [name for name in names if name not in loose]) for row, names in told]


def _within_hours(zone: Zone, one: Assignment, hours: dict[int, list[Stretch]]) -> bool:
    """Say whether the person could go there and come home within one stretch of their hours."""
    people, point = zone.people, zone.request(one.request).command.point
    lat, lon = (float(people.column(name)[one.volunteer]) for name in ("lat", "lon"))
    mode = zone.policy.modes[MODES[int(people.column("travel")[one.volunteer])]]
    way_s = math.ceil(distance_m(point.lat, point.lon, lat, lon) * mode.detour * 3.6 / mode.speed_kmh)
    free = hours[int(people.column("hours")[one.volunteer])]
    if one.plan is not UNSET:  # its way there begins where the visit before it ends
        return any(a <= one.departure_s and one.end_s <= b for a, b in free)
    return any(a <= one.start_s - way_s and one.end_s + way_s <= b for a, b in free)


def _compounds(zone: Zone, asked: list[OpenRequirement]) -> tuple[I32 | None, list[str]]:
    if not zone.policy.tree.visitors_per_hour:
        return None, []
    number: dict[str, int] = {}
    column = []
    for row in asked:
        place = areas.compound_of(zone, zone.requests[row.request])
        column.append(-1 if place is None else number.setdefault(place, len(number)))
    return np.array(column, np.int32), list(number)


def _columns(zone: Zone, rows: Named) -> tuple[I32, I32, I64]:
    assignments = [(row, zone.assignments[name]) for row, names in rows for name in names]
    return _table([(row, one.volunteer, one.start_s) for row, one in assignments])


def _table(rows: Triples) -> tuple[I32, I32, I64]:
    table = np.array(rows, np.int64).reshape(-1, 3)
    return table[:, 0].astype(np.int32), table[:, 1].astype(np.int32), table[:, 2].copy()


# --- who could come --------------------------------------------------------------------------------------------------


def _problem(zone: Zone, asked: list[OpenRequirement], inside: set[str], span: tuple[int, int]) -> Problem:
    busy = {
        row: [(one.departure_s, one.end_s) for one in own]
        for row, names in zone.engagements.items()
        if (own := [zone.assignments[name] for name in names if name not in inside])
    }
    standing = Standing(
        at_s=int(zone.now.timestamp()),
        visits=_visits_before(zone, inside),
        quarter=None if not zone.history else zone.quarter(),
        full=_full(zone, inside),
        busy=busy,
    )
    posed = problem_of(
        zone=zone.id,
        beat=zone.beat,
        now=zone.now,
        policy=zone.policy,
        people=zone.people,
        requirements=asked,
        standing=standing,
        beyond_s=max(0, int(zone.now.timestamp()) - span[0]),
        city=zone.days(),
    )
    points = {name: column for name, column in posed.people.points.items() if name not in _NOT_IN_A_WEEK}
    capacity = _capacity(zone, inside, span)
    return replace(posed, people=replace(posed.people, points=points, capacity=capacity))


def _visits_before(zone: Zone, inside: set[str]) -> dict[int, int]:
    """Return the quarter's visits by row, those that this plan decides left out."""
    visits = zone.visits_this_quarter()
    for name in inside:
        row = zone.assignments[name].volunteer
        if row in visits:
            visits[row] -= 1
    return visits


def _counted_starts(zone: Zone, inside: set[str]) -> dict[int, list[int]]:
    """Return when visits begin that are not of this plan, by row: done lately, or bound outside of it."""
    starts: dict[int, list[int]] = defaultdict(list)
    for row, own in (zone.history.lately if zone.history else {}).items():
        starts[row] += own
    for row, names in zone.engagements.items():
        starts[row] += [zone.assignments[name].start_s for name in names if name not in inside]
    return {row: own for row, own in sorted(starts.items()) if own}


def _full(zone: Zone, inside: set[str]) -> dict[int, list[Stretch]]:
    """Return the days and weeks in which people have visits enough without this plan."""
    anybody, own = zone.policy.visits, zone.people.limits
    found = {}
    for row, starts in _counted_starts(zone, inside).items():
        mine = own.get(row, (0, 0))
        per_day, per_week = tighter(mine[0], anybody.visits_per_day), tighter(mine[1], anybody.visits_per_week)
        if stretches := full(starts, per_day, per_week, zone.policy.timezone):
            found[row] = stretches
    return found


def _capacity(zone: Zone, inside: set[str], span: tuple[int, int]) -> I32:
    """Return how many visits of this week each person makes at most.

    What a calendar week holds already counts whole, although a report week may lie in two. A person's own limit by day
    that is tighter than the policy's counts for the whole week: the planner counts days by one number for all.
    """
    policy, count = zone.policy, len(zone.people)
    capacity = np.full(count, tighter(policy.batch.visits_max, policy.visits.visits_per_week), np.int64)
    for row, (per_day, per_week) in zone.people.limits.items():
        strict = per_day if not policy.visits.visits_per_day or per_day < policy.visits.visits_per_day else 0
        capacity[row] = tighter(int(capacity[row]), tighter(per_week, strict))
    clock = ZoneInfo(policy.timezone)
    first, last = (_monday(second, clock) for second in (span[0], span[1] - 1))
    for row, starts in _counted_starts(zone, inside).items():
        if policy.visits.visits_per_week or zone.people.limits.get(row, (0, 0))[1]:
            capacity[row] -= sum(first <= _monday(start, clock) <= last for start in starts)
    return np.maximum(capacity, 0).astype(np.int32)


def _monday(second: int, clock: ZoneInfo) -> date:
    day = datetime.fromtimestamp(second, UTC).astimezone(clock).date()
    return day - timedelta(days=day.weekday())


def _owing(zone: Zone) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say who owes the quarter a visit: cadres without one done or before them outside of this week's offers."""
    owing = zone.people.cadres() & ~zone.people.column("left")
    done = zone.history.visits_in(zone.quarter()) if zone.history else {}
    owing[[row for row, visits in done.items() if visits]] = False
    return np.asarray(owing, np.bool_)


def _midnights(timezone: str, from_at: datetime, until_at: datetime) -> tuple[int, ...]:
    """Return the local midnights that cut the week, those at its ends included."""
    clock = ZoneInfo(timezone)
    day, last = from_at.astimezone(clock).date(), until_at.astimezone(clock).date()
    days = [day + n * _DAY for n in range((last - day).days + 1)]
    return tuple(midnight_s(timezone, each) for each in days)
