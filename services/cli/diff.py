"""`paidan diff`: what differs between two plan files of `paidan match`, with the cost of each difference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from services.cli.explain import AsJson, Language
from services.cli.files import readable
from services.exits import ExitCode, Stop
from services.names import NAME

if TYPE_CHECKING:
    from matcher.explaining.answers import Booking


def register(app: typer.Typer) -> None:
    """Put `diff` on the app."""
    app.command(
        epilog=f"Example: {NAME} diff before.jsonl after.jsonl --lang zh --timezone Asia/Shanghai. "
        "Exit codes: 0 ok, whether the plans differ or not, 2 usage, 5 a file that is no plan."
    )(diff)


def diff(
    before: Annotated[Path, typer.Argument(help="PLAN.jsonl of the earlier plan.")],
    after: Annotated[Path, typer.Argument(help="PLAN.jsonl of the later plan.")],
    json: AsJson = False,
    lang: Language = "en",
    timezone: Annotated[str, typer.Option(help="Time zone of the times shown.")] = "UTC",
) -> None:
    """Compare two plans: kept, moved, new and dropped, with the points of each."""
    from matcher.explaining import difference
    from matcher.explaining.sentences import Teller
    from producers.mapping import zone_info

    with readable():
        zone_info(timezone)
    said = difference(_bookings(before), _bookings(after))
    typer.echo(msgspec.json.encode(said).decode() if json else "\n".join(Teller(lang, timezone).difference(said)))


def _bookings(path: Path) -> list[Booking]:
    from services.cli import planfile

    try:
        return planfile.read(path)
    except OSError as error:
        raise Stop(ExitCode.BAD_INPUT, f"Plan ({path}) cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise Stop(ExitCode.BAD_INPUT, f"Plan ({path}): {error}. Give a file that `{NAME} match` wrote.") from None
