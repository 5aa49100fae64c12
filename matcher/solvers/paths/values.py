"""What the kernel works on: plain arrays under names. People and requirements are numbered in solving order.

Made by `ground`, read and changed by the kernel's functions. Holds no Python object per person or request.
"""

from __future__ import annotations

from typing import NamedTuple

from matcher.problem import F64, I32, I64, U8

#: Beyond every price and cost.
FAR = 2**61
#: A list entry is cost << 32 | person: sorted by cost, then by solving rank.
PERSON_BITS = 32
PERSON_MASK = 2**32 - 1


class People(NamedTuple):
    """Everybody who could be asked at all, by solving rank. `x, y, z`: on the unit sphere."""

    x: F64
    y: F64
    z: F64
    reach_m: F64
    speed_mps: F64
    points: I64  # cost terms of the person alone, >= 0
    zone: I32
    levels: U8  # [V, skills]
    hours: I32
    hours_at: I64  # CSR by hours row
    hours_from_s: I64
    hours_until_s: I64
    busy_at: I64  # CSR by person
    busy_from_s: I64
    busy_until_s: I64
    cert_at: I64  # CSR by person
    cert_skill: I32
    cert_expires_s: I64


class Asks(NamedTuple):
    """What is asked for: requirements that ask the very same share one ask, hence one list."""

    now_s: I64  # [1]
    x: F64
    y: F64
    z: F64
    lat: F64  # radians
    lon: F64
    earliest_s: I64
    latest_s: I64
    duration_s: I64
    fixed_start_s: I64
    zone: I32
    need_at: I64  # CSR by ask
    need_skill: I32
    need_level: U8
    barred_at: I64  # CSR by ask
    barred: I32
    grid: I32


class Grids(NamedTuple):
    """People by cells of latitude and longitude, one grid a skill (radians; cells row by row; entries by rank)."""

    south: F64
    west: F64
    high: F64
    wide: F64
    rows: I64
    cols: I64
    reach_m: F64  # of the grid's people at most
    cells_at: I64  # where the grid's cells begin in `starts`
    starts: I64
    entries: I32


class Lists(NamedTuple):
    """The pairs found so far by ask, sorted; every feasible pair not listed costs at least `bound`.

    `ring, step, entry`: where the search goes on.
    """

    keys: I64
    top: I64  # [1] first free place in `keys`
    at: I64
    length: I64
    room: I64
    bound: I64
    ring: I64
    step: I64
    entry: I64
    fresh: I64


class Flow(NamedTuple):
    """Who serves what, and the prices. Slots of requirements and people are CSR by supply and by capacity."""

    ask: I32
    weight: I64
    unserved: I64  # U_r at the present U'
    open: I64  # places that stay unserved
    pays: I64  # pi_r
    serve_at: I64
    serve_count: I64
    served_by: I32
    served_cost: I64
    price: I64  # p_v
    hold_at: I64
    hold_count: I64
    holder: I32


class Scratch(NamedTuple):
    """Working memory of one search, clean between searches."""

    dist: I64  # people, then requirements
    via: I32
    cost: I64  # of the pair by which a person was reached
    touched: I32
    count: I64  # [0] touched, [1] asks touched, [2] heap
    ask_best: I64
    asks: I32
    heap: I32
    place: I32


class Work(NamedTuple):
    """Everything that the kernel's functions share."""

    people: People
    asks: Asks
    grids: Grids
    lists: Lists
    flow: Flow
    scratch: Scratch
