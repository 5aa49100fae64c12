"""How many visits a person makes in a day and in a week: which times are full because enough visits start in them.

Called by `beats` with what people have done and have before them; `posing` puts the full times into the problem. Pure.
A visit belongs to the local day, and to the week from Monday, in which it starts. In full time a person neither travels
nor serves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from matcher.hours import Stretch, merged

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


def tighter(one: int, other: int) -> int:
    """Return the smaller of two limits; 0 is none."""
    return min(one, other) if one and other else one or other


def full(starts_s: Sequence[int], per_day: int, per_week: int, timezone: str) -> list[Stretch]:
    """Return the stretches in which visits starting at these seconds leave no room for another; limit 0: no limit."""
    zone = ZoneInfo(timezone)
    days = [datetime.fromtimestamp(start, UTC).astimezone(zone).date() for start in starts_s]
    mondays = [day - timedelta(days=day.weekday()) for day in days]
    return merged([*_full(days, per_day, _DAY, zone), *_full(mondays, per_week, _WEEK, zone)])


def _full(days: Iterable[date], limit: int, length: timedelta, zone: ZoneInfo) -> list[Stretch]:
    if not limit:
        return []
    return [(_midnight_s(day, zone), _midnight_s(day + length, zone)) for day, n in Counter(days).items() if n >= limit]


def _midnight_s(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(0), zone).timestamp())
