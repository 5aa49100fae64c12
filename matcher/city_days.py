"""A city's days as rules read them: which are worked, which lie in a report week, when a window of working days ends.

Made from a zone (`Zone.days`), or for files from the national calendar. Where the data ends its answers go on as
estimates (`Calendar.is_certain` tells); nothing here fails for a year that nobody has published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from matcher.calendar import Calendar, YearDays
from matcher.history import Quarter
from matcher.weeks import ReportWeek, SecondWeek, Shift, WeekRule, report_weeks, theme_day

_DAY = timedelta(days=1)
#: So long before its month a report week may begin: its theme day is a Friday of the month.
_DAYS_BEFORE = timedelta(days=6)


class Weeks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a city lays its report weeks, as a policy says it (R154, R155)."""

    second_week: SecondWeek = SecondWeek.WEEK_OF_SECOND_FRIDAY
    shift: Shift = Shift.KEEP
    #: First days of weeks chosen by hand; each is its theme day's month's week.
    chosen: list[date] = []

    def of(self, year: int) -> WeekRule:
        """Return the rule of one year."""
        themes = {day: theme_day(day) for day in self.chosen}
        chosen = {friday.month: day for day, friday in themes.items() if friday.year == year}
        return WeekRule(second_week=self.second_week, shift=self.shift, chosen=chosen)


class Window(NamedTuple):
    """Until when something is open. `provisional`: a day on the way is only estimated."""

    end: datetime
    provisional: bool


class CityDays:
    """The days of one city. `years` and `own` are read when first asked, not before."""

    def __init__(
        self, years: Iterable[YearDays] = (), own: Mapping[date, bool] | None = None, weeks: Weeks | None = None
    ):
        self._years = years
        self._own = own
        self._weeks = weeks or Weeks()
        self._report_weeks: dict[int, tuple[ReportWeek, ...]] = {}
        self._report_days: dict[int, frozenset[int]] = {}
        self._marks: dict[range, tuple[int, ...]] = {}

    @cached_property
    def calendar(self) -> Calendar:
        """Which days are worked."""
        return Calendar(self._years, self._own)

    def marks(self, days: range) -> tuple[int, ...]:
        """Return for each day (ordinal) whether it is worked (1) and lies in a report week (2), added."""
        if days not in self._marks:
            self._marks[days] = tuple(self._mark(day) for day in days)
        return self._marks[days]

    def window(self, begin: datetime, working_days: int, timezone: str) -> Window:
        """Return the local midnight after the n-th working day that follows the local day of `begin` (R66)."""
        clock = ZoneInfo(timezone)
        due = self.calendar.due(begin.astimezone(clock).date(), working_days)
        end = datetime.combine(due.date + _DAY, time(), clock)
        return Window(end.astimezone(begin.tzinfo), due.provisional)

    def report_week(self, year: int, month: int) -> ReportWeek:
        """Return where the report week of a month lies, as the city's rule, its own days and holidays lay it."""
        return self._weeks_of(year)[month - 1]

    def last_week_began(self, quarter: Quarter) -> bool:
        """Say whether the last report week of the quarter has begun on this day of it."""
        year, month = quarter.last_month
        if quarter.today < date(year, month, 1) - _DAYS_BEFORE:
            return False
        return quarter.today >= self.report_week(year, month).start

    def _weeks_of(self, year: int) -> tuple[ReportWeek, ...]:
        if year not in self._report_weeks:
            self._report_weeks[year] = report_weeks(self.calendar, year, self._weeks.of(year))
        return self._report_weeks[year]

    def _mark(self, ordinal: int) -> int:
        day = date.fromordinal(ordinal)
        return self.calendar.is_working(day) + 2 * (ordinal in self._in_report_weeks(day.year))

    def _in_report_weeks(self, year: int) -> frozenset[int]:
        """Return the days of the year's report weeks; the first days of January may belong to the year before."""
        if year not in self._report_days:
            spans = [range(week.start.toordinal(), week.end.toordinal() + 1) for week in self._weeks_of(year)]
            self._report_days[year] = frozenset(day for span in spans for day in span)
        return self._report_days[year]
