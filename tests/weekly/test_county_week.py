"""A small county's report week through the real parts: planned on its eve it is better than played beat by beat."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.county_weeks import PLANNED, UNPLANNED, county_week
from tests.week_lived import NearestFirst, figures, live

#: Two communities, one person in ten free; one seed, since each week is some 10 seconds of CPU.
SMALL = {"communities": 2, "free": 0.1}


@pytest.mark.slow
def test_a_planned_week_is_allowed_fills_as_much_and_goes_less_far_than_beat_by_beat_and_nearest_first(
    tmp_path: Path,
) -> None:

    week, alone = county_week(1, PLANNED, **SMALL), county_week(1, UNPLANNED, **SMALL)
    planned = live(week, tmp_path / "plan", iterations=1000)
    beats = live(alone, tmp_path / "beats")
    nearest = live(alone, tmp_path / "nearest", solver=NearestFirst())
    assert planned.objections == []
    assert planned.plan is not None
    assert planned.plan.visits > 100
    ours, theirs, greedy = figures(week, planned.events), figures(alone, beats.events), figures(alone, nearest.events)
    assert ours.filled >= theirs.filled, f"{ours} {theirs}"
    assert ours.km < 0.9 * theirs.km, f"{ours} {theirs}"
    assert ours.km < 0.8 * greedy.km, f"{ours} {greedy}"
    assert ours.within_500_m > greedy.within_500_m, f"{ours} {greedy}"
    assert ours.came >= theirs.came, f"{ours} {theirs}"
