"""Kernel: several people at one start, or a start with room in the compound's hours: all of a unit or nothing.

Every place in every candidate route is an option with the starts that it allows. For each start that some option
begins with, the cheapest options of different people are taken; the cheapest such crew is placed.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.search import sort
from matcher.solvers.paths.values import FAR
from matcher.weekly.choosing import allows, direct, draw, fit
from matcher.weekly.clockwork import first_start, points_of, way_m
from matcher.weekly.compiling import compiled
from matcher.weekly.pairs import duty_saved, has_room, last_able, pair_points, told_start
from matcher.weekly.steps import HOUR_S, put_in
from matcher.weekly.tables import (
    BEST_AT,
    CANDIDATE_WIDE,
    CANDIDATES,
    CANDIDATES_AT,
    COMPOUND,
    CROWD,
    CROWD_MAX,
    DISTURBANCE,
    FIRST,
    HOURS,
    KEYS_AT,
    LEAST,
    LENGTH_S,
    NEVER,
    O_AT,
    O_DELTA,
    O_HIGH,
    O_LIMIT,
    O_LOW,
    O_PERSON,
    O_POINTS,
    O_SHIFT,
    OPTION_BITS,
    OPTION_WIDE,
    OPTIONS,
    OPTIONS_AT,
    ORIGIN_S,
    PERSON,
    PICKED,
    PICKED_AT,
    PLACES,
    PRICE,
    SIZE,
    SPOT,
    TASK_FIXED,
    TASK_WHERE,
    UNKNOWN,
    shift_at,
    spot_of,
    task_at,
    unit_at,
)

#: Once a whole crew is found, so many starts looked at are enough.
STARTS = 48


@compiled
def place_crew(m: Any, spots: Any, rules: Any, u: int, blink: int) -> int:
    """Put a unit's open places where they cost least together; return the change of cost, 0 if nowhere."""
    row, wanted, agreed = unit_at(m, u), 0, NEVER
    for t in range(m[row + FIRST], m[row + FIRST] + m[row + PLACES]):
        if m[task_at(m, t) + TASK_WHERE] == NEVER:
            wanted += 1
        else:
            agreed = m[task_at(m, t) + TASK_FIXED]
    least = m[row + LEAST] if agreed == NEVER else 1
    gather_options(m, spots, rules, u, blink)
    best, start, crew = FAR, NEVER, 0
    for o in range(m[OPTIONS]):
        if o >= STARTS and crew == wanted:
            break
        option = option_at(m, m[m[KEYS_AT] + o])
        low, high = m[option + O_LOW], m[option + O_HIGH]
        if agreed != NEVER:  # those who are there already have begun to count on it
            low, high = max(low, agreed), min(high, agreed)
        begin = roomy_start(m, u, low, high, least)
        if begin == NEVER:
            continue
        cost = pick(m, begin, min(wanted, room_at(m, u, begin)))
        size = m[PICKED]
        if size >= least and cost - size * m[row + PRICE] < best:
            best, start, crew = cost - size * m[row + PRICE], begin, size
            for n in range(size):
                m[m[BEST_AT] + n] = m[m[PICKED_AT] + n]
    if start == NEVER or best >= 0:
        return 0
    return seat(m, spots, u, start, crew)


@compiled
def option_at(m: Any, key: int) -> int:
    """Return where the row of an option begins that a key or a number names."""
    return m[OPTIONS_AT] + (key & ((1 << OPTION_BITS) - 1)) * OPTION_WIDE


@compiled
def seat(m: Any, spots: Any, u: int, start: int, crew: int) -> int:
    """Put the crew that was chosen into its routes."""
    change, t = 0, m[unit_at(m, u) + FIRST]
    for n in range(crew):
        while m[task_at(m, t) + TASK_WHERE] != NEVER:
            t += 1
        row = option_at(m, m[m[BEST_AT] + n])
        change += put_in(m, spots, t, m[row + O_SHIFT], m[row + O_AT], start, m[row + O_LIMIT], m[row + O_POINTS])
    return change


@compiled
def gather_options(m: Any, spots: Any, rules: Any, u: int, blink: int) -> None:
    """Write down every place in every candidate route, the cheapest first; of equals the first found stays before."""
    m[OPTIONS] = 0
    for c in range(m[CANDIDATES]):
        s, limit = m[m[CANDIDATES_AT] + c * CANDIDATE_WIDE], m[m[CANDIDATES_AT] + c * CANDIDATE_WIDE + 1]
        if (blink > 0 and draw(m, 1024) < blink) or not has_room(m, u, s):
            continue
        v = m[shift_at(m, s) + PERSON]
        if limit == UNKNOWN:
            limit = last_able(m, spots, rules, u, v)
        if limit != NEVER:
            options_of(m, spots, u, s, limit, pair_points(m, rules, u, v))
    for n in range(m[OPTIONS]):
        m[m[KEYS_AT] + n] = (m[m[OPTIONS_AT] + n * OPTION_WIDE + O_DELTA] << OPTION_BITS) | n
    sort(m[m[KEYS_AT] : m[KEYS_AT] + m[OPTIONS]], m[OPTIONS])


@compiled
def options_of(m: Any, spots: Any, u: int, s: int, limit: int, points: int) -> None:
    """Write down every place in one route."""
    v, spot, size = m[shift_at(m, s) + PERSON], m[unit_at(m, u) + SPOT], m[shift_at(m, s) + SIZE]
    more, told = points - duty_saved(m, v), told_start(m, u, v)
    home = points_of(way_m(spots, v, spot))
    here = home
    for at in range(size + 1):
        there = points_of(way_m(spots, spot, spot_of(m, s, at))) if at < size else home
        cost = more + here + there - direct(m, s, at)
        here = there
        low, high = fit(m, spots, u, s, at, limit)
        if low == NEVER:
            continue
        add_option(m, cost, s, at, low, high, limit, points)
        if told != NEVER and allows(m, u, low, high, told):
            add_option(m, cost - m[DISTURBANCE], s, at, told, told, limit, points)


@compiled
def add_option(m: Any, cost: int, s: int, at: int, low: int, high: int, limit: int, points: int) -> None:
    """Write down one option, while there is room."""
    if m[OPTIONS] == 1 << OPTION_BITS:
        return
    row = option_at(m, m[OPTIONS])
    m[row + O_DELTA], m[row + O_SHIFT], m[row + O_AT], m[row + O_LOW], m[row + O_HIGH] = cost, s, at, low, high
    m[row + O_PERSON], m[row + O_LIMIT], m[row + O_POINTS] = m[shift_at(m, s) + PERSON], limit, points
    m[OPTIONS] += 1


@compiled
def pick(m: Any, start: int, want: int) -> int:
    """Take the cheapest options of different people that allow a start, up to `want`; return their cost."""
    size, cost = 0, 0
    for o in range(m[OPTIONS]):
        if size == want:
            break
        key = m[m[KEYS_AT] + o]
        row = option_at(m, key)
        if not m[row + O_LOW] <= start <= m[row + O_HIGH]:
            continue
        taken = False
        for n in range(size):
            if m[option_at(m, m[m[PICKED_AT] + n]) + O_PERSON] == m[row + O_PERSON]:
                taken = True
        if not taken:
            m[m[PICKED_AT] + size] = key
            size += 1
            cost += m[row + O_DELTA]
    m[PICKED] = size
    return cost


@compiled
def room_at(m: Any, u: int, start: int) -> int:
    """Return how many more visits the compound has room for in the hours that this start touches."""
    unit, room = unit_at(m, u), FAR
    if m[unit + COMPOUND] < 0:
        return room
    begin, first = start - m[ORIGIN_S], m[CROWD] + m[unit + COMPOUND] * m[HOURS]
    for hour in range(begin // HOUR_S, (begin + m[unit + LENGTH_S] - 1) // HOUR_S + 1):
        room = min(room, m[CROWD_MAX] - m[first + hour])
    return room


@compiled
def roomy_start(m: Any, u: int, low: int, high: int, want: int) -> int:
    """Return the first start between two with room for `want` in the compound, NEVER where there is none."""
    start = low
    while start != NEVER and start <= high:
        if room_at(m, u, start) >= want:
            return start
        hour = (start - m[ORIGIN_S]) // HOUR_S + 1
        start = first_start(m, u, m[ORIGIN_S] + hour * HOUR_S)
    return NEVER
