"""`paidan demo`: a day (or a file's month) through the whole chain with simulated people.

On this machine alone, or with `--kafka` on brokers (`replaying.py`).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from services.cli import options
from services.exits import ExitCode, Stop
from services.names import NAME

if TYPE_CHECKING:
    from matcher.policy import Policy
    from services.demo.folder import Folder, Played
    from services.demo.lockstep import Watcher
    from services.demo.playing import Audience
    from services.demo.scenario import Scenario
    from services.demo.summary import Summary
    from services.demo.words import Words
    from services.settings import Settings

#: Invented people for a file of requests that comes without a roster.
PEOPLE = 2000
#: Stream processes on brokers.
STREAMS = 2


def register(app: typer.Typer) -> None:
    """Put `demo` on the app."""
    app.command(
        epilog=f"Example: {NAME} demo --requests june.csv.gz --mapping boston311 --zone-by neighborhood",
    )(demo)


def demo(
    folder: Annotated[Path, typer.Option("--dir", help="Folder that keeps the run.")] = Path(f"./{NAME}-demo"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin again, whatever the folder holds.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 1,
    requests: Annotated[Path | None, typer.Option(help="Real requests instead of the generated day.")] = None,
    mapping: Annotated[str | None, typer.Option(help="Mapping of that file: TOML file or shipped name.")] = None,
    volunteers: Annotated[Path | None, typer.Option(help="Volunteers file for these requests.")] = None,
    people: Annotated[int, typer.Option(min=1, max=1_000_000, help="Else so many invented people.")] = PEOPLE,
    zone_by: Annotated[str | None, typer.Option(help="Column to take as the zone; blank becomes unplaced.")] = None,
    policy: Annotated[
        str, typer.Option(help="Preset of the rules: default, travel-only, fair, emergency, neighbours.")
    ] = "default",
    beat_minutes: Annotated[int, typer.Option(min=1, max=1440, help="Simulated minutes between beats.")] = 10,
    headless: Annotated[bool, typer.Option("--headless", help="No live view.")] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write the summary as JSON.")] = None,
    lang: Annotated[Literal["zh", "en"] | None, typer.Option(help="Labels; else by LANG.")] = None,
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    amqp: options.Amqp = None,
    streams: Annotated[int, typer.Option(min=0, help="On brokers: stream processes; 0 = they run already.")] = STREAMS,
    prefix: Annotated[str | None, typer.Option(help="On brokers: before each name; else a fresh one.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="On brokers: keep topics and keys; go on after Ctrl-C.")] = False,
) -> None:
    """Play a generated day, or a file of real requests, through the whole chain with simulated people.

    Needs no network and ends by itself. Ctrl-C stops it; the same command goes on from there. With --kafka (and
    --redis, --amqp) processes of their own answer: it starts, stops and checks them, and removes what it made there.
    """
    from services import settings
    from services.demo.folder import Folder, Played
    from services.demo.words import choose

    played = Played(
        seed=seed,
        beat_minutes=beat_minutes,
        policy=policy,
        requests_sha256=_sha256(requests),
        mapping=mapping or "",
        volunteers_sha256=_sha256(volunteers),
        people=people if requests is not None and volunteers is None else 0,
        zone_by=zone_by or "",
    )
    words = choose(lang, os.environ)
    kept = Folder(folder)
    chosen = settings.load(os.environ, kafka=kafka, redis=redis, amqp=amqp, prefix=prefix)
    scenario = _scenario(played, requests, volunteers)
    if requests is None:
        typer.echo(words.of("invented"), err=True)
    _prepare(kept, fresh=fresh)
    try:
        if chosen.kafka is not None:
            summary = _on_brokers(chosen, kept, played, scenario, words, streams=streams, keep=keep, headless=headless)
        else:
            summary = asyncio.run(_run(kept, played, scenario, words, headless=headless))
    except KeyboardInterrupt:
        raise Stop(
            ExitCode.INTERRUPTED, f"Stopped. The same command goes on from here; the run is in ({folder})."
        ) from None
    _show(summary, words, json)
    _judge(summary)


def _scenario(played: Played, requests: Path | None, volunteers: Path | None) -> Scenario:
    """Read or generate the input. Raises Stop(BAD_INPUT)."""
    from services.demo import scenario

    policy, beat = _policy(played.policy), timedelta(minutes=played.beat_minutes)
    if requests is None:
        return scenario.of_county(played.seed, beat, policy)
    return _from_files(played, requests, volunteers)


def _from_files(played: Played, requests: Path, volunteers: Path | None) -> Scenario:
    import msgspec

    from producers import mapping as mappings
    from producers import rows, tables
    from services.cli.files import list_rejections, readable
    from services.demo import scenario

    policy = _policy(played.policy)
    with readable():
        how = mappings.load(played.mapping or None)
        how = mappings.zoned_by(how, played.zone_by) if played.zone_by else how
        asked = rows.read_requests(
            tables.read(requests), how, window_days=policy.window_days, urgencies=set(policy.urgency)
        )
        crowd = rows.read_volunteers(tables.read(volunteers), mappings.STANDARD) if volunteers else None
    list_rejections(asked.rejections)
    if crowd is not None:
        list_rejections(crowd.rejections)
    roster = scenario.invented_people(asked.rows, played.people, played.seed) if crowd is None else crowd.rows
    rules = msgspec.structs.replace(policy, timezone=how.timezone or policy.timezone)
    beat = timedelta(minutes=played.beat_minutes)
    try:
        return scenario.of_rows(asked.rows, roster, played.seed, beat, rules, zone=how.zone or how.name)
    except ValueError as error:
        raise Stop(ExitCode.BAD_INPUT, str(error)) from None


def _policy(name: str) -> Policy:
    from matcher.policy import PRESETS

    if name not in PRESETS:
        raise typer.BadParameter(f"({name}) is no preset. Choose one of: {', '.join(PRESETS)}.", param_hint="--policy")
    return PRESETS[name]


def _on_brokers(
    settings: Settings,
    kept: Folder,
    played: Played,
    scenario: Scenario,
    words: Words,
    *,
    streams: int,
    keep: bool,
    headless: bool,
) -> Summary:
    """Play with the answers of other processes."""
    from services.cli import replaying

    settings, played = replaying.prepared(settings, kept, played, streams)
    given = replaying.Run(
        settings=settings,
        kept=kept,
        played=played,
        scenario=scenario,
        view=lambda audience: _view(scenario, audience, words, headless=headless),
        streams=streams,
        keep=keep,
    )
    return asyncio.run(replaying.run(given))


async def _run(kept: Folder, played: Played, scenario: Scenario, words: Words, *, headless: bool) -> Summary:
    """Play to the end in this process and check what came of it."""
    import matcher.solvers.exact  # noqa: F401 - here, so that the first solve does not wait for the import
    from services.adapters.sqlite import SqliteLog
    from services.core import Matching
    from services.demo.playing import Audience, play
    from services.demo.receipts import Receipts
    from services.demo.summary import as_json, summarise
    from services.solving import InlineSolver
    from services.verify import read_receipts, verify

    log = SqliteLog(kept.log)
    try:
        kept.claim(played)
        audience = Audience()
        with Receipts(kept.receipts) as receipts, _view(scenario, audience, words, headless=headless) as watchers:
            # In line: a replay is a simulation, and pipes and pickles would cost more than its small solves.
            await play(scenario, log, Matching(), InlineSolver(), receipts, audience, watchers)
        verdict = await verify(log, log.partitions, read_receipts(kept.receipts))
        summary = summarise(
            audience.tally, audience.figures, lost=verdict.lost, double_bookings=verdict.double_bookings
        )
    finally:
        log.close()
    kept.summary.write_bytes(as_json(summary))
    return summary


def _prepare(kept: Folder, *, fresh: bool) -> None:
    """Clear away a finished run, or any with `--fresh`; not one that another process is playing."""
    from services.adapters.sqlite import SqliteLog

    if fresh or kept.finished():
        if kept.begun():
            SqliteLog(kept.log).close()  # raises Stop(BAD_INPUT) while somebody writes to it
        kept.clear()


@contextmanager
def _view(scenario: Scenario, audience: Audience, words: Words, *, headless: bool) -> Iterator[Sequence[Watcher]]:
    """Show the run on standard error; standard output is the summary's."""
    from rich.console import Console

    from services.demo.view import View

    if headless:
        yield ()
        return
    view = View(Console(stderr=True), audience.tally, audience.figures, words, scenario.timezone)
    with view:
        yield (view,)


def _show(summary: Summary, words: Words, json: Path | None) -> None:
    from rich.console import Console

    from services.cli.files import writing
    from services.demo.summary import as_json, table

    Console().print(table(summary, words))
    if json is not None:
        with writing(json):
            json.write_bytes(as_json(summary))


def _judge(summary: Summary) -> None:
    """End with the exit code that the run deserves."""
    if summary.lost or summary.double_bookings:
        raise Stop(
            ExitCode.LOG_UNTRUSTED,
            f"The checker found ({summary.lost}) lost commands and ({summary.double_bookings}) double bookings. "
            "Keep the folder and report it.",
        )
    if summary.requests and not summary.assigned:
        raise Stop(ExitCode.NONE_ASSIGNED, "Requests were made and nobody could be assigned to any of them.")


def _sha256(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise Stop(ExitCode.BAD_INPUT, f"File ({file}) cannot be read: {error.strerror}.") from None
