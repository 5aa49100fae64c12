"""`paidan duty`: who of the cadres has served the quarter, who has not and why; from a zone's journal, read only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli import explain_live, options
from services.cli.explain import AsJson, Language
from services.cli.journal import with_log
from services.exits import ExitCode, Stop
from services.names import NAME


def register(app: typer.Typer) -> None:
    """Put `duty` on the app."""
    app.command(
        epilog=f"Examples: {NAME} duty --zone shizhong --data paidan-data   |   "
        f"{NAME} duty --zone shizhong --data paidan-data --quarter 2026Q4 --lang zh. "
        "Exit codes: 0 ok, whether anybody owes a visit or not, 2 usage or nothing known of the zone or the quarter, "
        "4 no broker, 5 nothing readable, 7 the log cannot be trusted."
    )(duty)


def duty(
    zone: Annotated[str, typer.Option(help="The zone.")],
    quarter: Annotated[str | None, typer.Option(help="Such as 2026Q4; else the quarter that the zone is in.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the embedded log (read only).")] = None,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    json: AsJson = False,
    lang: Language = "en",
) -> None:
    """List the quarter's duty (每季度服务一次以上): who has served, who still owes a visit, and the reason of each."""
    import msgspec

    from matcher.explaining.sentences import Teller
    from services.explaining.duties import NoQuarter, duty_of, quarter_named

    where = explain_live.place(None, data, kafka, prefix)
    try:
        number = None if quarter is None else quarter_named(quarter)
    except ValueError as error:
        raise Stop(ExitCode.USAGE, f"{error}.") from None
    history = with_log(where, lambda log: explain_live.whole(log, zone))
    try:
        said, timezone = duty_of(history, zone, number)
    except NoQuarter as none:
        raise Stop(ExitCode.USAGE, str(none)) from None
    typer.echo(msgspec.json.encode(said).decode() if json else "\n".join(Teller(lang, timezone).duty(said)))
