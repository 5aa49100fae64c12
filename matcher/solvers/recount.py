"""The proof's own enumerator: which pairs could have improved a plan, straight from the problem's arrays.

Called by `proof` only. Shares no code with candidates and rules (distances, filters and starts are worked out again),
so that a mistake there cannot hide itself. Where rounding decides (a reach or a travel second met to within a
hair), a pair is no evidence against a plan.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from matcher.problem import F64, I64, Bool, Problem

RADIUS_M = 6_371_008.8
#: Metres and seconds below which two ways to compute a distance may differ.
HAIR = 1e-6
#: Pairs looked at together: bounds the memory.
CHUNK = 250_000
NEVER = np.iinfo(np.int64).max // 4

Starts = list[tuple[int, int]]


def sample(problem: Problem) -> I64:
    """Return the requirements to look at: all within the budget of pairs, else a sample seeded by the beat."""
    size, people = len(problem.requirements.ids), len(problem.people.ids)
    if size * people <= problem.budget.proof_pairs:
        return np.arange(size)
    rows = min(size, -(-problem.budget.proof_pairs // max(people, 1)))
    return np.sort(np.random.default_rng(problem.beat).choice(size, rows, replace=False))


def cheaper(problem: Problem, rows: I64, price: I64, pays: I64) -> Iterator[tuple[int, int]]:
    """Yield each feasible pair of these requirements with cost + price of the person < what the requirement pays."""
    people = problem.people
    who = np.flatnonzero(people.active & ~people.engaged & ~people.spent & (people.capacity > 0))
    if not len(who) or not len(rows):
        return
    step = max(1, CHUNK // len(who))
    for begin in range(0, len(rows), step):
        yield from _cheaper(problem, rows[begin : begin + step], who, price, pays)


def most_together(problem: Problem, r: int) -> int:
    """Return how many feasible people, of one team where that is asked, share one start of a requirement at most."""
    free, anything = np.zeros(len(problem.people.ids), np.int64), np.full(len(problem.requirements.ids), NEVER)
    able = {v: starts(problem, r, v) for _, v in cheaper(problem, np.array([r]), free, anything)}
    teams = problem.requirements.teams.get(r)
    groups = [team.tolist() for team in teams.members] if teams is not None and teams.together else [list(able)]
    return max((_at_once([able[v] for v in group if v in able]) for group in groups), default=0)


def _at_once(sets: list[Starts]) -> int:
    points = {low for one in sets for low, _ in one}
    return max((sum(any(a <= t <= b for a, b in one) for one in sets) for t in points), default=0)


def costs_of(problem: Problem, r: I64, v: I64) -> I64:
    """Return what these pairs cost."""
    asked, people = problem.requirements, problem.people
    way = _points(_metres(asked.lat[r], asked.lon[r], people.lat[v], people.lon[v]))
    return way + _far(problem, way) + _beyond_travel(problem, r, v)


def term_names(problem: Problem) -> list[str]:
    """Return the cost terms that this problem has, in the order in which a plan lists them."""
    wishes, favours, points = problem.requirements.wishes, problem.requirements.favours, problem.people.points
    nice = set(wishes.nice.tolist())
    have = {"travel": True, "far": problem.bands.priced, "should": False in nice, "nice": True in nice}
    wishes_first = ("travel", "far", "should", "nice", "preferred", "claimed", "continuity")
    order = (*wishes_first, "fairness", "duty", "coverage", "disturbance")
    return [name for name in order if have.get(name, name in favours or name in points)]


def terms_of(problem: Problem, r: int, v: int, away: float) -> dict[str, int]:
    """Return what one pair costs, term by term, worked out one by one."""
    wishes, favours = problem.requirements.wishes, problem.requirements.favours
    cost = dict.fromkeys(term_names(problem), 0)
    cost["travel"] = math.floor(away + 0.5)
    if "far" in cost:
        cost["far"] = int(_far(problem, np.array([cost["travel"]]))[0])
    for at in range(int(wishes.indptr[r]), int(wishes.indptr[r + 1])):
        if problem.people.levels[wishes.skill[at], v] < wishes.level[at]:
            cost["nice" if wishes.nice[at] else "should"] += int(wishes.points[at])
    for name, favour in favours.items():
        if not ((favour.requirement == r) & (favour.person == v)).any():
            cost[name] = int(favour.points[r])
    for name, points in problem.people.points.items():
        cost[name] = int(points[v])
    return cost


def _far(problem: Problem, way: I64) -> I64:
    """Return what ways of so many metres cost for being long."""
    bands, price = problem.bands, np.zeros(len(way), np.int64)
    for edge, points in (
        (bands.preferred_m, bands.beyond_preferred_points),
        (bands.acceptable_m, bands.beyond_acceptable_points),
    ):
        price += np.where(way > edge, (way - edge) * points, 0)
    return np.where(price > bands.points_max, bands.points_max, price)


def _beyond_travel(problem: Problem, r: I64, v: I64) -> I64:
    """Return what each of these pairs costs beyond its travel."""
    wishes, levels = problem.requirements.wishes, problem.people.levels
    points = np.zeros(len(r), np.int64)
    for person_points in problem.people.points.values():
        points += person_points[v]
    for favour in problem.requirements.favours.values():
        size = len(problem.people.ids)
        spared = np.isin(r * size + v, favour.requirement.astype(np.int64) * size + favour.person)
        points += np.where(spared, 0, favour.points[r])
    if len(wishes.skill):
        counts = wishes.indptr[r + 1] - wishes.indptr[r]
        pair = np.repeat(np.arange(len(r)), counts)
        at = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts - wishes.indptr[r], counts)
        lacks = levels[wishes.skill[at], v[pair]] < wishes.level[at]
        np.add.at(points, pair[lacks], wishes.points[at[lacks]])
    return points


def metres(problem: Problem, r: int, v: int) -> float:
    """Return great-circle metres between a requirement and a person."""
    asked, people = problem.requirements, problem.people
    a, b = math.radians(asked.lat[r]), math.radians(people.lat[v])
    north = math.sin((a - b) / 2) ** 2
    east = math.sin(math.radians(asked.lon[r] - people.lon[v]) / 2) ** 2
    return 2 * RADIUS_M * math.asin(math.sqrt(north + math.cos(a) * math.cos(b) * east))


def _metres(lat_a: F64, lon_a: F64, lat_b: F64, lon_b: F64) -> F64:
    """Great circle (haversine), broadcast over any shapes, degrees in."""
    a, b = np.deg2rad(lat_a), np.deg2rad(lat_b)
    north = np.sin((a - b) / 2) ** 2
    east = np.sin(np.deg2rad(lon_a - lon_b) / 2) ** 2
    return np.asarray(2 * RADIUS_M * np.arcsin(np.sqrt(north + np.cos(a) * np.cos(b) * east)))


def _points(away: F64) -> I64:
    """Whole metres, half up."""
    return np.floor(away + 0.5).astype(np.int64)


def _cheaper(problem: Problem, rows: I64, who: I64, price: I64, pays: I64) -> Iterator[tuple[int, int]]:
    asked, people = problem.requirements, problem.people
    away = _metres(asked.lat[rows, None], asked.lon[rows, None], people.lat[who], people.lon[who])
    good = _points(away + HAIR) + price[who] < pays[rows, None]
    if good.any() and len(term_names(problem)) > 1:
        at, column = np.nonzero(good)
        way = _points(away[at, column] + HAIR)
        whole = way + _far(problem, way) + _beyond_travel(problem, rows[at], who[column]) + price[who[column]]
        good[at, column] = whole < pays[rows[at]]
    good &= away + HAIR < people.reach_m[who]
    if not good.any():
        return
    good &= _allowed(problem, rows, who)
    if not good.any():
        return
    at, column = np.nonzero(good)
    r, v = rows[at], who[column]
    first, last = _bounds(problem, r, v, away[at, column], HAIR)
    fits = _in_hours(problem, r, v, first, last)
    way = np.ceil(away[at, column] / people.speed_mps[v] + HAIR)
    fits &= (asked.circle_s[r] < 0) | (way <= asked.circle_s[r])
    for requirement, person in zip(r[fits].tolist(), v[fits].tolist(), strict=True):
        busy = people.busy_indptr[person + 1] > people.busy_indptr[person]
        if not busy or starts(problem, requirement, person, HAIR):
            yield requirement, person


def _allowed(problem: Problem, rows: I64, who: I64) -> Bool:
    """Skills, zones and barred pairs of rows x who."""
    asked, people = problem.requirements, problem.people
    allowed = np.ones((len(rows), len(who)), np.bool_)
    for at, r in enumerate(rows.tolist()):
        for need in range(int(asked.need_indptr[r]), int(asked.need_indptr[r + 1])):
            allowed[at] &= people.levels[asked.need_skill[need], who] >= asked.need_level[need]
    zone, home = asked.zone[rows, None], people.zone[who]
    if (home >= 0).any():
        allowed &= (zone < 0) | (home < 0) | (zone == home)
    for requirements, barred in (asked.refused, asked.excluded, asked.restricted, asked.serving):
        if len(requirements):
            row_of = np.full(len(asked.ids), -1)
            row_of[rows] = np.arange(len(rows))
            column = np.full(len(people.ids), -1)
            column[who] = np.arange(len(who))
            inside = (row_of[requirements] >= 0) & (column[barred] >= 0)
            allowed[row_of[requirements[inside]], column[barred[inside]]] = False
    if problem.areas is not None:
        _inside_areas(problem, rows, who, allowed)
    for at in np.flatnonzero(asked.choosy[rows]).tolist():
        named, people_named = asked.must_have
        allowed[at] &= np.isin(who, people_named[named == rows[at]])
    for at, r in enumerate(rows.tolist()):
        if r in asked.teams:
            allowed[at] &= np.isin(who, [v for team in asked.teams[r].members for v in team.tolist()])
    return allowed


def _inside_areas(problem: Problem, rows: I64, who: I64, allowed: Bool) -> None:
    """Take out of rows x who whoever is registered outside the area of the row."""
    areas = problem.areas
    assert areas is not None
    holder = np.repeat(np.arange(len(areas.indptr) - 1), np.diff(areas.indptr))
    for at, r in enumerate(rows.tolist()):
        if areas.first[r] >= 0:
            inside = np.zeros(len(areas.indptr) - 1, np.bool_)
            inside[holder[(areas.at >= areas.first[r]) & (areas.at < areas.end[r])]] = True
            allowed[at] &= inside[who]


def _bounds(problem: Problem, r: I64, v: I64, away: F64, hair: float) -> tuple[I64, I64]:
    """Return first and last start of each pair by travel, window, fixed start and certificates."""
    asked, people = problem.requirements, problem.people
    travel = np.ceil(away / people.speed_mps[v] + hair).astype(np.int64)
    first = np.maximum(asked.depart_s[r] + travel, asked.earliest_s[r])
    last = asked.latest_s[r] - asked.duration_s[r]
    fixed = asked.fixed_start_s[r]
    first = np.where(fixed >= 0, np.maximum(first, fixed), first)
    last = np.where(fixed >= 0, np.minimum(last, fixed), last)
    if len(people.cert_person):
        last = np.minimum(last, _expiry(problem, r, v) - asked.duration_s[r])
    return first, last


def _expiry(problem: Problem, r: I64, v: I64) -> I64:
    """Return when the first certificate that a pair needs runs out; NEVER if none does."""
    asked, people, skills = problem.requirements, problem.people, len(problem.skills)
    held, which = np.unique(people.cert_person.astype(np.int64) * skills + people.cert_skill, return_inverse=True)
    ends = np.full(len(held), NEVER)
    np.minimum.at(ends, which, people.cert_expires_s)
    counts = asked.need_indptr[r + 1] - asked.need_indptr[r]
    pair = np.repeat(np.arange(len(r)), counts)
    need = (
        np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(asked.need_indptr[r], counts)
    )
    key = v[pair] * skills + asked.need_skill[need]
    at = np.minimum(np.searchsorted(held, key), len(held) - 1)
    expires = np.full(len(r), NEVER)
    found = held[at] == key
    np.minimum.at(expires, pair[found], ends[at[found]])
    return expires


def _in_hours(problem: Problem, r: I64, v: I64, first: I64, last: I64) -> Bool:
    """Say which pairs have a start between first and last inside one window of the person's hours."""
    people = problem.people
    row = people.hours[v]
    begins, counts = people.hours_indptr[row], people.hours_indptr[row + 1] - people.hours_indptr[row]
    pair = np.repeat(np.arange(len(v)), counts)
    window = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(begins, counts)
    low = np.maximum(first[pair], people.hours_from_s[window])
    high = np.minimum(last[pair], people.hours_until_s[window] - problem.requirements.duration_s[r[pair]])
    fits = np.zeros(len(v), np.bool_)
    fits[pair[low <= high]] = True
    return fits


def starts(problem: Problem, r: int, v: int, hair: float = -HAIR) -> Starts:
    """Return the starts of one pair by travel, window, hours, certificates and busy time, as closed intervals.

    `hair`: seconds by which travel may round: the benefit of the doubt goes to a plan (< 0), or against a rival (> 0).
    """
    people, duration = problem.people, int(problem.requirements.duration_s[r])
    travel = math.ceil(metres(problem, r, v) / float(people.speed_mps[v]) + hair)
    first, last = _scalar_bounds(problem, r, v, travel)
    hours = slice(*people.hours_indptr[people.hours[v] : people.hours[v] + 2].tolist())
    taken = slice(*people.busy_indptr[v : v + 2].tolist())
    free = [
        (max(first, begin), min(last, end - duration))
        for begin, end in zip(people.hours_from_s[hours].tolist(), people.hours_until_s[hours].tolist(), strict=True)
    ]
    busy = zip(people.busy_from_s[taken].tolist(), people.busy_until_s[taken].tolist(), strict=True)
    for begin, end in busy:
        if begin < end:  # a start s meets it exactly when s + duration > begin and s - travel < end
            low, high = begin - duration, end + travel
            pieces = [piece for a, b in free for piece in ((a, min(b, low)), (max(a, high), b))]
            free = [(a, b) for a, b in pieces if a <= b]
    return sorted((a, b) for a, b in free if a <= b)


def _scalar_bounds(problem: Problem, r: int, v: int, travel: int) -> tuple[int, int]:
    asked, people = problem.requirements, problem.people
    duration, fixed = int(asked.duration_s[r]), int(asked.fixed_start_s[r])
    first = max(int(asked.depart_s[r]) + travel, int(asked.earliest_s[r]))
    last = int(asked.latest_s[r]) - duration
    if fixed >= 0:
        first, last = max(first, fixed), min(last, fixed)
    if len(people.cert_person):
        needs = asked.need_skill[asked.need_indptr[r] : asked.need_indptr[r + 1]]
        mine = (people.cert_person == v) & np.isin(people.cert_skill, needs)
        if mine.any():
            last = min(last, int(people.cert_expires_s[mine].min()) - duration)
    return first, last
