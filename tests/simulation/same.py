"""Plays one random story, grouped in several ways, and prints a hash of each zone's events. Arguments: seed, core.

A program of its own, so that a test can run it under several hash seeds.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys

from matcher.commands import Command
from matcher.events import AssignmentHeld
from services.adapters.memory import MemoryLog
from services.names import COMMANDS
from services.ports import Message, Record
from services.wire import encode
from services.writer import Writer
from tests.simulation import stories
from tests.simulation.virtual import run

#: (linger, largest group)
WAYS = ((0.0, 1), (0.0, 500), (0.05, 1), (0.05, 500))


async def played(story: list[Command | bytes], core: str, linger_s: float, group_max: int, gap_s: float) -> str:
    """Return "zone hash assignments" of every zone; a command comes every `gap_s`."""
    make, solver = stories.CORES[core]
    log = MemoryLog(1)
    writer = Writer(
        log, make(), solver(0.02), partition=0, partitions=1, linger_s=linger_s, group_max=group_max, hash_every=7
    )
    task = asyncio.ensure_future(writer.run())
    for step in story:
        offset = await log.append(COMMANDS, 0, [Message(stories.as_bytes(step))])
        writer.deliver(offset, Record(offset, 0.0, stories.as_bytes(step)))
        await asyncio.sleep(gap_s)
    await writer.until_answered(len(story) - 1)
    writer.stop()
    await task
    words = []
    for zone, events in sorted((await stories.zone_events(log, make())).items()):
        digest = hashlib.sha256(b"\n".join(map(encode, events))).hexdigest()
        words.append(f"{zone} {digest} {sum(isinstance(event, AssignmentHeld) for event in events)}")
    return "\n".join(words)


def ways(seed: int, core: str) -> set[str]:
    """Return the different outcomes of the ways to group one story: there should be one."""
    story = stories.random_story(random.Random(seed), 60)
    return {
        run(played(story, core, linger_s, group_max, gap_s)) for linger_s, group_max in WAYS for gap_s in (0.0, 0.01)
    }


if __name__ == "__main__":
    print("\n\n".join(sorted(ways(int(sys.argv[1]), sys.argv[2]))))
