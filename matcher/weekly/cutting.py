"""A week cut into parts that can be planned apart, by anybody, and put together again.

Called by the batch (`services/worker/planning`, `paidan rematch`). Parts are what has nothing to do with each other
(`reachable`); where that is too large, areas by place. Areas share people at their borders: each person, and each
compound with a cap, belongs to one area, and a further search over the whole week, which begins with the plan put
together, repairs the borders. The cut hangs on the week alone, not on who plans it or how many they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np

from matcher import geo
from matcher.hours import Stretch
from matcher.problem import I64, PeopleArrays
from matcher.weekly import reachable, subset
from matcher.weekly.reachable import Points
from matcher.weekly.subset import Visits
from matcher.weekly.week import Effort, Week, WeekPlan

#: A part has at most so many places, where one compound or crew does not have more by itself.
PLACES_MAX = 1500
#: The repair begins cooler: what is good already is not shaken.
REPAIR_WARM_POINTS = 50.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """Requirements and people of the whole week, in its order. `places`: of all its requirements."""

    rows: I64
    who: I64
    places: int


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A week's parts. `apart`: none shares a border with another. `withheld`: requirements that only the repair plans,
    because somebody promised to them belongs to another part."""

    parts: tuple[Part, ...]
    withheld: I64
    apart: bool

    @property
    def digest(self) -> str:
        """The same where the cut is the same."""
        digest = blake2b(digest_size=16)
        for numbers in (*(column for part in self.parts for column in (part.rows, part.who)), self.withheld):
            digest.update(len(numbers).to_bytes(8, "little") + np.ascontiguousarray(numbers, np.int64).tobytes())
        return digest.hexdigest()


def cut(week: Week, places_max: int = PLACES_MAX) -> Cut:
    """Cut a week. Every requirement is in one part or withheld; everybody who could serve any is in one part."""
    homes, places = _points(week)
    labels = reachable.components(week, homes, places)
    count = len(week.problem.requirements.ids)
    groups, apart = _groups(week, labels, homes, places, places_max)
    part_of_row, part_of_person = np.full(count, -1, np.int64), np.full(len(labels) - count, -1, np.int64)
    for number, (rows, who) in enumerate(groups):
        part_of_row[rows] = number
        part_of_person[who] = number
    _follow_promises(week, part_of_row, part_of_person)
    withheld = _withheld(week, part_of_row, part_of_person)
    part_of_row[withheld] = -1
    parts = tuple(_part(week, part_of_row, part_of_person, number) for number in range(len(groups)))
    return Cut(
        parts=tuple(part for part in parts if len(part.rows)), withheld=withheld, apart=apart and not len(withheld)
    )


def part_of(week: Week, cut: Cut, number: int) -> Week:
    """Return one part as a week of its own; the time of what its people are promised elsewhere is taken."""
    part = cut.parts[number]
    own = subset.of(week, part.rows, part.who)
    return _reserved(week, own, cut.withheld, part.who)


def effort_of_repair(effort: Effort, cut: Cut) -> Effort:
    """Return what the search over the whole week at the end may cost: nothing where the parts share no border."""
    warm = max(effort.cold_points, min(effort.warm_points, REPAIR_WARM_POINTS))
    return replace(effort, iterations=0 if cut.apart else effort.iterations, warm_points=warm)


def visits_of(cut: Cut, number: int, plan: WeekPlan) -> Visits:
    """Return the visits of a part's plan in the numbers of the whole week."""
    part = cut.parts[number]
    return part.rows[plan.requirement].astype(np.int32), part.who[plan.person].astype(np.int32), plan.start_s


def merged(week: Week, cut: Cut, plans: Sequence[Visits]) -> Visits:
    """Return all parts' visits as one plan, in the parts' order whatever the order in which they came.

    What was promised to withheld requirements is in it. To be given to `weekly.plan` as `start`, which judges it all.
    """
    held = np.isin(week.told[0], cut.withheld)
    every = [*plans, (week.told[0][held], week.told[1][held], week.told[2][held])]
    return (
        np.concatenate([requirement for requirement, _, _ in every]),
        np.concatenate([person for _, person, _ in every]),
        np.concatenate([start_s for _, _, start_s in every]),
    )


# --- parts -----------------------------------------------------------------------------------------------------------


def _points(week: Week) -> tuple[Points, Points]:
    people, asked, left = week.problem.people, week.problem.requirements, reachable.narrowed(week)
    return reachable.points_of(people.lat, people.lon, left), reachable.points_of(asked.lat, asked.lon, left)


Group = tuple[I64, I64]


def _groups(week: Week, labels: I64, homes: Points, places: Points, places_max: int) -> tuple[list[Group], bool]:
    """Return requirements and people of each part, and whether no component had to be divided."""
    count = len(week.problem.requirements.ids)
    weight = week.problem.requirements.people.astype(np.int64)
    components = [(rows, _members(labels[count:], labels[rows[0]])) for rows in _alike(labels[:count])]
    divided: list[Group] = []
    for rows, who in components:
        divided += _areas(week, rows, who, homes, places, places_max)
    return _bundled(divided, weight, places_max), len(divided) == len(components)


def _alike(labels: I64) -> list[I64]:
    """Return the numbers with the same label, in order of the first of each."""
    order = np.argsort(labels, kind="stable")
    cuts = np.flatnonzero(labels[order[1:]] != labels[order[:-1]]) + 1
    return sorted(np.split(order, cuts), key=lambda rows: int(rows[0])) if len(order) else []


def _members(labels: I64, label: int) -> I64:
    return np.flatnonzero(labels == label).astype(np.int64)


def _bundled(groups: list[Group], weight: I64, places_max: int) -> list[Group]:
    """Put small groups together, as they come, up to the size of a part."""
    bundles: list[list[Group]] = []
    filled = places_max
    for group in groups:
        size = int(weight[group[0]].sum())
        if not bundles or filled + size > places_max:
            bundles.append([])
            filled = 0
        bundles[-1].append(group)
        filled += size
    return [
        (np.sort(np.concatenate([rows for rows, _ in some])), np.sort(np.concatenate([who for _, who in some])))
        for some in bundles
    ]


def _areas(week: Week, rows: I64, who: I64, homes: Points, places: Points, places_max: int) -> list[Group]:
    """Halve a component by place until every area is small enough; what may not be divided stays whole."""
    clumps = _clumps(week, rows)
    weight = week.problem.requirements.people.astype(np.int64)
    sizes = np.array([int(weight[clump].sum()) for clump in clumps], np.int64)
    if len(clumps) < 2 or int(sizes.sum()) <= places_max:
        return [(rows, who)]
    first = np.array([int(clump[0]) for clump in clumps], np.int64)
    north, east = places.north[first], places.east[first]
    along = (north, homes.north) if np.ptp(north) >= np.ptp(east) else (east, homes.east)
    order = np.lexsort((first, along[0]))
    half = min(len(order) - 1, max(1, int(np.searchsorted(np.cumsum(sizes[order]), sizes.sum() // 2))))
    line = along[0][order[half]]
    low, high = ([clumps[n] for n in some] for some in (order[:half].tolist(), order[half:].tolist()))
    below = along[1][who] < line
    return [
        area
        for clump, people in ((low, who[below]), (high, who[~below]))
        for area in _areas(week, np.sort(np.concatenate(clump)), people, homes, places, places_max)
    ]


def _clumps(week: Week, rows: I64) -> list[I64]:
    """Return what stays together: requirements of a compound with a cap, else of a request; by the first of each."""
    clumps: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    capped = week.compound is not None and week.crowd_max > 0
    for r in rows.tolist():
        compound = int(week.compound[r]) if capped and week.compound is not None else -1
        clumps[(compound, "") if compound >= 0 else (-1, week.problem.requirements.ids[r][0])].append(r)
    return [np.array(some, np.int64) for some in clumps.values()]


def _part(week: Week, part_of_row: I64, part_of_person: I64, number: int) -> Part:
    rows, who = _members(part_of_row, number), _members(part_of_person, number)
    return Part(rows=rows, who=who, places=int(week.problem.requirements.people[rows].sum()))


# --- promises over a border ------------------------------------------------------------------------------------------


def _promises(week: Week) -> list[tuple[int, int, int]]:
    """Return accepted work and what people were told: (requirement, person, start)."""
    pinned, told = ([column.tolist() for column in visits] for visits in (week.pinned, week.told))
    return [*zip(*pinned, strict=True), *zip(*told, strict=True)]


def _follow_promises(week: Week, part_of_row: I64, part_of_person: I64) -> None:
    """Let everybody belong to the part to which most of what they are promised belongs; of equals the first."""
    counts: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for r, p, _ in _promises(week):
        counts[p][int(part_of_row[r])] += 1
    for p, parts in counts.items():
        part_of_person[p] = min(parts, key=lambda part: (-parts[part], part))


def _withheld(week: Week, part_of_row: I64, part_of_person: I64) -> I64:
    """Return the requirements to which somebody of another part is promised."""
    rows = {r for r, p, _ in _promises(week) if part_of_row[r] != part_of_person[p]}
    return np.array(sorted(rows), np.int64)


def _reserved(week: Week, own: Week, withheld: I64, who: I64) -> Week:
    """Take the time, the capacity and (where days count) the day of what a part's people are promised elsewhere."""
    held, mine = set(withheld.tolist()), {p: v for v, p in enumerate(who.tolist())}
    taken: defaultdict[int, list[Stretch]] = defaultdict(list)
    capacity = own.problem.people.capacity.copy()
    for r, p, start in _promises(week):
        if r in held and p in mine:
            taken[mine[p]] += _time_of(week, r, p, start)
            capacity[mine[p]] = max(0, capacity[mine[p]] - 1)
    if not taken:
        return own
    people = replace(_busier(own.problem.people, taken), capacity=capacity)
    return replace(own, problem=replace(own.problem, people=people))


def _time_of(week: Week, r: int, p: int, start: int) -> list[Stretch]:
    """Return the time of a visit from home and back again, rests included; all of its day where days count."""
    asked, people, rest = week.problem.requirements, week.problem.people, week.problem.rest_s
    metres = geo.distance_m(float(asked.lat[r]), float(asked.lon[r]), float(people.lat[p]), float(people.lon[p]))
    way_s = int(np.ceil(metres / people.speed_mps[p]))
    end = start + int(asked.duration_s[r])
    taken = [(start - way_s - rest, end + rest + way_s)]
    if week.day_max:
        before, after = ([m for m in week.midnights_s if (m <= start) is early] for early in (True, False))
        taken.append((max(before, default=week.from_s), min(after, default=week.until_s)))
    return taken


def _busier(people: PeopleArrays, taken: dict[int, list[Stretch]]) -> PeopleArrays:
    """Return people with more busy time."""
    length = np.diff(people.busy_indptr)
    owner = np.repeat(np.arange(len(length)), length)
    more = np.array([(v, a, b) for v, some in sorted(taken.items()) for a, b in some], np.int64).reshape(-1, 3)
    owner, begin, end = (
        np.concatenate((old, new)).astype(np.int64)
        for old, new in zip((owner, people.busy_from_s, people.busy_until_s), more.T, strict=True)
    )
    order = np.lexsort((end, begin, owner))
    indptr = np.searchsorted(owner[order], np.arange(len(length) + 1)).astype(np.int64)
    return replace(people, busy_indptr=indptr, busy_from_s=begin[order], busy_until_s=end[order])
