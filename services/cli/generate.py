"""`paidan generate county|roster`: seeded, invented input as files."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.cli.files import list_rejections, readable, say, time_option, writing
from services.exits import ExitCode
from services.names import NAME

#: The day of the generated requests unless one is given: a Monday, so that all patterns of hours occur soon.
DAY = date(2026, 6, 1)


def register(app: typer.Typer) -> None:
    """Put `generate` with its two subcommands on the app."""
    generate = typer.Typer(no_args_is_help=True, help="Generate seeded, invented input: a county, or a roster.")
    generate.command(
        epilog=f"Example: {NAME} generate county --seed 7 --out county/",
    )(county)
    generate.command(
        epilog=f"Example: {NAME} generate roster --like june.csv.gz --mapping boston311 --people 2000 --seed 1 "
        "--out roster.csv",
    )(roster)
    app.add_typer(generate, name="generate")


def county(
    out: Annotated[Path, typer.Option(help="Folder for requests.csv, volunteers.csv and commands.jsonl.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    requests: Annotated[int, typer.Option(min=0, max=1_000_000, help="Requests of the day.")] = 300,
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Local day of the requests.")] = datetime(
        DAY.year, DAY.month, DAY.day
    ),
) -> None:
    """Generate a county of the reference size: 69 units, 22 communities, 223 compounds, 8,636 people, all invented."""
    from matcher.commands import RegisterVolunteer
    from producers import asking, city, sheets

    asked = city.requests(seed, day.date(), requests)
    commands = list(city.county(seed))
    people = [asking.volunteer_row(command) for command in commands if isinstance(command, RegisterVolunteer)]
    with writing(out / "commands.jsonl"):
        sheets.write_commands(out / "commands.jsonl", [*commands, *asked])
        sheets.write_volunteers(out / "volunteers.csv", people)
        sheets.write_requests(out / "requests.csv", map(asking.request_row, asked))
    say(f"Wrote {len(asked)} requests and {len(people)} people of an invented county to {out} (seed {seed}).")


def roster(
    like: Annotated[Path, typer.Option(help="Requests file from which skills, places and zones are drawn.")],
    people: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many people.")],
    out: Annotated[Path, typer.Option(help="Volunteers file to write (CSV).")],
    mapping: Annotated[
        str | None, typer.Option(help="Mapping of the requests file: TOML file or shipped name.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    capacity: Annotated[int, typer.Option(min=1, max=100, help="Requirements a person takes in one beat.")] = 1,
    timezone: Annotated[str | None, typer.Option(help="Zone of times without an offset.")] = None,
    at: Annotated[str | None, typer.Option(help="Beat time, where the file has no times.")] = None,
    zone_by: Annotated[str | None, typer.Option(help="Column to take as the zone; blank becomes unplaced.")] = None,
) -> None:
    """Generate people for a real requests file: its skills, places and zones, invented by seed."""
    from producers import mapping as mappings
    from producers import rows, sheets, tables
    from producers.roster import roster_like

    with readable():
        how = mappings.load(mapping)
        how = how if zone_by is None else mappings.zoned_by(how, zone_by)
        moment = time_option("at", at, timezone or how.timezone)
        requests = rows.read_requests(tables.read(like), how, timezone=timezone, at=moment)
    rejected = list_rejections(requests.rejections)
    invented = roster_like(requests.rows, people, seed, capacity=capacity)
    with writing(out):
        sheets.write_volunteers(out, invented)
    say(f"Wrote {len(invented)} invented people like those that {like.name} needs to {out} (seed {seed}).")
    if rejected:
        raise typer.Exit(int(ExitCode.REJECTED_ROWS))
