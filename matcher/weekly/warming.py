"""A small week that makes every function of the weekly kernel run once, so that all of it is compiled and kept.

Called by `weekly.warm`: at setup and in the image's build. Whoever skips it waits for the compiler in their first plan.
"""

from __future__ import annotations

import numpy as np

from matcher.solvers.paths.warming import DAY, NEEDS, PEOPLE, town
from matcher.weekly import planning
from matcher.weekly.bounding import travel_bound
from matcher.weekly.week import Effort, Warmth, Week


def run() -> Warmth:
    """Plan the week, and bound its travel."""
    from matcher.weekly.searching import search

    travel_bound(week(), planning.run(week(), Effort(iterations=32)), rounds=2)
    return Warmth.COMPILED if search.stats.cache_path is None else Warmth.KEPT  # type: ignore[attr-defined]


def week() -> Week:
    """Return a week with too few people, of whom some are told, some pinned, one of those outside of their hours."""
    begin = np.full(2, DAY, np.int64)
    return Week(
        problem=town(),
        from_s=DAY,
        until_s=3 * DAY,
        compound=np.zeros(NEEDS, np.int32),
        crowd_max=4,
        owing=np.ones(PEOPLE, np.bool_),
        duty_points=10,
        pinned=(np.array([0, 1], np.int32), np.array([0, 1], np.int32), begin + np.array([7200, 9 * DAY])),
        told=(np.array([2, 3], np.int32), np.array([2, 3], np.int32), begin + 7200),
        disturbance_points=10,
    )
