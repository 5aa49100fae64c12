"""`paidan topics apply`: make the log's topics on Apache Kafka, or say what it would do."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from services.cli import options
from services.exits import ExitCode, Stop
from services.names import NAME


def register(app: typer.Typer) -> None:
    """Put `topics` with its subcommand on the app."""
    topics = typer.Typer(no_args_is_help=True, help="Make and check the log's topics on Apache Kafka.")
    topics.callback()(lambda: None)
    topics.command(
        "apply",
        epilog=f"Example: {NAME} topics apply --kafka 10.0.0.5:9092,10.0.0.6:9092 --dry-run",
    )(apply)
    app.add_typer(topics, name="topics")


def apply(
    kafka: options.Kafka = None,
    partitions: Annotated[int | None, typer.Option(min=1, help="Of each topic; never changes afterwards.")] = None,
    replication: Annotated[int, typer.Option(min=1, help="Copies of each record.")] = 3,
    prefix: options.Prefix = None,
    trial: options.Trial = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be done.")] = False,
) -> None:
    """Make the four topics where they are missing, mend their settings where that is possible, refuse the rest.

    Address, prefix, partitions and --trial are those of the service: PAIDAN_KAFKA, PAIDAN_PREFIX and so on.
    """
    from services import settings
    from services.adapters import kafka_topics

    chosen = settings.load(os.environ, kafka=kafka, partitions=partitions, prefix=prefix, trial=trial)
    if chosen.kafka is None:
        raise Stop(ExitCode.BAD_INPUT, "Whose topics? Give --kafka HOST:PORT (or PAIDAN_KAFKA).")
    steps = kafka_topics.apply(
        kafka_topics.connect(chosen.kafka),
        partitions=chosen.partitions,
        replication=replication,
        trial=chosen.trial,
        dry_run=dry_run,
        prefix=chosen.prefix,
    )
    for step in steps:
        typer.echo(f"{step.topic}: {'would ' if dry_run and step.act else ''}{step.words}")
