"""The search of one part within its terms: so many steps, or so many seconds. Called by `answering` and the dry run.

With steps the plan hangs on nothing but the week. With seconds it hangs on the machine, too: what is planned there
cannot be repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from matcher.weekly.planning import Stage, stages
from matcher.weekly.seating import Start
from matcher.weekly.week import Effort, Week

#: Steps of the first look at how fast this machine is with this week, and the share of the time that is planned with.
FIRST_STEPS = 500
SHARE = 0.85


def search(
    week: Week,
    effort: Effort,
    budget_s: float | None,
    start: Start | None = None,
    now_s: Callable[[], float] = time.monotonic,
) -> Iterator[Stage]:
    """Yield better and better plans until the steps (of `effort`) or the seconds are used up."""
    if budget_s is None or not effort.iterations:
        yield from stages(week, effort, start)
        return
    began_s = now_s()
    first = stages(week, replace(effort, iterations=FIRST_STEPS), start)
    best = next(first)
    laid_s = now_s()
    yield best
    best = list(first)[-1]
    yield best
    a_step_s = max(1e-7, (now_s() - laid_s) / FIRST_STEPS)
    steps = int(SHARE * (began_s + budget_s - now_s() - (laid_s - began_s)) / a_step_s)
    if steps <= FIRST_STEPS:
        return
    plan = best()
    for stage in stages(week, replace(effort, iterations=steps), (plan.requirement, plan.person, plan.start_s)):
        if stage.cost < best.cost:
            best = stage
            yield stage
        if now_s() - began_s >= budget_s:
            return
