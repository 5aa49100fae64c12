"""`paidan topics apply`: make the log's topics on Apache Kafka, or say what it would do."""

from __future__ import annotations

from typing import Annotated

import typer

from services.names import NAME, PARTITIONS


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
    kafka: Annotated[str, typer.Option(help="HOST:PORT of brokers, separated by commas.", envvar="PAIDAN_KAFKA")],
    partitions: Annotated[int, typer.Option(min=1, help="Of each topic; never changes afterwards.")] = PARTITIONS,
    replication: Annotated[int, typer.Option(min=1, help="Copies of each record.")] = 3,
    prefix: Annotated[str, typer.Option(help="Goes before every topic's name: several logs on one cluster.")] = "",
    trial: Annotated[bool, typer.Option("--trial", help="Allow fewer copies: records may be lost.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be done.")] = False,
) -> None:
    """Make the four topics where they are missing, mend their settings where that is possible, refuse the rest."""
    from services.adapters import kafka_topics

    admin = kafka_topics.connect(kafka)
    steps = kafka_topics.apply(
        admin, partitions=partitions, replication=replication, trial=trial, dry_run=dry_run, prefix=prefix
    )
    for step in steps:
        typer.echo(f"{step.topic}: {'would ' if dry_run and step.act else ''}{step.words}")
