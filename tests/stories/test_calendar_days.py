"""A city's own calendar days: set, changed, taken back, refused; what the zone remembers of them."""

from __future__ import annotations

from datetime import date

from matcher import commands as c
from matcher.events import CalendarDaySet, CommandRefused
from matcher.reasons import ImpossibleValue, Unknown
from matcher.zone import Zone
from tests.stories.story import Story, names, only

DAY = date(2026, 11, 18)


def test_a_day_that_is_set_is_the_citys_own_until_it_is_set_again() -> None:
    story = Story()
    assert names(story.send(c.SetCalendarDay, day=DAY, working=False, name="县庆")) == ["CalendarDaySet"]
    assert story.zone.own_days == {DAY: False}
    story.send(c.SetCalendarDay, day=DAY, working=True)
    assert story.zone.own_days == {DAY: True}


def test_a_day_that_is_taken_back_is_the_nations_again() -> None:
    story = Story()
    story.send(c.SetCalendarDay, day=DAY, working=False)
    assert names(story.send(c.SetCalendarDay, day=DAY, working=None)) == ["CalendarDaySet"]
    assert story.zone.own_days == {}


def test_a_day_that_was_never_set_cannot_be_taken_back() -> None:
    refused = only(Story().send(c.SetCalendarDay, day=DAY, working=None), CommandRefused)
    assert [event.reason for event in refused] == [Unknown(kind="calendar day", value="2026-11-18")]


def test_a_day_in_another_century_is_refused() -> None:
    [refused] = only(Story().send(c.SetCalendarDay, day=date(2206, 11, 18), working=False), CommandRefused)
    assert isinstance(refused.reason, ImpossibleValue)
    assert "2206-11-18" in refused.reason.message()


def test_the_same_command_again_changes_nothing() -> None:
    story = Story()
    story.send(c.SetCalendarDay, id="once", day=DAY, working=False)
    assert story.send(c.SetCalendarDay, id="once", day=DAY, working=False) == []


def test_the_event_carries_the_command_in_full() -> None:
    [event] = only(Story().send(c.SetCalendarDay, day=DAY, working=False, name="县庆"), CalendarDaySet)
    assert (event.command.day, event.command.working, event.command.name) == (DAY, False, "县庆")


def test_a_zone_without_days_of_its_own_encodes_as_it_did_before_there_were_any() -> None:
    story = Story()
    assert b"calendar" not in story.zone.encode()
    assert Zone.decode(story.zone.encode()).own_days == {}


def test_the_order_in_which_days_were_set_again_is_in_the_bytes_whatever_the_process() -> None:
    story = Story()
    for day, working in ((DAY, False), (date(2026, 3, 3), True), (DAY, True)):
        story.send(c.SetCalendarDay, day=day, working=working)
    encoded = story.zone.encode()
    assert list(Zone.decode(encoded).own_days) == [date(2026, 3, 3), DAY]
    assert Zone.decode(encoded).encode() == encoded
