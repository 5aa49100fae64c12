"""Which pairs are feasible, when, and what they cost: worked out with nothing of the matcher but the problem's arrays.

Every possible start is tried, second by second where it matters. For small problems in tests.
"""

from __future__ import annotations

import math

from matcher.problem import Problem


def metres(problem: Problem, r: int, v: int) -> float:
    q, p = problem.requirements, problem.people
    a, b = math.radians(q.lat[r]), math.radians(p.lat[v])
    up, across = math.sin((b - a) / 2), math.sin(math.radians(p.lon[v] - q.lon[r]) / 2)
    return 2 * 6_371_008.8 * math.asin(math.sqrt(up * up + math.cos(a) * math.cos(b) * across * across))


def expiry(problem: Problem, r: int, v: int) -> float:
    q, p = problem.requirements, problem.people
    needed = set(q.need_skill[q.need_indptr[r] : q.need_indptr[r + 1]].tolist())
    certs = zip(p.cert_person.tolist(), p.cert_skill.tolist(), p.cert_expires_s.tolist(), strict=True)
    return min((at for person, skill, at in certs if person == v and skill in needed), default=math.inf)


def last_end(problem: Problem, r: int, v: int) -> int:
    return int(min(int(problem.requirements.latest_s[r]), expiry(problem, r, v)))


def possible(problem: Problem, r: int, v: int, s: int, *, busy: bool = False, full: bool = False) -> bool:
    """Say whether one start works out in time."""
    q, p = problem.requirements, problem.people
    end, leaves = s + int(q.duration_s[r]), s - math.ceil(metres(problem, r, v) / p.speed_mps[v])
    row, fixed = p.hours[v], int(q.fixed_start_s[r])
    hours = [(p.hours_from_s[i], p.hours_until_s[i]) for i in range(p.hours_indptr[row], p.hours_indptr[row + 1])]
    taken = [(p.busy_from_s[i], p.busy_until_s[i]) for i in range(p.busy_indptr[v], p.busy_indptr[v + 1])]
    enough = [(p.full_from_s[i], p.full_until_s[i]) for i in range(p.full_indptr[v], p.full_indptr[v + 1])]
    return (
        leaves >= q.depart_s[r]
        and s >= q.earliest_s[r]
        and end <= last_end(problem, r, v)
        and fixed in (-1, s)
        and any(a <= s and end <= b for a, b in hours)
        and not (busy and any(a < end and leaves < b for a, b in taken))
        and not (full and any(a < end and leaves < b for a, b in enough))
    )


def turning_points(problem: Problem, r: int, v: int) -> list[int]:
    """Return all seconds at which the answer of `possible` may change, and their neighbours."""
    q, p = problem.requirements, problem.people
    travel, duration = math.ceil(metres(problem, r, v) / p.speed_mps[v]), int(q.duration_s[r])
    edges = [int(q.depart_s[r]), int(q.earliest_s[r]), last_end(problem, r, v), int(q.fixed_start_s[r])]
    edges += [*p.hours_from_s.tolist(), *p.hours_until_s.tolist()]
    edges += [*p.busy_from_s.tolist(), *p.busy_until_s.tolist()]
    points = {edge + shift for edge in edges for shift in (0, travel, -duration)}
    return sorted({point + step for point in points for step in (-1, 0, 1)})


def first_start(problem: Problem, r: int, v: int, **time: bool) -> int | None:
    points = turning_points(problem, r, v)
    return next((s for s in points if possible(problem, r, v, s, **time)), None)


def stage_of(problem: Problem, r: int, v: int) -> str:
    """Return the first stage that stops this person, "" where none does."""
    q, p = problem.requirements, problem.people
    asked = range(q.need_indptr[r], q.need_indptr[r + 1])
    begin = int(q.fixed_start_s[r]) if q.fixed_start_s[r] >= 0 else int(q.earliest_s[r])
    stops = {
        "registered": lambda: not p.active[v],
        "zone": lambda: min(q.zone[r], p.zone[v]) >= 0 and q.zone[r] != p.zone[v],
        "skills": lambda: any(p.levels[q.need_skill[i], v] < q.need_level[i] for i in asked),
        "certificate": lambda: expiry(problem, r, v) < max(int(q.depart_s[r]), begin) + int(q.duration_s[r]),
        "area": lambda: not within_area(problem, r, v),
        "reach": lambda: metres(problem, r, v) > p.reach_m[v],
        "circle": lambda: 0 <= q.circle_s[r] < math.ceil(metres(problem, r, v) / p.speed_mps[v]),
        "start": lambda: first_start(problem, r, v) is None,
        "excluded": lambda: (r, v) in zip(*(column.tolist() for column in q.excluded), strict=True),
        "restricted": lambda: (r, v) in zip(*(column.tolist() for column in q.restricted), strict=True),
        "must_have": lambda: (
            q.choosy[r] and (r, v) not in zip(*(column.tolist() for column in q.must_have), strict=True)
        ),
        "team": lambda: r in q.teams and not any(v in team.tolist() for team in q.teams[r].members),
        "refused": lambda: (r, v) in zip(*(column.tolist() for column in q.refused), strict=True),
        "budget": lambda: p.spent[v],
        "limits": lambda: first_start(problem, r, v, full=True) is None,
        "free": lambda: (
            p.engaged[v]
            or p.capacity[v] < 1
            or (r, v) in zip(*(column.tolist() for column in q.serving), strict=True)
            or first_start(problem, r, v, busy=True) is None
        ),
    }
    return next((stage for stage, stop in stops.items() if stop()), "")


def within_area(problem: Problem, r: int, v: int) -> bool:
    areas = problem.areas
    if areas is None or areas.first[r] < 0:
        return True
    own = areas.at[areas.indptr[v] : areas.indptr[v + 1]]
    return any(areas.first[r] <= place < areas.end[r] for place in own)


def applies(problem: Problem, r: int, stage: str) -> bool:
    """Say whether an optional stage has anything to say about this requirement."""
    q = problem.requirements
    says = {
        "area": problem.areas is not None and problem.areas.first[r] >= 0,
        "circle": q.circle_s[r] >= 0,
        "restricted": r in q.restricted[0].tolist(),
        "must_have": q.choosy[r],
        "team": r in q.teams,
        "limits": problem.people.full_from_s.size > 0,
    }
    return bool(says[stage])


def points(problem: Problem, r: int, v: int) -> int:
    """What a pair costs beyond its travel."""
    q, p = problem.requirements, problem.people
    wished = range(q.wishes.indptr[r], q.wishes.indptr[r + 1])
    lacked = sum(q.wishes.points[i] for i in wished if p.levels[q.wishes.skill[i], v] < q.wishes.level[i])
    favours = [
        f for f in q.favours.values() if (r, v) not in zip(f.requirement.tolist(), f.person.tolist(), strict=True)
    ]
    bands, way = problem.bands, math.floor(metres(problem, r, v) + 0.5)
    long = bands.beyond_preferred_points * max(0, way - bands.preferred_m)
    long += bands.beyond_acceptable_points * max(0, way - bands.acceptable_m)
    long = min(long, bands.points_max) if bands.priced else 0
    return int(long + lacked + sum(f.points[r] for f in favours) + sum(column[v] for column in p.points.values()))


def all_pairs(problem: Problem) -> list[tuple[int, int]]:
    return [(r, v) for r in range(len(problem.requirements.ids)) for v in range(len(problem.people.ids))]
