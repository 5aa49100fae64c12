"""Single days of somebody's hours: time away, and released time on top of the weekly windows (R26).

As people write them (`2026-06-03 off`, `2026-06-03 09:00-12:00`), and as the RDATE, EXDATE and finite RRULE lines of a
calendar. Local time of wherever the file says. Called by `availability` only.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from dateutil.rrule import rruleset, rrulestr

from matcher.terms import HoursException

_DAY_MINUTES = 1440
#: A rule that ends may name so many single days.
OCCURRENCES_MAX = 366
_WRITTEN = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})(?!\d)\s*(.*)", re.DOTALL)
_TIMES = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_AWAY = ("off", "away", "休", "休息", "请假", "不在")
_DURATION = re.compile(r"P(?:T(?=\d))?(?:(\d+)H)?(?:(\d+)M)?")


class NotWeekly(ValueError):
    """The text does not say weekly hours and single days; the message is the reason, as a clause."""


def is_dated(part: str) -> bool:
    """Say whether a written part is about one day."""
    return _WRITTEN.fullmatch(part) is not None


def written(part: str) -> list[HoursException]:
    """Read `2026-06-03 09:00-12:00` (released), `2026-06-03 off`, `2026-06-03 09:00-12:00 off`. Raises NotWeekly."""
    match = _WRITTEN.fullmatch(part)
    assert match is not None
    day, rest = _day(match.group(1), part), match.group(2).strip(" ,:").lower()
    away = next((word for word in _AWAY if rest.endswith(word)), None)
    times = rest.removesuffix(away).strip(" ,") if away else rest
    spans = [_minutes(found, part) for found in _TIMES.findall(times)]
    if _TIMES.sub("", times).strip(" ,") or not (spans or away):
        raise NotWeekly(f"({part}) is no single day such as 2026-06-03 off or 2026-06-03 09:00-12:00")
    return [_exception(day, *span, available=not away) for span in spans or [(0, _DAY_MINUTES)]]


def to_text(exception: HoursException) -> str:
    """Write one day so that `written` reads it back."""
    begin, end = exception.from_minute, exception.until_minute
    shown = end - _DAY_MINUTES if end > _DAY_MINUTES and end - _DAY_MINUTES < begin else end
    times = f" {begin // 60:02}:{begin % 60:02}-{shown // 60:02}:{shown % 60:02}"
    if exception.available:
        return f"{exception.day}{times}"
    return f"{exception.day} off" if (begin, end) == (0, _DAY_MINUTES) else f"{exception.day}{times} off"


def released(value: str) -> list[HoursException]:
    """Read the periods of an RDATE line: `20260603T090000/PT3H`, or `/20260603T120000`. Raises NotWeekly."""
    found = []
    for period in filter(None, (part.strip() for part in value.split(","))):
        begin, _, end = period.partition("/")
        if not end:
            raise NotWeekly(f"(RDATE {period}) does not say until when; write it as 20260603T090000/PT3H")
        start = stamp(begin)
        length = duration(end) if end.upper().startswith("P") else stamp(end) - start
        found.append(_from(start, length))
    return found


def away(value: str, length: timedelta | None = None) -> list[HoursException]:
    """Read an EXDATE line: the window of this length that begins then, or without one whole days. Raises NotWeekly."""
    found = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        timed = "T" in part.rpartition(":")[2].upper()
        day = stamp(part) if timed else stamp(f"{part}T000000")
        if timed and length is not None:
            found.append(_from(day, length, available=False))
        else:
            found.append(_exception(day.date(), 0, _DAY_MINUTES, available=False))
    return found


def occurrences(rule: str, start: datetime, length: timedelta) -> list[HoursException]:
    """Return the days of a rule that ends (COUNT or UNTIL). Raises NotWeekly."""
    try:
        rules = rrulestr(rule, dtstart=start)
    except (ValueError, TypeError, AttributeError) as error:
        raise NotWeekly(f"({rule}) is no RRULE ({error})") from None
    if isinstance(rules, rruleset):
        raise NotWeekly(f"({rule}) is more than one rule")
    moments = [moment for moment, _ in zip(rules, range(OCCURRENCES_MAX + 1), strict=False)]
    if len(moments) > OCCURRENCES_MAX:
        raise NotWeekly(f"({rule}) names more than {OCCURRENCES_MAX} days")
    return [_from(moment, length) for moment in moments]


def stamp(value: str) -> datetime:
    """Read a local time such as 20260603T090000. Raises NotWeekly."""
    text = value.strip().rpartition(":")[2]
    if text.upper().endswith("Z"):
        raise NotWeekly(f"({text}) is in UTC; hours are local times, without Z")
    try:
        return datetime.strptime(text.upper(), "%Y%m%dT%H%M%S")
    except ValueError:
        raise NotWeekly(f"({text}) is no time such as 20240101T180000") from None


def duration(value: str) -> timedelta:
    """Read a duration such as PT3H. Raises NotWeekly."""
    match = _DURATION.fullmatch(value.strip().upper())
    if match is None or not any(match.groups()):
        raise NotWeekly(f"({value}) is no duration such as PT3H")
    return timedelta(hours=int(match.group(1) or 0), minutes=int(match.group(2) or 0))


def _from(start: datetime, length: timedelta, *, available: bool = True) -> HoursException:
    begin = start.hour * 60 + start.minute
    return _exception(start.date(), begin, begin + int(length.total_seconds() // 60), available=available)


def _exception(day: date, begin: int, end: int, *, available: bool) -> HoursException:
    if not 0 <= begin < end <= 2 * _DAY_MINUTES:
        raise NotWeekly(f"a window from minute {begin} to minute {end} of ({day}) is empty or too long")
    return HoursException(day=day, from_minute=begin, until_minute=end, available=available)


def _day(text: str, part: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise NotWeekly(f"({text}) in ({part}) is no day") from None


def _minutes(times: tuple[str, ...], part: str) -> tuple[int, int]:
    hour, minute, until_hour, until_minute = (int(number) for number in times)
    start, end = hour * 60 + minute, until_hour * 60 + until_minute
    if minute > 59 or until_minute > 59 or start >= _DAY_MINUTES:
        raise NotWeekly(f"({part}) has a time that no clock shows")
    return start, end if end >= start else end + _DAY_MINUTES
