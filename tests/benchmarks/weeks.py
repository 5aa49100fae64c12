"""Synthetic report weeks as arrays: a county of 8,636 people and a city of 100,000, drawn by a fixed seed.

Called by `report_week`. People are free on one half-day that their unit releases (210 minutes) and some on evenings;
residents are in on a few half-days and evenings of the week. Geometry and demand are invented.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matcher.policy import Budget
from matcher.problem import PeopleArrays, Problem, RequirementArrays, Wishes
from matcher.weekly.week import Stretches, Week
from tests.problems import CENTRE, METRES_A_DEGREE

DAY, HOUR = 86_400, 3600
#: Monday, 9 October 2023, 00:00 in Shanghai.
MONDAY = 1_696_780_800
DAYS = 5
MORNING, AFTERNOON, EVENING = (int(8.5 * HOUR), 12 * HOUR), (14 * HOUR, int(17.5 * HOUR)), (18 * HOUR + 1800, 21 * HOUR)
SKILLS = 8
#: A bicycle at 12 km/h, streets 1.3 times as long as the line.
SPEED_MPS = 12.0 / 3.6 / 1.3


def county(scale: float = 1.0, seed: int = 1, crews: bool = True) -> Week:
    """8,636 people, 4,000 visits of which 800 need two people."""
    return week(int(8636 * scale), int(4000 * scale), 20_000.0 * scale**0.5, seed, 0.2 if crews else 0.0)


def tight(scale: float = 1.0, seed: int = 1, crews: bool = True) -> Week:
    """1,500 people for the county's 4,000 visits: not all can be filled."""
    return week(int(1500 * scale), int(4000 * scale), 20_000.0 * scale**0.5, seed, 0.2 if crews else 0.0)


def city(scale: float = 1.0, seed: int = 1, crews: bool = True) -> Week:
    """100,000 people, 30,000 visits of which a tenth need two people."""
    return week(int(100_000 * scale), int(30_000 * scale), 40_000.0 * scale**0.5, seed, 0.1 if crews else 0.0)


def week(people: int, visits: int, side_m: float, seed: int, crews: float) -> Week:
    """Draw a week."""
    draw = np.random.default_rng(seed)
    crowd = _people(draw, people, side_m)
    asked = _visits(draw, visits, side_m, crews)
    posed = Problem(
        zone="week",
        beat=seed,
        now_s=MONDAY,
        skills=[f"s{i}" for i in range(SKILLS)],
        people=crowd,
        requirements=asked,
        budget=Budget(),
        rest_s=300,
    )
    return Week(
        problem=posed,
        from_s=MONDAY,
        until_s=MONDAY + 7 * DAY,
        presence=_presence(draw, visits),
        compound=draw.integers(0, max(1, visits // 18), visits).astype(np.int32),
        owing=draw.random(people) < 0.5,
        duty_points=300,
    )


def _spots(draw: np.random.Generator, count: int, side_m: float) -> tuple[np.ndarray, np.ndarray]:
    spots = draw.random((count, 2)) * side_m / METRES_A_DEGREE
    return CENTRE[0] + spots[:, 0], CENTRE[1] + spots[:, 1] / np.cos(np.radians(CENTRE[0]))


def _people(draw: np.random.Generator, count: int, side_m: float) -> PeopleArrays:
    lat, lon = _spots(draw, count, side_m)
    levels = np.zeros((SKILLS, count), np.uint8)
    for _ in range(2):
        levels[draw.integers(0, SKILLS, count), np.arange(count)] = 1
    table, rows = _hours()
    nothing, never, ones = np.zeros(0, np.int64), np.zeros(count, np.bool_), np.ones(count)
    return PeopleArrays(
        ids=[f"p{i}" for i in range(count)],
        lat=lat,
        lon=lon,
        reach_m=5000.0 * ones,
        speed_mps=SPEED_MPS * ones,
        capacity=np.full(count, 6, np.int32),
        zone=np.full(count, -1, np.int32),
        levels=levels,
        hours=draw.integers(0, rows, count).astype(np.int32),
        active=~never,
        engaged=never,
        spent=never,
        cert_person=np.zeros(0, np.int32),
        cert_skill=np.zeros(0, np.int32),
        cert_expires_s=nothing,
        busy_indptr=np.zeros(count + 1, np.int64),
        busy_from_s=nothing,
        busy_until_s=nothing,
        hours_indptr=table[0],
        hours_from_s=table[1],
        hours_until_s=table[2],
        full_indptr=np.zeros(count + 1, np.int64),
        full_from_s=nothing,
        full_until_s=nothing,
    )


def _hours() -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], int]:
    """One released half-day each; a third of the rows have two evenings beside it."""
    rows = []
    for day in range(DAYS):
        for part in (MORNING, AFTERNOON):
            for evenings in ((), (), (day, (day + 2) % DAYS)):
                half = (MONDAY + day * DAY + part[0], MONDAY + day * DAY + part[1])
                late = [(MONDAY + e * DAY + EVENING[0], MONDAY + e * DAY + EVENING[1]) for e in evenings]
                rows.append(sorted([half, *late]))
    flat = np.array([stretch for row in rows for stretch in row], np.int64)
    return (np.cumsum([0, *map(len, rows)], dtype=np.int64), flat[:, 0].copy(), flat[:, 1].copy()), len(rows)


def _visits(draw: np.random.Generator, count: int, side_m: float, crews: float) -> RequirementArrays:
    lat, lon = _spots(draw, count, side_m)
    nobody = (np.zeros(0, np.int32), np.zeros(0, np.int32))
    people = 1 + (draw.random(count) < crews).astype(np.int32)
    return RequirementArrays(
        ids=[(f"r{i}", "1") for i in range(count)],
        lat=lat,
        lon=lon,
        earliest_s=np.full(count, MONDAY, np.int64),
        latest_s=np.full(count, MONDAY + DAYS * DAY, np.int64),
        duration_s=draw.choice([1800, 2700, 3600, 5400], count).astype(np.int64),
        depart_s=np.full(count, MONDAY, np.int64),
        fixed_start_s=np.full(count, -1, np.int64),
        people=people,
        minimum=people,
        weight=np.ones(count, np.int32),
        waiting=np.zeros(count, np.int64),
        zone=np.full(count, -1, np.int32),
        circle_s=np.full(count, -1, np.int64),
        need_indptr=np.arange(count + 1, dtype=np.int64),
        need_skill=draw.integers(0, SKILLS, count).astype(np.int32),
        need_level=np.ones(count, np.uint8),
        refused=nobody,
        excluded=nobody,
        restricted=nobody,
        must_have=nobody,
        choosy=np.zeros(count, np.bool_),
        serving=nobody,
        wishes=Wishes(
            indptr=np.zeros(count + 1, np.int64),
            skill=nobody[0],
            level=np.zeros(0, np.uint8),
            points=np.zeros(0, np.int64),
            nice=np.zeros(0, np.bool_),
        ),
        favours={},
    )


def _presence(draw: np.random.Generator, count: int) -> Stretches:
    """Residents are in on one to three of the week's half-days and evenings."""
    parts = [
        (MONDAY + d * DAY + a, MONDAY + d * DAY + b) for d in range(DAYS) for a, b in (MORNING, AFTERNOON, EVENING)
    ]
    all_parts = np.array(parts, np.int64)
    times = draw.integers(1, 4, count)
    rows = [np.sort(draw.choice(len(parts), n, replace=False)) for n in times.tolist()]
    chosen = all_parts[np.concatenate(rows)]
    indptr = np.concatenate(([0], np.cumsum(times))).astype(np.int64)
    return Stretches(indptr=indptr, from_s=chosen[:, 0].copy(), until_s=chosen[:, 1].copy())


def day(people: int, visits: int, seed: int) -> Week:
    """One afternoon without crews, skills, reach, rest and duty, one window a visit: what routing libraries express."""
    drawn = week(people, visits, 6000.0, seed, 0.0)
    draw = np.random.default_rng(seed)
    begin, end = MONDAY + AFTERNOON[0], MONDAY + AFTERNOON[1]
    window = begin + draw.integers(0, 5, visits) * 1800
    crowd, asked = drawn.problem.people, drawn.problem.requirements
    crowd = replace(
        crowd,
        reach_m=np.full(people, 1e6),
        levels=np.ones_like(crowd.levels),
        capacity=np.full(people, 60, np.int32),
        hours=np.zeros(people, np.int32),
        hours_indptr=np.array([0, 1]),
        hours_from_s=np.array([begin]),
        hours_until_s=np.array([end]),
    )
    asked = replace(asked, earliest_s=window, latest_s=np.minimum(window + 7200, end))
    posed = replace(drawn.problem, people=crowd, requirements=asked, rest_s=0)
    return replace(drawn, problem=posed, presence=None, compound=None, owing=None, duty_points=0)
