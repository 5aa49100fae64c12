"""`paidan rematch` on a running service: begin the batch, show how far it is, say what came of it.

Ctrl-C ends the batch: what its parts have reported is adopted as its plan. A second one leaves at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import typer

from matcher.commands import EndRematch, RematchStage, StartRematch
from matcher.events import (
    CommandRefused,
    Event,
    PlanAdopted,
    RematchCut,
    RematchEnded,
    RematchPartBegun,
    RematchPartDone,
    RematchStarted,
)
from matcher.explaining import refusals
from services.cli import live
from services.cli.journal import Place
from services.cli.rematch_bar import Bar
from services.exits import ExitCode, Stop

if TYPE_CHECKING:
    from services.adapters.kafka import KafkaLog
    from services.adapters.sqlite import SqliteLog


def run(command: StartRematch, where: Place, url: str, *, lang: Literal["en", "zh"], as_json: bool) -> None:
    """Begin, watch, print. Raises Stop: exit 5 for a refusal, 3 where there is no plan."""
    import msgspec

    from services.cli import rematch_words

    adopted = live.on_service(where, url, lambda log, send: _run(command, log, send, lang))
    if as_json:
        typer.echo(msgspec.json.encode(rematch_words.of_adopted(adopted)).decode())
    else:
        typer.echo(rematch_words.in_words(adopted))


async def _run(
    command: StartRematch, log: SqliteLog | KafkaLog, send: live.Send, lang: Literal["en", "zh"]
) -> PlanAdopted:
    from services.wire import partition_of

    async with live.hearing(log, command.zone, partition_of(command.zone, log.partitions)) as heard:
        first = await live.answer_to(heard, await send(command))
        _refuse(first, lang)
        with _interrupts() as interrupted, Bar(1, exact=isinstance(command.iterations, int)) as bar:
            ending = asyncio.create_task(_end_when(interrupted, command, send, bar))
            try:
                return await _watched(heard, bar)
            finally:
                ending.cancel()


def _refuse(events: list[Event], lang: Literal["en", "zh"]) -> None:
    for event in events:
        if isinstance(event, CommandRefused):
            raise Stop(ExitCode.BAD_INPUT, refusals.sentence(event.reason, lang))
    assert any(isinstance(event, RematchStarted) for event in events)


async def _watched(heard: live.Heard, bar: Bar) -> PlanAdopted:
    """Show what happens until there is a plan. Raises Stop (exit 3) where the batch ends without one."""
    parts, begun, done = 1, set[int](), set[int]()
    while True:
        events = await heard.next()
        for event in events:
            match event:
                case PlanAdopted():
                    return event
                case RematchEnded(adopted=False):
                    words = f"The batch ended ({event.how.value}) before any part was done: no plan."
                    raise Stop(ExitCode.REJECTED_ROWS, words)
                case RematchCut():
                    parts, begun = event.parts + event.repairs, set()
                case RematchPartBegun(command=said):
                    begun.add(said.part)
                case RematchPartDone(command=said) if said.stage is RematchStage.PART and said.piece == said.pieces:
                    begun.discard(said.part)
                    done.add(said.part)
                    if said.figures:
                        its = said.figures
                        bar.part_done(its.places, its.filled, its.bound, its.cost, said.part)
                case _:
                    continue
            bar.of(parts, len(begun - done))


async def _end_when(interrupted: asyncio.Event, command: StartRematch, send: live.Send, bar: Bar) -> None:
    await interrupted.wait()
    bar.interrupted("the batch ends; the parts that are done are kept")
    await send(
        EndRematch(id=f"end:{command.rematch}", zone=command.zone, at=datetime.now(UTC), rematch=command.rematch)
    )


@contextlib.contextmanager
def _interrupts() -> Iterator[asyncio.Event]:
    loop, interrupted = asyncio.get_running_loop(), asyncio.Event()

    def came() -> None:
        interrupted.set()
        loop.remove_signal_handler(signal.SIGINT)  # the next one leaves at once

    loop.add_signal_handler(signal.SIGINT, came)
    try:
        yield interrupted
    finally:
        loop.remove_signal_handler(signal.SIGINT)
