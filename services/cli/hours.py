"""`paidan hours`: when a person can serve, as the lines of a calendar; from a zone's journal, read only."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from services.cli import explain_live, options
from services.cli.journal import with_log
from services.exits import ExitCode, Stop
from services.names import NAME


def register(app: typer.Typer) -> None:
    """Put `hours` on the app."""
    app.command(
        epilog=f"Examples: {NAME} hours --zone shizhong --data paidan-data --person v3   |   "
        f"{NAME} hours --zone shizhong --data paidan-data --person v3 --until 2026-12-31. "
        "Exit codes: 0 ok, 2 usage or an unknown zone or person, 4 no broker, 5 nothing readable, 7 the log cannot be "
        "trusted."
    )(hours)


def hours(
    zone: Annotated[str, typer.Option(help="The zone.")],
    person: Annotated[str, typer.Option(help="The person.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the embedded log (read only).")] = None,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    first: Annotated[str | None, typer.Option("--from", help="First day; else the zone's today.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Last day of what the calendar decides: working days, days off, report weeks.")
    ] = None,
) -> None:
    """Print a person's hours as RRULE, EXDATE and RDATE lines (RFC 5545), which `availability` columns take back."""
    from zoneinfo import ZoneInfo

    from producers.recurring import NoEnd, to_lines
    from services.explaining.story import Story

    where = explain_live.place(None, data, kafka, prefix)
    begins, ends = _day(first, "--from"), _day(until, "--until")
    found = Story(with_log(where, lambda log: explain_live.newest(log, zone)), zone).zone_at()
    if found is None or person not in found.people.row_of:
        thing = f"Zone ({zone})" if found is None else f"The person ({person})"
        raise Stop(ExitCode.USAGE, f"{thing} is not in the journal. Check the id.")
    row, timezone = found.people.row_of[person], found.policy.timezone
    own = found.people.hours_table[int(found.people.column("hours")[row])]
    today = found.now.astimezone(ZoneInfo(timezone)).date()
    try:
        lines = to_lines(own, timezone, begins or today, ends, found.days())
    except NoEnd as error:
        raise Stop(ExitCode.USAGE, f"{error} (--until)") from None
    typer.echo("\n".join(lines))


def _day(text: str | None, option: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise Stop(ExitCode.USAGE, f"({text}) is no day such as 2026-06-03 ({option}).") from None
