"""The report week (集中报到周): everything open planned as one week of routes, people's half-days against visits.

`plan` is the way in; the values are in `week.py`. Nothing here reads a log or a clock. Importing the package costs
nothing; numba is imported by the first plan.
"""

from __future__ import annotations

from matcher.weekly.week import Effort, Warmth, Week, WeekPlan


def plan(week: Week, effort: Effort | None = None) -> WeekPlan:
    """Plan the week. The same week and effort give the same plan, byte by byte."""
    from matcher.weekly import planning

    return planning.run(week, effort or Effort())


def warm() -> Warmth:
    """Compile the kernel, or load it from the environment; ABSENT where it cannot be had. Takes half a minute."""
    try:
        from matcher.weekly import warming
    except ImportError:
        return Warmth.ABSENT
    return warming.run()
