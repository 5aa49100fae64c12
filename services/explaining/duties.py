"""The residual list of a quarter's duty, from a zone's whole journal. Called by `paidan duty` and tests."""

from __future__ import annotations

import re

from matcher.decisions import evolve
from matcher.duty import Book, DutyList, duty_list
from matcher.history import Quarter, quarter_of
from matcher.zone import Zone
from services.explaining.questions import History
from services.explaining.story import Story

_WRITTEN = re.compile(r"(\d{4})Q([1-4])")


class NoQuarter(Exception):
    """The zone is not there, or the quarter lies outside what its journal tells."""


def quarter_named(text: str) -> int:
    """Read `2026Q4` as the quarter's number. Raises ValueError."""
    found = _WRITTEN.fullmatch(text.strip().upper())
    if found is None:
        raise ValueError(f"({text}) is no quarter such as 2026Q4")
    return 4 * int(found.group(1)) + int(found.group(2)) - 1


def duty_of(history: History, zone: str, quarter: int | None = None) -> tuple[DutyList, str]:
    """Return the list as of the quarter's end, or as of now where it has not ended, and the zone's time zone.

    `history`: the whole journal of the zone's partition. `quarter`: None for the one that the zone is in. Raises
    NoQuarter.
    """
    story = Story(history, zone)
    last = story.zone_at()
    if last is None:
        raise NoQuarter(f"Zone ({zone}) is not in the journal. Check the id.")
    timezone = last.policy.timezone
    wanted = last.quarter().number if quarter is None else quarter
    zones: dict[str, Zone] = {}
    book: Book | None = None
    for happened in story.happened:
        number = quarter_of(happened.event.at, timezone).number
        if number > wanted:
            break
        if number == wanted and book is None:
            book = Book(_whole(wanted), timezone)
            if zone in zones:
                book.open_with(zones[zone])
        evolve(zones, happened.event)
        if book is not None and zone in zones:
            book.see(zones[zone], happened.event)
    if book is None or zone not in zones:
        named = _whole(wanted)
        raise NoQuarter(f"The journal tells nothing of zone ({zone}) in ({named}). It is now in ({last.quarter()}).")
    return duty_list(zones[zone], book, over=last.quarter().number > wanted), timezone


def _whole(number: int) -> Quarter:
    """Return the quarter as a whole, on its last day."""
    first = Quarter(number, 1, 1).first
    after = Quarter(number + 1, 1, 1).first
    days = (after - first).days
    return Quarter(number, days, days)
