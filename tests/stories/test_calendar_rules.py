"""Rules that read the calendar: hours by kind of day, windows of working days, days that are known better later."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from matcher import commands as c
from matcher.calendar import YearDays, certain_until_s
from matcher.city_days import CityDays, Weeks
from matcher.events import CalendarYearSet, CommandRefused, OfferSent, RequestClosed, RequestReopened, WindowMoved
from matcher.hours import expand
from matcher.policy import DEFAULT, TRAVEL_ONLY
from matcher.reasons import ImpossibleValue
from matcher.terms import DayWindow, Hours, WeeklyWindow
from matcher.weeks import SecondWeek, Shift
from matcher.zone import Zone
from producers import calendars
from tests.stories.story import Story, only

#: The story begins on Monday 2026-03-02, UTC.
MONDAY = date(2026, 3, 2)
CERTAIN = ("a", "b")
ALL_DAY = (DayWindow(from_minute=0, until_minute=1440),)
COUNTED = msgspec.structs.replace(TRAVEL_ONLY, window_working_days=7)


def year(
    number: int = 2026, *, off: tuple[date, ...] = (), worked: tuple[date, ...] = (), certain: bool = True
) -> YearDays:
    return YearDays(year=number, holidays=off, make_up=worked, sources=CERTAIN if certain else CERTAIN[:1])


def at(day: int, hour: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def latest(story: Story, name: str = "r1") -> tuple[datetime, bool | msgspec.UnsetType]:
    request = story.zone.request(name)
    return request.latest, request.provisional


def counted(story: Story) -> None:
    """Submit a request without a word of when it is over."""
    story.request("r1", latest=None)


# --- windows of working days


def test_a_window_of_seven_working_days_ends_with_the_seventh_after_its_first_day():
    story = Story(COUNTED)
    story.send(c.SetCalendarYear, days=year())
    counted(story)
    assert latest(story) == (at(12), False)  # 3 to 6, 9 to 11 March, to its end


def test_a_holiday_and_a_make_up_day_count_for_what_they_are():
    story = Story(COUNTED)
    story.send(c.SetCalendarYear, days=year(off=(date(2026, 3, 4), date(2026, 3, 5)), worked=(date(2026, 3, 7),)))
    counted(story)
    assert latest(story) == (at(13), False)


def test_the_published_spring_festival_of_2026_is_counted_as_measured():
    """LIBRARIES 1D: seven working days after 2026-02-11 are 2026-02-27."""
    days = CityDays(calendars.read([2026]).years)
    assert days.window(datetime(2026, 2, 11, 3, tzinfo=UTC), 7, "Asia/Shanghai") == (
        datetime(2026, 2, 27, 16, tzinfo=UTC),
        False,
    )


def test_without_a_calendar_the_window_is_provisional_and_moves_when_the_year_is_told():
    story = Story(COUNTED)
    counted(story)
    assert latest(story) == (at(12), True)
    told = story.send(c.SetCalendarYear, days=year(off=(date(2026, 3, 4),)))
    assert [(type(event).__name__) for event in told] == ["CalendarYearSet", "WindowMoved"]
    assert latest(story) == (at(13), False)
    again = story.send(c.SetCalendarYear, days=year(off=(date(2026, 3, 4),)))
    assert only(again, WindowMoved) == []


def test_a_citys_own_day_moves_the_window_and_taken_back_moves_it_again():
    story = Story(COUNTED)
    story.send(c.SetCalendarYear, days=year())
    counted(story)
    story.send(c.SetCalendarDay, day=date(2026, 3, 5), working=False)
    assert latest(story) == (at(13), False)
    story.send(c.SetCalendarDay, day=date(2026, 3, 5), working=None)
    assert latest(story) == (at(12), False)


def test_a_moved_window_is_when_the_request_expires():
    story = Story(COUNTED)
    story.send(c.SetCalendarYear, days=year())
    counted(story)
    story.send(c.SetCalendarDay, day=date(2026, 3, 5), working=False)
    story.tick(minutes=60 * 24 * 10)
    assert story.state("r1") != "closed"
    assert only(story.tick(minutes=60 * 24), RequestClosed)


def test_a_window_that_would_be_over_by_the_new_days_stays():
    story = Story(COUNTED)
    story.send(c.SetCalendarYear, days=year(off=(date(2026, 3, 3), date(2026, 3, 4))))
    counted(story)
    before = latest(story)
    story.tick(minutes=60 * 24 * 11)
    assert only(story.send(c.SetCalendarYear, days=year()), WindowMoved) == []
    assert latest(story) == before


def test_who_names_a_latest_time_is_not_moved_and_neither_are_windows_of_plain_days():
    story = Story(COUNTED)
    story.request("named", latest=at(4))
    assert latest(story, "named") == (at(4), msgspec.UNSET)
    plain = Story()
    counted(plain)
    assert latest(plain) == (at(9), msgspec.UNSET)
    for each in (story, plain):
        assert only(each.send(c.SetCalendarYear, days=year(off=(date(2026, 3, 3),))), WindowMoved) == []


def test_a_window_that_was_changed_by_word_is_not_moved_any_more():
    story = Story(COUNTED)
    counted(story)
    story.send(c.ChangeRequest, request="r1", latest=at(20))
    assert only(story.send(c.SetCalendarYear, days=year()), WindowMoved) == []
    assert latest(story) == (at(20), msgspec.UNSET)


def test_a_request_opened_again_gets_as_many_working_days_again():
    story = Story(COUNTED)
    story.send(c.SetCalendarYear, days=year())
    story.volunteer("ana")
    counted(story)
    story.tick()
    [offer] = story.offers()
    story.accept(offer)
    story.visit(offer)
    story.minute += 60 * 24
    story.tick()
    [opened] = only(story.send(c.ReopenRequest, request="r1"), RequestReopened)
    assert (opened.latest, opened.provisional) == (at(13), False)


@pytest.mark.parametrize(
    "days", [year(2099), year(off=(date(2025, 1, 1),)), year(worked=(date(2027, 1, 3),))], ids=["far", "off", "worked"]
)
def test_a_year_that_cannot_be_is_refused(days: YearDays):
    [refused] = only(Story().send(c.SetCalendarYear, days=days), CommandRefused)
    assert isinstance(refused.reason, ImpossibleValue)


# --- hours by kind of day


def offered(story: Story) -> datetime:
    [offer] = only(story.tick(), OfferSent)
    return offer.start


def test_hours_of_days_off_begin_with_the_next_day_that_is_off():
    story = Story()
    story.send(c.SetCalendarYear, days=year(off=(date(2026, 3, 4),)))
    story.volunteer("ana", hours=Hours(days_off=ALL_DAY))
    story.request("r1", latest=at(10))
    assert offered(story).date() == date(2026, 3, 4)


def test_a_make_up_sunday_is_a_working_day():
    story = Story()
    story.send(c.SetCalendarYear, days=year(worked=(date(2026, 3, 8),)))
    story.volunteer("ana", hours=Hours(working_days=ALL_DAY))
    story.request("r1", earliest=at(7), latest=at(10))
    assert offered(story).date() == date(2026, 3, 8)


def test_a_day_set_off_afterwards_opens_what_nobody_could_do_before():
    story = Story()
    story.volunteer("ana", hours=Hours(days_off=ALL_DAY))
    story.request("r1", latest=at(6))
    assert only(story.tick(), OfferSent) == []
    story.tick()
    story.send(c.SetCalendarDay, day=date(2026, 3, 4), working=False)
    assert offered(story).date() == date(2026, 3, 4)


def test_released_time_holds_inside_report_weeks_only():
    story = Story()
    released = (WeeklyWindow(weekday=4, from_minute=540, until_minute=720),)
    story.volunteer("ana", hours=Hours(report_weeks=released))
    story.request("r1", latest=at(20))
    assert offered(story) == at(13, 9)  # the second Friday of March


def test_the_policy_says_which_week_is_the_second():
    days = range(date(2026, 8, 1).toordinal(), date(2026, 9, 1).toordinal())

    def released(weeks: Weeks | None) -> list[int]:
        marks = CityDays([year()], weeks=weeks).marks(days)
        return [day for day, mark in enumerate(marks, start=1) if mark & 2]

    assert released(None) == list(range(10, 17))
    assert released(Weeks(second_week=SecondWeek.CALENDAR_ROW)) == list(range(3, 10))


def test_a_week_chosen_by_hand_counts_in_its_year_only():
    weeks = Weeks(chosen=[date(2026, 10, 12)], shift=Shift.ASK)
    assert weeks.of(2026).chosen == {10: date(2026, 10, 12)}
    assert weeks.of(2027).chosen == {}


def test_hours_without_a_calendar_go_by_weekdays():
    hours = Hours(working_days=(DayWindow(from_minute=540, until_minute=600),))
    begin = int(at(2).timestamp())
    found = expand(hours, "UTC", begin, begin + 7 * 86_400 - 1)
    assert [datetime.fromtimestamp(a, UTC).day for a, _ in found] == [2, 3, 4, 5, 6]


# --- what old logs and metrics see of it


def test_a_zone_that_knows_no_year_encodes_as_it_did_before_there_were_any():
    story = Story()
    story.request("r1")
    encoded = story.zone.encode()
    assert b"years" not in encoded
    assert b"provisional" not in encoded
    story.send(c.SetCalendarYear, days=year())
    assert only(story.events, CalendarYearSet)
    revived = Zone.decode(story.zone.encode())
    assert revived.encode() == story.zone.encode()
    assert revived.years == {2026: year()}


def test_the_certain_years_end_where_the_first_uncertain_one_begins():
    end = int(datetime(2026, 12, 31, 16, tzinfo=UTC).timestamp())
    assert certain_until_s([year(2026), year(2025)]) == end
    assert certain_until_s([year(2026), year(2027, certain=False)]) == end
    assert certain_until_s([year(2026), year(2028)]) == end
    assert certain_until_s([year(2026, certain=False)]) == certain_until_s([]) == 0


def test_a_request_told_before_the_policy_counted_working_days_keeps_its_window():
    story = Story()
    counted(story)
    policy = msgspec.structs.replace(DEFAULT, timezone="UTC", notify=False, window_working_days=7)
    story.send(c.SetPolicy, policy=policy)
    assert only(story.send(c.SetCalendarYear, days=year(off=(MONDAY + timedelta(days=1),))), WindowMoved) == []
