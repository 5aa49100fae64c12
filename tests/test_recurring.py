"""Hours written as the lines of a calendar and read back: the same time is free, also where clocks change."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr

from matcher.city_days import CityDays
from matcher.hours import expand, midnight_s
from matcher.terms import DayWindow, Hours, HoursException, WeeklyWindow
from producers.availability import NotWeekly, parse
from producers.recurring import NoEnd, to_lines

DAY = timedelta(days=1)
#: A place without summer time, one with, one where clocks change at midnight, one that changes by half an hour.
ZONES = ("Asia/Shanghai", "Europe/Berlin", "Asia/Beirut", "Australia/Lord_Howe", "America/New_York")
#: Days around which some of them change their clocks.
CHANGES = (date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 4), date(2026, 10, 25))


def drawn(seed: int) -> tuple[Hours, str, date]:
    draw = random.Random(seed)
    near = draw.choice(CHANGES)

    def times(most: int) -> tuple[int, int]:
        begin = draw.choice([0, 60, 90, 120, 150, 180, 540, 1080, 1320, 1439])
        return begin, min(begin + draw.choice([1, 30, 60, 90, 240, 600, 1440]), most)

    weekly, exceptions = [], []
    for _ in range(draw.randint(0, 5)):
        begin, end = times(2880)
        weekly.append(WeeklyWindow(weekday=draw.randrange(7), from_minute=begin, until_minute=end))
    for _ in range(draw.randint(0, 6)):
        begin, end = draw.choice([(0, 1440), times(2880)])
        day = near + DAY * draw.randint(-4, 4)
        exceptions.append(HoursException(day=day, from_minute=begin, until_minute=end, available=draw.random() < 0.4))
    return Hours(weekly=tuple(weekly), exceptions=tuple(exceptions)), draw.choice(ZONES), near - 10 * DAY


def free(hours: Hours, timezone: str, first: date, days: int, city: CityDays | None = None) -> list[tuple[int, int]]:
    """Return what is free from the first day on, cut at both ends."""
    begin, end = midnight_s(timezone, first), midnight_s(timezone, first + days * DAY)
    spans = [(max(a, begin), min(b, end)) for a, b in expand(hours, timezone, begin, end, city)]
    return [(a, b) for a, b in spans if a < b]


@pytest.mark.parametrize("seed", range(300))
def test_what_is_written_is_read_back_as_the_same_free_time(seed: int) -> None:
    hours, timezone, first = drawn(seed)
    lines = to_lines(hours, timezone, first)
    again = parse("\n".join(lines)) if lines else Hours()
    assert free(again, timezone, first, 60) == free(hours, timezone, first, 60), lines


def test_the_drawn_hours_have_changing_clocks_partial_days_and_nights() -> None:
    cases = [drawn(seed) for seed in range(300)]
    changing = partial = night = 0
    for hours, timezone, first in cases:
        zone = ZoneInfo(timezone)
        offsets = {datetime.combine(first + n * DAY, datetime.min.time(), zone).utcoffset() for n in range(21)}
        changing += len(offsets) > 1
        partial += any(not one.available and one.until_minute - one.from_minute < 1440 for one in hours.exceptions)
        night += any(window.until_minute > 1440 for window in hours.weekly)
    assert min(changing, partial, night) > 50


@pytest.mark.parametrize("seed", range(40))
def test_a_reader_of_calendars_finds_the_same_starts(seed: int) -> None:
    """dateutil knows nothing of us: its occurrences of each block are free time, as long as the block says."""
    hours, _, first = drawn(seed)
    spans = free(hours, "UTC", first - DAY, 40)
    block: list[str] = []
    for line in [*to_lines(hours, "UTC", first), "DTSTART"]:
        if line.startswith("DTSTART") and block:
            length = _stamp(block[1]) - _stamp(block[0])
            plain = [each for each in block if not each.startswith(("DTEND", "RDATE"))]
            if len(plain) > 1:
                text = "\n".join(each.replace(";TZID=UTC", "") for each in plain)
                rules = rrulestr(text, forceset=True)
                last = datetime.combine(first + 30 * DAY, datetime.min.time())
                for start in rules.between(datetime.combine(first, datetime.min.time()), last, inc=True):
                    at = int(start.replace(tzinfo=UTC).timestamp())
                    assert any(a <= at and at + length.total_seconds() <= b for a, b in spans), (start, text)
            block = []
        block.append(line)


def _stamp(line: str) -> datetime:
    return datetime.strptime(line.rpartition(":")[2], "%Y%m%dT%H%M%S")


def test_lines_are_those_of_a_calendar() -> None:
    hours = parse("Mon,Wed 18:00-21:00; 2026-06-03 19:00-20:00 off; 2026-06-05 09:00-12:00")
    assert to_lines(hours, "Asia/Shanghai", date(2026, 6, 1)) == [
        "DTSTART;TZID=Asia/Shanghai:20260601T180000",
        "DTEND;TZID=Asia/Shanghai:20260601T210000",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE",
        "EXDATE;TZID=Asia/Shanghai:20260603T180000",
        "DTSTART;TZID=Asia/Shanghai:20260603T180000",
        "DTEND;TZID=Asia/Shanghai:20260603T190000",
        "RDATE;TZID=Asia/Shanghai;VALUE=PERIOD:20260603T180000/20260603T190000,20260603T200000/20260603T210000,"
        "20260605T090000/20260605T120000",
    ]


def test_what_was_is_left_out_and_nothing_free_is_nothing_written() -> None:
    hours = parse("Mon 18:00-21:00; 2026-01-05 off")
    assert to_lines(hours, "UTC", date(2026, 6, 1))[-1] == "RRULE:FREQ=WEEKLY;BYDAY=MO"
    assert to_lines(Hours(), "UTC", date(2026, 6, 1)) == []


def test_hours_by_the_calendar_are_written_day_by_day() -> None:
    hours, first = Hours(working_days=(DayWindow(from_minute=1080, until_minute=1260),)), date(2026, 6, 1)
    city = CityDays(own={date(2026, 6, 3): False, date(2026, 6, 6): True})
    with pytest.raises(NoEnd, match="until which day"):
        to_lines(hours, "Asia/Shanghai", first, None, city)
    again = parse("\n".join(to_lines(hours, "Asia/Shanghai", first, first + 13 * DAY, city)))
    assert free(again, "Asia/Shanghai", first, 14) == free(hours, "Asia/Shanghai", first, 14, city)
    assert not again.reads_calendar


def test_an_exdate_takes_away_its_own_window_and_a_day_the_whole_day() -> None:
    evenings = "DTSTART:20260601T180000\nDURATION:PT3H\nRRULE:FREQ=WEEKLY;BYDAY=MO"
    mornings = "DTSTART:20260601T080000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO"
    for exdate, left in (("EXDATE:20260608T180000", [8]), ("EXDATE;VALUE=DATE:20260608", [])):
        hours = parse(f"{mornings}\n{evenings}\n{exdate}")
        spans = free(hours, "UTC", date(2026, 6, 8), 1)
        assert [datetime.fromtimestamp(a, UTC).hour for a, _ in spans] == left


def test_an_exdate_that_is_no_time_is_refused() -> None:
    with pytest.raises(NotWeekly):
        parse("DTSTART:20260601T180000\nDURATION:PT3H\nRRULE:FREQ=WEEKLY\nEXDATE:tomorrow")
