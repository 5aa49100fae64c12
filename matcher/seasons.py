"""Dated windows of a year: campaigns before and after Spring Festival (R98), surge days (R130). Pure.

A window says when, its readers say what follows: a campaign names its requests, a surge multiplies the demand that is
expected. Called by `paidan calendar seasons`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from matcher.calendar import Calendar, days
from matcher.terms import Id, Term
from matcher.weeks import ReportWeek

_DAY = timedelta(days=1)


class WindowKind(StrEnum):
    """What a window is for."""

    CAMPAIGN = "campaign"
    SURGE = "surge"


class Window(Term, frozen=True, kw_only=True):
    """Some days of a year, `end` included. `factor`: expected demand in it over that of other days."""

    kind: WindowKind
    name: Id
    start: date
    end: date
    factor: Annotated[float, Meta(gt=0, le=100)] = 1.0
    provisional: bool = False
    #: Months whose report week shares a day with it; the two may be run as one.
    report_weeks: tuple[int, ...] = ()


class FestivalRule(Term, frozen=True, kw_only=True):
    """How long the two campaigns last, in days. The seeds leave the lengths open; a city sets its own."""

    before_name: str = "走基层送温暖"
    before_days: Annotated[int, Meta(ge=1, le=90)] = 15
    after_name: str = "春风行动"
    after_days: Annotated[int, Meta(ge=1, le=90)] = 30


def campaigns(calendar: Calendar, year: int, rule: FestivalRule | None = None) -> tuple[Window, ...]:
    """Return the campaigns before and after Spring Festival; none when the data does not know the day.

    The first ends on the day before the holiday, the second begins on the day after it. Make-up weekends are days as
    any other here: only the unbroken run of days off around the new year is the holiday.
    """
    festival = calendar.spring_festival(year)
    if festival is None:
        return ()
    chosen = rule or FestivalRule()
    first, last = _days_off_around(calendar, festival)
    before = first - timedelta(days=chosen.before_days), first - _DAY
    after = last + _DAY, last + timedelta(days=chosen.after_days)
    unsure = not all(calendar.is_certain(day) for day in days(first - _DAY, last + _DAY))
    return tuple(
        Window(kind=WindowKind.CAMPAIGN, name=name, start=start, end=end, provisional=unsure)
        for name, (start, end) in ((chosen.before_name, before), (chosen.after_name, after))
    )


def surge(name: str, start: date, end: date, factor: float) -> Window:
    """Return surge days. Raises ValueError when they end before they begin or the factor is not above 0."""
    if end < start:
        raise ValueError(f"Surge ({name}) ends on ({end}), before it begins on ({start}).")
    if not 0 < factor <= 100:
        raise ValueError(f"Surge ({name}) has the factor ({factor}). Give one above 0, up to 100.")
    return Window(kind=WindowKind.SURGE, name=name, start=start, end=end, factor=factor)


def met(window: Window, weeks: Iterable[ReportWeek]) -> tuple[int, ...]:
    """Return the months whose report week shares a day with the window."""
    return tuple(week.month for week in weeks if week.start <= window.end and window.start <= week.end)


def demand_factor(day: date, windows: Iterable[Window]) -> float:
    """Return by how much more is expected on this day: the largest factor of the windows that hold it, else 1."""
    return max((window.factor for window in windows if window.start <= day <= window.end), default=1.0)


def _days_off_around(calendar: Calendar, festival: date) -> tuple[date, date]:
    """Return the first and last day of the unbroken run of days off that holds the new year's day."""
    first = last = festival
    while not calendar.is_working(first - _DAY):
        first -= _DAY
    while not calendar.is_working(last + _DAY):
        last += _DAY
    return first, last
