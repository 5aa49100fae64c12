"""The report week (集中报到周): everything open planned as one week of routes, people's half-days against visits.

`plan` is the way in; the values are in `week.py`. Nothing here reads a log or a clock. Importing the package costs
nothing; numba is imported by the first plan.
"""

from __future__ import annotations

from matcher.problem import I32, I64
from matcher.weekly.week import Effort, Warmth, Week, WeekPlan


def plan(week: Week, effort: Effort | None = None, start: tuple[I32, I32, I64] | None = None) -> WeekPlan:
    """Plan the week. The same week, effort and start give the same plan, byte by byte.

    `start`: a plan to begin with, as columns (requirement, person, start); what of it is not allowed is left out.
    """
    from matcher.weekly import planning

    return planning.run(week, effort or Effort(), start)


def warm() -> Warmth:
    """Compile the kernel, or load it from the environment; ABSENT where it cannot be had. Takes half a minute."""
    try:
        from matcher.weekly import warming
    except ImportError:
        return Warmth.ABSENT
    return warming.run()
