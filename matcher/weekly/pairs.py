"""Kernel: may this person serve this unit at all, what does that cost beyond the way, and have they room for it.

What the rules say of a pair are the functions of `paths.search`; only where a pair lies within a rounding of its reach,
the exact word is not asked for: the chord decides.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.search import lacking, last_start_s, named, spared
from matcher.solvers.paths.values import CHOOSY, CIRCLE_S, FLOOR_POINTS, HOME, REACH_M, SPEED_MPS, ZONE
from matcher.solvers.paths.values import POINTS as PERSON_POINTS
from matcher.weekly.clockwork import first_start, last_start, seconds_of, way_m
from matcher.weekly.compiling import compiled
from matcher.weekly.tables import (
    ASK,
    CAPACITY,
    DAY,
    DAY_MAX,
    DEPART,
    DUTY,
    FIRST_SHIFT,
    FROM_S,
    LENGTH_S,
    MOST,
    NEVER,
    OWING,
    PERSON,
    PERSON_WIDE,
    PRICED,
    REQUEST,
    SIZE,
    SPOT,
    TOLD_AT,
    TOLD_END,
    UNTIL_S,
    VISITS,
    person_at,
    shift_at,
    unit_at,
    unit_of_stop,
)


@compiled
def last_able(m: Any, spots: Any, rules: Any, u: int, v: int) -> int:
    """Return the last start that the rules of the pair leave, NEVER where one forbids it; time taken is left aside."""
    people, asks, a = rules.people, rules.asks, m[unit_at(m, u) + ASK]
    zone, home = asks.facts[a, ZONE], people.facts[v, HOME]
    if zone >= 0 and home >= 0 and zone != home:
        return NEVER
    away = way_m(spots, v, m[unit_at(m, u) + SPOT])
    if away > people.place[v, REACH_M]:
        return NEVER
    circle = asks.facts[a, CIRCLE_S]
    if 0 <= circle < away / people.place[v, SPEED_MPS]:
        return NEVER
    if named(asks, a, v) != (asks.facts[a, CHOOSY] > 0):
        return NEVER
    return last_start_s(people, asks, a, v)


@compiled
def pair_points(m: Any, rules: Any, u: int, v: int) -> int:
    """Return the points of a pair beyond its way: the person's own, the floor, wishes not granted."""
    if m[PRICED] == 0:
        return 0
    people, asks, a = rules.people, rules.asks, m[unit_at(m, u) + ASK]
    points = people.facts[v, PERSON_POINTS] + asks.facts[a, FLOOR_POINTS]
    return points - spared(asks, a, v) + lacking(people, asks, a, v)


@compiled
def duty_saved(m: Any, v: int) -> int:
    """Return what it is worth that this person comes, who has no visit yet."""
    row = person_at(m, v)
    return m[DUTY] if m[row + OWING] > 0 and m[row + VISITS] == 0 else 0


@compiled
def has_room(m: Any, u: int, s: int) -> bool:
    """Say whether shift, person and day have room for one more, and the person serves the request nowhere else."""
    shift = shift_at(m, s)
    v = m[shift + PERSON]
    row = person_at(m, v)
    if m[shift + SIZE] >= m[shift + MOST] or m[row + VISITS] >= m[row + CAPACITY]:
        return False
    if m[row + VISITS] == 0:
        return True
    return (m[DAY_MAX] == 0 or visits_on_day(m, v, m[shift + DAY]) < m[DAY_MAX]) and not serves(m, v, u)


@compiled
def visits_on_day(m: Any, v: int, day: int) -> int:
    """Return how many visits a person has on a day."""
    visits, row = 0, person_at(m, v)
    for s in range(m[row + FIRST_SHIFT], m[row + PERSON_WIDE + FIRST_SHIFT]):
        if m[shift_at(m, s) + DAY] == day:
            visits += m[shift_at(m, s) + SIZE]
    return visits


@compiled
def serves(m: Any, v: int, u: int) -> bool:
    """Say whether a person serves this unit, or another one of its request."""
    unit, row = unit_at(m, u), person_at(m, v)
    request = m[unit + REQUEST]
    for s in range(m[row + FIRST_SHIFT], m[row + PERSON_WIDE + FIRST_SHIFT]):
        for i in range(m[shift_at(m, s) + SIZE]):
            other = unit_of_stop(m, s, i)
            if other == unit or (request != NEVER and m[other + REQUEST] == request):
                return True
    return False


@compiled
def told_start(m: Any, u: int, v: int) -> int:
    """Return the start at which this person was told to come, NEVER where they were not."""
    row = unit_at(m, u)
    for n in range(m[row + TOLD_AT], m[row + TOLD_END], 2):
        if m[n] == v:
            return m[n + 1]
    return NEVER


@compiled
def alone(m: Any, spots: Any, u: int, s: int, limit: int) -> bool:
    """Say whether a shift could serve the unit and nothing else, its pair's rules allowing starts up to `limit`."""
    v = m[shift_at(m, s) + PERSON]
    return leaves_time(m, u, s, seconds_of(spots, v, way_m(spots, v, m[unit_at(m, u) + SPOT])), limit)


@compiled
def leaves_time(m: Any, u: int, s: int, way_s: int, limit: int) -> bool:
    """Say whether a shift has time for the unit and nothing else, where the way takes so many seconds."""
    shift, unit = shift_at(m, s), unit_at(m, u)
    low = first_start(m, u, max(m[shift + FROM_S], m[unit + DEPART]) + way_s)
    high = last_start(m, u, min(m[shift + UNTIL_S] - way_s - m[unit + LENGTH_S], limit))
    return NEVER < low <= high
