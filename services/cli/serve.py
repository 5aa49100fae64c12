"""`paidan serve stream|worker|api`: one role of the service as a process of its own, on brokers."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import typer

from services.cli import certain_days, options
from services.exits import ExitCode, Stop
from services.names import NAME

if TYPE_CHECKING:
    from services.settings import Settings

#: What each role serves, as it says on standard output.
WORDS = {
    "stream": "answers commands of its partitions",
    "worker": "takes jobs, tells people, plans parts of a week's batch",
    "api": "takes commands and shows the board",
}


def register(app: typer.Typer) -> None:
    """Add `serve` with a subcommand a role."""
    serve = typer.Typer(no_args_is_help=True, help="Run one role of the service on Kafka, Redis and RabbitMQ.")
    serve.callback()(lambda: None)
    brokers = "--kafka 10.0.0.5:9092 --redis redis://10.0.0.6/0"
    serve.command("stream", epilog=f"Example: {NAME} serve stream {brokers} --port 8312")(stream)
    serve.command("worker", epilog=f"Example: {NAME} serve worker {brokers} --port 8313")(worker)
    serve.command("api", epilog=f"Example: {NAME} serve api {brokers} --port 8311")(api)
    app.add_typer(serve, name="serve")


def stream(
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    amqp: options.Amqp = None,
    trial: options.Trial = None,
    data: options.Data = None,
    host: options.Host = None,
    port: options.Port = None,
    beat: options.Beat = None,
    log_format: options.LogFormat = None,
    log_level: options.LogLevel = None,
) -> None:
    """Answer the commands of the partitions that fall to this process; any number of them share a log."""
    _serve("stream", locals())


def worker(
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    amqp: options.Amqp = None,
    trial: options.Trial = None,
    data: options.Data = None,
    host: options.Host = None,
    port: options.Port = None,
    console: options.Messages = None,
    log_format: options.LogFormat = None,
    log_level: options.LogLevel = None,
) -> None:
    """Take jobs from the broker, tell people, report what became of it."""
    _serve("worker", locals())


def api(
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    trial: options.Trial = None,
    data: options.Data = None,
    host: options.Host = None,
    port: options.Port = None,
    log_format: options.LogFormat = None,
    log_level: options.LogLevel = None,
) -> None:
    """Take commands over HTTP into the log, show the board."""
    _serve("api", locals())


def _serve(role: str, flags: dict[str, Any]) -> None:
    """Read the settings once, run, end with the exit code of what ended it."""
    from services import logs, settings

    renamed = {"data": "data_dir", "beat": "beat_s"}
    chosen = settings.load(os.environ, **{renamed.get(name, name): value for name, value in flags.items()})
    logs.setup(chosen.log_format, chosen.log_level)
    code = asyncio.run(run((role,), chosen))
    if code is not ExitCode.OK:
        raise typer.Exit(int(code))


async def run(roles: tuple[str, ...], settings: Settings) -> ExitCode:
    """Run these roles in this process. Raises Stop, and what ended a role."""
    from services.api.health import probes
    from services.serve import running
    from services.serve.running import Part
    from services.serve.shared import Shared
    from services.serve.together import Together

    if settings.kafka is None:
        raise Stop(ExitCode.BAD_INPUT, f"`serve` needs --kafka (or PAIDAN_KAFKA). Without brokers: `{NAME} up`.")
    shared = Shared(settings)
    parts: list[Part] = []
    app: Any = probes(shared.health)
    for role in roles:
        if role == "stream":
            from services.serve.stream import StreamRole

            parts.append(StreamRole(shared))
        elif role == "worker":
            from services.serve.worker import WorkerRole

            parts.append(WorkerRole(shared))
        else:
            from services.serve.api import ApiRole

            made = ApiRole(shared)
            parts.append(made)
            app = made.app
    if "stream" in roles:
        await asyncio.to_thread(certain_days.say, shared.metrics)
    return await running.run(
        Together(shared, parts), app, shared.readiness, settings, lambda url: _greet(roles, settings, url)
    )


def _greet(roles: tuple[str, ...], settings: Settings, url: str) -> None:
    from services.addresses import without_secrets

    brokers = {
        "Kafka": settings.kafka,
        "Redis": settings.redis and without_secrets(settings.redis),
        "RabbitMQ": settings.amqp and without_secrets(settings.amqp),
    }
    what = "; ".join(f"{role}: {WORDS[role]}" for role in roles)
    where = ", ".join(f"{name} {address}" for name, address in brokers.items() if address)
    typer.echo(f"{NAME} is ready at {url} on {where}. {what[0].upper()}{what[1:]}.")
