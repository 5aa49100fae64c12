"""Visits a day and a week: which times are full, by the local calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from matcher.limits import full, tighter


def s(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_a_day_with_visits_enough_is_full_from_midnight_to_midnight() -> None:
    starts = [s("2026-03-02T09:00"), s("2026-03-02T15:00"), s("2026-03-03T09:00")]
    assert full(starts, 2, 0, "UTC") == [(s("2026-03-02T00:00"), s("2026-03-03T00:00"))]
    assert full(starts, 3, 0, "UTC") == []
    assert full(starts, 1, 0, "UTC") == [(s("2026-03-02T00:00"), s("2026-03-04T00:00"))]


def test_days_are_local() -> None:
    assert full([s("2026-03-02T16:00")], 1, 0, "Asia/Shanghai") == [(s("2026-03-02T16:00"), s("2026-03-03T16:00"))]
    assert full([s("2026-03-02T15:59")], 1, 0, "Asia/Shanghai") == [(s("2026-03-01T16:00"), s("2026-03-02T16:00"))]


def test_a_week_runs_from_monday_and_holds_its_days() -> None:
    starts = [s("2026-03-08T23:00"), s("2026-03-02T00:00"), s("2026-03-09T00:00")]  # Sunday, Monday, the next Monday
    assert full(starts, 0, 2, "UTC") == [(s("2026-03-02T00:00"), s("2026-03-09T00:00"))]
    assert full(starts, 1, 2, "UTC") == [(s("2026-03-02T00:00"), s("2026-03-10T00:00"))]


def test_a_day_on_which_clocks_change_is_as_long_as_it_is() -> None:
    [(begin, end)] = full([s("2026-03-29T10:00")], 1, 0, "Europe/Paris")
    assert end - begin == 23 * 3600


def test_without_limits_nothing_is_full() -> None:
    assert full([s("2026-03-02T09:00")] * 9, 0, 0, "UTC") == []


@pytest.mark.parametrize(("one", "other", "both"), [(0, 0, 0), (0, 3, 3), (2, 0, 2), (2, 3, 2)])
def test_the_tighter_limit_holds_and_none_is_none(one: int, other: int, both: int) -> None:
    assert tighter(one, other) == both
