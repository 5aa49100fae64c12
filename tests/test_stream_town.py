"""A generated town played through two streams on Apache Kafka: the same events as on a log in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

from matcher.events import Event
from services.adapters.memory import MemoryLog
from services.core import Matching
from services.demo.agenda import Agenda
from services.demo.lockstep import Lockstep
from services.demo.playing import Audience, play
from services.demo.receipts import Receipts
from services.solving import InlineSolver
from services.verify import read_receipts, verify
from services.wire import Entry
from tests.brokers import fresh_topics, needs_kafka, opened
from tests.streams import Chain, Heard, eventually, running, stream
from tests.towns import story_of, town

pytestmark = needs_kafka
PARTITIONS = 4
SMALL = {"requests": 12, "people": 8, "hours": 4}


class Calendar:
    """Tells the driver's agenda what has happened."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda

    def entry(self, partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
        self._agenda.take_events(events)


async def streamed(folder: Path) -> dict[str, list[Event]]:
    scenario = town(1, **SMALL)
    agenda = Agenda(scenario.beats, scenario.seed, scenario.opening)
    agenda.add(scenario.requests, earliest_beat=1)
    heard = Heard([Calendar(agenda)])
    async with fresh_topics(PARTITIONS) as prefix, opened(prefix) as log, opened(prefix) as other_log:
        core, solver = Matching(), InlineSolver()
        first = stream(log, prefix, folder / "a", heard, PARTITIONS, core=core, solver=solver)
        second = stream(other_log, prefix, folder / "b", heard, PARTITIONS, core=core, solver=solver)
        async with running(first), running(second):
            await eventually(lambda: len(first.owned) == len(second.owned) == 2 and first.ready and second.ready)
            with Receipts(folder / "receipts.jsonl") as receipts:
                await Lockstep(Chain(log, PARTITIONS, heard, [first, second]), agenda, receipts).run()
        verdict = await verify(log, PARTITIONS, read_receipts(folder / "receipts.jsonl"))
        assert verdict.sound, verdict.findings
        assert (verdict.requests, verdict.open) == (12, 0)
        return await story_of(log, PARTITIONS)


async def remembered(folder: Path) -> dict[str, list[Event]]:
    log = MemoryLog(PARTITIONS)
    with Receipts(folder / "memory.jsonl") as receipts:
        await play(town(1, **SMALL), log, Matching(), InlineSolver(), receipts, Audience(), partitions=PARTITIONS)
    return await story_of(log, PARTITIONS)


def test_a_town_through_two_streams_has_the_events_of_the_same_town_in_memory(tmp_path: Path):
    async def main() -> None:
        assert await streamed(tmp_path) == await remembered(tmp_path)

    asyncio.run(main())
