"""Proven travel gaps of the synthetic city, and on areas cut from it by a seed. Called by `report_week`.

An area is the visits nearest to a point drawn, and the people nearest to it. Every plan is re-checked.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from matcher.problem import PeopleArrays, RequirementArrays
from matcher.weekly import planning
from matcher.weekly.bounding import travel_bound
from matcher.weekly.week import Effort, Stretches, Week
from tests.week_checker import objections


def areas(city: Week, count: int, people: int, visits: int, seed: int) -> list[Week]:
    """Cut areas."""
    draw = np.random.default_rng(seed)
    centres = draw.choice(len(city.problem.requirements.ids), count, replace=False)
    return [_area(city, int(centre), people, visits) for centre in centres]


def _area(city: Week, centre: int, people: int, visits: int) -> Week:
    crowd, asked = city.problem.people, city.problem.requirements
    lat, lon = asked.lat[centre], asked.lon[centre]
    who = _nearest(crowd.lat - lat, (crowd.lon - lon) * np.cos(np.radians(lat)), people)
    which = _nearest(asked.lat - lat, (asked.lon - lon) * np.cos(np.radians(lat)), visits)
    assert city.presence is not None
    assert city.owing is not None
    return replace(
        city,
        problem=replace(city.problem, people=_people(crowd, who), requirements=_visits(asked, which)),
        presence=_presence(city.presence, which),
        compound=None,
        owing=city.owing[who],
    )


def _nearest(up: np.ndarray, across: np.ndarray, count: int) -> np.ndarray:
    return np.sort(np.argsort(up**2 + across**2, kind="stable")[:count])


def _people(crowd: PeopleArrays, who: np.ndarray) -> PeopleArrays:
    columns = ("lat", "lon", "reach_m", "speed_mps", "capacity", "zone", "hours", "active", "engaged", "spent")
    nothing = np.zeros(len(who) + 1, np.int64)
    return replace(
        crowd,
        ids=[crowd.ids[p] for p in who.tolist()],
        levels=np.ascontiguousarray(crowd.levels[:, who]),
        busy_indptr=nothing,
        full_indptr=nothing,
        **{name: getattr(crowd, name)[who] for name in columns},
    )


def _visits(asked: RequirementArrays, which: np.ndarray) -> RequirementArrays:
    columns = (
        "lat", "lon", "earliest_s", "latest_s", "duration_s", "depart_s", "circle_s", "fixed_start_s", "people",
        "minimum", "weight", "waiting", "zone", "need_skill", "need_level", "choosy",
    )  # fmt: skip
    return replace(
        asked,
        ids=[asked.ids[r] for r in which.tolist()],
        need_indptr=np.arange(len(which) + 1, dtype=np.int64),
        wishes=replace(asked.wishes, indptr=np.zeros(len(which) + 1, np.int64)),
        **{name: getattr(asked, name)[which] for name in columns},
    )


def _presence(presence: Stretches, which: np.ndarray) -> Stretches:
    rows = [np.arange(presence.indptr[r], presence.indptr[r + 1]) for r in which.tolist()]
    at = np.concatenate(rows)
    indptr = np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)
    return Stretches(indptr=indptr, from_s=presence.from_s[at], until_s=presence.until_s[at])


def measure(city: Week, people: int, visits: int, seed: int, iterations: int) -> None:
    """Plan and bound ten areas; print a row for each."""
    print(
        "| area | filled of places | km | came | points above the bound | gap of travel | rounds | s plan | s bound |"
    )
    gaps = []
    for number, area in enumerate(areas(city, 10, people, visits, seed)):
        began = time.process_time()
        plan = planning.run(area, Effort(iterations=iterations))
        planned = time.process_time()
        found = travel_bound(area, plan)
        bounded = time.process_time()
        wrong = objections(area, plan)
        gaps.append(found.gap)
        places, figures = int(area.problem.requirements.people.sum()), plan.objective
        print(
            f"| {number} | {figures['filled']} of {places} | {figures['metres'] / 1000:.2f} | {figures['duty']} | "
            f"{found.value - found.bound} | {100 * found.gap:.2f} %{'' if found.converged else ' (stopped)'} | "
            f"{found.rounds} | {planned - began:.1f} | {bounded - planned:.1f} |"
            f"{'' if not wrong else f' NOT ALLOWED: {wrong[:2]}'}{f' ({found.rough} rough)' if found.rough else ''}",
            flush=True,
        )
    print(f"gaps: median {100 * float(np.median(gaps)):.2f} %, largest {100 * max(gaps):.2f} %")


def measure_whole(week: Week, seed: int, budgets_s: tuple[int, ...]) -> None:
    """Plan all of a week within so many processor seconds each, bound it; print a row for each plan.

    Steps are counted out before, by the speed of a first search, so that each search cools down as a whole.
    """
    print("| processor seconds (asked) | steps | filled | km | cost beside open places | gap of travel | s bound |")
    speed = _steps_a_second(week, seed)
    for budget_s in budgets_s:
        began = time.process_time()
        plan = planning.run(week, Effort(iterations=int(budget_s * speed), seed=seed))
        planned = time.process_time()
        found = travel_bound(week, plan)
        bounded = time.process_time()
        wrong = objections(week, plan)
        print(
            f"| {planned - began:.0f} ({budget_s}) | {plan.iterations:,} | {plan.objective['filled']} | "
            f"{plan.objective['metres'] / 1000:.1f} | {found.value:,} | {100 * found.gap:.2f} % | "
            f"{bounded - planned:.0f} |{'' if not wrong else f' NOT ALLOWED: {wrong[:2]}'}",
            flush=True,
        )


def _steps_a_second(week: Week, seed: int, steps: int = 32_000) -> float:
    """Return the speed of the search alone: the first plan is left out."""
    marks = [
        (stage.iterations, time.process_time()) for stage in planning.stages(week, Effort(iterations=steps, seed=seed))
    ]
    (begin, begun_s), (end, ended_s) = marks[0], marks[-1]
    return (end - begin) / (ended_s - begun_s)
