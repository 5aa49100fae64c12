"""`paidan board rebuild`: makes the board in Redis anew from the journal."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.exits import ExitCode, Stop
from services.names import LOG_FILE, NAME

if TYPE_CHECKING:
    from services.adapters.redis_rebuild import Rebuilt


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
    redis: Annotated[
        str,
        typer.Option(help="Redis as a URL, redis://HOST:PORT/DB.", envvar=f"{NAME.upper()}_REDIS", show_default=False),
    ],
    data: Annotated[Path, typer.Option(help="Folder of the log.")] = Path(f"{NAME}-data"),
) -> None:
    """Fold the journal and put the result in the place of the board. The log is opened read-only.

    The old board goes on answering, marked stale, until the new one is whole. Run it again if it was interrupted.
    """
    began = time.monotonic()
    made = asyncio.run(_rebuild(redis, data / LOG_FILE))
    typer.echo(
        f"The board is made anew: {made.entries} entries, {made.zones} zones, {made.requests} requests, "
        f"{time.monotonic() - began:.1f} s."
    )


async def _rebuild(url: str, file: Path) -> Rebuilt:
    from redis.exceptions import RedisError

    from services.adapters.board_redis import connect
    from services.adapters.redis_rebuild import rebuild as make
    from services.adapters.sqlite import SqliteLog

    log = SqliteLog(file, read_only=True)
    try:
        client = connect(url)
        try:
            return await make(client, log, log.partitions)
        finally:
            await client.aclose()
    except ValueError as error:
        raise Stop(ExitCode.BAD_INPUT, f"--redis is no URL of a Redis: {error}.") from error
    except (RedisError, OSError) as error:
        raise Stop(
            ExitCode.UNREACHABLE, f"The Redis of --redis does not answer ({type(error).__name__}). Start it, try again."
        ) from error
    finally:
        log.close()
