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
from matcher.solvers.paths.values import LAT, LON, SPEED_MPS
from matcher.weekly import clockwork, listing, shifts, steps, tables
from matcher.weekly.memory import Memory
from matcher.weekly.searching import RUIN_MAX
from matcher.weekly.steps import HOUR_S
from matcher.weekly.tables import NEAR, NEVER, OUTSIDE, Rules, Work
from matcher.weekly.week import Week

#: The price of one open place of weight 1: more than all ways of any week together.
OPEN_POINTS = 10**8
#: The width of a strip of the map whose units are listed one after the other.
STRIP_M = 500.0

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
    pins = list(zip(*(column.tolist() for column in week.pinned), strict=True))
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
    memory = Memory()
    _put_terms(memory, week, seed)
    _put_units(memory, week, floor, pins)
    _put_people(memory, week, floor, of_person, Counter(p for _, p, _ in beyond))
    longest = max(1, int(rows[:, tables.MOST].max(initial=1)))
    _put_routes(memory, week, rows, longest)
    _put_lists(memory, floor)
    crew = int(week.problem.requirements.people.max(initial=1))
    _put_scratch(memory, len(rows), longest, crew)
    homes = np.column_stack((floor.people.place[:, :3], floor.people.place[:, SPEED_MPS]))
    places = np.column_stack((floor.asks.place[:, :3], np.ones(len(floor.asks.place))))
    work = Work(
        m=memory.laid(),
        spots=np.ascontiguousarray(np.concatenate((homes, places))),
        rules=Rules(floor.people, floor.asks),
        grids=floor.grids,
        hard=np.arange(len(floor.order), dtype=np.int64),
        along=_along(floor),
    )
    return Laid(work, floor.order, floor.who, beyond)


def _put_terms(memory: Memory, week: Week, seed: int) -> None:
    asked = week.problem.requirements
    priced = bool(asked.favours or asked.wishes.skill.size or week.problem.people.points)
    values = {
        tables.REST_S: week.problem.rest_s,
        tables.DUTY: week.duty_points,
        tables.DISTURBANCE: week.disturbance_points,
        tables.CROWD_MAX: week.crowd_max,
        tables.DAY_MAX: week.day_max,
        tables.ORIGIN_S: week.from_s // HOUR_S * HOUR_S,
        tables.PRICED: int(priced),
        tables.RANDOM: _mixed(seed),
    }
    for name, value in values.items():
        memory.set(name, value)


# --- units ---------------------------------------------------------------------------------------------------------


def _put_units(memory: Memory, week: Week, floor: Ground, pins: list[Pin]) -> None:
    asked, order = week.problem.requirements, floor.order
    places = asked.people[order].astype(np.int64)
    first = np.concatenate(([0], np.cumsum(places))).astype(np.int64)
    agreed = {r: start for r, _, start in pins}
    windows = [_windows(week, r, agreed.get(r, NEVER)) for r in order.tolist()]
    at = np.concatenate(([0], np.cumsum([len(some) for some in windows]))).astype(np.int64)
    windows_at = memory.loose(np.array([w for some in windows for w in some], np.int64))
    told_at, told = _told(week, floor)
    told_begin = memory.loose(told)
    apart = (asked.fixed_start_s[order] >= 0) | np.isin(order, list(agreed))
    capped = week.compound is not None and week.crowd_max > 0
    compound = week.compound[order] if capped and week.compound is not None else np.full(len(order), NEVER)
    columns = (
        floor.ask, len(floor.who) + floor.ask, asked.depart_s[order],
        first[:-1], places, np.where(apart, 1, asked.minimum[order]), compound,
        asked.weight[order].astype(np.int64) * OPEN_POINTS + asked.waiting[order], asked.duration_s[order],
        windows_at + 2 * at[:-1], windows_at + 2 * at[1:], told_begin + 2 * told_at[:-1], told_begin + 2 * told_at[1:],
        _requests(week, order), np.zeros(len(order), np.int64),
    )  # fmt: skip
    memory.put(tables.UNITS, np.column_stack(columns), tables.UNIT_COUNT)
    unit_of = np.repeat(np.arange(len(order), dtype=np.int64), places)
    nowhere, nothing = np.full(len(unit_of), NEVER), np.zeros(len(unit_of), np.int64)
    memory.put(tables.TASKS, np.column_stack((unit_of, nowhere, nowhere, nothing)), tables.TASK_COUNT)


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


def _near(floor: Ground) -> I64:
    """Return the nearest other units of each, NEVER = no more; at one point, in an order that is always the same."""
    points = floor.asks.place[floor.ask, :3]
    near = np.full((len(points), NEAR), NEVER, np.int64)
    found = min(NEAR + 1, len(points))
    if found < 2:
        return near
    table: I64 = np.asarray(cKDTree(points).query(points, k=np.arange(1, found + 1))[1], np.int64)
    own = np.arange(len(points))[:, None]
    # the point itself need not come first among equals: put it, or else the furthest, last
    last = np.where((table == own).any(axis=1), own[:, 0], table[:, -1])
    order = np.argsort(table == last[:, None], axis=1, kind="stable")
    near[:, : found - 1] = np.take_along_axis(table, order, axis=1)[:, :-1]
    return near


def _along(floor: Ground) -> I64:
    """Return the units strip by strip from south to north, from west to east in each."""
    asks = floor.asks.place[floor.ask]
    strip = np.floor(asks[:, LAT] * geo.EARTH_RADIUS_M / STRIP_M)
    return np.lexsort((asks[:, LON], strip)).astype(np.int64)


def _hardest(work: Work) -> None:
    """Order units by the time that their starts leave, the tightest first; of equals large crews, then short lists."""
    rows = memory_of(work, tables.UNITS, tables.UNIT_WIDE, tables.UNIT_COUNT)
    free = [_slack(work.m, a, b) for a, b in rows[:, [tables.WINDOW_AT, tables.WINDOW_END]].tolist()]
    work.hard[:] = np.lexsort((rows[:, tables.COUNT], -rows[:, tables.PLACES], np.array(free, np.int64)))


def _slack(m: I64, begin: int, end: int) -> int:
    return int((m[begin + 1 : end : 2] - m[begin:end:2]).sum())


def memory_of(work: Work, part: int, wide: int, count: int) -> I64:
    """Return one part of the memory as a table: a view."""
    begin, size = int(work.m[part]), int(work.m[count])
    return work.m[begin : begin + size * wide].reshape(size, wide)


# --- people and routes ---------------------------------------------------------------------------------------------


def _put_people(memory: Memory, week: Week, floor: Ground, of_person: I64, spent: Counter[int]) -> None:
    people = week.problem.people
    gone = np.array([spent[p] for p in floor.who.tolist()], np.int64)
    owing = np.zeros(len(floor.who), np.int64) if week.owing is None else week.owing[floor.who].astype(np.int64)
    table = np.zeros((len(floor.who) + 1, tables.PERSON_WIDE), np.int64)
    table[:, tables.FIRST_SHIFT] = of_person
    table[:-1, tables.CAPACITY] = people.capacity[floor.who] - gone
    table[:-1, tables.OWING] = np.where(gone > 0, 0, owing)
    memory.put(tables.PERSONS, table)
    memory.set(tables.PERSON_COUNT, len(floor.who))


def _put_routes(memory: Memory, week: Week, rows: I64, longest: int) -> None:
    memory.put(tables.SHIFTS, np.column_stack((rows, np.zeros((len(rows), 2), np.int64))), tables.SHIFT_COUNT)
    memory.put(tables.STOPS, np.zeros((len(rows), longest * tables.STOP_WIDE), np.int64))
    memory.set(tables.LONGEST, longest)
    compounds = 0 if week.compound is None else int(week.compound.max(initial=-1)) + 1
    hours = (week.until_s - week.from_s) // HOUR_S + 3
    memory.put(tables.CROWD, np.zeros((compounds, hours), np.int64))
    memory.set(tables.HOURS, hours)


def _put_lists(memory: Memory, floor: Ground) -> None:
    """Add what a plan is not told from: all that comes before this, a stage of the search keeps."""
    memory.put(tables.NEARS, _near(floor))
    for part in (tables.LISTED, tables.LIMITS, tables.AWAY):
        memory.put(part, np.zeros((len(floor.order), tables.NEAREST), np.int64))


def _put_scratch(memory: Memory, size: int, longest: int, crew: int) -> None:
    moves = (RUIN_MAX + NEAR + 2) * 2 * crew
    options = 1 << tables.OPTION_BITS
    parts = {
        tables.CANDIDATES_AT: (size + 1) * tables.CANDIDATE_WIDE,
        tables.OPTIONS_AT: options * tables.OPTION_WIDE,
        tables.KEYS_AT: options,
        tables.SEEN_AT: size,
        tables.STAMP_AT: size,
        tables.TOUCHED_AT: moves * (steps.SAVED + longest * tables.STOP_WIDE),
        tables.MOVED_AT: moves * tables.MOVE_WIDE,
        tables.CHOSEN_AT: NEAR + 1,
        tables.PICKED_AT: crew + 1,
        tables.BEST_AT: crew + 1,
    }
    for part, length in parts.items():
        memory.put(part, np.zeros(length, np.int64))
    memory.set(tables.CHOSEN_MAX, NEAR + 1)


def _mixed(seed: int) -> int:
    """Return a start of the random numbers that is not zero and differs from seed to seed."""
    mixed = ((seed + 1) * 0x9E3779B97F4A7C15 | 1) & (2**64 - 1)
    return mixed - 2**64 if mixed >= 2**63 else mixed


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
        s = NEVER if p in outside else shift_at_moment(work, person.get(p, NEVER), start)
        if p not in outside and s == NEVER:
            failed.add(p)
            continue
        routes[s].append((tasks[unit[r]].pop(), p, start))
    for s, own in routes.items():
        if not _seat(work, s, own):
            failed.add(own[0][1])
    return failed


def _open_tasks(laid: Laid) -> dict[int, list[int]]:
    rows = memory_of(laid.work, tables.UNITS, tables.UNIT_WIDE, tables.UNIT_COUNT)
    places = zip(rows[:, tables.FIRST].tolist(), rows[:, tables.PLACES].tolist(), strict=True)
    return {u: list(range(first, first + count))[::-1] for u, (first, count) in enumerate(places)}


def _inverse(order: I64) -> dict[int, int]:
    return {row: number for number, row in enumerate(order.tolist())}


def shift_at_moment(work: Work, v: int, start: int) -> int:
    """Return the shift of a person that holds a moment."""
    if v == NEVER:
        return NEVER
    row = tables.person_at(work.m, v) + tables.FIRST_SHIFT
    for s in range(int(work.m[row]), int(work.m[row + tables.PERSON_WIDE])):
        shift = tables.shift_at(work.m, s)
        if work.m[shift + tables.FROM_S] <= start < work.m[shift + tables.UNTIL_S]:
            return s
    return NEVER


def _seat(work: Work, s: int, own: list[Pin]) -> bool:
    """Put pinned (task, person, start) into a shift, in order of time; False where they do not fit."""
    m = work.m
    if s != NEVER and len(own) > m[tables.LONGEST]:
        return False
    for i, (t, _, start) in enumerate(own):
        row = tables.task_at(m, t)
        m[row + tables.TASK_WHERE] = OUTSIDE if s == NEVER else s
        m[row + tables.TASK_FIXED], m[row + tables.TASK_PINNED] = start, 1
        if s == NEVER:
            steps.crowd(m, int(m[row + tables.TASK_UNIT]), start, 1)
            continue
        steps.count(m, t, 1)
        stop = tables.stop_at(m, s, i)
        m[stop + tables.TASK], m[stop + tables.LIMIT], m[stop + tables.POINTS] = t, start, 0
        m[tables.shift_at(m, s) + tables.SIZE] = i + 1
    return s == NEVER or bool(clockwork.schedule(m, work.spots, s))
