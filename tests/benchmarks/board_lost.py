"""How long a board in Redis is wrong after FLUSHALL, and how long a rebuild takes, with so many live objects, served.

`python -m tests.benchmarks.board_lost [OBJECTS]` (`make bench-board OBJECTS=100000`): a Redis of its own, writers, the
followers and readers in one process. Clients ask and readers look all the while; at the end every view is compared
with a fold of the journal in memory. Ends with 7 when anything differs or was ever answered wrongly.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matcher import commands as c
from matcher.events import Event
from matcher.terms import HeldSkill, NeededSkill, PlaceLevel, Point, Requirement
from services.adapters.board_memory import MemoryBoard
from services.adapters.board_redis import Client, RedisBoard, connect
from services.adapters.memory import MemoryLog
from services.adapters.redis_rebuild import rebuild
from services.board import Kind
from services.core import Matching
from services.embedded import Embedded
from services.following import Following
from services.names import JOURNAL
from services.projecting import BoardFollower, Projecting
from services.solving import InlineSolver
from services.wire import Entry
from tests.apart import own_redis
from tests.serving import START

PARTITIONS = 16
ZONES = [f"z{n}" for n in range(40)]
REQUESTS_SHARE = 0.6
CHUNK = 500
GOAL_S = 60.0
WAIT_S = 600.0
PAUSE_S = 0.02
#: How many lists of one zone may be compared at once, at most so long.
LIST = 10**6
WRONG = 7
HERE = Point(lat=31.47, lon=104.74)


@dataclass
class Lost:
    """What was measured: seconds of the wall's clock, and of the processors of this process and of Redis."""

    objects: int
    journal: int = 0
    filled_s: float = 0.0
    right_s: float = 0.0
    right_cpu_s: float = 0.0
    right_redis_s: float = 0.0
    rebuilt_s: float = 0.0
    #: from the rebuild's end until nothing is marked
    marked_s: float = 0.0
    looked: int = 0
    looked_stale: int = 0
    wrong: list[str] = field(default_factory=list)
    compared: int = 0


class Town:
    """Writers, board and readers on one log in memory."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.embedded = Embedded(MemoryLog(PARTITIONS), Matching(), InlineSolver(), partitions=PARTITIONS, linger_s=0)
        self.log = self.embedded._log
        self.memory = MemoryBoard(PARTITIONS)
        self.projecting = Projecting(self.memory)
        self.embedded.subscribe(self.projecting)
        self.board = RedisBoard(client, PARTITIONS)
        follower = BoardFollower(self.board)
        self.followings = [Following(self.log, n, follower) for n in range(PARTITIONS)]
        self.embedded.subscribe(self)
        #: what clients asked while it was hurt, by zone and name; and what any of it was shown once
        self.asked: list[tuple[str, str]] = []
        self.shown: set[tuple[str, str]] = set()

    def entry(self, partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
        """See `reading.Reader`: as a driver brings news, so its follower hears of it at once."""
        self.followings[partition].assigned()

    async def ask(self, commands: Sequence[c.Command]) -> None:
        """Append and wait for the answers."""
        places = await self.embedded.append(commands)
        for partition, offset in dict(sorted(places)).items():
            await self.embedded.answered(partition, offset)

    async def fill(self, objects: int) -> None:
        """Make so many open requests and people."""
        for zone in ZONES:
            about = {"zone": zone, "at": START}
            await self.ask(
                [
                    c.DefinePlace(
                        id=f"{zone}.p", place="yard", level=PlaceLevel.COMPOUND, name="Yard", point=HERE, **about
                    ),
                    c.DefineSkill(id=f"{zone}.s", skill="plumbing", **about),
                ]
            )
        made = [self._one(n, n < objects * REQUESTS_SHARE) for n in range(objects)]
        for start in range(0, objects, CHUNK):
            await self.ask(made[start : start + CHUNK])

    async def submit(self) -> None:
        """One more request, as a client asks."""
        command = self._one(len(self.asked), True, "live")
        await self.ask([command])
        self.asked.append((command.zone, f"live{len(self.asked)}"))

    async def right(self) -> None:
        """Wait until the board shows what the journal holds now, and no reader is told that it lags."""
        ends = [(await self.log.bounds(JOURNAL, n)).end for n in range(PARTITIONS)]
        await until(lambda: self._holds(ends))

    async def _holds(self, ends: Sequence[int]) -> bool:
        answers = [await self.board.get(zone, "zone", zone) for zone in ZONES]
        return all(not answer.stale and answer.as_of >= ends[answer.partition] for answer in answers)

    def _one(self, n: int, is_request: bool, name: str = "") -> c.Command:
        zone = ZONES[n % len(ZONES)]
        point = Point(lat=31.4 + (n * 7919 % 1000) / 7000, lon=104.7 + (n * 104729 % 1000) / 7000)
        if is_request:
            needs = (Requirement(skills=(NeededSkill(skill="plumbing"),)),)
            request = f"{name or 'r'}{n}"
            return c.SubmitRequest(
                id=f"s.{request}", zone=zone, at=START, request=request, point=point, requirements=needs
            )
        able = (HeldSkill(skill="plumbing"),)
        return c.RegisterVolunteer(id=f"v.{n}", zone=zone, at=START, volunteer=f"v{n}", point=point, skills=able)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again. Raises TimeoutError."""
    async with asyncio.timeout(WAIT_S):
        while not await holds():  # noqa: ASYNC110 - a real Redis
            await asyncio.sleep(PAUSE_S)


async def measure(objects: int, url: str) -> Lost:
    """Fill, flush under load, rebuild under load, compare."""
    its = Town(connect(url))
    found = Lost(objects)
    await its.embedded.start()
    tasks = [asyncio.create_task(its.projecting.run())]
    try:
        await its.fill(objects)
        tasks += [asyncio.create_task(following.run()) for following in its.followings]
        found.filled_s = await _timed(its.right)
        stopping = asyncio.Event()
        others = [asyncio.create_task(_load(its, stopping)), asyncio.create_task(_look(its, stopping, found))]
        await _flushed(its, found)
        await _rebuilt(its, found)
        stopping.set()
        await asyncio.gather(*others)
        await its.right()
        await _compared(its, found)
    finally:
        for following in its.followings:
            following.stop()
        await asyncio.gather(*tasks[1:])
        tasks[0].cancel()
        await its.embedded.stop()
        await its.client.aclose()
    return found


async def _timed(wait: Callable[[], Awaitable[None]]) -> float:
    began_s = time.monotonic()
    await wait()
    return time.monotonic() - began_s


async def _flushed(its: Town, found: Lost) -> None:
    found.journal = sum([(await its.log.bounds(JOURNAL, n)).end for n in range(PARTITIONS)])
    began_cpu_s, began_redis_s = time.process_time(), await _redis_s(its.client)
    await its.client.flushall()
    found.right_s = await _timed(its.right)
    found.right_cpu_s = time.process_time() - began_cpu_s
    found.right_redis_s = await _redis_s(its.client) - began_redis_s


async def _redis_s(client: Client) -> float:
    used = await client.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


async def _rebuilt(its: Town, found: Lost) -> None:
    began_s = time.monotonic()
    await rebuild(its.client, its.log, PARTITIONS)
    found.rebuilt_s = time.monotonic() - began_s
    found.marked_s = await _timed(its.right)


async def _load(its: Town, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        await its.submit()
        await asyncio.sleep(PAUSE_S)


async def _look(its: Town, stopping: asyncio.Event, found: Lost) -> None:
    """Readers of other processes: one that has seen the board before, and one that has just started."""
    dice = random.Random(1)
    old = RedisBoard(its.client, PARTITIONS)
    while not stopping.is_set():
        zone, name = what = dice.choice(its.asked or [(ZONES[0], "r0")])
        for board in (old, RedisBoard(its.client, PARTITIONS)):
            answer = await board.get(zone, "request", name)
            found.looked += 1
            found.looked_stale += answer.stale
            if answer.found is not None:
                its.shown.add(what)
            elif what in its.shown and not answer.stale:
                found.wrong.append(f"({zone}, {name}) was shown, and then a reader was told that it is not there")
        await asyncio.sleep(PAUSE_S)


async def _compared(its: Town, found: Lost) -> None:
    await its.projecting.caught_up()
    kinds: tuple[Kind, ...] = ("request", "volunteer", "offer", "assignment")
    for zone in ZONES:
        if (await its.board.get(zone, "zone", zone)).found != (await its.memory.get(zone, "zone", zone)).found:
            found.wrong.append(f"zone ({zone}) differs from the fold")
        for kind in kinds:
            shown = (await its.board.find(zone, kind, LIST)).found or []
            folded = (await its.memory.find(zone, kind, LIST)).found or []
            found.compared += len(folded)
            if sorted(map(repr, shown)) != sorted(map(repr, folded)):
                found.wrong.append(f"the {kind}s of zone ({zone}) differ from the fold")


def said(found: Lost) -> str:
    """One paragraph."""
    return (
        f"{found.objects:,} live objects, {found.journal:,} journal records: after FLUSHALL under load right again in "
        f"{found.right_s:.1f} s (goal {GOAL_S:.0f} s; of processor {found.right_cpu_s:.1f} s ours, "
        f"{found.right_redis_s:.1f} s Redis's). Rebuild while serving "
        f"{found.rebuilt_s:.1f} s, marked for {found.marked_s:.1f} s more. {found.looked:,} looks, "
        f"{found.looked_stale:,} marked stale, {len(found.wrong)} wrong; {found.compared:,} views compared. "
        f"Load average {os.getloadavg()[0]:.1f}."
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="paidan-board-") as folder, own_redis(Path(folder)) as server:
        made = asyncio.run(measure(int(sys.argv[1]) if sys.argv[1:] else 100_000, server.url))
    print(said(made), *made.wrong[:10], sep="\n")
    sys.exit(WRONG if made.wrong else 0)
