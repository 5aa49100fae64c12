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


class World:
    """One log, one client, and writers that come and go."""

    def __init__(self, core: str) -> None:
        self.core, self.solver = stories.CORES[core]
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

    def writer(self) -> Writer:
        """A process of today: a fresh state, small groups, many snapshots."""
        return Writer(
            self.log, self.core(), self.solver(0.02), partition=0, partitions=1,
            group_max=4, linger_s=0.005, snapshot_every=3, hash_every=2,
        )  # fmt: skip

    async def finish(self) -> None:
        """Let a fresh writer answer what is left and stop cleanly."""
        self.current = self.writer()
        task = asyncio.ensure_future(self.current.run())
        await self.current.until_answered(len(stories.FIXED) - 1)
        self.current.stop()
        await task


async def crashed(core: str, at: int | None, *, after_a_death: bool) -> tuple[bool, dict[str, list[Event]]]:
    """Play the story with a crash at wait number `at`; say whether the writer lived that long, and what happened."""
    world = World(core)
    if after_a_death:
        await world.log.append(JOURNAL, 0, [Message(encode(SignIn(id="dead", at=toy.EPOCH)))])
    for step in stories.FIXED[:BEFORE]:
        await world.say(step)
    died = False
    client = asyncio.ensure_future(world.client())
    if at is not None:
        world.current = world.writer()
        died = await _life(world, world.current, client, at)
    await client
    await world.finish()
    await stories.sound(world.log, world.receipts)
    return died, await stories.zone_events(world.log, world.core())


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


@pytest.mark.parametrize(
    ("core", "after_a_death"),
    [
        ("toy", False),
        ("toy", True),
        ("matcher", False),
        pytest.param("matcher", True, marks=pytest.mark.slow),
    ],
    ids=["toy", "toy, one by one after a writer that died", "matcher", "matcher, one by one after a writer that died"],
)
def test_nothing_is_lost_or_doubled_whatever_wait_the_writer_dies_at(core: str, after_a_death: bool):
    _, undisturbed = run(crashed(core, None, after_a_death=False))
    assert {"AssignmentHeld", "RequestCancelled"} <= {type(event).__name__ for event in undisturbed["east"]}
    at = 0
    while True:
        died, events = run(crashed(core, at, after_a_death=after_a_death))
        assert events == undisturbed, f"the writer died at its wait number {at}"
        if not died:
            break
        at += 1
    assert at > 60
