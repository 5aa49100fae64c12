"""Working days of China: the published years, a city's own days, and the years that nobody has published yet."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.calendar import Calendar, Due, YearDays
from producers import calendars

# What is published until when is that of the locked packages: a release with another year moves these figures.
READING = calendars.read(range(2022, 2029))
CHINA = READING.calendar()
#: Any day from which thirty working days stay within the years read, published or not.
DAYS = st.dates(date(2022, 1, 1), date(2028, 10, 1))


@pytest.mark.parametrize(
    ("start", "due"),
    [("2026-02-11", "2026-02-27"), ("2026-04-01", "2026-04-13"), ("2026-09-29", "2026-10-14")],
)
def test_seven_working_days_go_around_holidays_and_count_make_up_days(start: str, due: str) -> None:
    assert CHINA.due(date.fromisoformat(start), 7) == Due(date.fromisoformat(due), provisional=False)


def test_a_deadline_past_the_published_years_is_provisional_and_not_a_crash() -> None:
    assert CHINA.due(date(2026, 12, 25), 7) == Due(date(2027, 1, 6), provisional=True)


def test_the_last_days_of_the_published_years_are_certain_until_one_of_them_is_left() -> None:
    assert CHINA.due(date(2026, 12, 25), 4) == Due(date(2026, 12, 31), provisional=False)
    assert CHINA.due(date(2026, 12, 25), 5) == Due(date(2027, 1, 4), provisional=True)


def test_the_weekends_around_spring_festival_are_made_up_for() -> None:
    worked = [day for day in (date(2026, 2, 14), date(2026, 2, 28)) if CHINA.is_working(day)]
    assert [day.weekday() for day in worked] == [5, 5]
    assert not any(CHINA.is_working(date(2026, 2, 15) + timedelta(days=n)) for n in range(9))


def test_a_year_that_no_data_knows_is_weekdays_but_for_the_fixed_holidays_and_never_certain() -> None:
    empty = Calendar()
    off = [day for day in (date(2031, 1, 1), date(2031, 5, 1), date(2031, 10, 1)) if not empty.is_working(day)]
    assert len(off) == 3
    assert empty.is_working(date(2031, 1, 2))
    assert not empty.is_working(date(2031, 1, 4))
    assert empty.due(date(2030, 12, 31), 1) == Due(date(2031, 1, 2), provisional=True)


def test_one_source_alone_does_not_make_a_year_certain() -> None:
    day = date(2030, 3, 5)
    assert not Calendar([YearDays(year=2030, sources=("a",))]).is_certain(day)
    assert not Calendar([YearDays(year=2030, sources=("a", "a"))]).is_certain(day)
    assert Calendar([YearDays(year=2030, sources=("a", "b"))]).is_certain(day)


def test_a_day_on_which_the_sources_differ_makes_what_counts_it_provisional_until_the_city_decides() -> None:
    year = YearDays(year=2030, sources=("a", "b"), disputed=(date(2030, 3, 5),))
    assert Calendar([year]).due(date(2030, 3, 4), 1) == Due(date(2030, 3, 5), provisional=True)
    assert Calendar([year]).due(date(2030, 3, 5), 1) == Due(date(2030, 3, 6), provisional=False)
    decided = Calendar([year], {date(2030, 3, 5): False})
    assert decided.due(date(2030, 3, 4), 1) == Due(date(2030, 3, 6), provisional=False)


def test_the_citys_own_day_wins_over_holiday_make_up_day_weekday_and_weekend() -> None:
    own = {date(2026, 2, 17): True, date(2026, 2, 14): False, date(2026, 3, 3): False, date(2026, 3, 7): True}
    city = READING.calendar(own)
    assert {day: city.is_working(day) for day in own} == own
    assert {day: CHINA.is_working(day) for day in own} == {day: not worked for day, worked in own.items()}


def test_a_citys_own_day_in_an_unpublished_year_is_certain() -> None:
    assert not CHINA.is_certain(date(2027, 3, 3))
    assert READING.calendar({date(2027, 3, 3): False}).is_certain(date(2027, 3, 3))


def test_fewer_than_one_working_day_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(0\)"):
        CHINA.due(date(2026, 3, 2), 0)


@given(start=DAYS, working_days=st.integers(1, 30))
def test_what_is_due_is_a_later_working_day_with_so_many_working_days_up_to_it(start: date, working_days: int) -> None:
    due = CHINA.due(start, working_days).date
    passed = [start + timedelta(days=n) for n in range(1, (due - start).days + 1)]
    assert CHINA.is_working(due)
    assert sum(CHINA.is_working(day) for day in passed) == working_days


@given(
    start=DAYS,
    working_days=st.integers(1, 30),
    own=st.dictionaries(st.dates(date(2022, 1, 1), date(2028, 12, 31)), st.booleans(), max_size=40),
)
def test_with_any_days_of_the_citys_own_the_same_holds(start: date, working_days: int, own: dict[date, bool]) -> None:
    city = READING.calendar(own)
    due = city.due(start, working_days).date
    passed = [start + timedelta(days=n) for n in range(1, (due - start).days + 1)]
    assert own.get(due, True)
    assert sum(own.get(day, CHINA.is_working(day)) for day in passed) == working_days


@given(start=DAYS, later=st.integers(0, 40), working_days=st.integers(1, 20), more=st.integers(0, 10))
def test_a_later_start_or_a_longer_term_is_never_due_earlier(
    start: date, later: int, working_days: int, more: int
) -> None:
    due = CHINA.due(start, working_days).date
    assert CHINA.due(start + timedelta(days=later), working_days).date >= due
    assert CHINA.due(start, working_days + more).date >= due + timedelta(days=more)


@given(start=DAYS, working_days=st.integers(1, 30))
def test_what_once_is_provisional_stays_so_for_longer_terms(start: date, working_days: int) -> None:
    shorter, longer = CHINA.due(start, working_days), CHINA.due(start, working_days + 1)
    assert longer.provisional or not shorter.provisional
    assert shorter.provisional == (shorter.date.year > 2026)


# --- the two sources -------------------------------------------------------------------------------------------


def test_both_sources_agree_on_every_day_from_2022_to_2026() -> None:
    assert READING.differences == ()
    assert [year.year for year in READING.years if year.certain] == [2022, 2023, 2024, 2025, 2026]


def test_a_day_on_which_they_differ_is_named_and_disputed() -> None:
    reading = calendars.read([2005])
    assert reading.differences == (calendars.Difference(date(2005, 12, 31), holidays=True, chinesecalendar=False),)
    assert reading.years[0].disputed == (date(2005, 12, 31),)
    assert reading.calendar().due(date(2005, 12, 30), 1) == Due(date(2005, 12, 31), provisional=True)


def test_certainty_ends_with_the_last_year_that_both_hold_with_make_up_days() -> None:
    assert READING.valid_until == dict.fromkeys(("holidays", "chinesecalendar", "both"), date(2026, 12, 31))
    midnight_in_china_s = 1_798_732_800  # 2027-01-01T00:00+08:00
    assert set(calendars.valid_until_s(READING).values()) == {midnight_in_china_s}


def test_the_end_is_found_from_years_after_it_too() -> None:
    assert calendars.read_around(2031).valid_until == READING.valid_until


def test_unpublished_years_still_know_the_lunar_holidays() -> None:
    assert CHINA.spring_festival(2027) == date(2027, 2, 6)
    assert not CHINA.is_working(date(2027, 2, 8))


def test_the_calendar_of_a_year_does_not_depend_on_the_years_read_with_it() -> None:
    assert calendars.read([2026]).years[0] == next(year for year in READING.years if year.year == 2026)


@pytest.mark.parametrize("year", [1900, 2003, 2100, 9999])
def test_years_that_the_sources_cannot_know_are_left_to_the_cores_estimate(year: int) -> None:
    reading = calendars.read([year])
    assert (reading.years, reading.differences, reading.valid_until) == ((), (), {})
