"""`paidan up`: the whole service in one process, durable on one machine; with `--kafka`, on brokers."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import typer

from services.cli import certain_days, options
from services.exits import ExitCode, Stop
from services.names import NAME

if TYPE_CHECKING:
    from services.runtime import Runtime
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
    data: options.Data = None,
    host: options.Host = None,
    port: options.Port = None,
    beat: options.Beat = None,
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    amqp: options.Amqp = None,
    trial: options.Trial = None,
    console: options.Messages = None,
    log_format: options.LogFormat = None,
    log_level: options.LogLevel = None,
) -> None:
    """Read the settings once, run, end with the exit code of what ended it."""
    from services import logs, settings

    chosen = settings.load(
        os.environ,
        data_dir=data,
        host=host,
        port=port,
        beat_s=beat,
        kafka=kafka,
        redis=redis,
        amqp=amqp,
        trial=trial,
        console=console,
        log_format=log_format,
        log_level=log_level,
    )
    if chosen.beat_s <= 0:
        raise Stop(ExitCode.BAD_INPUT, f"The beat is ({chosen.beat_s}) s. Give a positive number, such as 1.0.")
    logs.setup(chosen.log_format, chosen.log_level)
    code = asyncio.run(_embedded(chosen) if chosen.kafka is None else _on_brokers(chosen))
    if code is not ExitCode.OK:
        raise typer.Exit(int(code))


async def _on_brokers(settings: Settings) -> ExitCode:
    from services.cli.serve import run

    return await run(("stream", "worker", "api"), settings)


async def _embedded(settings: Settings) -> ExitCode:
    from services.ports import LogUntrusted
    from services.runtime import Runtime
    from services.serve import running
    from services.solving import ProcessSolver

    solver = ProcessSolver(children=max(1, (os.cpu_count() or 2) - 1), guard_s=settings.solve_guard_s)
    runtime = Runtime(settings, solver)
    try:
        return await running.run(
            _Whole(runtime, solver), runtime.app, runtime.readiness, settings, lambda url: _greet(settings, url)
        )
    except LogUntrusted as error:
        raise Stop(ExitCode.LOG_UNTRUSTED, f"The log in ({settings.data_dir}) cannot be trusted: {error}") from error


class _Whole:
    """Runtime and solver as one part."""

    def __init__(self, runtime: Runtime, solver: ProcessSolver) -> None:
        self._runtime = runtime
        self._solver = solver

    async def start(self) -> None:
        """See `running.Part`."""
        await self._solver.start()
        await self._runtime.start()
        await asyncio.to_thread(certain_days.say, self._runtime.metrics)

    async def stop(self) -> None:
        """See `running.Part`."""
        try:
            await self._runtime.stop()
        finally:
            await self._solver.close()

    async def failed(self) -> None:
        """See `running.Part`."""
        await self._runtime.failed()


def _greet(settings: Settings, url: str) -> None:
    typer.echo(f"{NAME} is ready. Data: {settings.data_dir.resolve()}")
    typer.echo(f"  API      {url}/openapi.json")
    typer.echo(f"  ready?   {url}/readyz")
    typer.echo(f"  metrics  {url}/metrics")
    typer.echo("What this lacks: one machine, no replication (copy the data folder), no login (this machine only).")
