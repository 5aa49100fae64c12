"""One process that owns every partition: what is appended is answered, told, and still there after a restart."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from matcher.events import Event, TimePassed
from services.adapters.memory import MemoryLog
from services.adapters.sqlite import SqliteLog
from services.embedded import Embedded
from services.wire import Entry, partition_of
from tests.simulation import toy
from tests.simulation.virtual import run


class Seen:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.places: list[tuple[int, int]] = []

    def entry(self, partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
        self.places.append((partition, offset))
        self.events.extend(events)

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


def story() -> list[object]:
    return [toy.place("z"), toy.person("z", "ana"), toy.request("z", "r1"), toy.tick("z", 0)]


async def answered(embedded: Embedded, commands: list[object]) -> list[tuple[int, int]]:
    places = await embedded.append(commands)  # type: ignore[arg-type]
    for place in places:
        await embedded.answered(*place)
    return places


def test_a_request_is_answered_and_told_before_answered_returns():
    async def main() -> list[str]:
        seen = Seen()
        embedded = Embedded(MemoryLog(2), toy.ToyCore(), toy.ToySolver(), partitions=2, linger_s=0)
        embedded.subscribe(seen)
        await embedded.start()
        await answered(embedded, story())
        names = seen.names()
        await embedded.stop()
        return names

    assert " ".join(run(main())) == "PlaceDefined VolunteerRegistered RequestSubmitted TimePassed AssignmentHeld"


def test_a_restart_tells_the_readers_the_same_once_more(tmp_path: Path):
    async def life(commands: list[object]) -> list[str]:
        log = SqliteLog(tmp_path / "log.db", 2)
        seen = Seen()
        embedded = Embedded(log, toy.ToyCore(), toy.ToySolver(0), partitions=2, linger_s=0)
        embedded.subscribe(seen)
        await embedded.start()
        await answered(embedded, commands)
        await embedded.stop()
        log.close()
        return seen.names()

    first = asyncio.run(life(story()))
    assert asyncio.run(life([])) == first
    assert asyncio.run(life([toy.request("z", "r2")])) == [*first, "RequestSubmitted"]


def test_the_ticker_lets_time_pass_where_something_waits():
    async def main() -> list[int]:
        log, seen = MemoryLog(1), Seen()
        loop = asyncio.get_running_loop()
        clock = lambda: toy.EPOCH + timedelta(hours=1, seconds=loop.time())  # noqa: E731
        embedded = Embedded(log, toy.ToyCore(), toy.ToySolver(), partitions=1, beat_s=1.0, now=clock)
        embedded.subscribe(seen)
        await embedded.start()
        await answered(embedded, [toy.place("z")])
        await asyncio.sleep(100)
        quiet = sum(isinstance(event, TimePassed) for event in seen.events)
        await answered(embedded, [toy.request("z", "r1")])
        await asyncio.sleep(100)
        busy = sum(isinstance(event, TimePassed) for event in seen.events) - quiet
        await embedded.stop()
        return [quiet, busy]

    quiet, busy = run(main())
    assert quiet == 2
    assert 98 <= busy <= 101


def test_a_failing_core_ends_everything_and_tells_those_who_wait():
    async def main() -> None:
        embedded = Embedded(MemoryLog(2), toy.ToyCore(crash_on={"submit.r1"}), toy.ToySolver(), partitions=2)
        await embedded.start()
        await answered(embedded, [toy.place("z")])
        with pytest.raises(ZeroDivisionError):
            await answered(embedded, [toy.request("z", "r1")])
        with pytest.raises(ZeroDivisionError):
            await embedded.failed()
        with pytest.raises(ZeroDivisionError):
            await embedded.stop()

    run(main())


def test_places_come_back_in_the_order_of_the_commands():
    async def main() -> None:
        embedded = Embedded(MemoryLog(4), toy.ToyCore(), toy.ToySolver(), partitions=4, linger_s=0)
        await embedded.start()
        zones = [f"z{n % 7}" for n in range(40)]
        places = await embedded.append([toy.person(zone, f"p{n}") for n, zone in enumerate(zones)])
        assert [partition for partition, _ in places] == [partition_of(zone, 4) for zone in zones]
        for partition in range(4):
            offsets = [offset for at, offset in places if at == partition]
            assert offsets == list(range(len(offsets)))
        await embedded.stop()

    run(main())
