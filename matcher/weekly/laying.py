"""From a week to the kernel's tables: shifts, units with their starts, lists, and the work that is pinned.

Called by `planning`. People, asks and grids are laid out by `paths.ground`, so that pairs are judged as in a beat.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from matcher import geo
from matcher.candidates import Candidates
from matcher.hours import Stretch, merged
from matcher.problem import I32, I64
from matcher.solvers.paths import ground
from matcher.solvers.paths.ground import Ground
from matcher.weekly import clockwork, listing, shifts
from matcher.weekly.crewing import OPTION_BITS
from matcher.weekly.searching import RUIN_MAX
from matcher.weekly.steps import HOUR_S
from matcher.weekly.tables import MOST, NEVER, Lists, Routes, Scratch, Shifts, Units, Work
from matcher.weekly.week import Week

#: The nearest shifts that a unit's list holds, and the other units around it that the search looks at.
NEAREST, NEAR = 48, 32
#: The price of one open place of weight 1: more than all ways of any week together.
OPEN_POINTS = 10**8
#: `Routes.where` of a pinned place that lies outside its person's shifts.
OUTSIDE = -2

Pin = tuple[int, int, int]  # requirement, person, start


@dataclass(frozen=True)
class Laid:
    """The tables of one week. `order`, `who`: the problem's numbers of units and people."""

    work: Work
    order: I64
    who: I64
    outside: list[Pin]


def lay(week: Week, seed: int) -> Laid:
    """Lay out a week; pinned work is in its routes, everything else is open."""
    pins = [pin for pin in zip(*(column.tolist() for column in week.pinned), strict=True)]
    stable = _serving(week, pins)
    candidates = Candidates(stable.problem)
    floor = ground.of_problem(stable.problem, candidates)
    outside: set[int] = set()
    while True:
        laid = _tables(stable, floor, pins, outside, seed)
        failed = _pin(laid, pins, outside)
        if not failed:
            break
        outside |= failed
    listing.list_all(laid.work)
    _hardest(laid.work)
    return laid


def _serving(week: Week, pins: list[Pin]) -> Week:
    """Bar those who are pinned to a requirement from its other places."""
    asked = week.problem.requirements
    rows = np.concatenate((asked.serving[0], np.array([r for r, _, _ in pins], np.int32)))
    people = np.concatenate((asked.serving[1], np.array([p for _, p, _ in pins], np.int32)))
    return replace(week, problem=replace(week.problem, requirements=replace(asked, serving=(rows, people))))


def _tables(week: Week, floor: Ground, pins: list[Pin], outside: set[int], seed: int) -> Laid:
    beyond = [pin for pin in pins if pin[1] in outside]
    rows, of_person = shifts.of_people(week, floor.who, _busy(week, beyond))
    units = _units(week, floor, pins)
    problem, size = week.problem, len(rows)
    owing = np.zeros(len(floor.who), np.uint8) if week.owing is None else week.owing[floor.who].astype(np.uint8)
    asked = problem.requirements
    priced = bool(asked.favours or asked.wishes.skill.size or problem.people.points)
    terms = (
        problem.rest_s, week.duty_points, week.disturbance_points, week.crowd_max, week.day_max, week.from_s, priced,
    )  # fmt: skip
    capacity = problem.people.capacity[floor.who].astype(np.int64)
    spent = Counter(p for _, p, _ in beyond)
    work = Work(
        people=floor.people,
        asks=floor.asks,
        grids=floor.grids,
        shifts=Shifts(np.ascontiguousarray(rows), of_person),
        units=units,
        lists=Lists(
            np.full((len(units.rows), NEAREST), NEVER, np.int32),
            np.zeros((len(units.rows), NEAREST), np.int64),
            np.zeros(len(units.rows), np.int64),
        ),
        capacity=capacity - np.array([spent[p] for p in floor.who.tolist()], np.int64),
        owing=np.where([spent[p] > 0 for p in floor.who.tolist()], 0, owing).astype(np.uint8),
        terms=np.array(terms, np.int64),
        routes=_routes(week, size, int(rows[:, MOST].max(initial=1)), len(units.unit_of), len(floor.who)),
        scratch=_scratch(size, int(rows[:, MOST].max(initial=1)), units, seed),
    )
    return Laid(work, floor.order, floor.who, beyond)


# --- units ---------------------------------------------------------------------------------------------------------


def _units(week: Week, floor: Ground, pins: list[Pin]) -> Units:
    asked, order = week.problem.requirements, floor.order
    places = asked.people[order].astype(np.int64)
    first = np.concatenate(([0], np.cumsum(places))).astype(np.int64)
    agreed = {r: start for r, _, start in pins}
    windows = [_windows(week, r, agreed.get(r, NEVER)) for r in order.tolist()]
    at = np.concatenate(([0], np.cumsum([len(some) for some in windows]))).astype(np.int64)
    told_at, told = _told(week, floor)
    apart = (asked.fixed_start_s[order] >= 0) | np.isin(order, list(agreed))
    capped = week.compound is not None and week.crowd_max > 0
    compound = week.compound[order] if capped and week.compound is not None else np.full(len(order), NEVER)
    columns = (
        floor.ask, first[:-1], places, np.where(apart, 1, asked.minimum[order]), compound,
        asked.weight[order].astype(np.int64) * OPEN_POINTS + asked.waiting[order], asked.duration_s[order],
        at[:-1], at[1:], told_at[:-1], told_at[1:], _requests(week, order),
    )  # fmt: skip
    return Units(
        rows=np.ascontiguousarray(np.column_stack(columns).astype(np.int64)),
        windows=np.array([w for some in windows for w in some], np.int64).reshape(-1, 2),
        told=told,
        near=_near(floor),
        hard=np.arange(len(order), dtype=np.int64),
        unit_of=np.repeat(np.arange(len(order), dtype=np.int32), places),
    )


def _windows(week: Week, r: int, agreed_s: int) -> list[tuple[int, int]]:
    """Return first and last starts of a requirement: its window, while residents are in; one start where agreed."""
    asked = week.problem.requirements
    duration, fixed = int(asked.duration_s[r]), int(asked.fixed_start_s[r])
    if agreed_s != NEVER:
        return [(agreed_s, agreed_s)]
    begin, end = int(asked.earliest_s[r]), int(asked.latest_s[r])
    found = []
    for a, b in presence(week, r):
        first, last = max(a, begin), min(b, end) - duration
        if fixed >= 0:
            first, last = (fixed, fixed) if first <= fixed <= last else (1, 0)
        if first <= last:
            found.append((first, last))
    return found


def presence(week: Week, r: int) -> list[Stretch]:
    """Return when residents are in for a requirement, touching stretches as one."""
    asked, stretches = week.problem.requirements, week.presence
    if stretches is None:
        return [(int(asked.earliest_s[r]), int(asked.latest_s[r]))]
    part = slice(int(stretches.indptr[r]), int(stretches.indptr[r + 1]))
    return merged(zip(stretches.from_s[part].tolist(), stretches.until_s[part].tolist(), strict=True))


def _requests(week: Week, order: I64) -> I64:
    """Return a number for each request of several requirements, NEVER for others."""
    names = [week.problem.requirements.ids[r][0] for r in order.tolist()]
    many = Counter(names)
    numbers = {name: n for n, name in enumerate(name for name, times in many.items() if times > 1)}
    return np.array([numbers.get(name, NEVER) for name in names], np.int64)


def _told(week: Week, floor: Ground) -> tuple[I64, I64]:
    """Return who was told, CSR by unit: (person, start)."""
    unit, person = _numbers(floor.order, week.told[0]), _numbers(floor.who, week.told[1])
    known = (unit >= 0) & (person >= 0)
    table = np.column_stack((unit, person, week.told[2]))[known]
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    return ground.indptr(table[:, 0], len(floor.order)), np.ascontiguousarray(table[:, 1:])


def _numbers(order: I64, rows: I32) -> I64:
    """Return the solving number of each row of the problem, NEVER where it has none."""
    dense = np.full(max(int(order.max(initial=0)), int(rows.max(initial=0))) + 1, NEVER, np.int64)
    dense[order] = np.arange(len(order))
    return dense[rows]


def _near(floor: Ground) -> I32:
    """Return the nearest other units of each; at one point, in any order that is always the same."""
    points = floor.asks.place[floor.ask, :3]
    found = min(NEAR + 1, len(points))
    _, table = cKDTree(points).query(points, k=np.arange(1, found + 1))
    own = np.arange(len(points))[:, None]
    # the point itself need not come first among equals: push it, or else the last, to the end
    last = np.where((table == own).any(axis=1), own[:, 0], table[:, -1])
    order = np.argsort(table == last[:, None], axis=1, kind="stable")
    near = np.take_along_axis(table, order, axis=1)[:, :-1]
    return np.ascontiguousarray(near.astype(np.int32))


def _hardest(work: Work) -> None:
    """Order units by the time that their starts leave, the tightest first; of equals large crews, then short lists."""
    rows, windows = work.units.rows, work.units.windows
    slack = np.zeros(len(windows) + 1, np.int64)
    slack[1:] = np.cumsum(windows[:, 1] - windows[:, 0])
    free = slack[rows[:, 8]] - slack[rows[:, 7]]
    work.units.hard[:] = np.lexsort((work.lists.count, -rows[:, 2], free))


# --- pinned work ---------------------------------------------------------------------------------------------------


def _busy(week: Week, pins: list[Pin]) -> dict[int, list[Stretch]]:
    """Return the time that pinned work takes which lies outside its people's shifts, travel and rest included."""
    busy: dict[int, list[Stretch]] = defaultdict(list)
    asked, people, rest = week.problem.requirements, week.problem.people, week.problem.rest_s
    for r, p, start in pins:
        metres = geo.distance_m(float(asked.lat[r]), float(asked.lon[r]), float(people.lat[p]), float(people.lon[p]))
        way_s = int(np.ceil(metres / people.speed_mps[p]))
        end = start + int(asked.duration_s[r])
        busy[p].append((start - way_s - rest, end + max(rest, way_s)))
        if week.day_max:  # such a visit is in no shift: nobody counts it, so the day is full
            busy[p].append(_day_of(week, start))
    return busy


def _day_of(week: Week, moment_s: int) -> Stretch:
    before = [m for m in week.midnights_s if m <= moment_s]
    after = [m for m in week.midnights_s if m > moment_s]
    return max(before, default=week.from_s), min(after, default=week.until_s)


def _pin(laid: Laid, pins: list[Pin], outside: set[int]) -> set[int]:
    """Put pinned work into its routes; return the people whose work does not fit into their shifts."""
    work, tasks = laid.work, _open_tasks(laid)
    unit, person = _inverse(laid.order), _inverse(laid.who)
    routes: dict[int, list[Pin]] = defaultdict(list)
    failed = set()
    for pin in sorted(pins, key=lambda pin: (pin[2], pin[1], pin[0])):
        r, p, start = pin
        s = NEVER if p in outside else _shift_at(work, person.get(p, NEVER), start)
        if p not in outside and s == NEVER:
            failed.add(p)
            continue
        routes[s].append((tasks[unit[r]].pop(), p, start))
    for s, own in routes.items():
        if not _seat(work, s, own):
            failed.add(own[0][1])
    return failed


def _open_tasks(laid: Laid) -> dict[int, list[int]]:
    rows = laid.work.units.rows
    return {u: list(range(a, a + n))[::-1] for u, (a, n) in enumerate(zip(rows[:, 1], rows[:, 2], strict=True))}


def _inverse(order: I64) -> dict[int, int]:
    return {row: number for number, row in enumerate(order.tolist())}


def _shift_at(work: Work, v: int, start: int) -> int:
    """Return the shift of a person that holds a moment."""
    if v == NEVER:
        return NEVER
    for s in range(int(work.shifts.of_person[v]), int(work.shifts.of_person[v + 1])):
        if work.shifts.rows[s, 1] <= start < work.shifts.rows[s, 2]:
            return s
    return NEVER


def _seat(work: Work, s: int, own: list[Pin]) -> bool:
    """Put tasks with their starts into a shift, in order of time; False where they do not fit."""
    from matcher.weekly import steps

    routes = work.routes
    for t, _, start in own:
        routes.where[t], routes.fixed[t], routes.pinned[t] = (OUTSIDE if s == NEVER else s), start, 1
        steps.crowd(work, int(work.units.unit_of[t]), start, 1)
    if s == NEVER:
        return True
    if len(own) > routes.task.shape[1]:
        return False
    routes.task[s, : len(own)] = [t for t, _, _ in own]
    routes.size[s] = len(own)
    routes.visits[work.shifts.rows[s, 0]] += len(own)
    return bool(clockwork.schedule(work, s))


# --- memory --------------------------------------------------------------------------------------------------------


def _routes(week: Week, size: int, longest: int, tasks: int, people: int) -> Routes:
    compounds = 0 if week.compound is None else int(week.compound.max(initial=-1)) + 1
    hours = (week.until_s - week.from_s) // HOUR_S + 2
    longest = max(1, longest)
    return Routes(
        task=np.zeros((size, longest), np.int32),
        size=np.zeros(size, np.int32),
        begin=np.zeros((size, longest), np.int64),
        last=np.zeros((size, longest), np.int64),
        where=np.full(tasks, NEVER, np.int32),
        fixed=np.full(tasks, NEVER, np.int64),
        pinned=np.zeros(tasks, np.uint8),
        visits=np.zeros(people, np.int64),
        crowd=np.zeros((max(1, compounds), hours), np.int32),
    )


def _scratch(size: int, longest: int, units: Units, seed: int) -> Scratch:
    crew = int(units.rows[:, 2].max(initial=1))
    moves = (RUIN_MAX + NEAR + 2) * 2 * crew
    return Scratch(
        counts=np.zeros(7, np.int64),
        options=np.zeros((1 << OPTION_BITS, 7), np.int64),
        keys=np.zeros(1 << OPTION_BITS, np.int64),
        candidates=np.zeros(size + 1, np.int32),
        seen=np.zeros(size, np.int64),
        stamp=np.zeros(size, np.int64),
        touched=np.zeros(moves, np.int32),
        saved=np.zeros((moves, max(1, longest)), np.int32),
        saved_size=np.zeros(moves, np.int32),
        moved=np.zeros((moves, 3), np.int64),
        units=np.zeros(NEAR + 1, np.int64),
        picked=np.zeros(crew + 1, np.int64),
        best=np.zeros(crew + 1, np.int64),
        random=np.array([_mixed(seed)], np.uint64),
    )


def _mixed(seed: int) -> int:
    """Return a start of the random numbers that is not zero and differs from seed to seed."""
    return ((seed + 1) * 0x9E3779B97F4A7C15 | 1) & (2**64 - 1)
