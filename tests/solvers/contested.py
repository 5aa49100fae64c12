"""Small problems in which people are wanted by several requirements at once."""

from __future__ import annotations

import random

from matcher.policy import Budget
from matcher.problem import Problem
from tests.problems import HOUR, NOW, Need, Person, problem


def contested(
    seed: int,
    *,
    people: int = 5,
    requirements: int = 4,
    crew: float = 0.0,
    capacity: int = 1,
    partial: float = 0.3,
    fixed: float = 0.2,
    budget: Budget | None = None,
) -> Problem:
    """Draw one; everybody has the skill and the reach, the clock and each other are what stands in the way."""
    draw = random.Random(seed)
    crowd = [_person(draw, f"p{i}", capacity) for i in range(people)]
    needs: list[Need] = []
    for i in range(requirements):
        shared = needs and draw.random() < 0.15
        request = needs[-1].request or needs[-1].id if shared else f"r{i}"
        needs.append(_need(draw, f"q{i}", request, crew, partial, fixed))
    return problem(crowd, needs, beat=seed, budget=budget)


def _at(draw: random.Random) -> tuple[float, float]:
    return float(draw.randrange(0, 2000, 50)), float(draw.randrange(0, 2000, 50))


def _person(draw: random.Random, name: str, capacity: int) -> Person:
    begin = NOW + draw.choice([0, HOUR, 2 * HOUR, 3 * HOUR])
    hours = [(begin, begin + draw.choice([2, 3, 5]) * HOUR)]
    if draw.random() < 0.3:
        hours.append((begin + 6 * HOUR, begin + 8 * HOUR))
    busy = [(begin + HOUR, begin + HOUR + 1200)] if draw.random() < 0.2 else ()
    return Person(
        id=name,
        at=_at(draw),
        hours=None if draw.random() < 0.4 else hours,
        busy=busy,
        capacity=draw.randint(1, capacity),
        speed_mps=draw.choice([1.0, 3.0]),
    )


def _need(draw: random.Random, name: str, request: str, crew: float, partial: float, fixed: float) -> Need:
    earliest = NOW + draw.choice([0, HOUR, 2 * HOUR])
    duration = draw.choice([1800, HOUR, 2 * HOUR])
    latest = earliest + duration + draw.choice([0, 1800, 2 * HOUR, 4 * HOUR])
    people = draw.randint(2, 3) if draw.random() < crew else 1
    at = draw.randint(earliest, latest - duration) if draw.random() < fixed else -1
    return Need(
        id=name,
        request=request,
        at=_at(draw),
        earliest_s=earliest,
        latest_s=latest,
        duration_s=duration,
        fixed_start_s=at,
        people=people,
        minimum=1 if at >= 0 or draw.random() < partial else people,
        weight=draw.choice([1, 1, 4]),
        waiting=draw.choice([0, 0, 300]),
    )
