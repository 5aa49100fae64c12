"""A bound of a week's travel: no plan that fills as much costs less than this, by column generation.

`travel_bound` is the way in; docs/report-week.md has the mathematics. Nothing here is needed for a plan.
"""

from __future__ import annotations

from matcher.weekly.bounding.values import TravelBound
from matcher.weekly.week import Week, WeekPlan

__all__ = ["TravelBound", "travel_bound"]


def travel_bound(week: Week, plan: WeekPlan, rounds: int = 200, whole_max: int = 1500) -> TravelBound:
    """Return a bound for all plans of the week that leave no more open (by price) than this one; the plan is one.

    Up to `whole_max` requirements are one linear program, for so many rounds. Beyond, windows of the map are one each,
    and the rounds are those in which all of the week is priced.
    """
    from matcher.weekly.bounding import rounds as whole

    return whole.run(week, plan, rounds, whole_max)
