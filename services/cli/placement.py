"""`paidan placement people|units|posts`: who would be better placed where, proven, and the commands that would do it.

Reads a zone's journal, or a file of commands as `paidan generate county` writes it. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from services.cli import explain_live, options
from services.cli.explain import AsJson, Language
from services.cli.files import harmless, say, writing
from services.cli.journal import with_log
from services.exits import ExitCode, Stop
from services.names import NAME

if TYPE_CHECKING:
    from matcher.commands import Command
    from matcher.placement.posing import Wanted
    from matcher.placement.problem import Placement
    from matcher.placement.report import Move, Report
    from matcher.zone import Zone

Kind = Literal["people", "units", "posts"]
ZoneOption = Annotated[str | None, typer.Option(help="The zone; may be left out where a file holds only one.")]
FileOption = Annotated[Path | None, typer.Option(help="Instead of a log: commands as JSON Lines.")]
DataOption = Annotated[Path | None, typer.Option(help="Folder of the embedded log (read only).")]
Tolerance = Annotated[
    int, typer.Option(min=0, max=100, help="Per cent that a place may be off its share by residents.")
]
NeedPoints = Annotated[int, typer.Option(min=0, max=100_000, help="Metres that a filled place of a need is worth.")]
MovePoints = Annotated[int, typer.Option(min=0, max=100_000, help="Metres that a move must gain at least.")]
CsvOption = Annotated[Path | None, typer.Option("--csv", help="Write all suggestions to this file.")]
CommandsOption = Annotated[
    Path | None, typer.Option("--commands", help="Write the commands that would do it, for `paidan import --commands`.")
]
Limit = Annotated[int, typer.Option(min=0, help="Suggestions told as sentences.")]
Level = Annotated[
    Literal["compound", "grid", "building"], typer.Option(help="Places of this level; grid: cells (网格).")
]
FreeClaims = Annotated[
    bool, typer.Option("--free-claims", help="Also move people who hold a post where they are; they keep it.")
]
COLUMNS = (
    "member", "source", "target", "ability", "metres_before", "metres", "metres_saved", "balance_gained",
    "needs_gained", "gain_points",
)  # fmt: skip


@dataclass(frozen=True)
class Output:
    """Where the answer goes, and how it is told."""

    csv: Path | None
    commands: Path | None
    json: bool
    lang: str
    limit: int


def register(app: typer.Typer) -> None:
    """Put `placement` with its three subcommands on the app."""
    codes = (
        "Exit codes: 0 ok, 2 usage, an unknown zone or nobody to place, 3 finished with refused or unreadable commands "
        "of the file, 4 no broker, 5 nothing readable or writable, 7 the log cannot be trusted."
    )
    placement = typer.Typer(no_args_is_help=True, help="Suggest who is placed where, on a long horizon.")
    placement.command(epilog=f"Example: {NAME} placement people --zone shizhong --data paidan-data. {codes}")(people)
    placement.command(epilog=f"Example: {NAME} placement units --file county/commands.jsonl --lang zh. {codes}")(units)
    placement.command(
        epilog=f"Example: {NAME} placement posts --zone shizhong --data paidan-data --commands claims.jsonl. {codes}"
    )(posts)
    app.add_typer(placement, name="placement")


def people(
    zone: ZoneOption = None,
    data: DataOption = None,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    file: FileOption = None,
    level: Level = "compound",
    tolerance: Tolerance = 20,
    need_points: NeedPoints = 1000,
    move_points: MovePoints = 200,
    free_claims: FreeClaims = False,
    csv: CsvOption = None,
    commands: CommandsOption = None,
    limit: Limit = 20,
    json: AsJson = False,
    lang: Language = "en",
) -> None:
    """Suggest in which compound or cell each person registers: balance by residents, then needs, way and few moves."""
    from matcher.placement.posing import Wanted
    from matcher.placement.problem import Prices
    from matcher.terms import PlaceLevel

    wanted = Wanted(
        level=PlaceLevel(level),
        tolerance_percent=tolerance,
        prices=Prices(need_points=need_points, move_points=move_points),
        keep_claims=not free_claims,
    )
    _run("people", (zone, data, kafka, prefix, file), wanted, Output(csv, commands, json, lang, limit))


def units(
    zone: ZoneOption = None,
    data: DataOption = None,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    file: FileOption = None,
    tolerance: Tolerance = 0,
    need_points: NeedPoints = 1000,
    move_points: MovePoints = 1000,
    csv: CsvOption = None,
    commands: CommandsOption = None,
    limit: Limit = 100,
    json: AsJson = False,
    lang: Language = "en",
) -> None:
    """Suggest with which community each unit is paired (结对共建): balance, then functions, strengths and the way."""
    from matcher.placement.posing import Wanted
    from matcher.placement.problem import Prices

    prices = Prices(need_points=need_points, move_points=move_points)
    wanted = Wanted(tolerance_percent=tolerance, prices=prices)
    _run("units", (zone, data, kafka, prefix, file), wanted, Output(csv, commands, json, lang, limit))


def posts(
    zone: ZoneOption = None,
    data: DataOption = None,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    file: FileOption = None,
    need_points: NeedPoints = 1000,
    csv: CsvOption = None,
    commands: CommandsOption = None,
    limit: Limit = 20,
    json: AsJson = False,
    lang: Language = "en",
) -> None:
    """Suggest a post (公益服务岗) to every cadre who has claimed none: as many as can be, skills put to use, near."""
    from matcher.placement.posing import Wanted
    from matcher.placement.problem import Prices

    wanted = Wanted(prices=Prices(need_points=need_points))
    _run("posts", (zone, data, kafka, prefix, file), wanted, Output(csv, commands, json, lang, limit))


def _run(
    kind: Kind, where: tuple[str | None, Path | None, str | None, str | None, Path | None], wanted: Wanted, out: Output
) -> None:
    from matcher.placement import posing, words
    from matcher.placement.report import report

    found, dropped = _zone(*where)
    pose: dict[Kind, Callable[[Zone, Wanted], Placement]] = {
        "people": posing.people, "units": posing.units, "posts": posing.claims,
    }  # fmt: skip
    try:
        said = report(pose[kind](found, wanted))
    except posing.CannotPlace as error:
        raise Stop(ExitCode.USAGE, words.missing(error, out.lang)) from None
    if out.csv is not None:
        _write_csv(out.csv, said.moves)
    if out.commands is not None:
        _write_commands(out.commands, kind, found, said)
    _tell(kind, found, wanted, said, out)
    if dropped:
        raise typer.Exit(int(ExitCode.REJECTED_ROWS))


def _tell(kind: Kind, zone: Zone, wanted: Wanted, said: Report, out: Output) -> None:
    import msgspec

    from matcher.placement.words import Told

    if out.json:
        values = {"kind": kind, "zone": zone.id, "wanted": wanted, "report": said}
        typer.echo(msgspec.json.encode(values).decode())
    else:
        typer.echo("\n".join(Told(out.lang).lines(kind, zone.id, wanted.level, said, out.limit)))


# --- what is read -----------------------------------------------------------------------------------------------


def _zone(
    zone: str | None, data: Path | None, kafka: str | None, prefix: str | None, file: Path | None
) -> tuple[Zone, int]:
    """Return the zone, and how many commands of the file were refused or unreadable. Raises Stop."""
    if file is not None:
        if data is not None or kafka is not None:
            raise Stop(ExitCode.USAGE, "Give --file, or --data, or --kafka: one place to read from.")
        return _of_file(file, zone)
    if zone is None:
        raise Stop(ExitCode.USAGE, "Name the zone with --zone.")
    return _of_log(zone, data, kafka, prefix), 0


def _of_log(zone: str, data: Path | None, kafka: str | None, prefix: str | None) -> Zone:
    from services.explaining.story import Story

    where = explain_live.place(None, data, kafka, prefix)
    history = with_log(where, lambda log: explain_live.newest(log, zone))
    found = Story(history, zone).zone_at()
    if found is None:
        raise Stop(ExitCode.USAGE, f"Zone ({zone}) is not in the journal. Check the id.")
    return found


def _of_file(file: Path, zone: str | None) -> tuple[Zone, int]:
    """Let the core decide what the file asks for, in memory."""
    from matcher.decisions import decide, evolve
    from matcher.events import CommandRefused
    from matcher.explaining.refusals import sentence
    from services.wire import Unreadable, decode_command

    zones: dict[str, Zone] = {}
    dropped = 0
    for number, line in enumerate(_lines(file), start=1):
        if not line.strip():
            continue
        try:
            command = decode_command(line)
        except Unreadable as error:
            say(f"rejected: {file.name} line {number}: {error}.")
            dropped += 1
            continue
        for event in decide(zones, command):
            evolve(zones, event)
            if isinstance(event, CommandRefused):
                say(f"refused: {file.name} line {number}: {sentence(event.reason, 'en')}")
                dropped += 1
    if zone is None and len(zones) == 1:
        return next(iter(zones.values())), dropped
    if zone is None or zone not in zones:
        known = ", ".join(sorted(zones)) or "none"
        raise Stop(ExitCode.USAGE, f"Name one zone of the file with --zone. It opens: {known}.")
    return zones[zone], dropped


def _lines(file: Path) -> list[bytes]:
    try:
        return file.read_bytes().splitlines()
    except OSError as error:
        raise Stop(ExitCode.BAD_INPUT, f"File ({file}) cannot be read: {error.strerror}.") from None


# --- what is written --------------------------------------------------------------------------------------------


def _write_csv(file: Path, moves: tuple[Move, ...]) -> None:
    import csv

    with writing(file), file.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for move in moves:
            writer.writerow([_cell(getattr(move, name)) for name in COLUMNS])


def _cell(value: str | int | None) -> str | int:
    return "" if value is None else harmless(value) if isinstance(value, str) else value


def _write_commands(file: Path, kind: Kind, zone: Zone, said: Report) -> None:
    from matcher.placement import accepting
    from producers import sheets
    from producers.asking import identified

    makers: dict[Kind, Callable[[Zone, tuple[Move, ...]], list[Command]]] = {
        "people": accepting.registrations, "units": accepting.links, "posts": accepting.post_claims,
    }  # fmt: skip
    with writing(file):
        sheets.write_commands(file, [identified(command) for command in makers[kind](zone, said.moves)])
    say(f"Wrote the commands of {len(said.moves)} suggestions to {file}. Send them: {NAME} import --commands {file}.")
