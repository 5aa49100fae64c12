"""A plan that was made elsewhere put into the kernel's routes, visit by visit; what does not fit stays open.

Called by `planning` for a search that begins with a given plan. Every visit is judged again, as when it is inserted.
"""

from __future__ import annotations

from collections import defaultdict

from matcher.problem import I32, I64
from matcher.weekly import tables
from matcher.weekly.choosing import allows, fit
from matcher.weekly.crewing import room_at
from matcher.weekly.laying import Laid, shift_at_moment
from matcher.weekly.pairs import has_room, last_able, pair_points, told_start
from matcher.weekly.steps import begin_step, put_in, take_out
from matcher.weekly.tables import NEVER, Work, stop_at, task_at, unit_at

Start = tuple[I32, I32, I64]


def seat(laid: Laid, start: Start) -> None:
    """Put (requirement, person, start) into the routes in order of time; crews that are not whole are opened again."""
    unit = {row: u for u, row in enumerate(laid.order.tolist())}
    person = {row: v for v, row in enumerate(laid.who.tolist())}
    seated: set[int] = set()
    rows = zip(start[2].tolist(), start[1].tolist(), start[0].tolist(), strict=True)
    for begin_s, p, r in sorted(rows):
        if p in person and r in unit and _seated(laid.work, unit[r], person[p], begin_s):
            seated.add(unit[r])
    for u in sorted(seated):
        _open_if_short(laid.work, u)


def _seated(work: Work, u: int, v: int, begin_s: int) -> bool:
    """Put one visit where it was; False where it cannot be, or is there already (pinned)."""
    m, spots, rules = work.m, work.spots, work.rules
    t, s = _open_task(m, u), shift_at_moment(work, v, begin_s)
    if NEVER in (t, s) or not has_room(m, u, s):
        return False
    limit = last_able(m, spots, rules, u, v)
    if limit == NEVER:
        return False
    at = _place(m, s, begin_s)
    low, high = fit(m, spots, u, s, at, limit)
    if low == NEVER:
        return False
    fixed = NEVER
    row = unit_at(m, u)
    if m[row + tables.PLACES] > 1 or m[row + tables.COMPOUND] >= 0 or told_start(m, u, v) == begin_s:
        if not allows(m, u, low, high, begin_s) or room_at(m, u, begin_s) < 1 or _others(m, u, begin_s):
            return False
        fixed = begin_s
    begin_step(m)
    put_in(m, spots, t, s, at, fixed, limit, pair_points(m, rules, u, v))
    return True


def _open_task(m: I64, u: int) -> int:
    """Return the first open place of a unit, NEVER where all are filled."""
    return next((t for t in _tasks(m, u) if m[task_at(m, t) + tables.TASK_WHERE] == NEVER), NEVER)


def _others(m: I64, u: int, begin_s: int) -> bool:
    """Say whether others of the crew begin at another time."""
    return any(m[task_at(m, t) + tables.TASK_FIXED] not in (NEVER, begin_s) for t in _tasks(m, u))


def _tasks(m: I64, u: int) -> range:
    first = int(m[unit_at(m, u) + tables.FIRST])
    return range(first, first + int(m[unit_at(m, u) + tables.PLACES]))


def _place(m: I64, s: int, begin_s: int) -> int:
    """Return how many stops of a route begin before a moment."""
    at, size = 0, int(m[tables.shift_at(m, s) + tables.SIZE])
    while at < size and m[stop_at(m, s, at) + tables.BEGIN] < begin_s:
        at += 1
    return at


def _open_if_short(work: Work, u: int) -> None:
    """Open a unit's places again that are fewer than it must have."""
    m = work.m
    own: defaultdict[bool, list[int]] = defaultdict(list)
    for t in _tasks(m, u):
        if m[task_at(m, t) + tables.TASK_WHERE] != NEVER:
            own[bool(m[task_at(m, t) + tables.TASK_PINNED])].append(t)
    if not own[True] and len(own[False]) < m[unit_at(m, u) + tables.LEAST]:
        for t in own[False]:
            begin_step(m)
            take_out(m, work.spots, t)
