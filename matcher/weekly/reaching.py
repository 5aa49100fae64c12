"""Kernel: every shift that could serve a unit, every person whom any unit would suit; nothing is left out here.

Called by `reasons` for what stays open. Not part of the search, whose lists are short.
"""

from __future__ import annotations

from typing import Any

from matcher.weekly.clockwork import first_start, last_start, seconds_of, way_m
from matcher.weekly.compiling import compiled
from matcher.weekly.pairs import alone, last_able
from matcher.weekly.tables import (
    DEPART,
    FIRST_SHIFT,
    FROM_S,
    LENGTH_S,
    NEVER,
    OWING,
    PERSON_COUNT,
    PERSON_WIDE,
    SPOT,
    UNIT_COUNT,
    UNTIL_S,
    VISITS,
    person_at,
    shift_at,
    unit_at,
)


@compiled
def capable(work: Any, u: int, out: Any) -> int:
    """Write (person, first start, last start) of every shift that could serve a unit alone; return how many."""
    m, found = work.m, 0
    for v in range(m[PERSON_COUNT]):
        limit = last_able(m, work.spots, work.rules, u, v)
        if limit == NEVER:
            continue
        for s in range(m[person_at(m, v) + FIRST_SHIFT], m[person_at(m, v) + PERSON_WIDE + FIRST_SHIFT]):
            if alone(m, work.spots, u, s, limit):
                low, high = starts(m, work.spots, u, v, s, limit)
                out[found, 0], out[found, 1], out[found, 2] = v, low, high
                found += 1
    return found


@compiled
def starts(m: Any, spots: Any, u: int, v: int, s: int, limit: int) -> tuple[int, int]:
    """Return first and last start of a unit that has a shift for itself."""
    shift, unit = shift_at(m, s), unit_at(m, u)
    way_s = seconds_of(spots, v, way_m(spots, v, m[unit + SPOT]))
    low = first_start(m, u, max(m[shift + FROM_S], m[unit + DEPART]) + way_s)
    return low, last_start(m, u, min(m[shift + UNTIL_S] - way_s - m[unit + LENGTH_S], limit))


@compiled
def wanted(work: Any, out: Any) -> None:
    """Say for each person who owes a visit and has none whether any unit would suit them: 1 or 0; -1 for all others."""
    m = work.m
    for v in range(m[PERSON_COUNT]):
        out[v] = -1
        if m[person_at(m, v) + OWING] > 0 and m[person_at(m, v) + VISITS] == 0:
            out[v] = 1 if suits_any(m, work.spots, work.rules, v) else 0


@compiled
def suits_any(m: Any, spots: Any, rules: Any, v: int) -> bool:
    """Say whether a person could serve any unit at all."""
    begin, end = m[person_at(m, v) + FIRST_SHIFT], m[person_at(m, v) + PERSON_WIDE + FIRST_SHIFT]
    if begin == end:
        return False
    for u in range(m[UNIT_COUNT]):
        limit = last_able(m, spots, rules, u, v)
        if limit == NEVER:
            continue
        for s in range(begin, end):
            if alone(m, spots, u, s, limit):
                return True
    return False
