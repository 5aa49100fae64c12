"""What the weekly kernel works on: one array of whole numbers and one of points, their parts named here.

A *unit* is a requirement, a *task* one place of it (a crew of three: one unit, three tasks), a *shift* one stretch of
one person's hours, a *spot* a person's home or an ask's place. Numbering is the solving order of `paths`, whose tables
of people, asks and grids are used for what the rules say of a pair. All the rest lies in one array, `m`: a call in the
inner loops hands over every array that it is given, and that costs more than the work (560 against some 5,000
steps a second on a county, measured with fifty arrays against two).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from matcher.problem import F64, I64
from matcher.solvers.paths.values import Asks, Grids, People
from matcher.weekly.compiling import compiled

#: No start, no shift.
NEVER = -1
#: `TASK_WHERE` of a pinned place that lies outside its person's shifts.
OUTSIDE = -2
#: The nearest shifts that a unit's list holds, and the other units around it that the search looks at.
NEAREST, NEAR = 48, 32
#: Options are numbered with so many bits.
OPTION_BITS = 12

# The head of `m`: where its parts begin
SHIFTS, UNITS, TASKS, STOPS, PERSONS, LISTED, LIMITS, AWAY, NEARS, CROWD = range(10)
CANDIDATES_AT, OPTIONS_AT, KEYS_AT, SEEN_AT, STAMP_AT, TOUCHED_AT, MOVED_AT, CHOSEN_AT, PICKED_AT, BEST_AT = range(
    10, 20
)
# ... how many there are
SHIFT_COUNT, UNIT_COUNT, TASK_COUNT, PERSON_COUNT, LONGEST, HOURS, CHOSEN_MAX = range(20, 27)
# ... the week's terms
REST_S, DUTY, DISTURBANCE, CROWD_MAX, DAY_MAX, ORIGIN_S, PRICED = range(27, 34)
# ... and counters of the step that is under way
OPTIONS, CANDIDATES, TOUCHED, MOVED, STAMP, SEEN, PICKED, RANDOM = range(34, 42)
HEAD = 42

# A shift. SIZE: visits in it; MOST: as many as it can hold; BACK: metres home from the last one
PERSON, FROM_S, UNTIL_S, DAY, MOST, SIZE, BACK = range(7)
SHIFT_WIDE = 7
# A unit. PRICE of one place left open; FIRST of its tasks; WINDOW_AT: (first, last start) each; TOLD_AT: (person,
# start) each; REQUEST: NEVER where it is its request's only unit; COUNT of its list
(
    ASK, SPOT, DEPART, FIRST, PLACES, LEAST, COMPOUND, PRICE, LENGTH_S, WINDOW_AT, WINDOW_END, TOLD_AT, TOLD_END,
    REQUEST, COUNT,
) = range(15)  # fmt: skip
UNIT_WIDE = 15
# A task. FIXED: the start that may not move while it is placed, NEVER = it may
TASK_UNIT, TASK_WHERE, TASK_FIXED, TASK_PINNED = range(4)
TASK_WIDE = 4
# A stop of a route. BEGIN, LAST: earliest and latest start; LIMIT: the latest that the pair's rules allow; POINTS of
# the pair; WAY: metres from the stop before, or from home
TASK, BEGIN, LAST, LIMIT, POINTS, WAY = range(6)
STOP_WIDE = 6
# A person; FIRST_SHIFT of the next one ends theirs
FIRST_SHIFT, VISITS, CAPACITY, OWING = range(4)
PERSON_WIDE = 4
# A candidate. LIMIT_KNOWN: as LIMIT; UNKNOWN where the rules have not been asked
CANDIDATE, LIMIT_KNOWN = range(2)
CANDIDATE_WIDE = 2
UNKNOWN = -3
# An option of a crew
O_DELTA, O_SHIFT, O_AT, O_LOW, O_HIGH, O_PERSON, O_LIMIT, O_POINTS = range(8)
OPTION_WIDE = 8
# What a step moved: task, where, fixed before it
MOVE_WIDE = 3

# A spot: point on the unit sphere; SPEED of a person
X, Y, Z, SPEED = range(4)


class Rules(NamedTuple):
    """What the rules say of a pair is worked out from."""

    people: People
    asks: Asks


class Work(NamedTuple):
    """Everything together. `m`, `spots` change or are read in the inner loops, the rest is asked now and then."""

    m: I64
    spots: F64  # [people + asks, 4]
    rules: Rules
    grids: Grids
    hard: I64  # units, the hardest first
    along: I64  # units, strip by strip of the map


@compiled
def shift_at(m: Any, s: int) -> int:
    """Return where a shift's row begins."""
    return m[SHIFTS] + s * SHIFT_WIDE


@compiled
def unit_at(m: Any, u: int) -> int:
    """Return where a unit's row begins."""
    return m[UNITS] + u * UNIT_WIDE


@compiled
def task_at(m: Any, t: int) -> int:
    """Return where a task's row begins."""
    return m[TASKS] + t * TASK_WIDE


@compiled
def stop_at(m: Any, s: int, i: int) -> int:
    """Return where a stop's row begins."""
    return m[STOPS] + (s * m[LONGEST] + i) * STOP_WIDE


@compiled
def person_at(m: Any, v: int) -> int:
    """Return where a person's row begins."""
    return m[PERSONS] + v * PERSON_WIDE


@compiled
def unit_of_stop(m: Any, s: int, i: int) -> int:
    """Return where the row of the unit begins that a stop serves."""
    return unit_at(m, m[task_at(m, m[stop_at(m, s, i) + TASK]) + TASK_UNIT])


@compiled
def spot_of(m: Any, s: int, i: int) -> int:
    """Return the spot of a stop; before the first and after the last one it is home."""
    row = shift_at(m, s)
    if i < 0 or i >= m[row + SIZE]:
        return m[row + PERSON]
    return m[unit_of_stop(m, s, i) + SPOT]
