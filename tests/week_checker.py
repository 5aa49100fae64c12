"""Is a week's plan allowed? Every rule of `matcher.weekly`, written again from its words alone, in plain Python.

It imports nothing of the planner, and of `matcher` nothing at all: it reads the arrays of the week and of the plan.
Distances are the haversine of DESIGN 7; a second and a millionth of a metre of rounding are allowed, no more.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict

EARTH_RADIUS_M = 6_371_008.8
HAIR_M, HAIR_S = 1e-6, 1e-6
HOUR = 3600


def objections(week, plan) -> list[str]:
    """Return everything that is wrong with a plan, in words; nothing: the plan is allowed."""
    visits = [
        (int(r), int(p), int(s), int(a), int(b))
        for r, p, s, a, b in zip(
            plan.requirement, plan.person, plan.start_s, plan.shift_from_s, plan.shift_until_s, strict=True
        )
    ]
    pinned = set(zip(*(column.tolist() for column in week.pinned), strict=True))
    return [
        *_pins_kept(pinned, visits),
        *(wrong for visit in visits if visit[:3] not in pinned for wrong in _pair(week, *visit[:3])),
        *_routes(week, visits),
        *_crews(week, visits, pinned),
        *_once_a_request(week, visits, pinned),
        *_crowds(week, visits, pinned),
        *_limits(week, visits, pinned),
        *_figures(week, plan, visits),
    ]


def metres(lat_a, lon_a, lat_b, lon_b) -> float:
    """Great-circle metres by the haversine."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    up, across = math.sin((phi_b - phi_a) / 2), math.sin(math.radians(lon_b - lon_a) / 2)
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(up * up + math.cos(phi_a) * math.cos(phi_b) * across**2)))


def from_home_m(week, r: int, p: int) -> float:
    """Metres from a person's home to a requirement."""
    people, asked = week.problem.people, week.problem.requirements
    return metres(people.lat[p], people.lon[p], asked.lat[r], asked.lon[r])


def between_m(week, a: int, b: int) -> float:
    """Metres from one requirement to another."""
    asked = week.problem.requirements
    return metres(asked.lat[a], asked.lon[a], asked.lat[b], asked.lon[b])


def _pins_kept(pinned, visits):
    planned = Counter(visit[:3] for visit in visits)
    return [f"pinned {pin} is planned {planned[pin]} times" for pin in sorted(pinned) if planned[pin] != 1]


def _pair(week, r, p, start):
    """What forbids this person this visit, whatever else they do."""
    people, asked = week.problem.people, week.problem.requirements
    end = start + int(asked.duration_s[r])
    name = f"visit ({r}) by ({p}) at ({start})"
    if not people.active[p] or people.engaged[p] or people.spent[p]:
        yield f"{name}: not available"
    if asked.zone[r] >= 0 and people.zone[p] >= 0 and asked.zone[r] != people.zone[p]:
        yield f"{name}: other zone"
    for at in range(asked.need_indptr[r], asked.need_indptr[r + 1]):
        skill = int(asked.need_skill[at])
        if people.levels[skill][p] < asked.need_level[at]:
            yield f"{name}: lacks skill ({skill})"
        for row, holder in enumerate(people.cert_person.tolist()):
            if holder == p and people.cert_skill[row] == skill and people.cert_expires_s[row] < end:
                yield f"{name}: certificate ({skill}) runs out"
    away = from_home_m(week, r, p)
    if away > people.reach_m[p] + HAIR_M:
        yield f"{name}: ({away}) m away"
    if asked.circle_s[r] >= 0 and away / people.speed_mps[p] > asked.circle_s[r] + HAIR_S:
        yield f"{name}: outside the circle"
    yield from _named(asked, r, p, name)
    yield from _times(week, r, start, end, name)


def _named(asked, r, p, name):
    for cause in ("refused", "excluded", "restricted", "serving"):
        rows, people = getattr(asked, cause)
        if any(a == r and b == p for a, b in zip(rows.tolist(), people.tolist(), strict=True)):
            yield f"{name}: {cause}"
    rows, people = asked.must_have
    allowed = {b for a, b in zip(rows.tolist(), people.tolist(), strict=True) if a == r}
    if asked.choosy[r] and p not in allowed:
        yield f"{name}: not among those who must"


def _times(week, r, start, end, name):
    asked = week.problem.requirements
    if not asked.earliest_s[r] <= start <= end <= asked.latest_s[r]:
        yield f"{name}: outside its window"
    if asked.fixed_start_s[r] >= 0 and start != asked.fixed_start_s[r]:
        yield f"{name}: not at its fixed start"
    if week.presence is not None:
        part = slice(int(week.presence.indptr[r]), int(week.presence.indptr[r + 1]))
        stretches = zip(week.presence.from_s[part].tolist(), week.presence.until_s[part].tolist(), strict=True)
        if not any(a <= start and end <= b for a, b in _union(stretches)):
            yield f"{name}: nobody is in"


def _union(stretches):
    joined = []
    for a, b in sorted(stretches):
        if joined and a <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(b, joined[-1][1]))
        else:
            joined.append((a, b))
    return joined


def _routes(week, visits):
    """Out from home, from visit to visit with rest, home again, within one stretch of hours, meeting nothing else."""
    own = defaultdict(list)
    for visit in visits:
        own[visit[1]].append(visit)
    for p, route in sorted(own.items()):
        shifts = defaultdict(list)
        for r, _, start, a, b in sorted(route, key=lambda visit: visit[2]):
            shifts[(a, b) if (a, b) != (-1, -1) else ("pinned", r)].append((r, start, a, b))
        spans = []
        for shift in shifts.values():
            yield from _shift(week, p, shift)
            spans.append(_span(week, p, shift))
        yield from _apart(week, p, sorted(spans))


def _shift(week, p, shift):
    people, asked = week.problem.people, week.problem.requirements
    speed, rest = float(people.speed_mps[p]), week.problem.rest_s
    free, before = None, None
    a, b = shift[0][2:]
    for r, start, _, _ in shift:
        way_s = (from_home_m(week, r, p) if before is None else between_m(week, before, r)) / speed
        leave = start - way_s
        if a >= 0 and leave < (a if free is None else free) - HAIR_S:
            yield f"({p}) cannot be at ({r}) at ({start})"
        if a >= 0 and leave < asked.depart_s[r] - HAIR_S and (r, p, start) not in _pins(week):
            yield f"({p}) departs for ({r}) too early"
        free, before = start + int(asked.duration_s[r]) + rest, r
    if a >= 0:
        home = free - rest + from_home_m(week, before, p) / speed
        if home > b + HAIR_S:
            yield f"({p}) is home too late"
        yield from _inside(week, p, a, b)


def _pins(week):
    return set(zip(*(column.tolist() for column in week.pinned), strict=True))


def _inside(week, p, a, b):
    """A shift lies within the person's hours and the week, and meets no busy time."""
    people = week.problem.people
    row = int(people.hours[p])
    part = slice(int(people.hours_indptr[row]), int(people.hours_indptr[row + 1]))
    hours = zip(people.hours_from_s[part].tolist(), people.hours_until_s[part].tolist(), strict=True)
    if not (week.from_s <= a and b <= week.until_s and any(x <= a and b <= y for x, y in hours)):
        yield f"({p}) has no hours from ({a}) to ({b})"
    part = slice(int(people.busy_indptr[p]), int(people.busy_indptr[p + 1]))
    for x, y in zip(people.busy_from_s[part].tolist(), people.busy_until_s[part].tolist(), strict=True):
        if x < y and x < b and y > a:
            yield f"({p}) is busy from ({x}) to ({y})"


def _span(week, p, shift):
    """When the person departs and when the last visit is over."""
    people, asked = week.problem.people, week.problem.requirements
    first, last = shift[0], shift[-1]
    return (
        first[1] - from_home_m(week, first[0], p) / float(people.speed_mps[p]),
        last[1] + int(asked.duration_s[last[0]]),
        all((r, p, start) in _pins(week) and a < 0 for r, start, a, _ in shift),
    )


def _apart(week, p, spans):
    """Between two outings lies the rest; what people agreed to among themselves (two pinned ones) is theirs."""
    for (_, end, one), (begin, _, other) in itertools.pairwise(spans):
        if not (one and other) and begin < end + week.problem.rest_s - HAIR_S - 1:
            yield f"({p}) has no rest between ({end}) and ({begin})"


def _crews(week, visits, pinned):
    asked = week.problem.requirements
    crews = defaultdict(list)
    for r, p, start, _, _ in visits:
        crews[r].append((p, start))
    for r, crew in sorted(crews.items()):
        if len({p for p, _ in crew}) != len(crew):
            yield f"requirement ({r}) has somebody twice"
        if len(crew) > asked.people[r]:
            yield f"requirement ({r}) has ({len(crew)}) people"
        if len({start for _, start in crew}) != 1:
            yield f"requirement ({r}) has several starts"
        if len(crew) < asked.minimum[r] and not any((r, p, start) in pinned for p, start in crew):
            yield f"requirement ({r}) has too few people"


def _once_a_request(week, visits, pinned):
    ids = week.problem.requirements.ids
    seen = Counter((p, ids[r][0]) for r, p, start, _, _ in visits if (r, p, start) not in pinned)
    for (p, request), times in seen.items():
        if times > 1:
            yield f"({p}) serves request ({request}) ({times}) times"


def _crowds(week, visits, pinned):
    if week.compound is None or not week.crowd_max:
        return
    hours, agreed = Counter(), Counter()
    for r, p, start, _, _ in visits:
        end = start + int(week.problem.requirements.duration_s[r])
        for hour in range(start // HOUR, (end - 1) // HOUR + 1):
            if week.compound[r] >= 0:
                hours[int(week.compound[r]), hour] += 1
                agreed[int(week.compound[r]), hour] += (r, p, start) in pinned
    for key, many in sorted(hours.items()):
        if many > max(week.crowd_max, agreed[key]):
            yield f"compound and hour {key} see ({many}) visits"


def _limits(week, visits, pinned):
    people = week.problem.people
    by_person = Counter(visit[1] for visit in visits)
    agreed = Counter(p for _, p, _ in pinned)
    for p, many in sorted(by_person.items()):
        if many > max(int(people.capacity[p]), agreed[p]):
            yield f"({p}) makes ({many}) visits"
    if not week.day_max:
        return
    days, agreed_days = Counter(), Counter()
    for r, p, start, _, _ in visits:
        day = sum(midnight <= start for midnight in week.midnights_s)
        days[p, day] += 1
        agreed_days[p, day] += (r, p, start) in pinned
    for key, many in sorted(days.items()):
        if many > max(week.day_max, agreed_days[key]):
            yield f"person and day {key} see ({many}) visits"


def _figures(week, plan, visits):
    """What the plan says of itself."""
    asked = week.problem.requirements
    if plan.objective["filled"] != len(visits):
        yield f"the plan says ({plan.objective['filled']}) filled, not ({len(visits)})"
    walked = 0
    routes = defaultdict(list)
    for r, p, _start, a, b in sorted(visits, key=lambda visit: (visit[1], visit[2])):
        if a >= 0:
            routes[p, a, b].append(r)
    for (p, _, _), route in routes.items():
        legs = [
            from_home_m(week, route[0], p),
            *(between_m(week, x, y) for x, y in itertools.pairwise(route)),
        ]
        walked += sum(math.floor(leg + 0.5) for leg in (*legs, from_home_m(week, route[-1], p)))
    if abs(walked - plan.objective["metres"]) > 1e-6 * walked + 2 * len(visits) * 1e-3 + 2:
        yield f"the plan says ({plan.objective['metres']}) m, not ({walked})"
    filled = Counter(visit[0] for visit in visits)
    said = {short.requirement: short.places for short in plan.unfilled}
    for r in range(len(asked.ids)):
        if said.get(r, 0) != int(asked.people[r]) - filled[r]:
            yield f"requirement ({r}) has ({asked.people[r] - filled[r]}) places open, not ({said.get(r, 0)})"
