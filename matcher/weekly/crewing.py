"""Kernel: several people at one start, or a start with room in the compound's hours: all of a unit or nothing.

Every place in every candidate route is an option with the starts that it allows. For each start that some option
begins with, the cheapest options of different people are taken; the cheapest such crew is placed.
"""

from __future__ import annotations

from typing import Any

from matcher.solvers.paths.search import sort
from matcher.solvers.paths.values import FAR
from matcher.weekly.choosing import draw, fit
from matcher.weekly.clockwork import first_start
from matcher.weekly.compiling import compiled
from matcher.weekly.pairs import duty_saved, has_room, last_able, pair_points, told_start
from matcher.weekly.steps import HOUR_S, ask_at, detour, put_in
from matcher.weekly.tables import (
    ASK,
    CANDIDATES,
    COMPOUND,
    CROWD_MAX,
    DISTURBANCE,
    FIRST,
    LEAST,
    LENGTH_S,
    NEVER,
    O_AT,
    O_DELTA,
    O_HIGH,
    O_LOW,
    O_PERSON,
    O_SHIFT,
    O_TOLD,
    OPTIONS,
    ORIGIN_S,
    PERSON,
    PICKED,
    PLACES,
    PRICE,
)

#: Options are numbered with so many bits.
OPTION_BITS = 12
#: Once a whole crew is found, so many starts looked at are enough.
STARTS = 48


@compiled
def place_crew(work: Any, u: int, blink: int) -> int:
    """Put a unit's open places where they cost least together; return the change of cost, 0 if nowhere."""
    scratch, rows = work.scratch, work.units.rows
    open_places = 0
    for t in range(rows[u, FIRST], rows[u, FIRST] + rows[u, PLACES]):
        if work.routes.where[t] == NEVER:
            open_places += 1
    gather_options(work, u, blink)
    best, start, crew = FAR, NEVER, 0
    for o in range(scratch.counts[OPTIONS]):
        if o >= STARTS and crew == open_places:
            break
        option = scratch.options[option_at(work, o)]
        begin = roomy_start(work, u, option[O_LOW], option[O_HIGH], rows[u, LEAST])
        if begin == NEVER:
            continue
        cost = pick(work, u, begin, min(open_places, room_at(work, u, begin)))
        size = scratch.counts[PICKED]
        if size >= rows[u, LEAST] and cost - size * rows[u, PRICE] < best:
            best, start, crew = cost - size * rows[u, PRICE], begin, size
            for n in range(size):
                scratch.best[n] = scratch.picked[n]
    if start == NEVER or best >= 0:
        return 0
    return seat(work, u, start, crew)


@compiled
def seat(work: Any, u: int, start: int, crew: int) -> int:
    """Put the crew that was chosen into its routes."""
    scratch, change, t = work.scratch, 0, work.units.rows[u, FIRST]
    for n in range(crew):
        while work.routes.where[t] != NEVER:
            t += 1
        option = scratch.options[scratch.best[n]]
        change += put_in(work, t, option[O_SHIFT], option[O_AT], start)
    return change


@compiled
def gather_options(work: Any, u: int, blink: int) -> None:
    """Write down every place in every candidate route, the cheapest first."""
    scratch = work.scratch
    scratch.counts[OPTIONS] = 0
    for c in range(scratch.counts[CANDIDATES]):
        s = scratch.candidates[c]
        if blink > 0 and draw(scratch.random, 1024) < blink:
            continue
        if has_room(work, u, s):
            options_of(work, u, s)
    order_options(work)


@compiled
def options_of(work: Any, u: int, s: int) -> None:
    """Write down every place in one route."""
    v, a = work.shifts.rows[s, PERSON], work.units.rows[u, ASK]
    last = last_able(work, u, v)
    if last == NEVER:
        return
    more, told = pair_points(work, u, v) - duty_saved(work, v), told_start(work, u, v)
    for at in range(work.routes.size[s] + 1):
        cost = more + detour(work, v, ask_at(work, s, at - 1), a, ask_at(work, s, at))
        low, high = fit(work, u, s, at, last, NEVER)
        if low == NEVER:
            continue
        add_option(work, cost, s, at, low, high, 0)
        if low <= told <= high and first_start(work, u, told) == told:
            add_option(work, cost - work.terms[DISTURBANCE], s, at, told, told, 1)


@compiled
def add_option(work: Any, cost: int, s: int, at: int, low: int, high: int, told: int) -> None:
    """Write down one option, while there is room."""
    options, n = work.scratch.options, work.scratch.counts[OPTIONS]
    if n == len(options):
        return
    options[n, O_DELTA], options[n, O_SHIFT], options[n, O_AT] = cost, s, at
    options[n, O_LOW], options[n, O_HIGH], options[n, O_TOLD] = low, high, told
    options[n, O_PERSON] = work.shifts.rows[s, PERSON]
    work.scratch.counts[OPTIONS] += 1


@compiled
def order_options(work: Any) -> None:
    """Sort the options by cost; of equals the first found stays before."""
    scratch = work.scratch
    for n in range(scratch.counts[OPTIONS]):
        scratch.keys[n] = (scratch.options[n, O_DELTA] << OPTION_BITS) | n
    sort(scratch.keys, scratch.counts[OPTIONS])


@compiled
def option_at(work: Any, o: int) -> int:
    """Return which option stands at a place of the order."""
    return work.scratch.keys[o] & ((1 << OPTION_BITS) - 1)


@compiled
def pick(work: Any, u: int, start: int, want: int) -> int:
    """Take the cheapest options of different people that allow a start, up to `want`; return their cost."""
    scratch, size, cost = work.scratch, 0, 0
    for o in range(scratch.counts[OPTIONS]):
        if size == want:
            break
        option = scratch.options[option_at(work, o)]
        if not option[O_LOW] <= start <= option[O_HIGH]:
            continue
        taken = False
        for n in range(size):
            if scratch.options[scratch.picked[n], O_PERSON] == option[O_PERSON]:
                taken = True
        if not taken:
            scratch.picked[size] = option_at(work, o)
            size += 1
            cost += option[O_DELTA]
    scratch.counts[PICKED] = size
    return cost


@compiled
def room_at(work: Any, u: int, start: int) -> int:
    """Return how many more visits the compound has room for in the hours that this start touches."""
    room, compound = FAR, work.units.rows[u, COMPOUND]
    if compound < 0:
        return room
    begin = start - work.terms[ORIGIN_S]
    for hour in range(begin // HOUR_S, (begin + work.units.rows[u, LENGTH_S] - 1) // HOUR_S + 1):
        room = min(room, work.terms[CROWD_MAX] - work.routes.crowd[compound, hour])
    return room


@compiled
def roomy_start(work: Any, u: int, low: int, high: int, want: int) -> int:
    """Return the first start between two with room for `want` in the compound, NEVER where there is none."""
    start = low
    while start != NEVER and start <= high:
        if room_at(work, u, start) >= want:
            return start
        hour = (start - work.terms[ORIGIN_S]) // HOUR_S + 1
        start = first_start(work, u, work.terms[ORIGIN_S] + hour * HOUR_S)
    return NEVER
