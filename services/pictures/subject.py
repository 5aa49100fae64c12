"""What all pictures of one week are about: the week, its clock, its theme day, how its compounds are called.

Made by whoever asks for pictures; read by every picture. Says nothing about any plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from matcher.weekly.week import Week


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A week as its pictures see it. ZoneInfoNotFoundError for a time zone there is none of, when it is first read."""

    week: Week
    timezone: str = "Asia/Shanghai"
    #: 主题党日 (R104); None: the week has none, or it is not known
    theme_day: date | None = None
    #: by the numbers in `week.compound`; a number beyond them is shown as a number
    compounds: tuple[str, ...] = ()

    @property
    def zone(self) -> str:
        """Return the zone's name."""
        return self.week.problem.zone

    @cached_property
    def clock(self) -> ZoneInfo:
        """Return the time zone in which days begin."""
        return ZoneInfo(self.timezone)

    def local(self, at_s: int) -> datetime:
        """Return a moment (seconds since 1970) on the week's own clock."""
        return datetime.fromtimestamp(at_s, self.clock)

    def day_of(self, at_s: int) -> date:
        """Return the local day in which a moment lies."""
        return self.local(at_s).date()

    def days(self) -> list[date]:
        """Return every local day of the week."""
        first, last = self.day_of(self.week.from_s), self.day_of(max(self.week.from_s, self.week.until_s - 1))
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def compound_of(self, requirement: int) -> str:
        """Return the compound of a requirement, "" where it has none."""
        number = -1 if self.week.compound is None else int(self.week.compound[requirement])
        if number < 0:
            return ""
        return self.compounds[number] if number < len(self.compounds) else str(number)
