"""Working days, from data: published holidays and make-up days (调休), a city's own days over them. Pure.

Called by `weeks`, `campaigns` and `paidan calendar`; the data comes from `producers/calendars.py` and from
`SetCalendarDay`. It reads no package and no clock, and it never hides that a day is only estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from matcher.terms import Term

#: Where the holidays are.
TIMEZONE = "Asia/Shanghai"
#: A year is certain when so many sources hold it, each with its make-up days.
SOURCES_NEEDED = 2
#: Days off by law on the same date every year (the shortest reading: 1 January, 1-2 May, 1-3 October), used for
#: years about which the data says nothing.
FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
_SATURDAY = 5
_DAY = timedelta(days=1)


class YearDays(Term, frozen=True, kw_only=True):
    """What is known about the working days of one year."""

    year: int
    #: Weekdays on which nobody works. In a year that is not certain: an estimate.
    holidays: tuple[date, ...] = ()
    #: Days of a weekend on which everybody works.
    make_up: tuple[date, ...] = ()
    #: The sources that hold this year together with its make-up days.
    sources: tuple[str, ...] = ()
    #: Days on which these sources contradict each other.
    disputed: tuple[date, ...] = ()
    #: The first day of the lunar year, where it is known.
    spring_festival: date | None = None

    @property
    def certain(self) -> bool:
        """Say whether enough sources hold the year."""
        return len(set(self.sources)) >= SOURCES_NEEDED


class Due(NamedTuple):
    """The day by which something is due. `provisional`: a day on the way is only estimated; ask again later."""

    date: date
    provisional: bool


def certain_until_s(years: Iterable[YearDays]) -> int:
    """Return when the certain years end that follow each other from the first on, UTC seconds; 0 where none does."""
    last = None
    for year in sorted(years, key=lambda known: known.year):
        if not year.certain or last not in (None, year.year - 1):
            break
        last = year.year
    return 0 if last is None else int(datetime(last + 1, 1, 1, tzinfo=ZoneInfo(TIMEZONE)).timestamp())


class Calendar:
    """Which days are worked. `overrides` (day -> worked?) win over everything and are certain."""

    def __init__(self, years: Iterable[YearDays] = (), overrides: Mapping[date, bool] | None = None) -> None:
        self._years = {year.year: year for year in years}
        self._overrides = dict(overrides or {})
        self._holidays = frozenset(day for year in self._years.values() for day in year.holidays)
        self._make_up = frozenset(day for year in self._years.values() for day in year.make_up)
        self._disputed = frozenset(day for year in self._years.values() for day in year.disputed)

    def is_working(self, day: date) -> bool:
        """Say whether people work on this day, as far as is known (`is_certain` says how far)."""
        override = self._overrides.get(day)
        if override is not None:
            return override
        if day.weekday() >= _SATURDAY:
            return day in self._make_up
        if day.year in self._years:
            return day not in self._holidays
        return (day.month, day.day) not in FIXED_HOLIDAYS

    def is_certain(self, day: date) -> bool:
        """Say whether the sources, or the city, leave no doubt about this day."""
        if day in self._overrides:
            return True
        year = self._years.get(day.year)
        return year is not None and year.certain and day not in self._disputed

    def due(self, start: date, working_days: int) -> Due:
        """Return the n-th working day after `start`, which itself does not count (R66: 7 after the event day).

        Raises ValueError for fewer than one working day, OverflowError past the year 9999.
        """
        if working_days < 1:
            raise ValueError(f"({working_days}) working days: at least one is needed.")
        day, left, certain = start, working_days, True
        while left:
            day += _DAY
            certain = certain and self.is_certain(day)
            left -= self.is_working(day)
        return Due(day, not certain)

    def holidays_in(self, start: date, end: date) -> tuple[date, ...]:
        """Return the weekdays of [start, end] on which nobody works, in order."""
        span = days(start, end)
        return tuple(day for day in span if day.weekday() < _SATURDAY and not self.is_working(day))

    def spring_festival(self, year: int) -> date | None:
        """Return the first day of the lunar year that begins in `year`; None when the data does not say."""
        known = self._years.get(year)
        return None if known is None else known.spring_festival


def days(start: date, end: date) -> Iterable[date]:
    """Yield every day of [start, end]."""
    return (start + timedelta(days=n) for n in range((end - start).days + 1))
