"""Weekly windows become UTC intervals: by hand where clocks change, by brute force elsewhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.hours import expand
from matcher.terms import Hours, HoursException, WeeklyWindow

BOSTON = "America/New_York"
CHINA = "Asia/Shanghai"
MON, SUN = 0, 6


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def local(text: str, zone: str = CHINA) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def weekly(*windows: tuple[int, int, int], exceptions: tuple[HoursException, ...] = ()) -> Hours:
    made = tuple(WeeklyWindow(weekday=day, from_minute=a, until_minute=b) for day, a, b in windows)
    return Hours(weekly=made, exceptions=exceptions)


def away(day: date, from_minute: int = 0, until_minute: int = 1440) -> HoursException:
    return HoursException(day=day, from_minute=from_minute, until_minute=until_minute)


def extra(day: date, from_minute: int, until_minute: int) -> HoursException:
    return HoursException(day=day, from_minute=from_minute, until_minute=until_minute, available=True)


def test_monday_evening_in_china_is_monday_noon_utc():
    got = expand(weekly((MON, 18 * 60, 21 * 60)), CHINA, local("2026-06-01"), local("2026-06-15"))
    assert got == [
        (utc("2026-06-01T10:00"), utc("2026-06-01T13:00")),
        (utc("2026-06-08T10:00"), utc("2026-06-08T13:00")),
        (utc("2026-06-15T10:00"), utc("2026-06-15T13:00")),
    ]


def test_the_night_on_which_clocks_go_forward_is_an_hour_shorter():
    got = expand(weekly((SUN, 60, 240)), BOSTON, local("2015-03-08", BOSTON), local("2015-03-08", BOSTON))
    assert got == [(utc("2015-03-08T06:00"), utc("2015-03-08T08:00"))]


def test_the_night_on_which_clocks_go_back_is_an_hour_longer():
    got = expand(weekly((SUN, 60, 240)), BOSTON, local("2015-11-01", BOSTON), local("2015-11-01", BOSTON))
    assert got == [(utc("2015-11-01T05:00"), utc("2015-11-01T09:00"))]


def test_a_window_follows_the_wall_clock_over_a_change_in_berlin():
    got = expand(weekly((SUN, 600, 660)), "Europe/Berlin", utc("2026-03-22T00:00"), utc("2026-03-29T12:00"))
    assert got == [
        (utc("2026-03-22T09:00"), utc("2026-03-22T10:00")),
        (utc("2026-03-29T08:00"), utc("2026-03-29T09:00")),
    ]


def test_a_window_inside_the_skipped_hour_is_no_time_at_all():
    got = expand(weekly((SUN, 150, 180)), BOSTON, local("2015-03-08", BOSTON), local("2015-03-08", BOSTON))
    assert got == []


def test_a_window_over_the_change_that_began_the_evening_before():
    got = expand(weekly((5, 23 * 60, 28 * 60)), BOSTON, local("2015-03-08", BOSTON), local("2015-03-08", BOSTON))
    assert got == [(utc("2015-03-08T04:00"), utc("2015-03-08T08:00"))]


def test_a_window_past_midnight_is_whole_although_it_began_before_the_horizon():
    noon = local("2026-06-02T12:00")
    got = expand(weekly((MON, 22 * 60, 36 * 60)), CHINA, local("2026-06-02T01:00"), noon)
    assert got == [(local("2026-06-01T22:00"), noon)]


def test_touching_windows_are_one():
    got = expand(weekly((MON, 600, 1440), (1, 0, 60)), CHINA, local("2026-06-01"), local("2026-06-01T12:00"))
    assert got == [(local("2026-06-01T10:00"), local("2026-06-02T01:00"))]


def test_overlapping_windows_are_one():
    got = expand(weekly((MON, 600, 700), (MON, 650, 800)), CHINA, local("2026-06-01"), local("2026-06-01"))
    assert got == [(local("2026-06-01T10:00"), local("2026-06-01T13:20"))]


def test_a_day_away_takes_the_window_of_that_day_only():
    hours = weekly((MON, 600, 700), exceptions=(away(date(2026, 6, 8)),))
    got = expand(hours, CHINA, local("2026-06-01"), local("2026-06-15"))
    assert [begin for begin, _ in got] == [local("2026-06-01T10:00"), local("2026-06-15T10:00")]


def test_an_hour_away_splits_a_window():
    hours = weekly((MON, 600, 900), exceptions=(away(date(2026, 6, 1), 660, 720),))
    got = expand(hours, CHINA, local("2026-06-01"), local("2026-06-01"))
    assert got == [
        (local("2026-06-01T10:00"), local("2026-06-01T11:00")),
        (local("2026-06-01T12:00"), local("2026-06-01T15:00")),
    ]


def test_a_day_away_cuts_the_window_that_runs_into_it():
    hours = weekly((MON, 1200, 1600), exceptions=(away(date(2026, 6, 2)),))
    got = expand(hours, CHINA, local("2026-06-01"), local("2026-06-02"))
    assert got == [(local("2026-06-01T20:00"), local("2026-06-02"))]


def test_an_extra_window_joins_what_it_touches():
    hours = weekly((MON, 600, 700), exceptions=(extra(date(2026, 6, 1), 700, 760),))
    got = expand(hours, CHINA, local("2026-06-01"), local("2026-06-01"))
    assert got == [(local("2026-06-01T10:00"), local("2026-06-01T12:40"))]


def test_the_later_exception_wins():
    day = date(2026, 6, 1)
    a_bit_after_all = weekly((MON, 600, 900), exceptions=(away(day), extra(day, 660, 720)))
    nothing_after_all = weekly((MON, 600, 900), exceptions=(extra(day, 660, 720), away(day)))
    begin = local("2026-06-01")
    assert expand(a_bit_after_all, CHINA, begin, begin) == [(local("2026-06-01T11:00"), local("2026-06-01T12:00"))]
    assert expand(nothing_after_all, CHINA, begin, begin) == []


def test_no_hours_are_no_time():
    assert expand(Hours(), CHINA, local("2026-06-01"), local("2026-06-30")) == []


@pytest.mark.parametrize("zone", [BOSTON, CHINA, "Europe/Berlin", "Australia/Lord_Howe"])
def test_a_longer_horizon_changes_nothing_inside_a_shorter_one(zone: str):
    hours = weekly((MON, 600, 900), (SUN, 0, 600), (5, 1200, 2000), exceptions=(away(date(2015, 10, 5), 650, 700),))
    begin, end = local("2015-10-03", zone), local("2015-10-09", zone)
    short = [w for w in expand(hours, zone, begin, end) if w[0] < end and w[1] > begin]
    long = expand(hours, zone, begin - 60 * 86400, end + 60 * 86400)
    assert short == [w for w in long if w[0] < end and w[1] > begin]
    assert short


WINDOW = st.tuples(st.integers(0, 6), st.integers(0, 23), st.integers(1, 47)).filter(lambda w: w[1] < w[2])
EXCEPTION = st.tuples(st.integers(0, 9), st.integers(0, 23), st.integers(1, 47), st.booleans()).filter(
    lambda e: e[1] < e[2]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(WINDOW, max_size=4), st.lists(EXCEPTION, max_size=3), st.sampled_from([BOSTON, "Europe/Berlin"]))
def test_every_half_hour_is_free_exactly_when_its_wall_time_is_inside_the_last_word(
    windows: list[tuple[int, int, int]], exceptions: list[tuple[int, int, int, bool]], zone: str
):
    """Over the autumn change, at whole hours of wall time that come once."""
    first = date(2015, 10, 23)
    said = tuple(
        HoursException(day=first + timedelta(days=d), from_minute=a * 60, until_minute=b * 60, available=yes)
        for d, a, b, yes in exceptions
    )
    hours = weekly(*((d, a * 60, b * 60) for d, a, b in windows), exceptions=said)
    got = expand(hours, zone, local("2015-10-23", zone), local("2015-11-01", zone))
    for hour in range(10 * 24):
        wall = datetime(2015, 10, 23, 0, 30) + timedelta(hours=hour)
        if wall.hour in (1, 2):
            continue
        at = int(wall.replace(tzinfo=ZoneInfo(zone)).timestamp())
        assert any(a <= at < b for a, b in got) == free_by_the_wall(hours, wall), wall


def free_by_the_wall(hours: Hours, wall: datetime) -> bool:
    def inside(day: date, a: int, b: int) -> bool:
        midnight = datetime(day.year, day.month, day.day)
        return midnight + timedelta(minutes=a) <= wall < midnight + timedelta(minutes=b)

    today, yesterday = wall.date(), wall.date() - timedelta(days=1)
    free = any(
        inside(day, window.from_minute, window.until_minute)
        for window in hours.weekly
        for day in (today, yesterday)
        if day.weekday() == window.weekday
    )
    for exception in hours.exceptions:
        if inside(exception.day, exception.from_minute, exception.until_minute):
            free = exception.available
    return free
