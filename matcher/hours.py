"""Weekly hours and their exceptions, as intervals of UTC seconds.

Called where a problem is posed (a beat or a file). Knows no person; the rules read only its result.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from matcher.city_days import CityDays
from matcher.terms import DayWindow, Hours, HoursException, WeeklyWindow

#: A stretch of time in UTC seconds, half-open.
Stretch = tuple[int, int]

#: A window may begin on one day and end on the next: look this many days back from the first.
_DAYS_BACK = 2
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY_S = 86_400


def expand(hours: Hours, timezone: str, from_s: int, until_s: int, city: CityDays | None = None) -> list[Stretch]:
    """Return when these hours are free around [from_s, until_s), sorted, merged where they touch.

    `city`: which days are worked and lie in report weeks; None: weekdays and the holidays fixed by law are known.

    Windows are cut at whole local days outside the horizon only, never inside it, so that a visit that begins inside
    finds its whole window. Exceptions apply in the order given: a later one wins where two meet.
    """
    zone = ZoneInfo(timezone)
    first = datetime.fromtimestamp(from_s, zone).toordinal()
    last = datetime.fromtimestamp(max(from_s, until_s), zone).toordinal()
    marks = (city or CityDays()).marks(_days(first, last)) if hours.reads_calendar else ()
    return list(_expanded(hours, timezone, first, last, marks))


def _days(first: int, last: int) -> range:
    return range(first - _DAYS_BACK, last + 2)


@lru_cache(maxsize=16_384)
def _expanded(hours: Hours, timezone: str, first: int, last: int, marks: tuple[int, ...]) -> tuple[Stretch, ...]:
    """Expand over local days `first` to `last` (ordinals); a key that stays the same all day.

    `marks`: of each day, as `CityDays.marks` says; empty where the hours do not read them.
    """
    days = _days(first, last)
    by_weekday: list[list[WeeklyWindow]] = [[] for _ in range(7)]
    for window in hours.weekly:
        by_weekday[window.weekday].append(window)
    stretches = merged(
        [
            *(_utc(timezone, day, window) for day in days for window in by_weekday[(day + 6) % 7]),
            *(
                _utc(timezone, day, window)
                for day, mark in zip(days, marks, strict=False)
                for window in _marked(hours, day, mark)
            ),
        ]
    )
    for exception in hours.exceptions:
        day = exception.day.toordinal()
        if day in days:
            stretch = _utc(timezone, day, exception)
            stretches = merged([*stretches, stretch]) if exception.available else without(stretches, stretch)
    begin, end = _utc_s(timezone, first, 0), _utc_s(timezone, last + 1, 0)
    return tuple((a, b) for a, b in stretches if a < end and b > begin)


def _marked(hours: Hours, day: int, mark: int) -> list[DayWindow | WeeklyWindow]:
    """Return the windows that a day has for what it is."""
    windows: list[DayWindow | WeeklyWindow] = list((hours.working_days if mark & 1 else hours.days_off) or ())
    if mark & 2:
        windows += [window for window in hours.report_weeks or () if window.weekday == (day + 6) % 7]
    return windows


def midnight_s(timezone: str, day: date) -> int:
    """Return the UTC second at which a local day begins."""
    return _utc_s(timezone, day.toordinal(), 0)


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return the union, sorted; touching and overlapping stretches become one, empty ones vanish."""
    union: list[Stretch] = []
    for a, b in sorted(stretches):
        if a >= b:
            continue
        if union and a <= union[-1][1]:
            union[-1] = (union[-1][0], max(b, union[-1][1]))
        else:
            union.append((a, b))
    return union


def without(stretches: Iterable[Stretch], taken: Stretch) -> list[Stretch]:
    """Return the stretches less the one taken away."""
    from_s, until_s = taken
    if from_s >= until_s:
        return list(stretches)
    pieces = [piece for a, b in stretches for piece in ((a, min(b, from_s)), (max(a, until_s), b))]
    return [(a, b) for a, b in pieces if a < b]


def _utc(timezone: str, day: int, window: WeeklyWindow | DayWindow | HoursException) -> Stretch:
    return _utc_s(timezone, day, window.from_minute), _utc_s(timezone, day, window.until_minute)


def _utc_s(timezone: str, day: int, minute: int) -> int:
    """Return the UTC second of a local wall time, `minute` minutes by the clock after the midnight of `day`."""
    local_s = (day - _EPOCH_DAY) * _DAY_S + minute * 60
    offset_s = _steady_offset_s(timezone, day)
    return local_s - (offset_s if offset_s is not None else _offset_s(timezone, local_s))


@lru_cache(maxsize=4096)
def _steady_offset_s(timezone: str, day: int) -> int | None:
    """Return the UTC offset if it is the same through this local day and the next, else None: clocks change."""
    midnight = (day - _EPOCH_DAY) * _DAY_S
    offsets = {_offset_s(timezone, midnight + hour * 3600) for hour in range(49)}
    return offsets.pop() if len(offsets) == 1 else None


def _offset_s(timezone: str, local_s: int) -> int:
    """Return the UTC offset of a local wall time; one that comes twice is the first, a skipped one counts on."""
    wall = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None) + timedelta(seconds=local_s)
    offset = wall.replace(tzinfo=ZoneInfo(timezone)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
