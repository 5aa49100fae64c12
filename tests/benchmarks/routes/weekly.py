"""HHCRSP given to the report week's planner: what is beyond its words is decided outside, round by round.

The planner knows hard windows and requirements that know nothing of each other. So each round fixes the starts of
double services and says how late each single one may be; what the planner leaves open gets more room in the next round.
Ways are laid out on the sphere from the patients' places (100 m and 60 s a unit). Called by the benchmark.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from matcher import weekly
from matcher.linked import Linked, Routes, searching
from matcher.problem import PeopleArrays, Problem, RequirementArrays, Wishes
from matcher.weekly.week import Effort, Week

ORIGIN_S, UNIT_S, UNIT_M = 1_700_000_000, 60, 100.0
METRES_A_DEGREE = 6_371_008.8 * np.pi / 180
#: How much later a visit may be in the next round where it stayed open.
LATER = 25.0
NOBODY = (np.zeros(0, np.int32), np.zeros(0, np.int32))


def best_of(instance: dict[str, Any], linked: Linked, rounds: int, steps: int) -> tuple[Routes | None, int]:
    """Return the cheapest complete plan of so many rounds, None where each left something open, and rounds that did."""
    starts = _first_starts(linked)
    slack, best, open_rounds = np.zeros(len(linked.place)), None, 0
    for n in range(rounds):
        plan = weekly.plan(_week(instance, linked, starts, slack), Effort(iterations=steps, seed=n + 1))
        who, begin = np.full(len(starts), -1, np.int64), starts.copy()
        who[plan.requirement] = plan.person
        begin[plan.requirement] = (plan.start_s - ORIGIN_S) / UNIT_S
        if (who < 0).any():
            open_rounds += 1
            _make_room(linked, who < 0, starts, slack)
            continue
        order = np.argsort(np.minimum.reduceat(begin, linked.first[:-1]), kind="stable").astype(np.int64)
        found = searching.told(linked, order, who)
        if best is None or found.cost < best.cost:
            best = found
        # once all is filled: double services where they came to lie, and what is late as late as it was
        starts = found.start.copy()
        slack = np.maximum(0.0, np.minimum(slack, found.start - linked.due + LATER))
    return best, open_rounds


def _first_starts(linked: Linked) -> np.ndarray:
    """Return starts as early as windows and gaps allow."""
    starts = linked.earliest.copy()
    for a, b in zip(linked.first[:-1].tolist(), linked.first[1:].tolist(), strict=True):
        for v in range(a + 1, b):
            starts[v] = max(starts[v], starts[v - 1] + linked.gap_min[v])
    return starts


def _make_room(linked: Linked, missing: np.ndarray, starts: np.ndarray, slack: np.ndarray) -> None:
    for a, b in zip(linked.first[:-1].tolist(), linked.first[1:].tolist(), strict=True):
        if missing[a:b].any():
            slack[a:b] += LATER
            if b - a > 1:
                starts[a:b] += LATER


def _week(instance: dict[str, Any], linked: Linked, starts: np.ndarray, slack: np.ndarray) -> Week:
    spots = np.array([instance["central_offices"][0]["location"], *(p["location"] for p in instance["patients"])])
    spots = spots.astype(np.float64) * UNIT_M / METRES_A_DEGREE
    horizon = int((linked.due + linked.duration).max() + slack.max() + starts.max() + 2 * linked.ways.max())
    until = ORIGIN_S + UNIT_S * horizon
    services = [s["service"] for p in instance["patients"] for s in p["required_caregivers"]]
    skills = sorted({s for person in instance["caregivers"] for s in person["abilities"]} | set(services))
    problem = Problem(
        zone="hhcrsp",
        beat=0,
        now_s=ORIGIN_S,
        skills=skills,
        people=_people(instance, skills, spots[0], until),
        requirements=_visits(instance, linked, spots, [skills.index(s) for s in services], starts, slack),
    )
    return Week(problem=problem, from_s=ORIGIN_S, until_s=until)


def _people(instance: dict[str, Any], skills: list[str], home: np.ndarray, until: int) -> PeopleArrays:
    crowd = instance["caregivers"]
    count = len(crowd)
    never, nothing, none = np.zeros(count, np.bool_), np.zeros(0, np.int64), np.zeros(count + 1, np.int64)
    return PeopleArrays(
        ids=[person["id"] for person in crowd],
        lat=np.full(count, home[0]),
        lon=np.full(count, home[1]),
        reach_m=np.full(count, 1e7),
        speed_mps=np.full(count, UNIT_M / UNIT_S),
        capacity=np.full(count, 64, np.int32),
        zone=np.full(count, -1, np.int32),
        levels=np.array([[int(s in person["abilities"]) for person in crowd] for s in skills], np.uint8),
        hours=np.zeros(count, np.int32),
        active=~never,
        engaged=never,
        spent=never,
        cert_person=np.zeros(0, np.int32),
        cert_skill=np.zeros(0, np.int32),
        cert_expires_s=nothing,
        busy_indptr=none,
        busy_from_s=nothing,
        busy_until_s=nothing,
        hours_indptr=np.array([0, 1]),
        hours_from_s=np.array([ORIGIN_S]),
        hours_until_s=np.array([until]),
        full_indptr=none,
        full_from_s=nothing,
        full_until_s=nothing,
    )


def _visits(
    instance: dict[str, Any], linked: Linked, spots: np.ndarray, needs: list[int], starts: np.ndarray, slack: np.ndarray
) -> RequirementArrays:
    count = len(linked.place)
    group = np.repeat(np.arange(len(linked.first) - 1), np.diff(linked.first))
    double = np.diff(linked.first)[group] > 1
    fixed = ORIGIN_S + np.ceil(starts * UNIT_S).astype(np.int64)
    ends = linked.due + slack + linked.duration
    ends = np.where(double, np.maximum(ends, starts + linked.duration + 1), ends)
    ones = np.ones(count, np.int32)
    return RequirementArrays(
        ids=[(instance["patients"][g]["id"], str(v)) for v, g in enumerate(group.tolist())],
        lat=spots[linked.place, 0],
        lon=spots[linked.place, 1],
        earliest_s=ORIGIN_S + np.ceil(linked.earliest * UNIT_S).astype(np.int64),
        latest_s=ORIGIN_S + np.floor(ends * UNIT_S).astype(np.int64),
        duration_s=np.ceil(linked.duration * UNIT_S).astype(np.int64),
        depart_s=np.full(count, ORIGIN_S, np.int64),
        fixed_start_s=np.where(double, fixed, -1),
        people=ones,
        minimum=ones,
        weight=ones,
        waiting=np.zeros(count, np.int64),
        zone=np.full(count, -1, np.int32),
        circle_s=np.full(count, -1, np.int64),
        need_indptr=np.arange(count + 1, dtype=np.int64),
        need_skill=np.array(needs, np.int32),
        need_level=np.ones(count, np.uint8),
        refused=NOBODY,
        excluded=NOBODY,
        restricted=NOBODY,
        must_have=NOBODY,
        choosy=np.zeros(count, np.bool_),
        serving=NOBODY,
        wishes=Wishes(
            indptr=np.zeros(count + 1, np.int64),
            skill=NOBODY[0],
            level=np.zeros(0, np.uint8),
            points=np.zeros(0, np.int64),
            nice=np.zeros(0, np.bool_),
        ),
        favours={},
    )
