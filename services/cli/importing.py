"""`paidan import`: places, skills, people and requests from files, or ready commands, into a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from services.cli.files import list_rejections, readable, say
from services.exits import ExitCode
from services.names import NAME

if TYPE_CHECKING:
    from matcher.commands import Command
    from producers.rows import Rejection, RequestRow, VolunteerRow

R = TypeVar("R", "RequestRow", "VolunteerRow")


def register(app: typer.Typer) -> None:
    """Put `import` on the app."""
    app.command(
        "import",
        epilog=f"Example: {NAME} import --requests june.csv.gz --mapping boston311 --volunteers roster.csv "
        "--data paidan-data",
    )(import_files)


@dataclass
class Batch:
    """What is to be sent, and what of the files cannot be."""

    commands: list[Command] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    #: ids of the definitions that rows imply
    derived: set[str] = field(default_factory=set)


def import_files(
    commands: Annotated[Path | None, typer.Option(help="Commands as JSON Lines, sent as they are.")] = None,
    requests: Annotated[Path | None, typer.Option(help="Requests: CSV (.gz), JSON Lines or Excel.")] = None,
    volunteers: Annotated[Path | None, typer.Option(help="Volunteers: CSV (.gz), JSON Lines or Excel.")] = None,
    mapping: Annotated[
        str | None, typer.Option(help="Mapping of the requests file: TOML file or shipped name.")
    ] = None,
    volunteers_mapping: Annotated[str | None, typer.Option(help="Mapping of the volunteers file.")] = None,
    policy: Annotated[str | None, typer.Option(help="Policy of the zones: TOML file or preset.")] = None,
    zone: Annotated[str | None, typer.Option(help="Zone of rows that name none.")] = None,
    zone_by: Annotated[str | None, typer.Option(help="Column of the requests to take as the zone.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Zone of times without an offset.")] = None,
    define: Annotated[bool, typer.Option(help="Define the zones, compounds, units and skills that rows name.")] = True,
    data: Annotated[Path | None, typer.Option(help="Folder of the embedded log (`up` must not be running).")] = None,
    url: Annotated[str | None, typer.Option(help="Address of a running API, such as http://127.0.0.1:8311.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be sent.")] = False,
    rejected: Annotated[Path | None, typer.Option(help="Write rejected rows to this CSV, too.")] = None,
) -> None:
    """Send what files hold into a log; sent again, it changes nothing."""
    from services.cli.sending import send_and_report

    if commands is None and requests is None and volunteers is None:
        raise typer.BadParameter("Name at least one file.", param_hint="--commands / --requests / --volunteers")
    batch = Batch()
    with readable():
        if commands is not None:
            _read_commands(commands, batch)
        _read_rows(
            batch, (requests, mapping, zone_by), (volunteers, volunteers_mapping), zone, timezone, policy, define
        )
    dropped = list_rejections(batch.rejections, rejected)
    _count(batch)
    if not dry_run:
        send_and_report(batch.commands, data=data, url=url, derived=frozenset(batch.derived))
    if dropped:
        raise typer.Exit(int(ExitCode.REJECTED_ROWS))


def _read_rows(
    batch: Batch,
    asked: tuple[Path | None, str | None, str | None],
    people: tuple[Path | None, str | None],
    zone: str | None,
    timezone: str | None,
    policy: str | None,
    define: bool,
) -> None:
    from producers import mapping as mappings
    from producers import rows, tables

    file, name, zone_by = asked
    how = mappings.load(name)
    how = how if zone_by is None else mappings.zoned_by(how, zone_by)
    home = zone or how.zone
    requests, at = list[rows.RequestRow](), None
    if file is not None:
        found = rows.read_requests(tables.read(file), how, timezone=timezone, window_days=None)
        batch.rejections += found.rejections
        requests, at = _zoned(found.rows, home, file, "request_id", batch), found.at
    volunteers = list[rows.VolunteerRow]()
    if people[0] is not None:
        read = rows.read_volunteers(
            tables.read(people[0]), mappings.load(people[1]), timezone=timezone or how.timezone, bounds=how.bounds
        )
        batch.rejections += read.rejections
        volunteers = _zoned(read.rows, home, people[0], "volunteer_id", batch)
    _ask(batch, requests, volunteers, at, policy, define)


def _zoned(found: Sequence[R], home: str | None, file: Path, name: str, batch: Batch) -> list[R]:
    """Give every row its zone; one without is rejected."""
    import msgspec

    from producers.rows import Rejection

    kept = [row if row.zone else msgspec.structs.replace(row, zone=home) for row in found]
    for row in kept:
        if row.zone is None:
            reason, remedy = "names no zone", "Fill the zone column, or give --zone"
            batch.rejections.append(
                Rejection(file=file.name, line=row.line, field="zone", value="", reason=reason, remedy=remedy)
            )
    return [row for row in kept if row.zone is not None]


def _ask(
    batch: Batch,
    requests: Sequence[RequestRow],
    volunteers: Sequence[VolunteerRow],
    at: datetime | None,
    policy: str | None,
    define: bool,
) -> None:
    """Put the commands of all rows in the order in which they make sense: definitions, people, requests."""
    from matcher.commands import SetPolicy
    from producers import asking
    from services.cli import policy as policies

    rules = None if policy is None else policies.load(policy)
    zones = sorted({str(row.zone) for row in requests} | {str(row.zone) for row in volunteers})
    for zone in zones:
        here = [row for row in requests if row.zone == zone], [row for row in volunteers if row.zone == zone]
        if define:
            definitions = list(asking.definitions(zone, *here, at=at))
            batch.derived |= {definition.id for definition in definitions}
            batch.commands += definitions
        if rules is not None:
            when = at or asking.UNDATED
            batch.commands.append(asking.identified(SetPolicy(id="-", zone=zone, at=when, policy=rules)))
    batch.commands += [asking.register(row, str(row.zone), at=at) for row in volunteers]
    batch.commands += [asking.submit(row, str(row.zone), at=at) for row in requests]


def _read_commands(file: Path, batch: Batch) -> None:
    """Read ready commands; a line that is none is rejected."""
    from producers.rows import Rejection
    from producers.tables import Unusable
    from services.wire import Unreadable, decode_command

    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise Unusable(f"File ({file}) cannot be read: {error.strerror}.") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            batch.commands.append(decode_command(line))
        except Unreadable as error:
            batch.rejections.append(
                Rejection(
                    file=file.name,
                    line=number,
                    field="command",
                    value="",
                    reason=f"is {error}",
                    remedy="Write one command a line, as `generate county` does",
                )
            )
    if not batch.commands:
        raise Unusable(f"File ({file}) holds no command that can be read.")


def _count(batch: Batch) -> None:
    kinds = Counter(type(command).__name__ for command in batch.commands)
    said = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "nothing"
    say(f"Read {said}; {len(batch.rejections)} rows rejected.")
