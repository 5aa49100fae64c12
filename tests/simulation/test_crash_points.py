"""A fixed story of thirty commands: the writer dies at each point where it waits, one run a point; another finishes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from matcher.events import Event
from services.names import COMMANDS, JOURNAL
from services.ports import Message, Record
from services.verify import Receipt
from services.wire import SignIn, encode
from services.writer import Writer
from tests.simulation import stories, toy
from tests.simulation.faults import Crash, CrashAt, SteppingLog
from tests.simulation.virtual import run

BEFORE = 9  # commands that are there before the first writer


def writer(log: SteppingLog, **options: Any) -> Writer:
    defaults: dict[str, Any] = {"group_max": 4, "linger_s": 0.005, "snapshot_every": 3, "hash_every": 2}
    return Writer(log, toy.ToyCore(), toy.ToySolver(), partition=0, partitions=1, **{**defaults, **options})


class World:
    """One log, one client, and writers that come and go."""

    def __init__(self) -> None:
        self.log = SteppingLog(1)
        self.receipts: dict[str, Receipt] = {}
        self.current: Writer | None = None

    async def client(self) -> None:
        """Append the rest bit by bit; every third command is not delivered and must be found."""
        for n, step in enumerate(stories.FIXED[BEFORE:]):
            offset = await self.say(step)
            if n % 3 and self.current:
                self.current.deliver(offset, Record(offset, 0.0, stories.as_bytes(step)))
            await asyncio.sleep(0.003)

    async def say(self, step: Any) -> int:
        offset = await self.log.append(COMMANDS, 0, [Message(stories.as_bytes(step))])
        self.receipts.update(stories.receipt(step, offset))
        return offset

    async def finish(self) -> None:
        """Let a fresh writer answer what is left and stop cleanly."""
        self.current = writer(self.log)
        task = asyncio.ensure_future(self.current.run())
        await self.current.until_answered(len(stories.FIXED) - 1)
        self.current.stop()
        await task


async def crashed(at: int | None, *, after_a_death: bool) -> tuple[bool, dict[str, list[Event]]]:
    """Play the story with a crash at wait number `at`; say whether the writer lived that long, and what happened."""
    world = World()
    if after_a_death:
        await world.log.append(JOURNAL, 0, [Message(encode(SignIn(id="dead", at=toy.EPOCH)))])
    for step in stories.FIXED[:BEFORE]:
        await world.say(step)
    died = False
    client = asyncio.ensure_future(world.client())
    if at is not None:
        world.current = writer(world.log)
        died = await _life(world, world.current, client, at)
    await client
    await world.finish()
    await stories.sound(world.log, world.receipts)
    return died, await stories.zone_events(world.log)


async def _life(world: World, first: Writer, client: asyncio.Future[None], at: int) -> bool:
    async def program() -> None:
        await CrashAt(first.run(), at)

    async def ending() -> None:
        await asyncio.shield(client)
        first.assigned()
        await first.until_answered(len(stories.FIXED) - 1)
        first.stop()

    end = asyncio.ensure_future(ending())
    try:
        await program()
    except Crash:
        return True
    finally:
        end.cancel()
        world.current = None
    return False


@pytest.mark.parametrize("after_a_death", [False, True], ids=["usual", "one by one, after a writer that died"])
def test_nothing_is_lost_or_doubled_whatever_wait_the_writer_dies_at(after_a_death: bool):
    _, undisturbed = run(crashed(None, after_a_death=False))
    assert len(undisturbed["east"]) > 15
    at = 0
    while True:
        died, events = run(crashed(at, after_a_death=after_a_death))
        assert events == undisturbed, f"the writer died at its wait number {at}"
        if not died:
            break
        at += 1
    assert at > 60
