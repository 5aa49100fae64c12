"""`paidan up`: the whole service in one process, durable on one machine."""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.exits import ExitCode, Stop
from services.names import NAME

if TYPE_CHECKING:
    from services.metrics import Metrics
    from services.runtime import Runtime
    from services.serving import HttpServer
    from services.settings import Settings
    from services.solving import ProcessSolver


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "up",
        help="Run log, matcher, API, board and worker in this process. Ctrl-C ends it; what was answered is kept.",
        epilog=f"Example: {NAME} up --data ./{NAME}-data --port 8311",
    )(up)


def up(
    data: Annotated[Path | None, typer.Option(help="Folder of the log and the contacts.")] = None,
    port: Annotated[int | None, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = None,
    beat: Annotated[float | None, typer.Option(help="Seconds between two solves of a zone.")] = None,
    console: Annotated[
        bool | None, typer.Option(help="Print messages to people who left no contact.", show_default="print")
    ] = None,
    log_format: Annotated[str | None, typer.Option(help="console or json")] = None,
    log_level: Annotated[str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR")] = None,
) -> None:
    """Read the settings once, run, end with the exit code of what ended it."""
    from services import logs, settings
    from services.ports import LogUntrusted

    chosen = settings.load(
        os.environ,
        data_dir=data,
        port=port,
        beat_s=beat,
        console=console,
        log_format=log_format,
        log_level=log_level,
    )
    if chosen.beat_s <= 0:
        raise Stop(ExitCode.BAD_INPUT, f"The beat is ({chosen.beat_s}) s. Give a positive number, such as 1.0.")
    logs.setup(chosen.log_format, chosen.log_level)
    try:
        code = asyncio.run(_run(chosen))
    except LogUntrusted as error:
        raise Stop(ExitCode.LOG_UNTRUSTED, f"The log in ({chosen.data_dir}) cannot be trusted: {error}") from error
    if code is not ExitCode.OK:
        raise typer.Exit(int(code))


async def _run(settings: Settings) -> ExitCode:
    from services.runtime import Runtime
    from services.serving import HttpServer
    from services.signals import Signals, exit_code
    from services.solving import ProcessSolver

    with Signals() as signals:
        solver = ProcessSolver(children=max(1, (os.cpu_count() or 2) - 1), guard_s=settings.solve_guard_s)
        runtime = Runtime(settings, solver)
        server = HttpServer(runtime.app, settings.host, settings.port)
        try:
            await server.start()
            came = asyncio.ensure_future(signals.wait())
            await _until_told(came, asyncio.ensure_future(_live(runtime, server, solver)))
        finally:
            await _close(runtime, server, solver)
    return exit_code(came.result())


async def _live(runtime: Runtime, server: HttpServer, solver: ProcessSolver) -> None:
    """Start, say so, and wait for a failure (which is raised)."""
    await solver.start()
    await runtime.start()
    await asyncio.to_thread(_say_until_when_days_are_certain, runtime.metrics)
    _greet(runtime.settings, server.url)
    await runtime.failed()


def _say_until_when_days_are_certain(metrics: Metrics) -> None:
    """Set the metric by which somebody is warned in time; a new release of a source extends it."""
    from producers import calendars

    today = datetime.now(UTC).date()
    reading = calendars.read_around(today.year)
    for source, until_s in calendars.valid_until_s(reading).items():
        metrics.set("calendar_valid_until_timestamp_seconds", until_s, source=source)
    until = reading.valid_until.get(calendars.BOTH)
    if until is None or (until - today).days < calendars.WARN_DAYS:
        advice = "later days are provisional; update the packages holidays and chinesecalendar"
        logging.getLogger(__name__).warning("working days are certain until %s; %s", until, advice)


async def _until_told(came: asyncio.Future[Any], living: asyncio.Future[None]) -> None:
    """Wait for a signal; raises what ended the service before one."""
    await asyncio.wait([came, living], return_when=asyncio.FIRST_COMPLETED)
    if living.done():
        living.result()
    living.cancel()
    await asyncio.wait([living])


async def _close(runtime: Runtime, server: HttpServer, solver: ProcessSolver) -> None:
    """Drain while `/readyz` says so, then stop listening. Bounded by `drain_s`; what is left is in the log."""
    try:
        await asyncio.wait_for(runtime.stop(), runtime.settings.drain_s)
    except TimeoutError:
        logging.getLogger(__name__).warning("not drained in time; the rest is answered after the next start")
    finally:
        await server.stop()
        await solver.close()


def _greet(settings: Settings, url: str) -> None:
    typer.echo(f"{NAME} is ready. Data: {settings.data_dir.resolve()}")
    typer.echo(f"  API      {url}/openapi.json")
    typer.echo(f"  ready?   {url}/readyz")
    typer.echo(f"  metrics  {url}/metrics")
    typer.echo("What this lacks: one machine, no replication (copy the data folder), no login (this machine only).")
