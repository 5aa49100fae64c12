"""A small town that makes every function of the kernel run once, so that all of it is compiled and kept.

Called by `paths.warm`: at setup, in the image's build, and by the services' solver before the kernel may answer.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matcher.candidates import Candidates
from matcher.problem import PeopleArrays, Problem, RequirementArrays, Wishes
from matcher.solvers.paths import keeping, road

DAY = 86_400
PEOPLE, NEEDS = 24, 40


def run() -> bool:
    """Solve the town, and once more as its next beat; False where the kernel cannot be had."""
    try:
        return road.solve(town()).optimal and _next_beat(town(), town(later=True))
    except road.Unavailable:
        return False


def _next_beat(first: Problem, second: Problem) -> bool:
    zone = keeping.begun(first, Candidates(first))
    zone.kept.tidy()
    return zone.follow(second, Candidates(second))


def town(*, later: bool = False) -> Problem:
    """Return too few people for what is asked, so that prices rise and somebody is left out.

    `later`: some requests are closed, some are new, one person is asked no more, and one stands elsewhere.
    """
    people, needs = np.arange(PEOPLE), np.arange(NEEDS) + 3 * later
    if later:
        return replace(town(), people=_moved(_people(people)), requirements=_needs(needs))
    return Problem(zone="", beat=0, now_s=DAY, skills=["any"], people=_people(people), requirements=_needs(needs))


def _people(who: np.ndarray) -> PeopleArrays:
    size = len(who)
    nothing, never = np.zeros(0, np.int64), np.zeros(size, np.bool_)
    return PeopleArrays(
        ids=[f"p{v}" for v in who.tolist()],
        lat=30.0 + 0.001 * (who % 5),
        lon=104.0 + 0.001 * (who // 5),
        reach_m=np.full(size, 250.0),
        speed_mps=np.ones(size),
        capacity=np.ones(size, np.int32),
        zone=np.full(size, -1, np.int32),
        levels=np.ones((1, size), np.uint8),
        hours=np.zeros(size, np.int32),
        active=~never,
        engaged=never,
        spent=never,
        cert_person=np.zeros(0, np.int32),
        cert_skill=np.zeros(0, np.int32),
        cert_expires_s=nothing,
        busy_indptr=np.zeros(size + 1, np.int64),
        busy_from_s=nothing,
        busy_until_s=nothing,
        hours_indptr=np.array([0, 1], np.int64),
        hours_from_s=np.zeros(1, np.int64),
        hours_until_s=np.full(1, 9 * DAY, np.int64),
        full_indptr=np.zeros(size + 1, np.int64),
        full_from_s=nothing,
        full_until_s=nothing,
    )


def _moved(people: PeopleArrays) -> PeopleArrays:
    who = np.arange(PEOPLE)
    return replace(people, engaged=who == 3, lat=people.lat + 0.0005 * (who == 5))


def _needs(rows: np.ndarray) -> RequirementArrays:
    size = len(rows)
    nobody = (np.zeros(0, np.int32), np.zeros(0, np.int32))
    return RequirementArrays(
        ids=[(f"r{r}", "1") for r in rows.tolist()],
        lat=30.0 + 0.0007 * (rows % 6),
        lon=104.0 + 0.0007 * (rows // 6),
        earliest_s=np.full(size, DAY, np.int64),
        latest_s=np.full(size, 3 * DAY, np.int64),
        duration_s=np.full(size, 3600, np.int64),
        depart_s=np.full(size, DAY, np.int64),
        circle_s=np.full(size, -1, np.int64),
        fixed_start_s=np.full(size, -1, np.int64),
        people=np.ones(size, np.int32),
        minimum=np.ones(size, np.int32),
        weight=1 + (rows % 2).astype(np.int32),
        waiting=np.zeros(size, np.int64),
        zone=np.full(size, -1, np.int32),
        need_indptr=np.arange(size + 1, dtype=np.int64),
        need_skill=np.zeros(size, np.int32),
        need_level=np.ones(size, np.uint8),
        refused=nobody,
        excluded=nobody,
        serving=nobody,
        restricted=nobody,
        must_have=nobody,
        choosy=np.zeros(size, np.bool_),
        wishes=Wishes(
            indptr=np.zeros(size + 1, np.int64),
            skill=nobody[0],
            level=np.zeros(0, np.uint8),
            points=np.zeros(0, np.int64),
            nice=np.zeros(0, np.bool_),
        ),
        favours={},
    )
