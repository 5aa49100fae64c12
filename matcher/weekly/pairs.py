"""Kernel: may this person serve this unit at all, what does that cost beyond the way, and have they room for it.

The pair's hard rules are the functions of `paths.search`; only where a pair lies within a rounding of its reach the
exact word is not asked for: the chord decides.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.search import lacking, last_start_s, named, spared
from matcher.solvers.paths.values import CHOOSY, CIRCLE_S, FLOOR_POINTS, HOME, POINTS, REACH_M, SPEED_MPS, ZONE
from matcher.weekly.clockwork import arrival, first_start, last_start, points_of, seconds_of, way_m
from matcher.weekly.compiling import compiled
from matcher.weekly.tables import (
    ASK,
    DAY,
    DAY_MAX,
    DUTY,
    FROM_S,
    HOME_ASK,
    LENGTH_S,
    MOST,
    NEVER,
    PERSON,
    PRICED,
    REQUEST,
    TOLD_AT,
    TOLD_END,
    UNTIL_S,
)


@compiled
def last_able(work: Any, u: int, v: int) -> int:
    """Return the last start that the rules of the pair leave, NEVER where one forbids it. Time taken is not looked at."""
    people, asks, a = work.people, work.asks, work.units.rows[u, ASK]
    zone, home = asks.facts[a, ZONE], people.facts[v, HOME]
    if zone >= 0 and home >= 0 and zone != home:
        return NEVER
    away = way_m(work, v, HOME_ASK, a)
    if away > people.place[v, REACH_M]:
        return NEVER
    circle = asks.facts[a, CIRCLE_S]
    if 0 <= circle < away / people.place[v, SPEED_MPS]:
        return NEVER
    if named(asks, a, v) != (asks.facts[a, CHOOSY] > 0):
        return NEVER
    return last_start_s(people, asks, a, v)


@compiled
def pair_points(work: Any, u: int, v: int) -> int:
    """Return the points of a pair beyond its way: the person's own, the floor that they pay, wishes they do not grant."""
    people, asks, a = work.people, work.asks, work.units.rows[u, ASK]
    if work.terms[PRICED] == 0:
        return 0
    return (
        people.facts[v, POINTS] + asks.facts[a, FLOOR_POINTS] - spared(asks, a, v) + lacking(people, asks, a, v)
    )


@compiled
def duty_saved(work: Any, v: int) -> int:
    """Return what it is worth that this person comes, who has no visit yet."""
    return work.terms[DUTY] if work.owing[v] > 0 and work.routes.visits[v] == 0 else 0


@compiled
def has_room(work: Any, u: int, s: int) -> bool:
    """Say whether shift, person and day have room for one more visit, and the person serves the request nowhere else."""
    shifts, routes, v = work.shifts, work.routes, work.shifts.rows[s, PERSON]
    if routes.size[s] >= shifts.rows[s, MOST] or routes.visits[v] >= work.capacity[v]:
        return False
    if work.terms[DAY_MAX] > 0 and visits_on_day(work, v, shifts.rows[s, DAY]) >= work.terms[DAY_MAX]:
        return False
    return not serves(work, v, u)


@compiled
def visits_on_day(work: Any, v: int, day: int) -> int:
    """Return how many visits a person has on a day."""
    visits = 0
    for s in range(work.shifts.of_person[v], work.shifts.of_person[v + 1]):
        if work.shifts.rows[s, DAY] == day:
            visits += work.routes.size[s]
    return visits


@compiled
def serves(work: Any, v: int, u: int) -> bool:
    """Say whether a person serves this unit, or another one of its request."""
    units, routes = work.units, work.routes
    if routes.visits[v] == 0:
        return False
    request = units.rows[u, REQUEST]
    for s in range(work.shifts.of_person[v], work.shifts.of_person[v + 1]):
        for i in range(routes.size[s]):
            other = units.unit_of[routes.task[s, i]]
            if other == u or (request != NEVER and units.rows[other, REQUEST] == request):
                return True
    return False


@compiled
def told_start(work: Any, u: int, v: int) -> int:
    """Return the start at which this person was told to come, NEVER where they were not."""
    units = work.units
    for n in range(units.rows[u, TOLD_AT], units.rows[u, TOLD_END]):
        if units.told[n, 0] == v:
            return units.told[n, 1]
    return NEVER


@compiled
def alone(work: Any, u: int, s: int) -> tuple[int, int]:
    """Return first and last start of a unit that has the shift for itself (NEVER: none), the pair's rules included."""
    shifts, v, a = work.shifts.rows, work.shifts.rows[s, PERSON], work.units.rows[u, ASK]
    last = last_able(work, u, v)
    if last == NEVER:
        return NEVER, NEVER
    way = way_m(work, v, HOME_ASK, a)
    low = first_start(work, u, arrival(work, v, shifts[s, FROM_S], HOME_ASK, a, way))
    by = shifts[s, UNTIL_S] - seconds_of(work, v, way) - work.units.rows[u, LENGTH_S]
    high = last_start(work, u, min(by, last))
    return (low, high) if NEVER < low <= high else (NEVER, NEVER)


@compiled
def round_trip(work: Any, u: int, v: int) -> int:
    """Return the metres from home to the unit and back."""
    return 2 * points_of(way_m(work, v, HOME_ASK, work.units.rows[u, ASK]))
