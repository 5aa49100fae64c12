"""Report weeks and seasons: four ways to read "the second week", holidays, themes, Spring Festival."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.calendar import Calendar, YearDays
from matcher.seasons import WindowKind, campaigns, demand_factor, met, surge
from matcher.weeks import ReportWeek, SecondWeek, Shift, WeekRule, report_weeks, second_week
from producers import calendars

CHINA = calendars.read(range(2023, 2029)).calendar()
MONTHS = [(year, month) for year in range(2023, 2033) for month in range(1, 13)]


def october_2023(**rule: object) -> ReportWeek:
    return report_weeks(CHINA, 2023, WeekRule(**rule))[9]  # type: ignore[arg-type]


def test_the_weeks_of_2023_are_those_of_the_requirement() -> None:
    mondays = [
        "01-09",
        "02-06",
        "03-06",
        "04-10",
        "05-08",
        "06-05",
        "07-10",
        "08-07",
        "09-04",
        "10-09",
        "11-06",
        "12-04",
    ]
    weeks = report_weeks(CHINA, 2023)
    assert [week.start for week in weeks] == [date.fromisoformat(f"2023-{day}") for day in mondays]
    assert [week.month for week in weeks] == list(range(1, 13))
    assert not any(week.provisional or week.holidays or week.undecided for week in weeks)


def test_the_presets_agree_as_often_as_was_counted_over_ten_years() -> None:
    def same(a: SecondWeek, b: SecondWeek) -> int:
        return sum(second_week(*month, a) == second_week(*month, b) for month in MONTHS)

    assert len(MONTHS) == 120
    assert same(SecondWeek.CALENDAR_ROW, SecondWeek.FULL_WEEK) == 19
    assert same(SecondWeek.WEEK_OF_SECOND_FRIDAY, SecondWeek.CALENDAR_ROW) == 85
    assert same(SecondWeek.WEEK_OF_SECOND_FRIDAY, SecondWeek.FULL_WEEK) == 54


def test_the_eighth_to_the_fourteenth_always_hold_the_same_second_friday() -> None:
    for year in range(2023, 2029):
        by_day = report_weeks(CHINA, year, WeekRule(second_week=SecondWeek.DAYS_8_14))
        by_friday = report_weeks(CHINA, year)
        assert [week.theme_day for week in by_day] == [week.theme_day for week in by_friday]
        assert {(week.start.day, week.end.day) for week in by_day} == {(8, 14)}


@given(
    year=st.integers(1990, 2100),
    which=st.sampled_from(SecondWeek),
    shift=st.sampled_from(Shift),
)
def test_a_week_has_seven_days_and_its_theme_day_is_its_friday_in_its_month(
    year: int, which: SecondWeek, shift: Shift
) -> None:
    for week in report_weeks(CHINA, year, WeekRule(second_week=which, shift=shift)):
        assert week.end - week.start == timedelta(days=6)
        assert week.start <= week.theme_day <= week.end
        assert week.theme_day.weekday() == 4
        assert (week.theme_day.year, week.theme_day.month) == (year, week.month)
        assert which is SecondWeek.DAYS_8_14 or week.start.weekday() == 0


# --- holidays --------------------------------------------------------------------------------------------------


def test_the_second_row_of_october_2023_lies_in_the_national_holiday_and_is_kept_with_its_holidays_named() -> None:
    week = october_2023(second_week=SecondWeek.CALENDAR_ROW)
    assert week.start == date(2023, 10, 2)
    assert week.holidays == tuple(date(2023, 10, day) for day in range(2, 7))
    assert not week.undecided


def test_next_working_week_moves_it_behind_the_holiday_and_says_from_where() -> None:
    week = october_2023(second_week=SecondWeek.CALENDAR_ROW, shift=Shift.NEXT_WORKING_WEEK)
    assert (week.start, week.theme_day, week.moved_from) == (date(2023, 10, 9), date(2023, 10, 13), date(2023, 10, 2))
    assert week.holidays == ()


def test_ask_moves_nothing_and_waits_until_somebody_has_chosen() -> None:
    rule = {"second_week": SecondWeek.CALENDAR_ROW, "shift": Shift.ASK}
    waiting = october_2023(**rule)
    assert (waiting.start, waiting.undecided) == (date(2023, 10, 2), True)
    chosen = october_2023(**rule, chosen={10: date(2023, 10, 16)})
    assert (chosen.start, chosen.undecided, chosen.moved_from) == (date(2023, 10, 16), False, date(2023, 10, 2))


def test_a_week_without_holidays_is_moved_by_no_rule() -> None:
    kept = report_weeks(CHINA, 2023)
    assert report_weeks(CHINA, 2023, WeekRule(shift=Shift.NEXT_WORKING_WEEK)) == kept
    assert report_weeks(CHINA, 2023, WeekRule(shift=Shift.ASK)) == kept


def test_a_month_without_any_free_week_stays_and_asks() -> None:
    closed = {date(2023, 3, 1) + timedelta(days=7 * n): False for n in range(5)}  # every Wednesday
    week = report_weeks(Calendar([], closed), 2023, WeekRule(shift=Shift.NEXT_WORKING_WEEK))[2]
    assert (week.start, week.undecided, week.moved_from) == (date(2023, 3, 6), True, None)


def test_a_citys_own_day_off_moves_its_week() -> None:
    city = calendars.read([2023]).calendar({date(2023, 11, 8): False})
    assert report_weeks(city, 2023, WeekRule(shift=Shift.NEXT_WORKING_WEEK))[10].start == date(2023, 11, 13)


def test_a_week_chosen_for_another_month_is_refused() -> None:
    with pytest.raises(ValueError, match="outside month"):
        report_weeks(CHINA, 2023, WeekRule(chosen={3: date(2023, 4, 10)}))


def test_weeks_past_the_published_years_are_provisional() -> None:
    assert all(week.provisional for week in report_weeks(CHINA, 2027))
    assert not any(week.provisional for week in report_weeks(CHINA, 2026))


def test_a_month_has_a_theme_only_where_one_is_given() -> None:
    weeks = report_weeks(CHINA, 2026, WeekRule(themes={3: "学雷锋"}))
    assert [(week.month, week.theme) for week in weeks if week.theme] == [(3, "学雷锋")]


# --- campaigns and surges --------------------------------------------------------------------------------------


def test_the_campaigns_of_2026_end_before_and_begin_after_the_nine_days_off() -> None:
    before, after = campaigns(CHINA, 2026)
    assert (before.start, before.end) == (date(2026, 1, 31), date(2026, 2, 14))
    assert (after.start, after.end) == (date(2026, 2, 24), date(2026, 3, 25))
    assert [before.provisional, after.provisional] == [False, False]


def test_a_campaign_says_which_report_weeks_it_meets() -> None:
    weeks = report_weeks(CHINA, 2026)
    before, after = campaigns(CHINA, 2026)
    assert (met(before, weeks), met(after, weeks)) == ((2,), (3,))


def test_campaigns_of_an_unpublished_year_are_provisional_and_of_an_unknown_one_none() -> None:
    assert [window.provisional for window in campaigns(CHINA, 2027)] == [True, True]
    assert campaigns(Calendar([YearDays(year=2040)]), 2040) == ()


def test_surge_days_multiply_the_demand_that_is_expected_and_the_largest_factor_counts() -> None:
    season = surge("樱花季", date(2026, 3, 14), date(2026, 3, 29), 2.5)
    fair = surge("庙会", date(2026, 3, 20), date(2026, 3, 21), 4.0)
    assert season.kind is WindowKind.SURGE
    days = [date(2026, 3, 13), date(2026, 3, 14), date(2026, 3, 20), date(2026, 3, 29), date(2026, 3, 30)]
    assert [demand_factor(day, [season, fair]) for day in days] == [1.0, 2.5, 4.0, 2.5, 1.0]


@pytest.mark.parametrize(("days", "factor"), [(-1, 2.0), (1, 0.0), (1, float("nan")), (1, 101.0)])
def test_surge_days_that_make_no_sense_are_refused(days: int, factor: float) -> None:
    with pytest.raises(ValueError, match="Surge"):
        surge("x", date(2026, 5, 1), date(2026, 5, 1) + timedelta(days=days), factor)
