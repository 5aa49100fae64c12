"""Hours as the lines of a calendar (RFC 5545): RRULE for what comes every week, EXDATE and RDATE for single days.

The way back of `availability.parse`, called by `paidan hours`. A day on which anything differs is written out: what
would recur on it is taken away (EXDATE), what is free on it stands as periods (RDATE), so partial days, extra time and
clocks that change all come back as they are. Times are local, with their zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from matcher.city_days import CityDays
from matcher.hours import expand, midnight_s
from matcher.terms import Hours, WeeklyWindow

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY_MINUTES = 1440
_DAY = timedelta(days=1)


class NoEnd(ValueError):
    """Hours by the calendar (working days, days off, report weeks) need a last day, and none was given."""


def to_lines(
    hours: Hours, timezone: str, first: date, until: date | None = None, city: CityDays | None = None
) -> list[str]:
    """Return the lines; none where nobody is free. What lies before `first` is left out.

    `until`: the last day of those that the calendar decides, by `city`; raises NoEnd where it is needed and not given.
    """
    single = _single_days(hours, first)
    if hours.reads_calendar:
        if until is None:
            raise NoEnd("Working days, days off and report weeks are written day by day. Say until which day.")
        single |= {first + _DAY * n for n in range((until - first).days + 1)}
    changed = _changed(hours, first)
    lines: list[str] = []
    for window, weekdays in _by_times(hours.weekly).items():
        lines += _recurring(window, weekdays, timezone, first, changed)
    return lines + _periods(hours, timezone, single, city)


def _changed(hours: Hours, first: date) -> set[date]:
    """Return the days that an exception touches, from the day before the first on."""
    days = {one.day for one in hours.exceptions}
    days |= {one.day + _DAY for one in hours.exceptions if one.until_minute > _DAY_MINUTES}
    return {day for day in days if day >= first - _DAY}


def _single_days(hours: Hours, first: date) -> set[date]:
    """Return the days to write out: those that are touched, and those of every window that is taken away for it."""
    days = _changed(hours, first)
    for day in sorted(days):
        for window in hours.weekly:
            for begins in (day - _DAY, day):
                if begins.weekday() == window.weekday and _touches(window, begins, day):
                    days = days | {begins, begins + _DAY}
    return days


def _touches(window: WeeklyWindow, begins: date, day: date) -> bool:
    return begins == day or window.until_minute > _DAY_MINUTES


def _by_times(windows: tuple[WeeklyWindow, ...]) -> dict[tuple[int, int], list[int]]:
    found: dict[tuple[int, int], list[int]] = {}
    for window in windows:
        found.setdefault((window.from_minute, window.until_minute), []).append(window.weekday)
    return found


def _recurring(
    window: tuple[int, int], weekdays: list[int], timezone: str, first: date, changed: set[date]
) -> list[str]:
    """Write the windows of the same times, without those that touch a day that differs."""
    begins = min(first + _DAY * n for n in range(7) if (first + _DAY * n).weekday() in weekdays)
    beyond = window[1] > _DAY_MINUTES
    away = {day for day in changed if day.weekday() in weekdays}
    away |= {day - _DAY for day in changed if beyond and (day - _DAY).weekday() in weekdays}
    lines = [
        f"DTSTART;TZID={timezone}:{_stamp(begins, window[0])}",
        f"DTEND;TZID={timezone}:{_stamp(begins, window[1])}",
        f"RRULE:FREQ=WEEKLY;BYDAY={','.join(_DAYS[weekday] for weekday in sorted(set(weekdays)))}",
    ]
    if away:
        lines.append(f"EXDATE;TZID={timezone}:{','.join(_stamp(day, window[0]) for day in sorted(away))}")
    return lines


def _periods(hours: Hours, timezone: str, days: set[date], city: CityDays | None) -> list[str]:
    """Write what is free on these days, day by day."""
    zone = ZoneInfo(timezone)
    periods: list[tuple[datetime, datetime]] = []
    for day in sorted(days):
        begin_s, end_s = midnight_s(timezone, day), midnight_s(timezone, day + _DAY)
        for from_s, until_s in expand(hours, timezone, begin_s, end_s - 1, city):
            low, high = max(from_s, begin_s), min(until_s, end_s)
            if low < high:
                periods.append((datetime.fromtimestamp(low, UTC), datetime.fromtimestamp(high, UTC)))
    if not periods:
        return []
    shown = [tuple(f"{moment.astimezone(zone):%Y%m%dT%H%M%S}" for moment in period) for period in periods]
    return [
        f"DTSTART;TZID={timezone}:{shown[0][0]}",
        f"DTEND;TZID={timezone}:{shown[0][1]}",
        f"RDATE;TZID={timezone};VALUE=PERIOD:{','.join('/'.join(period) for period in shown)}",
    ]


def _stamp(day: date, minute: int) -> str:
    moment = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    return f"{moment:%Y%m%dT%H%M%S}"
