"""`paidan backtest`: a zone's past decided again under another policy, from its journal alone. Reads only."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.journal import with_log
from services.exits import ExitCode, Stop
from services.names import NAME

if TYPE_CHECKING:
    from services.adapters.kafka import KafkaLog
    from services.adapters.sqlite import SqliteLog
    from services.backtesting.comparing import Backtest, Check
    from services.explaining.questions import History

#: Not a policy: what was in force then. Asks for the check alone.
RECORDED = "recorded"

#: Rows of the table: field of `Figures`, words, decimals.
ROWS = (
    ("requests", "requests", 0),
    ("requirements", "requirements", 0),
    ("filled", "filled", 0),
    ("completed", "completed", 0),
    ("expired", "expired", 0),
    ("cancelled", "cancelled", 0),
    ("open", "open at the end", 0),
    ("waiting_median_minutes", "waiting, median, minutes", 1),
    ("waiting_p90_minutes", "waiting, 9 of 10 within, minutes", 1),
    ("distance_median_m", "distance, median, m", 0),
    ("distance_p90_m", "distance, 9 of 10 within, m", 0),
    ("distance_total_km", "distance, all, km", 1),
    ("offers", "offers", 0),
    ("accepted", "accepted", 0),
    ("declined", "declined", 0),
    ("unanswered", "not answered in time", 0),
    ("visits", "visits finished", 0),
    ("no_shows", "no-shows", 0),
    ("gini", "Gini of visits", 4),
    ("most", "most visits of one person", 0),
    ("least", "fewest", 0),
    ("refused", "commands refused", 0),
)


def register(app: typer.Typer) -> None:
    """Put `backtest` on the app."""
    app.command("backtest", epilog=f"Example: {NAME} backtest --policy fair --zone shizhong --data {NAME}-demo")(
        backtest
    )


def backtest(
    policy: Annotated[
        str, typer.Option(help="Preset, TOML file, or `recorded`: only check.", metavar="NAME|FILE", show_default=False)
    ],
    zone: Annotated[str, typer.Option(help="Whose past.", show_default=False)],
    begins: Annotated[str | None, typer.Option("--from", help="ISO time; without offset in UTC.")] = None,
    ends: Annotated[str | None, typer.Option("--to", help="ISO time, a day includes it.")] = None,
    seed: Annotated[int, typer.Option(help="Of the answers that are drawn.")] = 0,
    people: Annotated[bool, typer.Option("--people", help="Name those whose visits change.")] = False,
    check: Annotated[bool, typer.Option("--check/--no-check", help="First decide it as it was recorded.")] = True,
    data: Annotated[Path | None, typer.Option(help="Folder of the log, or its file.", show_default=False)] = None,
    kafka: Annotated[str | None, typer.Option(help="Instead: HOST:PORT of brokers.", show_default=False)] = None,
    prefix: Annotated[str, typer.Option(help="With --kafka: what goes before every topic's name.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON object.")] = False,
) -> None:
    """Decide a zone's past again under another policy, and compare: filled, waiting, distance, fairness, who.

    Requests, people, hours, calendar, withdrawals and beats stay as recorded. To the same offer people answer as they
    did; to another for the same request as they did to that; else by a draw from their own record and the zone's
    (`--seed`). Of what depends on answers the result is a guess, and says on how many draws it rests. Before that it
    decides everything as it was recorded; where that gives other events it says so (`--policy recorded`: exit 7).
    """
    import msgspec

    from services.backtesting.comparing import NothingThere
    from services.backtesting.comparing import backtest as asked
    from services.cli.explain_live import place
    from services.cli.policy import load

    other = None if policy == RECORDED else load(policy)
    since, until = _time(begins, "--from", end=False), _time(ends, "--to", end=True)

    async def read(log: SqliteLog | KafkaLog) -> History:
        from services.explaining.reading import history
        from services.wire import partition_of

        return await history(log, partition_of(zone, log.partitions), zone, before=0)

    history = with_log(place(None, data, kafka, prefix), read)
    try:
        found = asked(
            history, zone, other, begins=since, ends=until, seed=seed, check=check or other is None, people=people
        )
    except NothingThere:
        message = f"The journal holds nothing of zone ({zone}) in this time. Check --zone, --from and --to."
        raise Stop(ExitCode.USAGE, message) from None
    typer.echo(msgspec.json.encode(found).decode() if as_json else "\n".join(_words(found)))
    if found.check is not None and not found.check.identical:
        if other is None:
            raise Stop(ExitCode.LOG_UNTRUSTED, _otherwise(found.check))
        typer.echo(f"{NAME}: {_otherwise(found.check)} The figures above compare two programs, too.", err=True)


def _time(text: str | None, option: str, *, end: bool) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Stop(ExitCode.USAGE, f"({text}) of {option} is no time. Write 2026-06-01 or 2026-06-01T08:00.") from None
    if end and len(text) == len("2026-06-01"):
        at = at.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _words(found: Backtest) -> list[str]:
    lines = [
        f"Zone {found.zone}, {found.begins:%Y-%m-%d %H:%M} to {found.ends:%Y-%m-%d %H:%M} UTC, "
        f"{found.commands} commands, recorded under {', '.join(found.policies)}."
    ]
    if found.check is not None and found.check.identical:
        lines.append(
            f"Decided again as recorded: all {found.check.events} events of {found.check.solves} solves the same."
        )
    if found.other is None:
        return lines
    lines += ["", f"{'':34}{'recorded':>12}{found.policy:>16}"]
    for name, words, decimals in ROWS:
        lines.append(f"{words:34}{_cell(getattr(found.recorded, name), decimals):>12}"
                     f"{_cell(getattr(found.other, name), decimals):>16}")  # fmt: skip
    people, answers = found.people, found.answers
    assert people is not None
    assert answers is not None
    lines += [
        "",
        f"Filled instead of open: {found.newly_filled} requirements; open instead of filled: {found.no_longer_filled}.",
        f"People who would serve more: {people.more}, less: {people.less}, as often: {people.same}.",
        f"Offers answered as in the journal: {answers.recorded}; as that person answered for the same request: "
        f"{answers.repeated}; drawn (seed {found.seed}): {answers.drawn}.",
    ]
    lines += [f"  {person}: {then} -> {now}" for person, (then, now) in (people.changes or {}).items()]
    return lines


def _cell(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:,.{decimals}f}"


def _otherwise(check: Check) -> str:
    return (
        f"This version does not decide as recorded: the ({check.command}) answered at journal offset ({check.offset}) "
        f"led to {check.recorded}, now to {check.decided}."
    )
