"""Hours as people write them, as weekly windows and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.terms import Hours, HoursException, WeeklyWindow
from producers.availability import NotWeekly, parse, to_text


def windows(text: str) -> list[tuple[int, int, int]]:
    return [(w.weekday, w.from_minute, w.until_minute) for w in parse(text).weekly]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mon 18:00-21:00", [(0, 1080, 1260)]),
        ("Sat,Sun 09:00-17:00", [(5, 540, 1020), (6, 540, 1020)]),
        ("Fri-Sun 9:00-10:30", [(4, 540, 630), (5, 540, 630), (6, 540, 630)]),
        ("Sun-Mon 08:00-09:00", [(0, 480, 540), (6, 480, 540)]),
        ("Wed 22:00-02:00", [(2, 1320, 1560)]),
        ("Tue 00:00-24:00", [(1, 0, 1440)]),
        ("Mon 08:00-12:00,14:00-18:00", [(0, 480, 720), (0, 840, 1080)]),
        ("周一、周三 18:00-21:00", [(0, 1080, 1260), (2, 1080, 1260)]),
        ("周末 ９:00－17:00", [(5, 540, 1020), (6, 540, 1020)]),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE 18:00-21:00", [(0, 1080, 1260), (2, 1080, 1260)]),
        ("DTSTART:20260106T180000\nDURATION:PT2H30M\nRRULE:FREQ=WEEKLY", [(1, 1080, 1230)]),
        ("DTSTART:20260106T223000\\nDTEND:20260107T003000\\nRRULE:FREQ=WEEKLY;BYDAY=FR", [(4, 1350, 1470)]),
        ("RRULE:FREQ=WEEKLY;BYDAY=SA;BYHOUR=9;BYMINUTE=30\nDURATION:PT2H", [(5, 570, 690)]),
    ],
)
def test_hours_are_read_as_weekly_windows(text: str, expected: list[tuple[int, int, int]]) -> None:
    assert windows(text) == expected


def test_every_day_can_be_said_as_a_rule() -> None:
    assert windows("RRULE:FREQ=DAILY 08:00-09:00") == [(day, 480, 540) for day in range(7)]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no hours"),
        ("evenings", "no times"),
        ("18:00-21:00", "no weekdays"),
        ("Someday 18:00-21:00", "no weekday"),
        ("T 18:00-21:00", "no weekday"),
        ("Mon 25:00-26:00", "no clock"),
        ("Mon 18:75-21:00", "no clock"),
        ("Mon 18:00-18:00", "empty"),
        ("RRULE:FREQ=MONTHLY;BYDAY=MO 18:00-21:00", "not every week"),
        ("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO 18:00-21:00", "not every week"),
        ("RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO 18:00-21:00", "COUNT"),
        ("RRULE:FREQ=WEEKLY;UNTIL=20260101;BYDAY=MO 18:00-21:00", "UNTIL"),
        ("RRULE:FREQ=WEEKLY;BYDAY=1MO 18:00-21:00", "counts weekdays"),
        ("RRULE:FREQ=WEEKLY;BYDAY=XX 18:00-21:00", "no RRULE"),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO", "from when to when"),
        ("DTSTART:20260106T180000Z\nDURATION:PT2H\nRRULE:FREQ=WEEKLY", "UTC"),
    ],
)
def test_what_is_not_weekly_is_refused_with_a_clear_word(text: str, word: str) -> None:
    with pytest.raises(NotWeekly, match=word):
        parse(text)


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440)),
        min_size=1,
        max_size=12,
        unique=True,
    )
)
def test_text_says_hours_so_that_they_are_read_back(drawn: list[tuple[int, int, int]]) -> None:
    hours = Hours(
        weekly=tuple(
            WeeklyWindow(weekday=day, from_minute=start, until_minute=start + length)
            for day, start, length in sorted(drawn)
        )
    )
    assert parse(to_text(hours)) == hours


def test_exceptions_cannot_be_said_as_weekly_text() -> None:
    from datetime import date

    with pytest.raises(ValueError, match="exceptions"):
        to_text(Hours(exceptions=(HoursException(day=date(2026, 1, 1)),)))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("working days 18:00-21:00; days off 09:00-17:00", "working days 18:00-21:00; days off 09:00-17:00"),
        ("法定工作日 18:00-21:00；节假日 9:00-17:00", "working days 18:00-21:00; days off 09:00-17:00"),
        ("Mon 08:00-09:00; Report weeks Fri 14:00-17:00", "Mon 08:00-09:00; report weeks Fri 14:00-17:00"),
        ("休息日 09:00-11:00,14:00-16:00", "days off 09:00-11:00; days off 14:00-16:00"),
    ],
)
def test_hours_by_the_calendar_are_read_and_written_back(text: str, written: str) -> None:
    hours = parse(text)
    assert hours.reads_calendar
    assert to_text(hours) == written
    assert parse(written) == hours


@pytest.mark.parametrize("text", ["days off", "working days Mon 09:00-10:00", "report weeks 09:00-10:00"])
def test_hours_by_the_calendar_that_say_too_little_or_too_much_are_refused(text: str) -> None:
    with pytest.raises(NotWeekly):
        parse(text)


def test_weekdays_stay_weekdays_whatever_the_calendar_says() -> None:
    assert not parse("工作日 18:00-21:00").reads_calendar
