"""A process that plays a story on a SQLite log and may be killed at any moment. Arguments: log, receipts, seed.

Keeps nothing of its own: what is to be said next follows from what the log already holds.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import msgspec

from services.adapters.sqlite import SqliteLog
from services.embedded import Embedded
from services.names import COMMANDS
from services.wire import encode
from tests.simulation import stories, toy

LENGTH = 3000


async def play(file: Path, receipts: Path, seed: int) -> None:
    log = SqliteLog(file, 1)
    embedded = Embedded(log, toy.ToyCore(), toy.ToySolver(0.001), partitions=1, linger_s=0, snapshot_every=50)
    await embedded.start()
    story = stories.random_story(random.Random(seed), LENGTH)
    said = (await log.bounds(COMMANDS, 0)).end
    with receipts.open("ab") as paper:
        while said < len(story):
            steps = story[said : said + 10]
            first = await embedded.append_raw(0, [step if isinstance(step, bytes) else encode(step) for step in steps])
            for offset, step in enumerate(steps, first):
                for receipt in stories.receipt(step, offset).values():
                    paper.write(msgspec.json.encode(receipt) + b"\n")
            paper.flush()
            said = first + len(steps)
            if said % 100 == 0:
                await embedded.answered(0, said - 1)
                print(said, flush=True)
    await embedded.answered(0, len(story) - 1)
    await embedded.stop()
    log.close()


if __name__ == "__main__":
    asyncio.run(play(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
