"""Hours as people write them: `Mon-Fri 18:00-21:00; 2026-06-03 off`, RRULE lines of a calendar, and back to text.

By the calendar: `working days 18:00-21:00; days off 09:00-17:00; report weeks Fri 14:00-17:00` (法定工作日, 节假日,
报到周): make-up days are worked, holidays are not; Mon-Fri and 工作日 stay weekdays whatever the calendar says.
All of it is local time of wherever the file says. What cannot be said as weekly windows, kinds of days and single days
(`dated`) is refused, never guessed.
Called by `producers.rows`, and by the generators for the way back.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta

from dateutil.rrule import rruleset, rrulestr
from msgspec import UNSET

from matcher.terms import DayWindow, Hours, HoursException, WeeklyWindow
from producers import dated
from producers.dated import NotWeekly as NotWeekly  # noqa: PLC0414 (ours too: every caller knows it from here)

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CHINESE_DAYS = "一二三四五六日"
_NAMED = {
    "daily": range(7), "everyday": range(7), "每天": range(7), "每日": range(7),
    "weekdays": range(5), "工作日": range(5), "weekends": range(5, 7), "weekend": range(5, 7), "周末": range(5, 7),
}  # fmt: skip
#: Kinds of days that the calendar knows, as they begin a part.
_WORKING, _OFF, _REPORT = "working days", "days off", "report weeks"
_KINDS = {
    _WORKING: _WORKING, "法定工作日": _WORKING, _OFF: _OFF, "节假日": _OFF, "休息日": _OFF,
    _REPORT: _REPORT, "报到周": _REPORT,
}  # fmt: skip
_TIMES = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_TAIL = re.compile(r"((?:\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2}\s*,?\s*)+)$")
_CALENDAR = re.compile(r"FREQ=|\b(RDATE|EXDATE)\b", re.IGNORECASE)
_ENDS = re.compile(r"\b(COUNT|UNTIL)=", re.IGNORECASE)
_WEEKLY_KEYS = {"FREQ", "INTERVAL", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND", "WKST"}
_MONDAY = datetime(2024, 1, 1)
_DAY_MINUTES = 1440


def parse(text: str) -> Hours:
    """Read hours. Raises NotWeekly."""
    plain = unicodedata.normalize("NFKC", text).replace("–", "-").replace("—", "-").strip()
    if not plain:
        raise NotWeekly("no hours are given")
    if _CALENDAR.search(plain):
        windows, exceptions = _calendar(plain)
        return Hours(weekly=_ordered(windows), exceptions=tuple(exceptions))
    parts: dict[str, list[str]] = {kind: [] for kind in ("", _WORKING, _OFF, _REPORT)}
    for part in filter(None, (part.strip() for part in re.split(r"[;\n]", plain))):
        kind, rest = _kind(part)
        parts[kind].append(rest)
    windows, exceptions = _plain(parts[""])
    released, dates = _plain(parts[_REPORT])
    if dates:
        raise NotWeekly(f"({parts[_REPORT][0]}) names a single day; report weeks have weekdays")
    return Hours(
        weekly=_ordered(windows),
        exceptions=tuple(exceptions),
        working_days=_day_windows(parts[_WORKING]) or UNSET,
        days_off=_day_windows(parts[_OFF]) or UNSET,
        report_weeks=_ordered(released) or UNSET,
    )


def _kind(part: str) -> tuple[str, str]:
    """Return which days of the calendar a part speaks of ("": of weekdays), and what it says of them."""
    for word, kind in _KINDS.items():
        if part.lower().startswith(word):
            return kind, part[len(word) :].strip(" :")
    return "", part


def _ordered(windows: list[WeeklyWindow]) -> tuple[WeeklyWindow, ...]:
    return tuple(sorted(set(windows), key=lambda window: (window.weekday, window.from_minute, window.until_minute)))


def _day_windows(parts: list[str]) -> tuple[DayWindow, ...]:
    """Read times alone."""
    spans: set[tuple[int, int]] = set()
    for part in parts:
        tail = _TAIL.fullmatch(part)
        if tail is None:
            raise NotWeekly(f"({part}) is not times such as 18:00-21:00")
        spans |= {_minutes(times, part) for times in _TIMES.findall(tail.group(1))}
    return tuple(DayWindow(from_minute=start, until_minute=end) for start, end in sorted(spans))


def to_text(hours: Hours) -> str:
    """Write hours so that `parse` reads them back."""
    parts = _weekly_text(hours.weekly)
    for kind, windows in ((_WORKING, hours.working_days or ()), (_OFF, hours.days_off or ())):
        parts += [f"{kind} {_times_text(window.from_minute, window.until_minute)}" for window in windows]
    parts += [f"{_REPORT} {text}" for text in _weekly_text(hours.report_weeks or ())]
    return "; ".join([*parts, *map(dated.to_text, hours.exceptions)])


def _weekly_text(windows: tuple[WeeklyWindow, ...]) -> list[str]:
    days: dict[tuple[int, int], list[int]] = {}
    for window in windows:
        days.setdefault((window.from_minute, window.until_minute), []).append(window.weekday)
    return [f"{_days_text(sorted(set(held)))} {_times_text(*times)}" for times, held in days.items()]


# --- plain text -------------------------------------------------------------------------------------------------


def _plain(parts: list[str]) -> tuple[list[WeeklyWindow], list[HoursException]]:
    windows: list[WeeklyWindow] = []
    exceptions: list[HoursException] = []
    for part in parts:
        if dated.is_dated(part):
            exceptions += dated.written(part)
            continue
        tail = _TAIL.search(part)
        if tail is None:
            raise NotWeekly(f"({part}) has no times such as 18:00-21:00")
        days = _days(part[: tail.start()].strip(" ,:"), part)
        for times in _TIMES.findall(tail.group(1)):
            windows += [_window(day, *_minutes(times, part)) for day in days]
    return windows, exceptions


def _days(text: str, part: str) -> list[int]:
    if not text:
        raise NotWeekly(f"({part}) has no weekdays such as Mon-Fri")
    if text.lower() in _NAMED:
        return list(_NAMED[text.lower()])
    days: dict[int, None] = {}
    for span in filter(None, re.split(r"[,、/\s]+", re.sub(r"\s*-\s*", "-", text))):
        first, _, last = span.partition("-")
        start = _day(first, part)
        length = (_day(last, part) - start) % 7 if last else 0
        days |= dict.fromkeys((start + step) % 7 for step in range(length + 1))
    return list(days)


def _day(text: str, part: str) -> int:
    word = re.sub(r"^(周|星期|礼拜)", "", text)
    if word in ("天", "7"):
        return 6
    if len(word) == 1 and word in _CHINESE_DAYS:
        return _CHINESE_DAYS.index(word)
    matches = [
        number
        for number, day in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
        if len(word) >= 2 and day.startswith(word.lower().rstrip("."))
    ]
    if len(matches) != 1:
        raise NotWeekly(f"({text}) in ({part}) is no weekday")
    return matches[0]


def _minutes(times: tuple[str, ...], part: str) -> tuple[int, int]:
    hour, minute, until_hour, until_minute = (int(number) for number in times)
    start, end = hour * 60 + minute, until_hour * 60 + until_minute
    if minute > 59 or until_minute > 59 or start >= _DAY_MINUTES:
        raise NotWeekly(f"({part}) has a time that no clock shows")
    if end < start:
        end += _DAY_MINUTES
    return start, end


def _window(day: int, start: int, end: int) -> WeeklyWindow:
    if not start < end <= 2 * _DAY_MINUTES:
        raise NotWeekly(f"a window from minute {start} to minute {end} of a day is empty or too long")
    return WeeklyWindow(weekday=day, from_minute=start, until_minute=end)


def _days_text(days: list[int]) -> str:
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(_run_text(run) for run in runs)


def _run_text(run: list[int]) -> str:
    if len(run) > 2:
        return f"{DAYS[run[0]]}-{DAYS[run[-1]]}"
    return ",".join(DAYS[day] for day in run)


def _times_text(start: int, end: int) -> str:
    shown = end - _DAY_MINUTES if end > _DAY_MINUTES and end - _DAY_MINUTES < start else end
    return f"{start // 60:02}:{start % 60:02}-{shown // 60:02}:{shown % 60:02}"


# --- RRULE lines ------------------------------------------------------------------------------------------------


def _calendar(text: str) -> tuple[list[WeeklyWindow], list[HoursException]]:
    """Read calendar lines, block by block. What rules that end and RDATE add comes first, then EXDATE takes away.

    Both are the block's own (RFC 5545): an EXDATE with a time takes away the window that begins then, where the block
    says how long it lasts, else the whole day.
    """
    windows: list[WeeklyWindow] = []
    exceptions: list[HoursException] = []
    for block in _blocks(text):
        released: list[HoursException] = []
        away: list[HoursException] = []
        start, length = _span(block)
        for line in block:
            name, _, value = line.partition(":")
            key = name.upper().partition(";")[0]
            if "FREQ=" in line.upper():
                rule = re.sub(r"^RRULE:", "", line, flags=re.IGNORECASE)
                if start is not None and length is not None and _ENDS.search(rule):
                    released += dated.occurrences(rule.upper(), start, length)
                else:
                    windows += _rule(rule, start, length)
            elif key == "RDATE":
                released += dated.released(value)
            elif key == "EXDATE":
                away += dated.away(value, length)
            elif key not in ("DTSTART", "DTEND", "DURATION"):
                raise NotWeekly(f"({line}) is not part of a weekly RRULE")
        exceptions += released + away
    return windows, exceptions


def _blocks(text: str) -> list[list[str]]:
    """Split lines into blocks; a second DTSTART begins another one."""
    blocks: list[list[str]] = [[]]
    for line in filter(None, (line.strip() for line in re.split(r"\\n|\n|\|", text))):
        begins = line.upper().startswith("DTSTART")
        if begins and any(known.upper().startswith("DTSTART") for known in blocks[-1]):
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def _span(block: list[str]) -> tuple[datetime | None, timedelta | None]:
    """Return when the block's first window begins, and how long each lasts."""
    start: datetime | None = None
    length: timedelta | None = None
    for line in block:
        name, _, value = line.partition(":")
        key = name.upper().partition(";")[0]
        if key == "DTSTART":
            start, length = dated.stamp(value), None
        elif key == "DTEND" and start is not None:
            length = dated.stamp(value) - start
        elif key == "DURATION":
            length = dated.duration(value)
    return start, length


def _rule(text: str, start: datetime | None, length: timedelta | None) -> list[WeeklyWindow]:
    tail = _TAIL.search(text)
    rule = (text[: tail.start()] if tail else text).strip(" ;,")
    parts = dict(part.upper().partition("=")[::2] for part in rule.split(";"))
    odd = sorted(set(parts) - _WEEKLY_KEYS)
    if odd:
        raise NotWeekly(f"({odd[0]}) cannot be said as weekly hours")
    if re.search(r"\d", parts.get("BYDAY", "")):
        raise NotWeekly(f"(BYDAY={parts['BYDAY']}) counts weekdays in a month")
    if parts.get("FREQ") not in ("WEEKLY", "DAILY") or parts.get("INTERVAL", "1") != "1":
        raise NotWeekly(f"({rule}) is not every week")
    spans: list[tuple[int, int]] = []
    if tail:
        spans = [_minutes(times, text) for times in _TIMES.findall(tail.group(1))]
    elif length is None or (start is None and "BYHOUR" not in parts):
        raise NotWeekly(f"({rule}) does not say from when to when; write the times after it, such as 18:00-21:00")
    if start is None and "BYDAY" not in parts and parts["FREQ"] == "WEEKLY":
        raise NotWeekly(f"({rule}) names no weekdays (BYDAY)")
    moments = _week(rule, start or _MONDAY, bare=tail is None)
    if tail is None and length is not None:
        minutes = int(length.total_seconds() // 60)
        starts = [(moment.weekday(), moment.hour * 60 + moment.minute) for moment in moments]
        return [_window(day, begin, begin + minutes) for day, begin in starts]
    return [_window(moment.weekday(), begin, end) for moment in moments for begin, end in spans]


def _week(rule: str, start: datetime, *, bare: bool) -> list[datetime]:
    """All starts of the rule in one whole week, on the clock of `start`."""
    base = _MONDAY + timedelta(days=start.weekday(), hours=start.hour, minutes=start.minute)
    text = rule if bare else re.sub(r";?BY(HOUR|MINUTE|SECOND)=[^;]*", "", rule, flags=re.IGNORECASE)
    try:
        rules = rrulestr(text.upper(), dtstart=base)
    except (ValueError, TypeError, AttributeError) as error:
        raise NotWeekly(f"({rule}) is no RRULE ({error})") from None
    if isinstance(rules, rruleset):
        raise NotWeekly(f"({rule}) is more than one rule")
    second = _MONDAY + timedelta(days=7)
    return rules.between(second, second + timedelta(days=7, seconds=-1), inc=True)
