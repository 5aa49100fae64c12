"""A batch over memory jobs: begun, cut, planned in a process of its own, adopted; the same whatever happens to it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import timedelta

from matcher import commands as c
from matcher import events as e
from services.runtime import Runtime
from services.settings import Settings
from services.solving import InlineSolver
from services.wire import Entry
from tests.batches import BEGIN, of_kind, proposed, start, zone_of

#: Seconds that a batch may take here: its process may have to compile the kernel.
PATIENCE_S = 400.0
ZONE = "zone-a"


class Story:
    """Hears one runtime's journal."""

    def __init__(self) -> None:
        self.events: list[e.Event] = []
        self.news = asyncio.Event()

    def entry(self, partition: int, offset: int, entry: Entry, events: list[e.Event]) -> None:
        self.events += events
        self.news.set()

    async def until(self, true: Callable[[list[e.Event]], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not true(self.events):
                self.news.clear()
                await self.news.wait()


def runtime(places_max: int | None = 12, beat_s: float = 0.0) -> tuple[Runtime, Story]:
    settings = Settings(beat_s=beat_s, partitions=2, console=False)
    made, story = Runtime(settings, InlineSolver(), durable=False, linger_s=0, places_max=places_max), Story()
    made.embedded.subscribe(story)
    return made, story


async def told(made: Runtime, *commands: c.Command) -> None:
    for place in await made.embedded.append(commands):
        await made.embedded.answered(*place)


def adopted(events: list[e.Event]) -> list:
    return of_kind(events, e.PlanAdopted)


async def batch(hurt: Callable[[Runtime, Story], object] | None = None) -> list[e.Event]:
    made, story = runtime()
    await made.start()
    try:
        await told(made, *zone_of(ZONE), start(ZONE))
        if hurt is not None:
            await hurt(made, story)
        await story.until(adopted)
    finally:
        await made.stop()
    return story.events


def test_a_batch_is_cut_planned_in_parts_and_adopted():
    events = asyncio.run(batch())
    [cut] = of_kind(events, e.RematchCut)
    assert cut.parts > 2
    done = of_kind(events, e.RematchPartDone)
    assert sorted(event.command.part for event in done) == list(range(cut.parts))
    [plan] = adopted(events)
    visits = proposed(events)
    assert plan.visits == len(visits) > 10
    assert not plan.dropped
    assert plan.figures.filled == len(visits) <= plan.figures.bound


def test_a_planning_process_that_is_killed_in_the_middle_costs_no_part_and_changes_no_visit():
    async def kill(made: Runtime, story: Story) -> None:
        await story.until(lambda events: of_kind(events, e.RematchPartDone))
        assert made.planner.pid is not None
        os.kill(made.planner.pid, signal.SIGKILL)

    hurt, calm = asyncio.run(batch(kill)), asyncio.run(batch())
    assert proposed(hurt) == proposed(calm)
    assert [plan.figures for plan in adopted(hurt)] == [plan.figures for plan in adopted(calm)]


def test_a_batch_that_is_ended_adopts_what_has_been_reported_and_stops_its_process():
    async def story() -> list[e.Event]:
        made, story = runtime()
        await made.start()
        try:
            await told(made, *zone_of(ZONE), start(ZONE, iterations=2_000_000))
            await story.until(lambda events: of_kind(events, e.RematchPartBegun))
            await told(made, c.EndRematch(id="end", zone=ZONE, at=BEGIN, rematch="w1"))
            await story.until(lambda events: of_kind(events, e.RematchEnded))
            await told(made, start(ZONE, "w2", iterations=20))
            await story.until(adopted)
        finally:
            await made.stop()
        return story.events

    events = asyncio.run(story())
    assert [plan.plan for plan in adopted(events)][-1] == "w2"


def test_a_batch_by_seconds_has_a_plan_too():
    async def story() -> list[e.Event]:
        made, story = runtime()
        await made.start()
        try:
            both = c.StartRematch(id="s", zone=ZONE, at=BEGIN, rematch="w1", week=start(ZONE).week, budget_s=0.05)
            await told(made, *zone_of(ZONE), both)
            await story.until(adopted)
        finally:
            await made.stop()
        return story.events

    assert adopted(asyncio.run(story()))[0].visits > 10


def test_while_a_batch_runs_beats_keep_their_rhythm_and_accepts_are_answered():
    """Every beat is answered before the next one, whatever the planning does; it runs elsewhere, and nicely."""
    beats = 30

    async def story() -> tuple[list[e.Event], int]:
        made, story = runtime()
        await made.start()
        try:
            await told(made, *zone_of(ZONE))
            await told(made, c.Tick(id="t0", zone=ZONE, at=BEGIN, beat=0))
            await told(made, start(ZONE, iterations=2_000_000))
            await story.until(lambda events: of_kind(events, e.RematchPartBegun))
            began = len(story.events)
            for beat in range(1, beats + 1):
                await told(made, c.Tick(id=f"t{beat}", zone=ZONE, at=BEGIN + timedelta(seconds=beat), beat=beat))
                offer = of_kind(story.events, e.OfferSent)[beat % 5].offer
                if beat <= 5:
                    await told(made, c.AcceptOffer(id=f"a{beat}", zone=ZONE, at=BEGIN, offer=offer))
            assert not of_kind(story.events, e.PlanAdopted), "the batch still runs"
            await told(made, c.EndRematch(id="end", zone=ZONE, at=BEGIN, rematch="w1"))
            return story.events[began:], len(of_kind(story.events, e.OfferAccepted))
        finally:
            await made.stop()

    events, accepted = asyncio.run(story())
    assert [event.beat for event in of_kind(events, e.TimePassed)] == list(range(1, beats + 1))
    assert accepted == 5
