"""The national calendar of China from two packages, `holidays` first and `chinesecalendar` as the second opinion.

Both are asked about every day, and every day on which they differ is named. Called by `paidan calendar` and, for the
metric of its end, by `paidan up`. It decides nothing: the core reads what comes out of here as data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from matcher.calendar import TIMEZONE, Calendar, YearDays, days

__all__ = ["TIMEZONE", "read", "read_around", "valid_until_s"]
#: Names of the sources, as in the metric; the agreement of both has a name, too.
HOLIDAYS, CHINESECALENDAR, BOTH = "holidays", "chinesecalendar", "both"
#: chinesecalendar begins here.
FIRST_YEAR = 2004
#: Estimates beyond lunar tables would be wrong without saying so.
LAST_YEAR = 2099
#: So many days before the end of what is certain it is said that the packages must be updated.
WARN_DAYS = 60
_SATURDAY = 5
_NEW_YEAR = "Chinese New Year (Spring Festival)"


@dataclass(frozen=True)
class Difference:
    """A day on which the sources contradict each other; each says whether it is worked."""

    day: date
    holidays: bool
    chinesecalendar: bool


@dataclass(frozen=True)
class Reading:
    """Some years as the sources have them."""

    years: tuple[YearDays, ...]
    differences: tuple[Difference, ...]
    #: source (and "both") -> last day of the last year that it holds with make-up days, among the years read
    valid_until: dict[str, date]

    def calendar(self, overrides: dict[date, bool] | None = None) -> Calendar:
        """Return the calendar of these years, with a city's days over them."""
        return Calendar(self.years, overrides)


def read(years: Iterable[int]) -> Reading:
    """Ask both sources about these years. Years outside 2004-2099 are left out, and so are provisional for the core."""
    wanted = sorted(year for year in set(years) if FIRST_YEAR <= year <= LAST_YEAR)
    first, festivals = _holidays(wanted)
    return _crossed(wanted, first, _chinesecalendar(), festivals)


def read_around(year: int) -> Reading:
    """Read the years around this one, in which the certain days usually end; all years where a source has ended."""
    near = read(range(year - 1, year + 3))
    return near if BOTH in near.valid_until else read(range(FIRST_YEAR, year + 3))


def valid_until_s(reading: Reading) -> dict[str, int]:
    """Return source -> UTC seconds at which its certain days end (midnight in China after the last of them)."""
    clock = ZoneInfo(TIMEZONE)
    return {
        source: int(datetime.combine(day + timedelta(days=1), datetime.min.time(), clock).timestamp())
        for source, day in reading.valid_until.items()
    }


#: A day -> is it worked? None when the source does not hold the day's year.
Source = Callable[[date], bool | None]


def _holidays(years: Sequence[int]) -> tuple[Source, dict[int, date]]:
    """Return the source `holidays` and the first day of each lunar year. Names are asked in English, not by locale."""
    from holidays import country_holidays

    table = country_holidays("CN", years=years, language="en_US")
    festivals: dict[int, date] = {}
    for day in sorted(table.get_named(_NEW_YEAR, lookup="exact")):
        festivals.setdefault(day.year, day)
    return table.is_working_day, festivals


def _chinesecalendar() -> Source:
    from chinese_calendar import is_workday

    def worked(day: date) -> bool | None:
        try:
            return bool(is_workday(day))
        except NotImplementedError:  # a year that nobody has published yet, or long ago
            return None

    return worked


def _crossed(years: Sequence[int], first: Source, second: Source, festivals: dict[int, date]) -> Reading:
    """Lay the two over each other, day by day. Where they differ the first one is taken and the day is disputed."""
    made: list[YearDays] = []
    differences: list[Difference] = []
    until: dict[str, date] = {}
    for year in years:
        answers = [(day, first(day), second(day)) for day in days(date(year, 1, 1), date(year, 12, 31))]
        apart = [Difference(day, a, b) for day, a, b in answers if a is not None and b is not None and a != b]
        named = ((HOLIDAYS, {day: a for day, a, _ in answers}), (CHINESECALENDAR, {day: b for day, _, b in answers}))
        sources = tuple(name for name, worked in named if _has_make_up_days(worked))
        until |= dict.fromkeys(sources if len(sources) < len(named) else (*sources, BOTH), date(year, 12, 31))
        differences += apart
        made.append(
            YearDays(
                year=year,
                holidays=tuple(day for day, worked, _ in answers if day.weekday() < _SATURDAY and not worked),
                make_up=tuple(day for day, worked, _ in answers if day.weekday() >= _SATURDAY and worked),
                sources=sources,
                disputed=tuple(difference.day for difference in apart),
                spring_festival=festivals.get(year),
            )
        )
    return Reading(tuple(made), tuple(differences), until)


def _has_make_up_days(worked: dict[date, bool | None]) -> bool:
    """Say whether a source holds a year as published: every year so far has weekends that are worked."""
    return any(answer for day, answer in worked.items() if day.weekday() >= _SATURDAY)
