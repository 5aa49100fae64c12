"""Small weeks drawn from a seed, with everything in them that a week can have."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from matcher.weekly.week import Stretches, Week
from tests.problems import DAY, HOUR, NOW, Mix, Need, Person, problem, random_problem

#: The week begins at the local midnight before NOW; six hours west of Greenwich, so that UTC days end within shifts.
FROM = (NOW + 6 * HOUR) // DAY * DAY - 6 * HOUR
UNTIL = FROM + 3 * DAY
MIDNIGHTS = tuple(FROM + day * DAY for day in range(4))


def random_week(seed: int, *, people: int = 10, requirements: int = 9, spread_m: int = 3000) -> Week:
    """Draw a week of three days; points lie on a grid so that ties happen."""
    draw = random.Random(f"week {seed}")
    posed = random_problem(seed, people=people, requirements=requirements, mix=_mix(draw, spread_m))
    capacity = np.array([draw.choice([1, 2, 3, 5]) for _ in range(people)], np.int32) * (posed.people.capacity > 0)
    posed = replace(posed, people=replace(posed.people, capacity=capacity.astype(np.int32)))
    capped = draw.random() < 0.5
    return Week(
        problem=posed,
        from_s=FROM,
        until_s=UNTIL,
        presence=_presence(draw, requirements) if draw.random() < 0.7 else None,
        compound=np.array([draw.randint(-1, 2) for _ in range(requirements)], np.int32) if capped else None,
        crowd_max=draw.randint(1, 3) if capped else 0,
        day_max=draw.choice([0, 0, 1, 2]),
        midnights_s=MIDNIGHTS,
        owing=np.array([draw.random() < 0.5 for _ in range(people)]),
        duty_points=draw.choice([0, 500]),
        disturbance_points=draw.choice([0, 1000]),
    )


def _mix(draw: random.Random, spread_m: int) -> Mix:
    return Mix(spread_m=max(12, spread_m), skills=2, levels=2, pairs=0.05, hours=draw.choice([0.3, 1.0]), crews=0.4)


def _presence(draw: random.Random, count: int) -> Stretches:
    rows = []
    for _ in range(count):
        row, at = [], FROM
        for _ in range(draw.randint(0, 3)):
            begin = at + draw.choice([0, 1, 2 * HOUR, 10 * HOUR])
            at = begin + draw.choice([600, 2 * HOUR, 9 * HOUR, DAY])
            row.append((begin, at))
        rows.append(row)
    flat = np.array([stretch for row in rows for stretch in row], np.int64).reshape(-1, 2)
    indptr = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return Stretches(indptr=indptr, from_s=flat[:, 0].copy(), until_s=flat[:, 1].copy())


def week_of(people: list[Person], needs: list[Need], **terms) -> Week:
    """Put people and needs into a week."""
    return Week(problem=problem(people, needs), from_s=FROM, until_s=UNTIL, **terms)


def triples(rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (requirement, person, start) as columns."""
    table = np.array(rows, np.int64).reshape(-1, 3)
    return table[:, 0].astype(np.int32), table[:, 1].astype(np.int32), table[:, 2].copy()
