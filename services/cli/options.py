"""Flags that several commands share, each the same as its `PAIDAN_…` variable (docs/settings.md). Opens nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Kafka = Annotated[str | None, typer.Option(help="HOST:PORT of the log's brokers, separated by commas.")]
Redis = Annotated[str | None, typer.Option(help="redis://HOST:PORT/DB. With a password: use PAIDAN_REDIS_FILE.")]
Amqp = Annotated[str | None, typer.Option(help="amqp://HOST:PORT// of the jobs. With a password: PAIDAN_AMQP_FILE.")]
Trial = Annotated[bool | None, typer.Option("--trial", help="Live with topics that may lose records.")]
Data = Annotated[Path | None, typer.Option(help="Folder of the log and the contacts.")]
Prefix = Annotated[
    str | None, typer.Option(help="Before the name of every topic: several installations on one cluster.")
]
Host = Annotated[str | None, typer.Option(help="127.0.0.1, or 0.0.0.0 to open probes and metrics to others.")]
Port = Annotated[int | None, typer.Option(help="Port of HTTP; 0 takes a free one.")]
Beat = Annotated[float | None, typer.Option(help="Seconds between two solves of a zone.")]
Messages = Annotated[
    bool | None, typer.Option("--console/--no-console", help="Print messages to people who left no contact.")
]
LogFormat = Annotated[str | None, typer.Option(help="console or json")]
LogLevel = Annotated[str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR")]
