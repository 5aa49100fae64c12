"""What the weekly kernel works on: plain tables, their columns named here. Numbering is the solving order of `paths`.

People, asks and grids are those of the `paths` engine, made by the same code. A *unit* is a requirement, a *task* one
place of it (a crew of three: one unit, three tasks), a *shift* one stretch of one person's hours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from matcher.problem import I32, I64, U8
from matcher.solvers.paths.values import Asks, Grids, People

#: No start, no shift.
NEVER = -1
#: In place of an ask: the person's home.
HOME_ASK = -1

# `Shifts.rows`
PERSON, FROM_S, UNTIL_S, DAY, MOST = range(5)


class Shifts(NamedTuple):
    """Stretches of free hours, by person and time."""

    rows: I64  # [S, 5]
    of_person: I64  # [V + 1]


# `Units.rows`; PRICE of one place left open; rows of `windows` and of `told`; FIRST task; REQUEST: NEVER where the
# unit is its request's only one
ASK, FIRST, PLACES, LEAST, COMPOUND, PRICE, LENGTH_S, WINDOW_AT, WINDOW_END, TOLD_AT, TOLD_END, REQUEST = range(12)


class Units(NamedTuple):
    """What is asked for. `windows`: first and last start. `told`: person, start."""

    rows: I64  # [U, 12]
    windows: I64  # [., 2]
    told: I64  # [., 2]
    near: I32  # [U, NEAR] other units, the nearest first, -1 = no more
    hard: I64  # [U] the lower, the sooner it is placed
    unit_of: I32  # [T]


class Lists(NamedTuple):
    """The nearest capable shifts of each unit, each able to serve it alone: the first COUNT of its row."""

    shift: I32  # [U, NEAREST]
    metres: I64  # [U, NEAREST] one way
    count: I64  # [U]


# `Terms`
REST_S, DUTY, DISTURBANCE, CROWD_MAX, DAY_MAX, ORIGIN_S, PRICED = range(7)


class Routes(NamedTuple):
    """The plan while it is made: tasks of each shift in order, their earliest and latest starts."""

    task: I32  # [S, K]
    size: I32  # [S]
    begin: I64  # [S, K]
    last: I64  # [S, K]
    where: I32  # [T] shift, NEVER = open
    fixed: I64  # [T] start that may not move while it is placed, NEVER = it may
    pinned: U8  # [T]
    visits: I64  # [V]
    crowd: I32  # [compounds, hours]


# `Scratch.counts`
OPTIONS, CANDIDATES, TOUCHED, MOVED, STAMP, SEEN, PICKED = range(7)
# `Scratch.options`
O_DELTA, O_SHIFT, O_AT, O_LOW, O_HIGH, O_PERSON, O_TOLD = range(7)


class Scratch(NamedTuple):
    """Working memory of one step, and what undoes it."""

    counts: I64  # [7]
    options: I64  # [., 7]
    keys: I64  # options in order of cost
    candidates: I32
    seen: I64  # [S] stamp of the last gathering
    stamp: I64  # [S] step in which the shift was saved
    touched: I32
    saved: I32  # [., K]
    saved_size: I32
    moved: I64  # [., 3] task, shift, fixed before the step
    units: I32
    picked: I64  # options picked for a crew
    best: I64  # the best pick so far
    random: npt.NDArray[np.uint64]  # [1]


class Work(NamedTuple):
    """Everything that the kernel's functions share."""

    people: People
    asks: Asks
    grids: Grids
    shifts: Shifts
    units: Units
    lists: Lists
    capacity: I64  # [V]
    owing: U8  # [V]
    terms: I64
    routes: Routes
    scratch: Scratch
