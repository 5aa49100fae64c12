"""A nearest-first dispatcher and a second opinion on every "nobody", written from DESIGN 7 alone.

It shares no function with `matcher`: own distance, own filters, own clockwork; it only reads the problem's arrays.
For problems in which every requirement asks for one person (the real files of the tests).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

EARTH_RADIUS_M = 6_371_008.8
NEVER = -1


@dataclass(frozen=True)
class Trips:
    """All pairs of one problem: [requirements, people]. `start_s` is NEVER where the pair cannot be."""

    metres: np.ndarray
    start_s: np.ndarray
    #: requirement -> the first stage that left nobody, None where somebody could come
    reasons: list[str | None]

    def points(self) -> np.ndarray:
        return np.floor(self.metres + 0.5).astype(np.int64)


@dataclass(frozen=True)
class Walked:
    filled: int
    metres: int


def metres_between(lat, lon, other_lat, other_lon):
    """Great-circle metres by the haversine, every requirement against every person."""
    phi, theta = np.deg2rad(lat)[:, None], np.deg2rad(lon)[:, None]
    other_phi, other_theta = np.deg2rad(other_lat)[None, :], np.deg2rad(other_lon)[None, :]
    h = np.sin((other_phi - phi) / 2) ** 2 + np.cos(phi) * np.cos(other_phi) * np.sin((other_theta - theta) / 2) ** 2
    return 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(h, 0, 1)))


def all_trips(problem) -> Trips:
    """Filter every pair stage by stage and note at which stage a requirement lost its last person."""
    people, needs = problem.people, problem.requirements
    count, crowd = len(needs.ids), len(people.ids)
    metres = metres_between(needs.lat, needs.lon, people.lat, people.lon)
    start_s = np.full((count, crowd), NEVER, np.int64)
    reasons: list[str | None] = []
    refused, excluded, serving = (_by_row(pairs) for pairs in (needs.refused, needs.excluded, needs.serving))
    for r in range(count):
        reason, starts = _one(problem, r, metres[r], refused.get(r, []), excluded.get(r, []), serving.get(r, []))
        reasons.append(reason)
        for person, start in starts.items():
            start_s[r, person] = start
    return Trips(metres, start_s, reasons)


def _by_row(pairs):
    rows: dict[int, list[int]] = {}
    for r, person in zip(pairs[0].tolist(), pairs[1].tolist(), strict=True):
        rows.setdefault(r, []).append(person)
    return rows


def _one(problem, r, metres, refused, excluded, serving):
    """One requirement: the name of the stage that left nobody, or the starts of those who could come."""
    people, needs = problem.people, problem.requirements
    skills = range(int(needs.need_indptr[r]), int(needs.need_indptr[r + 1]))
    here = (people.zone < 0) | (people.zone == needs.zone[r]) if needs.zone[r] >= 0 else np.ones(len(metres), bool)
    able = np.ones(len(metres), bool)
    for n in skills:
        able &= people.levels[needs.need_skill[n]] >= needs.need_level[n]
    last_s = _last_end(problem, [int(needs.need_skill[n]) for n in skills])
    begin_s = int(needs.fixed_start_s[r]) if needs.fixed_start_s[r] >= 0 else int(needs.earliest_s[r])
    first_end_s = max(problem.now_s, begin_s) + int(needs.duration_s[r])

    def start(person, busy=()):
        travel_s = math.ceil(metres[person] / people.speed_mps[person])
        return _start(problem, r, person, travel_s, last_s.get(person), busy)

    starts = {}

    def comes(person):
        if people.engaged[person] or people.capacity[person] < 1 or person in serving:
            return False
        starts[person] = start(person, _busy(people, person))
        return starts[person] != NEVER

    left = np.flatnonzero(people.active & here).tolist()
    stages = (
        ("NO_REGISTERED_VOLUNTEER", lambda person: True),
        ("MISSING_SKILL", lambda person: able[person]),
        ("QUALIFICATION_EXPIRED", lambda person: last_s.get(person, first_end_s) >= first_end_s),
        ("TRAVEL_TOO_FAR", lambda person: metres[person] <= people.reach_m[person]),
        ("NO_START_POSSIBLE", lambda person: start(person) != NEVER),
        ("EXCLUDED_BY_REQUESTER", lambda person: person not in excluded),
        ("PREVIOUSLY_REFUSED", lambda person: person not in refused),
        ("ALERT_BUDGET_SPENT", lambda person: not people.spent[person]),
        ("ALREADY_COMMITTED", comes),
    )
    for reason, passes in stages:
        left = [person for person in left if passes(person)]
        if not left:
            return reason, {}
    return None, {person: starts[person] for person in left}


def _last_end(problem, skills):
    """When the first certificate that the requirement asks for runs out, for those who have one that does."""
    people = problem.people
    ends: dict[int, int] = {}
    rows = zip(people.cert_person.tolist(), people.cert_skill.tolist(), people.cert_expires_s.tolist(), strict=True)
    for person, skill, until_s in rows:
        if skill in skills:
            ends[person] = min(until_s, ends.get(person, until_s))
    return ends


def _busy(people, person):
    part = slice(int(people.busy_indptr[person]), int(people.busy_indptr[person + 1]))
    return list(zip(people.busy_from_s[part].tolist(), people.busy_until_s[part].tolist(), strict=True))


def _start(problem, r, person, travel_s, last_s, busy):
    """The earliest second at which this person can begin, NEVER if there is none."""
    people, needs = problem.people, problem.requirements
    duration = int(needs.duration_s[r])
    latest = min(int(needs.latest_s[r]), last_s if last_s is not None else int(needs.latest_s[r]))
    ready = max(problem.now_s + travel_s, int(needs.earliest_s[r]))
    fixed = int(needs.fixed_start_s[r])
    if fixed >= 0:
        if fixed < ready:
            return NEVER
        ready = fixed
    row = int(people.hours[person])
    for n in range(int(people.hours_indptr[row]), int(people.hours_indptr[row + 1])):
        opens, closes = int(people.hours_from_s[n]), int(people.hours_until_s[n])
        start = _after(max(ready, opens), travel_s, duration, busy)
        if start + duration <= min(closes, latest) and (fixed < 0 or start == fixed):
            return start
    return NEVER


def _after(start, travel_s, duration, busy):
    """Put the start off past every commitment that [departure, end) would meet."""
    for begins, ends in busy:
        if start - travel_s < ends and begins < start + duration:
            start = ends + travel_s
    return start


def nearest_first(problem, trips: Trips) -> Walked:
    """Take the shortest trip that is left, again and again; each person goes once a beat."""
    if (problem.requirements.people != 1).any():
        raise ValueError("nearest-first knows requirements for one person only")
    points = trips.points()
    could = np.argwhere(trips.start_s != NEVER)
    order = np.argsort(points[could[:, 0], could[:, 1]], kind="stable")
    served: set[int] = set()
    gone: set[int] = set()
    metres = 0
    for r, person in could[order].tolist():
        if r in served or person in gone:
            continue
        served.add(r)
        gone.add(person)
        metres += int(points[r, person])
    return Walked(len(served), metres)


def objections(problem, plan, trips: Trips, mine: Walked) -> list[str]:
    """Return what this script holds against a plan: a worse total, an impossible trip, or a reason it cannot see."""
    points = trips.points()
    found = []
    metres = 0
    for placed in plan.placements:
        metres += int(points[placed.requirement, placed.person])
        if trips.start_s[placed.requirement, placed.person] != placed.start_s:
            mine_s = trips.start_s[placed.requirement, placed.person]
            found.append(f"start of {problem.requirements.ids[placed.requirement]}: {placed.start_s}, not {mine_s}")
    filled = len(plan.placements)
    if mine.filled > filled:
        found.append(f"nearest-first fills {mine.filled}, the plan {filled}")
    if mine.filled == filled and mine.metres < metres:
        found.append(f"nearest-first walks {mine.metres} m, the plan {metres} m")
    found.extend(_wrong_reasons(problem, plan, trips))
    return found


def _wrong_reasons(problem, plan, trips):
    placed = {placement.requirement for placement in plan.placements}
    said = {shortfall.requirement: str(shortfall.reason.value) for shortfall in plan.shortfalls}
    for r, own in enumerate(trips.reasons):
        name = problem.requirements.ids[r]
        if (r in placed) == (r in said):
            yield f"{name} is both or neither placed and short"
        elif r in said and said[r] != (own or "OUTBID"):
            yield f"{name} is said to be {said[r]}, not {own or 'OUTBID'}"
