"""`paidan posts`: who holds which post, and which cadres have claimed none; from a zone's journal, read only."""

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
    """Put `posts` on the app."""
    app.command(
        epilog=f"Examples: {NAME} posts --zone shizhong --data paidan-data   |   "
        f"{NAME} posts --zone shizhong --data paidan-data --lang zh. "
        "Exit codes: 0 ok, 2 usage or an unknown zone, 4 no broker, 5 nothing readable, 7 the log cannot be trusted."
    )(posts)


def posts(
    zone: Annotated[str, typer.Option(help="The zone.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the embedded log (read only).")] = None,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    json: AsJson = False,
    lang: Language = "en",
) -> None:
    """List the posts (公益服务岗) with who has claimed them, and the cadres who have claimed none yet."""
    import msgspec

    from matcher.explaining.sentences import Teller
    from matcher.posts import post_list
    from services.explaining.story import Story

    where = explain_live.place(None, data, kafka, prefix)
    history = with_log(where, lambda log: explain_live.newest(log, zone))
    found = Story(history, zone).zone_at()
    if found is None:
        raise Stop(ExitCode.USAGE, f"Zone ({zone}) is not in the journal. Check the id.")
    said = post_list(found)
    typer.echo(
        msgspec.json.encode(said).decode() if json else "\n".join(Teller(lang, found.policy.timezone).posts(said))
    )
