"""What the kernel works on: few plain tables, their columns named here. Numbering is the solving order.

Made by `ground` and `batch`, read and changed by the kernel's functions. A row is what one look needs (a cache line);
there are few tables because every call in the kernel hands them all on.
"""

from __future__ import annotations

from typing import NamedTuple

from numpy import float32
from numpy.typing import NDArray

from matcher.problem import F64, I32, I64, U8

F32 = NDArray[float32]

#: Beyond every price and cost.
FAR = 2**61
#: A list entry is cost << 32 | person: sorted by cost, then by solving rank.
PERSON_BITS = 32
PERSON_MASK = 2**32 - 1


# `People.place`, and the first three of `Asks.place` (unit sphere)
X, Y, Z, REACH_M, SPEED_MPS = range(5)
# `People.facts`: POINTS are the cost terms of the person alone; `..._AT, ..._END` are rows of other tables
POINTS, HOME, HOURS_AT, HOURS_END, BUSY_AT, BUSY_END, CERT_AT, CERT_END = range(8)


class People(NamedTuple):
    """Everybody who could be asked at all, by solving rank."""

    place: F64  # [V, 5]
    facts: I64  # [V, 8]
    levels: U8  # [V, skills]
    hours: I64  # [., 2] from, until
    busy: I64  # [., 2] from, until
    certs: I64  # [., 2] skill, expires


# `Asks.place` (radians)
LAT, LON = 3, 4
# `Asks.facts`: people in BARRED_AT ... may not serve, or, where CHOOSY, only they may; FLOOR_POINTS is what everybody
# pays but those in SPARED_AT ...
(
    DEPART_S, EARLIEST_S, LATEST_S, DURATION_S, FIXED_START_S, CIRCLE_S, ZONE, GRID, CHOOSY, FLOOR_POINTS,
    NEED_AT, NEED_END, BARRED_AT, BARRED_END, WISH_AT, WISH_END, SPARED_AT, SPARED_END,
    NEAR_M, NEAR_POINTS, FAR_M, FAR_POINTS, FAR_MOST,
) = range(23)  # fmt: skip


class Asks(NamedTuple):
    """What is asked for: requirements that ask the very same share one ask, hence one list."""

    place: F64  # [A, 5]
    facts: I64  # [A, 23]; the last five are the same for all (`policy.Bands`)
    needs: I64  # [., 2] skill, level
    barred: I64  # people
    wishes: I64  # [., 3] skill, level, points for whoever lacks it
    spared: I64  # [., 2] person, points of the floor that they do not pay


# `Grids.frame` (radians, metres) and `Grids.shape`
SOUTH, WEST, HIGH, WIDE, FURTHEST_M = range(5)
ROWS, COLS, CELLS_AT = range(3)


class Grids(NamedTuple):
    """People by cells of latitude and longitude, one grid a skill; cells row by row, entries by rank."""

    frame: F64  # [Q, 5]
    shape: I64  # [Q, 3]
    starts: I64
    entries: I32
    spots: F64  # [entries, 4] X, Y, Z and CHORD: of whom stands there, so that a scan reads one row after the other


CHORD = 3
#: The square of a chord of the unit sphere, as a whole number: CHORD_UNITS a unit.
CHORD_UNITS = 2.0**58

# `Trees.frame` (a point of the unit sphere, metres) and `Trees.shape` (nodes: the leaves, then whatever holds them)
MARGIN_M, FURTHEST_M = 3, 4
LEAVES_AT, LEAVES_END, NODES_END = range(3)


class Trees(NamedTuple):
    """Places in boxes of boxes, one tree a skill: people, or asks where people look for them.

    Spots and boxes are relative to the tree's frame and rounded: MARGIN_M is what a distance may be off.
    """

    frame: F64  # [Q, 5] X, Y, Z, MARGIN_M, FURTHEST_M
    shape: I64  # [Q, 3]
    entries: I32  # who stands there
    spots: F32  # [entries, 4] X, Y, Z, and the square of the chord of their reach
    kids: I32  # [nodes, 2] entries of a leaf, else nodes
    parents: I32  # [nodes]
    boxes: F32  # [nodes, 6] least X, Y, Z, most X, Y, Z
    low: I64  # [nodes] what everybody below costs at least beside the way
    wait_node: I64  # nodes that one look still has to open
    wait_value: F64


# `Lists.table`: every feasible pair not listed costs at least BOUND, and at least WORTH with the person's price as long
# as prices only rise (0: nothing is known of that). Looked at are TRIED people, all up to the square of the chord CUT
# (at CUT itself up to person CUT_AT); rings before RING hold nobody else
AT, LENGTH, ROOM, BOUND, RING, CUT, CUT_AT, TRIED, WORTH = range(9)

# `Lists.near`: the people that one step of the search looks at, a heap with the last one first; `best` by worth
SQUARE, WHO, IN_RING = range(3)

# `Lists.top`: first free place in `keys`; how many wait in `doubts`; the last TOKEN in `seen`; people to LOOK at
# together; 1: lists are CLOSED, as long as they shall ever be
TOP, DOUBTS, TOKEN, LOOK, CLOSED = range(5)
#: Instead of a cost: a hard rule forbids the pair; only the rules themselves can say.
FORBIDDEN, DOUBTFUL = -1, -2


class Lists(NamedTuple):
    """The pairs found so far by ask, sorted. `judged`: pairs where rounding decides, by the rules' own word."""

    keys: I64
    table: I64  # [A, 9]
    top: I64  # [4]
    near: I64  # [., 3]
    fresh: I64
    judged: I64  # [., 2] ask << 32 | person (sorted), cost or FORBIDDEN
    doubts: I64  # pairs that wait to be judged
    seen: I32  # [V] TOKEN: listed by the ask that looks at present
    best_value: F64
    best: I64


# `Flow.nodes`: people, then requirements. PRICE: p_v, pi_r; slots FIRST ... FIRST + SIZE, COUNT of them taken; then the
# present search: DIST, VIA (node before), COST of the pair by which a person was reached (of a requirement: the
# distance from which on its list may be too short), PLACE in the heap
PRICE, FIRST, COUNT, SIZE, DIST, VIA, COST, PLACE = range(8)
# `Flow.slots`: who is on the other side, at what cost
OTHER, PAIR_COST = range(2)
# `Flow.needs`: U_r at the present U', places that stay OPEN
ASK, WEIGHT, UNSERVED, OPEN = range(4)
# `Flow.counts`
TOUCHED, SEEN, WAITING = range(3)


class Flow(NamedTuple):
    """Who serves what, the prices, and the working memory of one search (clean between searches)."""

    nodes: I64  # [V + R, 8]
    slots: I64  # [., 2]
    needs: I64  # [R, 4]
    heap: I64  # nodes
    touched: I64
    seen: I64  # asks
    ask_best: I64  # [A]
    counts: I64  # [3]


class Leaves(NamedTuple):
    """In which leaves of the trees people stand."""

    at: I64  # [V + 1] rows of `leaf`
    leaf: I32


class Market(NamedTuple):
    """What an auction works on: who holds whom, the best pairs of each ask, the leaves where people stand."""

    holder: I64  # [V] requirement, or -1
    pair: I64  # [R] as in lists, or -1
    cache: I64  # [A + 1, .]
    leaves: Leaves


class Asking(NamedTuple):
    """Who could be wanted by whom: asks in trees of their own, and the requirements of each."""

    trees: Trees
    worth: I64  # [A, 1] the most that a requirement of the ask pays, below zero
    member_at: I64  # [A + 1] rows of `members`
    members: I64
    leaves: Leaves


class Work(NamedTuple):
    """Everything that the kernel's functions share."""

    people: People
    asks: Asks
    grids: Grids
    trees: Trees  # none as long as nothing asks for people by price
    lists: Lists
    flow: Flow
