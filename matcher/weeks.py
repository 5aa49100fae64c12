"""The report week (集中报到周) and theme day (主题党日) of each month (R95, R104, R154, R155). Pure.

"The second week" can be read in four ways, one preset each. A week that meets a public holiday stays, moves, or waits
for a person's word, as the city's rule says. Called by `paidan calendar weeks` and by whoever plans a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from enum import StrEnum

from matcher.calendar import Calendar, days
from matcher.terms import Term

_MONDAY, _FRIDAY = 0, 4
_WEEK = timedelta(days=7)


class SecondWeek(StrEnum):
    """Which week is the second of a month."""

    #: The Mon-Sun week that holds the month's second Friday.
    WEEK_OF_SECOND_FRIDAY = "week_of_second_friday"
    #: The second Mon-Sun row of a printed calendar; the first row may be a single day.
    CALENDAR_ROW = "calendar_row"
    #: The second Mon-Sun week that lies in the month as a whole.
    FULL_WEEK = "full_week"
    #: The 8th to the 14th, whatever their weekdays.
    DAYS_8_14 = "days_8_14"


class Shift(StrEnum):
    """What becomes of a week that has a public holiday on one of its weekdays."""

    KEEP = "keep"
    #: The next week of the same month all of whose weekdays are worked.
    NEXT_WORKING_WEEK = "next_working_week"
    #: It stays until somebody chooses, and says so.
    ASK = "ask"


class WeekRule(Term, frozen=True, kw_only=True):
    """How a city lays its report weeks. `themes`: month (1-12) -> theme; `chosen`: month -> first day, set by hand."""

    second_week: SecondWeek = SecondWeek.WEEK_OF_SECOND_FRIDAY
    shift: Shift = Shift.KEEP
    themes: Mapping[int, str] = {}
    chosen: Mapping[int, date] = {}


class ReportWeek(Term, frozen=True, kw_only=True):
    """One month's week: seven days, `end` included. The theme day is its Friday."""

    month: int
    start: date
    end: date
    theme_day: date
    theme: str | None = None
    #: Weekdays of the week on which nobody works.
    holidays: tuple[date, ...] = ()
    #: Where the week would have been, if it was moved.
    moved_from: date | None = None
    #: A person has to choose: the week meets a holiday and the rule is `ask`, or no week of the month is free.
    undecided: bool = False
    #: A day of the week is only estimated.
    provisional: bool = False


def report_weeks(calendar: Calendar, year: int, rule: WeekRule | None = None) -> tuple[ReportWeek, ...]:
    """Return the year's twelve report weeks, in order. Years 1 to 9998.

    Raises ValueError for a week chosen by hand whose theme day lies in another month.
    """
    whole = rule or WeekRule()
    return tuple(_report_week(calendar, year, month, whole) for month in range(1, 13))


def second_week(year: int, month: int, which: SecondWeek) -> date:
    """Return the first day of the month's second week, holidays not looked at."""
    return _FIRST_DAYS[which](date(year, month, 1))


def _report_week(calendar: Calendar, year: int, month: int, rule: WeekRule) -> ReportWeek:
    meant = second_week(year, month, rule.second_week)
    start = rule.chosen.get(month)
    undecided = False
    if start is None:
        start, undecided = _shifted(calendar, meant, month, rule.shift)
    elif (theme_day(start).year, theme_day(start).month) != (year, month):
        raise ValueError(f"The week from ({start}) has its theme day ({theme_day(start)}) outside month ({month}).")
    end = start + timedelta(days=6)
    return ReportWeek(
        month=month,
        start=start,
        end=end,
        theme_day=theme_day(start),
        theme=rule.themes.get(month),
        holidays=calendar.holidays_in(start, end),
        moved_from=meant if start != meant else None,
        undecided=undecided,
        provisional=not all(calendar.is_certain(day) for day in days(start, end)),
    )


def _shifted(calendar: Calendar, meant: date, month: int, shift: Shift) -> tuple[date, bool]:
    """Return where the week begins, and whether a person has to choose."""
    if shift is Shift.KEEP or _free(calendar, meant):
        return meant, False
    if shift is Shift.ASK:
        return meant, True
    later = meant + _WEEK
    while theme_day(later).month == month:
        if _free(calendar, later):
            return later, False
        later += _WEEK
    return meant, True


def _free(calendar: Calendar, start: date) -> bool:
    return not calendar.holidays_in(start, start + timedelta(days=6))


def theme_day(start: date) -> date:
    """Return the Friday of the week that begins on this day: it says whose month's week it is."""
    return _on_or_after(start, _FRIDAY)


def _on_or_after(day: date, weekday: int) -> date:
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def _monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _of_second_friday(first: date) -> date:
    return _monday_of(_on_or_after(first, _FRIDAY) + _WEEK)


def _calendar_row(first: date) -> date:
    return _monday_of(first + _WEEK)


def _full_week(first: date) -> date:
    return _on_or_after(first, _MONDAY) + _WEEK


def _days_8_14(first: date) -> date:
    return first + _WEEK


_FIRST_DAYS: dict[SecondWeek, Callable[[date], date]] = {
    SecondWeek.WEEK_OF_SECOND_FRIDAY: _of_second_friday,
    SecondWeek.CALENDAR_ROW: _calendar_row,
    SecondWeek.FULL_WEEK: _full_week,
    SecondWeek.DAYS_8_14: _days_8_14,
}
