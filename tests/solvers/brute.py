"""The optimum of a tiny problem by trying everything: shares no code with flow, prices or calendars.

Feasible pairs and their starts come from the hard rules' scalar forms, prices from the enumerator; everything after is
plain recursion.
"""

from __future__ import annotations

import math
from itertools import combinations, permutations

from matcher.problem import AskedTeams, Problem
from matcher.rules import free, objections
from matcher.rules.reach import pair_distance_m
from tests.enumerator import points
from tests.problems import METRES_A_DEGREE

Starts = list[tuple[int, int]]
Key = tuple[int, int]


def best(problem: Problem) -> Key:
    """Return (weighted places filled, cost + waiting) of the best plan."""
    return min(_plans(problem), key=lambda key: (-key[0], key[1]))


def _plans(problem: Problem) -> list[Key]:
    asked, people = problem.requirements, problem.people
    count = len(asked.ids)
    starts = {
        (r, v): free.starts(problem, r, v)
        for r in range(count)
        for v in range(len(people.ids))
        if not objections(problem, r, v)
    }
    cost = {(r, v): math.floor(pair_distance_m(problem, r, v) + 0.5) + points(problem, r, v) for r, v in starts}
    waiting = sum(int(asked.waiting[r]) * int(asked.people[r]) for r in range(count))
    out: list[Key] = []

    def walk(r: int, crews: dict[int, tuple[int, ...]], filled: int, spent: int) -> None:
        if r == count:
            if _schedulable(problem, crews, starts):
                out.append((filled, spent))
            return
        able = [v for v in range(len(people.ids)) if (r, v) in starts and _has_room(problem, crews, r, v)]
        walk(r + 1, crews, filled, spent)
        for size in range(int(asked.minimum[r]), int(asked.people[r]) + 1):
            for crew in combinations(able, size):
                if r in asked.teams and asked.teams[r].together and not _of_one_team(asked.teams[r], crew):
                    continue
                gain = size * int(asked.weight[r])
                more = sum(cost[r, v] for v in crew) - size * int(asked.waiting[r])
                walk(r + 1, {**crews, r: crew}, filled + gain, spent + more)

    walk(0, {}, 0, waiting)
    return out


def _of_one_team(teams: AskedTeams, crew: tuple[int, ...]) -> bool:
    return any(all(v in team.tolist() for v in crew) for team in teams.members)


def _has_room(problem: Problem, crews: dict[int, tuple[int, ...]], r: int, v: int) -> bool:
    ids = problem.requirements.ids
    own = [other for other, crew in crews.items() if v in crew]
    return len(own) < problem.people.capacity[v] and all(ids[o][0] != ids[r][0] for o in own)


def _schedulable(problem: Problem, crews: dict[int, tuple[int, ...]], starts: dict[Key, Starts]) -> bool:
    """Try every order; each crew starts at the first second that suits everybody after the visits before it."""
    busy = {v for crew in crews.values() for v in crew if sum(v in c for c in crews.values()) > 1}
    tied = [r for r, crew in crews.items() if busy & set(crew)]
    loose = [r for r in crews if r not in tied]
    if any(_first(problem, crews, starts, {}, r) is None for r in [*loose, *tied]):
        return False
    return any(_in_order(problem, crews, starts, order) for order in permutations(tied))


def _in_order(problem: Problem, crews: dict, starts: dict[Key, Starts], order: tuple[int, ...]) -> bool:
    begun: dict[int, int] = {}
    for r in order:
        start = _first(problem, crews, starts, begun, r)
        if start is None:
            return False
        begun[r] = start
    return True


def _first(problem: Problem, crews: dict, starts: dict[Key, Starts], begun: dict[int, int], r: int) -> int | None:
    ready = 0
    for v in crews[r]:
        for other, start in begun.items():
            if v in crews[other]:
                way = math.ceil(_metres(problem, other, r) / float(problem.people.speed_mps[v]) - 1e-9)
                ready = max(ready, start + int(problem.requirements.duration_s[other]) + problem.rest_s + way)
    points = [ready, *(low for v in crews[r] for low, _ in starts[r, v] if low > ready)]
    fits = [t for t in points if all(any(a <= t <= b for a, b in starts[r, v]) for v in crews[r])]
    return min(fits, default=None)


def _metres(problem: Problem, a: int, b: int) -> float:
    """Spherical distance by the law of haversines, written out."""
    asked = problem.requirements
    radius = METRES_A_DEGREE * 180 / math.pi
    p, q = math.radians(asked.lat[a]), math.radians(asked.lat[b])
    h = math.sin((p - q) / 2) ** 2
    h += math.cos(p) * math.cos(q) * math.sin(math.radians(asked.lon[a] - asked.lon[b]) / 2) ** 2
    return 2 * radius * math.asin(math.sqrt(h))
