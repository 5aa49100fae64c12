"""A clock that is off stops the ticks, is said, and the ticks come again when it agrees."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from matcher.commands import Command, Tick
from services.clocks import LONG_AGO, Clocks
from services.meters import Meters
from services.ports import AppendUncertain
from services.ticker import Ticker
from services.wire import partition_of
from tests.simulation import toy
from tests.simulation.virtual import run

PARTITIONS = 2
ZONES = {"z0": toy.ToyZone(open=["r"]), "z1": toy.ToyZone(open=["r"])}


class Offsets(Meters):
    def __init__(self) -> None:
        self.off: list[float] = []

    def clock_off(self, partition: int, seconds: float) -> None:
        self.off.append(seconds)


class World:
    """A broker whose clock is the loop's, our clock `ahead` of it, and records that come back after `delay_s`."""

    def __init__(self, ahead_s: float = 0.0, delay_s: float = 0.01, slow_s: float = 0.0) -> None:
        self.ahead_s = ahead_s
        self.delay_s = delay_s
        self.slow_s = slow_s
        self.fails = 0
        self.asked: list[tuple[float, Tick]] = []
        self.ends = [0] * PARTITIONS
        self.meters = Offsets()
        self.clocks = Clocks(self.append, PARTITIONS, now=self.now, meters=self.meters)

    def now(self) -> datetime:
        return toy.EPOCH + timedelta(seconds=asyncio.get_running_loop().time() + self.ahead_s)

    async def append(self, commands: Sequence[Command]) -> list[tuple[int, int]]:
        if self.fails:
            self.fails -= 1
            raise AppendUncertain("lost")
        loop = asyncio.get_running_loop()
        at_s = toy.EPOCH.timestamp() + loop.time() + self.slow_s
        places = []
        for command in commands:
            assert isinstance(command, Tick)
            self.asked.append((loop.time(), command))
            partition = partition_of(command.zone, PARTITIONS)
            places.append((partition, self.ends[partition]))
            loop.call_later(self.delay_s, self.clocks.saw, *places[-1], at_s)
            self.ends[partition] += 1
        await asyncio.sleep(self.slow_s)
        return places

    async def live(self, seconds: float) -> None:
        async def answered(partition: int, offset: int) -> None:
            return

        ticker = Ticker(self.append, answered, lambda: ZONES, now=self.now, clocks=self.clocks)
        task = asyncio.create_task(ticker.run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()

    def ticks(self, since_s: float = 0.0) -> int:
        return sum(tick.at != LONG_AGO and at_s >= since_s for at_s, tick in self.asked)


def test_no_time_is_told_before_a_broker_agrees_and_then_every_beat():
    async def main() -> None:
        world = World(delay_s=3.5)
        await world.live(3.2)
        assert (len(world.asked), world.ticks()) == (len({partition_of(zone, PARTITIONS) for zone in ZONES}), 0)
        await world.live(20)
        assert world.ticks() >= 2 * 15
        assert world.clocks.trouble() is None

    run(main())


def test_a_clock_that_is_off_stops_the_ticks_and_says_so_until_it_agrees():
    async def main() -> None:
        world = World(ahead_s=600)
        await world.live(25)
        assert world.ticks() == 0
        assert "-600" in (world.clocks.trouble() or "")
        world.ahead_s = 0
        await world.live(25)
        assert world.ticks() > 0
        assert world.clocks.trouble() is None
        assert world.meters.off[0] < -599
        assert world.meters.off[-1] == 0

    run(main())


def test_a_clock_that_is_set_tells_no_time_until_a_broker_agrees():
    async def main() -> None:
        world = World()
        await world.live(5)
        assert world.ticks() > 0
        jumped_s = asyncio.get_running_loop().time()
        world.ahead_s = -30
        await world.live(10)
        assert world.ticks(jumped_s) == 0

    run(main())


def test_a_slow_append_and_a_late_delivery_are_no_wrong_clock():
    async def main() -> None:
        world = World(slow_s=5.0, delay_s=40.0)
        await world.live(100)
        assert world.clocks.trouble() is None
        assert world.ticks() > 0

    run(main())


def test_an_append_that_nobody_knows_the_end_of_loses_one_beat_only():
    async def main() -> None:
        world = World()
        world.fails = 2
        await world.live(10)
        assert world.ticks() >= 2 * 6

    run(main())


def test_a_partition_that_was_given_away_is_asked_for_its_time_again():
    async def main() -> None:
        world = World()
        await world.live(3)
        assert world.clocks.agrees("z0")
        world.clocks.forget(partition_of("z0", PARTITIONS))
        assert not world.clocks.agrees("z0")

    run(main())
