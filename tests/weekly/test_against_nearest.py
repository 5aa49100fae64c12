"""The planner beside nearest-first on a small synthetic county, both re-checked."""

from __future__ import annotations

from dataclasses import replace

from matcher.weekly import plan
from matcher.weekly.week import Effort
from tests.benchmarks import weeks
from tests.benchmarks.week_nearest import nearest_first
from tests.week_checker import objections


def test_the_week_is_filled_better_and_with_less_travel_than_by_nearest_first():
    week = weeks.week(50, 200, 6000.0, seed=4, crews=0.2)
    ours, theirs = plan(week, Effort(iterations=1500)), nearest_first(week)
    assert objections(week, ours) == objections(week, theirs) == []
    assert ours.objective["filled"] > theirs.objective["filled"]
    metres_a_visit = [made.objective["metres"] / made.objective["filled"] for made in (ours, theirs)]
    assert metres_a_visit[0] < metres_a_visit[1]


def test_an_hour_cap_holds_on_a_county_too():
    week = weeks.week(120, 150, 6000.0, seed=5, crews=0.2)
    capped = replace(week, crowd_max=2)
    assert objections(capped, plan(capped, Effort(iterations=300))) == []
