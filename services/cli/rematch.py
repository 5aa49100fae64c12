"""`paidan rematch`: plan everything open of a zone's week again as one plan (集中报到周), here or by the workers.

`--dry-run` plans from a copy of the state and changes nothing. Without it the batch begins in the log, and this command
only watches: whoever presses Ctrl-C ends the batch, which keeps the parts that are done.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from services.cli import explain_live, options
from services.exits import ExitCode, Stop
from services.names import NAME

if TYPE_CHECKING:
    from matcher.commands import StartRematch

#: Steps of each part where neither steps nor seconds are given.
ITERATIONS = 20_000
URL = "http://127.0.0.1:8311"

Zone = Annotated[str, typer.Option(help="The zone.")]
Data = Annotated[Path | None, typer.Option(help="Folder of the embedded log; it is only read.")]
Url = Annotated[str, typer.Option(help="Address of the API that takes the command (with --data).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Lang = Annotated[Literal["en", "zh"], typer.Option(help="Language of refusals and pictures.")]

CODES = (
    "Exit codes: 0 ok, 2 usage or options that contradict each other, 3 the batch ended without a plan, "
    "4 API or broker cannot be reached, 5 refused (week over, unknown zone, nobody registered, no open requests, "
    "another batch runs) or nothing readable, 7 the log cannot be trusted, 130 interrupted."
)


def register(app: typer.Typer) -> None:
    """Put `rematch` on the app."""
    example = f"{NAME} rematch --zone shizhong --week 2026-10-12 --data {NAME}-data"
    app.command(epilog=f"Examples: {example}   |   {example} --dry-run --iterations 5000 --plot pictures. {CODES}")(
        rematch
    )


def rematch(
    zone: Zone,
    week: Annotated[str, typer.Option(help="Any day of the week to plan (YYYY-MM-DD).")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan here, from the log, and change nothing.")] = False,
    iterations: Annotated[
        int | None, typer.Option(min=1, max=10**9, help=f"Steps of each part, {ITERATIONS} by default: repeatable.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(min=0.001, max=86_400, help="Seconds of each part: not repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Of the search.")] = 1,
    name: Annotated[str | None, typer.Option(help="Name of the batch and of its plan; else from the week.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Folder for pictures (with --dry-run).")] = None,
    data: Data = None,
    url: Url = URL,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """Plan everything open of a zone's week again as one plan."""
    if iterations is not None and budget is not None:
        raise typer.BadParameter("Give steps or seconds, not both.", param_hint="--iterations / --budget")
    if plot is not None and not dry_run:
        raise typer.BadParameter("Pictures are made by a dry run. Add --dry-run.", param_hint="--plot")
    where = explain_live.place(None, data, kafka, prefix)
    command = _command(zone, week, iterations, budget, seed, name)
    if dry_run:
        from services.cli import rematch_here

        rematch_here.plan(command, where, plot, lang=lang, as_json=as_json)
        return
    from services.cli import rematch_live

    rematch_live.run(command, where, url, lang=lang, as_json=as_json)


def day_of(option: str, text: str) -> date:
    """Read a day. Raises BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"({text}) is no day. Write it as 2026-10-12.", param_hint=option) from None


def _command(
    zone: str, week: str, iterations: int | None, budget: float | None, seed: int, name: str | None
) -> StartRematch:
    import secrets
    from datetime import UTC, datetime

    from msgspec import UNSET

    from matcher.commands import StartRematch

    day = day_of("--week", week)
    if not 1 <= len(zone) <= 200:
        raise Stop(ExitCode.USAGE, f"Zone ({zone[:50]}) has ({len(zone)}) characters. Give 1 to 200.")
    if name is not None and not 1 <= len(name) <= 180:
        raise typer.BadParameter(f"has ({len(name)}) characters. Give 1 to 180.", param_hint="--name")
    batch = name or f"week-{day.isoformat()}-{secrets.token_hex(3)}"
    if iterations is None and budget is None:
        iterations = ITERATIONS
    return StartRematch(
        id=f"start:{batch}:{secrets.token_hex(4)}"[:200],
        zone=zone,
        at=datetime.now(UTC),
        rematch=batch,
        week=day,
        iterations=UNSET if iterations is None else iterations,
        budget_s=UNSET if budget is None else budget,
        seed=seed,
    )
