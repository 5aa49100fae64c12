"""`paidan board rebuild`: makes the board in Redis anew from the journal."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import typer

from services.cli import options
from services.exits import ExitCode, Stop
from services.names import LOG_FILE, NAME

if TYPE_CHECKING:
    from services.adapters.redis_rebuild import Rebuilt
    from services.ports import Log
    from services.settings import Settings


def register(app: typer.Typer) -> None:
    """Add `board rebuild`."""
    board = typer.Typer(no_args_is_help=True)
    board.callback()(_group)
    board.command(
        "rebuild", epilog=f"Example: {NAME} board rebuild --redis redis://127.0.0.1:6379/0 --data ./{NAME}-data"
    )(rebuild)
    app.add_typer(board, name="board", help="The board that a city keeps in Redis.")


def _group() -> None:
    """Keep `board` a group although it has one command."""


def rebuild(
    redis: options.Redis = None,
    kafka: options.Kafka = None,
    trial: options.Trial = None,
    data: options.Data = None,
) -> None:
    """Fold the journal and put the result in the place of the board. The log is only read.

    Without Kafka the log is the file in the data folder. The old board goes on answering, marked stale, until the new
    one is whole. Run it again if it was interrupted.
    """
    from services import settings

    chosen = settings.load(os.environ, redis=redis, kafka=kafka, trial=trial, data_dir=data)
    if chosen.redis is None:
        raise Stop(ExitCode.BAD_INPUT, "Which board? Give --redis redis://HOST:PORT/DB (or PAIDAN_REDIS).")
    began = time.monotonic()
    made = asyncio.run(_rebuild(chosen))
    typer.echo(
        f"The board is made anew: {made.entries} entries, {made.zones} zones, {made.requests} requests, "
        f"{time.monotonic() - began:.1f} s."
    )


async def _rebuild(chosen: Settings) -> Rebuilt:
    from redis.exceptions import RedisError

    from services.adapters.board_redis import connect
    from services.adapters.redis_rebuild import rebuild as make

    try:
        async with _opened(chosen) as (log, partitions), connect(str(chosen.redis)) as client:
            return await make(
                client,
                log,
                partitions,
                chosen.receipts_max,
                chosen.closed_max,
                prefix=f"{chosen.prefix}{NAME}:",
            )
    except ValueError:
        raise Stop(ExitCode.BAD_INPUT, "--redis is no URL of a Redis.") from None
    except (RedisError, OSError) as error:
        raise Stop(
            ExitCode.UNREACHABLE, f"The Redis of --redis does not answer ({type(error).__name__}). Start it, try again."
        ) from error


@asynccontextmanager
async def _opened(chosen: Settings) -> AsyncIterator[tuple[Log, int]]:
    """The log to read and its partitions. Raises Stop."""
    if chosen.kafka is None:
        from services.adapters.sqlite import SqliteLog

        file = SqliteLog(chosen.data_dir / LOG_FILE, read_only=True)
        try:
            yield file, file.partitions
        finally:
            file.close()
    else:
        from services.adapters.kafka import KafkaLog

        log = KafkaLog(chosen.kafka, prefix=chosen.prefix, trial=chosen.trial)
        await log.start()
        try:
            yield log, log.partitions
        finally:
            await log.stop()
