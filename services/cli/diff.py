"""`paidan diff`: what differs between two plan files of `paidan match`, with the cost of each difference; or between
two match runs of a live zone, by their journal offsets, with what happened in between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from services.cli import explain_live, options
from services.cli.explain import AsJson, Language
from services.cli.files import readable
from services.exits import ExitCode, Stop
from services.names import NAME

if TYPE_CHECKING:
    from matcher.explaining.answers import Booking


def register(app: typer.Typer) -> None:
    """Put `diff` on the app."""
    app.command(
        epilog=f"Examples: {NAME} diff before.jsonl after.jsonl --lang zh --timezone Asia/Shanghai   |   "
        f"{NAME} diff 1200 1480 --zone shizhong --data paidan-data. "
        "Exit codes: 0 ok, whether the plans differ or not, 2 usage, 4 no broker, 5 a file that is no plan, 7 the log "
        "cannot be trusted."
    )(diff)


def diff(
    before: Annotated[str, typer.Argument(help="PLAN.jsonl of the earlier plan; with --zone a journal offset.")],
    after: Annotated[str, typer.Argument(help="PLAN.jsonl of the later plan; with --zone a journal offset.")],
    zone: Annotated[str | None, typer.Option(help="Compare this zone's last runs at or before two offsets.")] = None,
    data: Annotated[Path | None, typer.Option(help="With --zone: folder of the embedded log (read only).")] = None,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    json: AsJson = False,
    lang: Language = "en",
    timezone: Annotated[str, typer.Option(help="Time zone of the times shown.")] = "UTC",
) -> None:
    """Compare two plans: kept, moved, new and dropped, with the points of each.

    With --zone: who was asked or booked after each of two match runs of a live zone, and what happened in between.
    """
    if zone is not None:
        where = explain_live.place(None, data, kafka, prefix)
        explain_live.diff(zone, (_offset(before), _offset(after)), where, lang, as_json=json)
        return
    from matcher.explaining import difference
    from matcher.explaining.sentences import Teller
    from producers.mapping import zone_info

    with readable():
        zone_info(timezone)
    said = difference(_bookings(Path(before)), _bookings(Path(after)))
    typer.echo(msgspec.json.encode(said).decode() if json else "\n".join(Teller(lang, timezone).difference(said)))


def _offset(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise typer.BadParameter(f"({text}) is not a journal offset.", param_hint="with --zone")
    return int(text)


def _bookings(path: Path) -> list[Booking]:
    from services.cli import planfile

    try:
        return planfile.read(path)
    except OSError as error:
        raise Stop(ExitCode.BAD_INPUT, f"Plan ({path}) cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise Stop(ExitCode.BAD_INPUT, f"Plan ({path}): {error}. Give a file that `{NAME} match` wrote.") from None
