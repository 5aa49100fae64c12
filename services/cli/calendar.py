"""`paidan calendar due|weeks|seasons|check|set|publish`: working days, report weeks, campaigns, where knowledge ends.

The national calendar comes from `producers.calendars`; with `--zone` and `--data` the city's own days lie over it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import typer

from matcher.weeks import SecondWeek, Shift, WeekRule
from services.cli.files import say
from services.exits import ExitCode
from services.names import NAME

if TYPE_CHECKING:
    from matcher.calendar import Calendar
    from matcher.seasons import Window
    from matcher.weeks import ReportWeek

T = TypeVar("T")

#: Working days a year, at the least: how many years ahead must be read.
WORKING_DAYS_A_YEAR = 200
#: The question of R66, and a bound that is no deadline any more.
WORKING_DAYS, WORKING_DAYS_MAX = 7, 2_000

Lang = Annotated[Literal["zh", "en"] | None, typer.Option(help="Language; else by LANG.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OwnZone = Annotated[str | None, typer.Option(help="Zone whose own days count, too (with --data).")]
Data = Annotated[Path | None, typer.Option(help="Folder of the embedded log (read only).")]
Year = Annotated[int, typer.Option(help="Calendar year.", min=1900, max=2200)]


def register(app: typer.Typer) -> None:
    """Put `calendar` with its subcommands on the app."""
    calendar = typer.Typer(
        no_args_is_help=True, help="Working days, report weeks and campaigns; set a city's own days."
    )
    for name, example, command in (
        ("due", "due --from 2026-02-11 --working-days 7 --json", due),
        ("weeks", "weeks --year 2026 --shift next_working_week --theme 3=学雷锋", weeks),
        ("seasons", "seasons --year 2026 --surge 樱花季,2026-03-14,2026-03-29,2.5", seasons),
        ("check", "check --json", check),
        ("publish", "publish --zone shizhong --year 2026 --year 2027 --url http://127.0.0.1:8311", publish),
        ("set", "set 2026-11-18 off --zone shizhong --name 县庆 --data paidan-data", set_day),
    ):
        calendar.command(name, epilog=f"Example: {NAME} calendar {example}")(command)
    app.add_typer(calendar, name="calendar")


def due(
    start: Annotated[str, typer.Option("--from", help="The event day (YYYY-MM-DD); it does not count.")],
    working_days: Annotated[int, typer.Option(min=1, max=WORKING_DAYS_MAX, help="How many.")] = WORKING_DAYS,
    zone: OwnZone = None,
    data: Data = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Say by which day something is due, and whether that is certain or provisional (暂定)."""
    from services.cli.calendar_words import choose

    first = _day("--from", start)
    ahead = working_days // WORKING_DAYS_A_YEAR + 1
    calendar = _calendar(range(first.year, first.year + ahead + 1), zone, data)
    try:
        found = calendar.due(first, working_days)
    except OverflowError:
        raise typer.BadParameter(f"({first}) is too far away.", param_hint="--from") from None
    if as_json:
        answer = {"date": found.date, "provisional": found.provisional, "from": first, "working_days": working_days}
        _print_json(answer)
    else:
        typer.echo(choose(lang, os.environ).due(first, working_days, found))


def weeks(
    year: Year,
    preset: Annotated[SecondWeek, typer.Option(help="Which week is the second.")] = SecondWeek.WEEK_OF_SECOND_FRIDAY,
    shift: Annotated[Shift, typer.Option(help="What becomes of a week with a public holiday.")] = Shift.KEEP,
    theme: Annotated[list[str] | None, typer.Option(help="Theme of a month: 3=TEXT; may be repeated.")] = None,
    chosen: Annotated[
        list[str] | None, typer.Option("--choose", help="First day of a month's week: 10=2026-10-12; may be repeated.")
    ] = None,
    zone: OwnZone = None,
    data: Data = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """List the year's report weeks (集中报到周) and theme days (主题党日)."""
    from services.cli.calendar_words import choose

    rule = WeekRule(
        second_week=preset,
        shift=shift,
        themes=_by_month("--theme", theme, lambda text: text),
        chosen=_by_month("--choose", chosen, lambda text: _day("--choose", text)),
    )
    found = _weeks(_calendar((year, year + 1), zone, data), year, rule)
    if as_json:
        _print_json(found)
        return
    words = choose(lang, os.environ)
    for week in found:
        typer.echo(words.week(week))


def seasons(
    year: Year,
    before_days: Annotated[int, typer.Option(min=1, max=90, help="Days of the campaign before the holiday.")] = 15,
    after_days: Annotated[int, typer.Option(min=1, max=90, help="Days of the campaign after it.")] = 30,
    surge: Annotated[
        list[str] | None, typer.Option(help="Surge days: NAME,FIRST,LAST,FACTOR; may be repeated.")
    ] = None,
    zone: OwnZone = None,
    data: Data = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """List the campaigns before and after Spring Festival and the surge days given, with the report weeks they meet."""
    import msgspec

    from matcher.seasons import FestivalRule, campaigns, met
    from services.cli.calendar_words import choose

    calendar = _calendar((year, year + 1), zone, data)
    rule = FestivalRule(before_days=before_days, after_days=after_days)
    all_weeks = _weeks(calendar, year, WeekRule())
    windows = [*campaigns(calendar, year, rule), *map(_surge, surge or [])]
    windows = [msgspec.structs.replace(window, report_weeks=met(window, all_weeks)) for window in windows]
    windows.sort(key=lambda window: (window.start, window.end))
    words = choose(lang, os.environ)
    if calendar.spring_festival(year) is None:
        say(words.no_festival(year))
    if as_json:
        _print_json(windows)
        return
    for window in windows:
        typer.echo(words.window(window))


def check(
    on: Annotated[str | None, typer.Option(help="As if today were this day.")] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Say where the two sources differ and until when the calendar is certain.

    Ends with 3 when it has run out, or when they differ on a day of this year or later. Older differences are listed.
    """
    from producers import calendars
    from services.cli.calendar_words import choose

    today = _day("--on", on) if on else datetime.now(ZoneInfo(calendars.TIMEZONE)).date()
    reading = calendars.read(range(calendars.FIRST_YEAR, today.year + 3))
    until = reading.valid_until.get(calendars.BOTH)
    days_left = (until - today).days if until is not None else -1
    if as_json:
        valid_until = reading.valid_until
        _print_json({"certain_until": until, "valid_until": valid_until, "differences": reading.differences})
    else:
        words = choose(lang, os.environ)
        for found in reading.differences:
            said = {calendars.HOLIDAYS: found.holidays, calendars.CHINESECALENDAR: found.chinesecalendar}
            typer.echo(words.difference(found.day, said))
        typer.echo(words.certain(until, days_left))
    if days_left < 0 or any(found.day.year >= today.year for found in reading.differences):
        raise typer.Exit(int(ExitCode.REJECTED_ROWS))


def set_day(
    day: Annotated[str, typer.Argument(help="YYYY-MM-DD")],
    state: Annotated[Literal["working", "off", "national"], typer.Argument(help="national: take it back.")],
    zone: Annotated[str, typer.Option(help="Zone whose day it is.")],
    name: Annotated[str, typer.Option(help="What the day is.")] = "",
    data: Annotated[Path | None, typer.Option(help="Folder of the embedded log (`up` must not be running).")] = None,
    url: Annotated[str | None, typer.Option(help="Address of a running API.")] = None,
) -> None:
    """Set a day of the city's own calendar; it is recorded in the log and wins over the national one."""
    from matcher.commands import SetCalendarDay
    from producers.asking import identified
    from services.cli.sending import send_and_report

    working = {"working": True, "off": False, "national": None}[state]
    when = _day("DAY", day)
    command = SetCalendarDay(id="-", zone=zone, at=datetime.now(UTC), day=when, working=working, name=name)
    send_and_report([identified(command)], data=data, url=url)


def publish(
    zone: Annotated[str, typer.Option(help="Zone whose rules are to read it.")],
    year: Annotated[list[int] | None, typer.Option(help="Year; may be repeated. Else this year and the next.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the embedded log (`up` must not be running).")] = None,
    url: Annotated[str | None, typer.Option(help="Address of a running API.")] = None,
) -> None:
    """Put the national calendar into a zone's log, where its rules read it; again when a year is known better.

    A year that only one source holds goes in as what it is, an estimate: what counts its days is provisional.
    """
    from matcher.commands import SetCalendarYear
    from producers import calendars
    from producers.asking import identified
    from services.cli.sending import send_and_report

    now = datetime.now(UTC)
    wanted = year or [now.year, now.year + 1]
    for each in wanted:
        if not calendars.FIRST_YEAR <= each <= calendars.LAST_YEAR:
            message = f"({each}) is not a year from {calendars.FIRST_YEAR} to {calendars.LAST_YEAR}."
            raise typer.BadParameter(message, param_hint="--year")
    told = calendars.read(wanted).years
    commands = [identified(SetCalendarYear(id="-", zone=zone, at=now, days=days)) for days in told]
    send_and_report(commands, data=data, url=url)


def _calendar(years: Iterable[int], zone: str | None, data: Path | None) -> Calendar:
    """Read the national calendar, and the zone's own days where they are asked for. Raises Stop."""
    from matcher.calendar import Calendar
    from producers import calendars
    from services.cli import owndays

    if (zone is None) != (data is None):
        raise typer.BadParameter("A zone's own days need both.", param_hint="--zone / --data")
    reading = calendars.read(years)
    if zone is None or data is None:
        return reading.calendar()
    own, told = owndays.read(data, zone)
    # What the zone was told is what its rules count by.
    known = {**{year.year: year for year in reading.years}, **told}
    return Calendar(known.values(), own)


def _weeks(calendar: Calendar, year: int, rule: WeekRule) -> tuple[ReportWeek, ...]:
    from matcher.weeks import report_weeks

    try:
        return report_weeks(calendar, year, rule)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--choose") from None


def _surge(text: str) -> Window:
    from matcher.seasons import surge

    try:
        name, first, last, factor = text.split(",")
        return surge(name, date.fromisoformat(first), date.fromisoformat(last), float(factor))
    except ValueError as error:
        message = f"({text}) is not NAME,FIRST,LAST,FACTOR: {error}."
        raise typer.BadParameter(message, param_hint="--surge") from None


def _by_month(option: str, given: Sequence[str] | None, read: Callable[[str], T]) -> dict[int, T]:
    found: dict[int, T] = {}
    for text in given or ():
        month, _, value = text.partition("=")
        if not (month.isascii() and month.isdigit() and 1 <= int(month) <= 12 and value):
            raise typer.BadParameter(f"({text}) is not MONTH=VALUE with a month from 1 to 12.", param_hint=option)
        found[int(month)] = read(value)
    return found


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"({text}) is not a day like 2026-02-11.", param_hint=option) from None


def _print_json(answer: Any) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(answer).decode())
