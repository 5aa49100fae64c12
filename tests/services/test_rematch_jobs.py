"""The journal's reader that issues the jobs of batches: what is lacking, again where nothing is heard, never more."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec import UNSET

from matcher import commands as c
from matcher import events as e
from matcher.commands import Figures, RematchStage, StatePlace
from services.adapters.memory import MemoryLog
from services.core import Matching
from services.embedded import Embedded
from services.jobs import Rematch
from services.metrics import Metrics
from services.rematching import QUIET_S, Rematching
from services.solving import InlineSolver
from services.wire import Entry
from tests.batches import BEGIN, start, zone_of

ZONE = "zone-a"
PLACE = StatePlace(partition=0, offset=7)
ENTRY = Entry(id="e", after="", first=0, last=0, at=BEGIN)


class Kept:
    """Jobs as they are published."""

    def __init__(self) -> None:
        self.jobs: list[Rematch] = []

    def publish(self, job: Rematch) -> None:
        self.jobs.append(job)

    def taken(self) -> list[tuple[str, int, int]]:
        jobs, self.jobs = self.jobs, []
        return [(job.stage, job.part, job.attempt) for job in jobs]


class Told:
    """A reader and a batch's events, told one by one."""

    def __init__(self, live: bool = True) -> None:
        self.jobs, self.metrics = Kept(), Metrics()
        self.reader = Rematching(self.jobs, self.metrics)
        if live:
            self.reader.live(0)

    def tell(self, event: e.Event, offset: int = 7) -> list[tuple[str, int, int]]:
        self.reader.entry(0, offset, ENTRY, [event])
        return self.jobs.taken()

    def began(self, budget_s: float | object = UNSET) -> list[tuple[str, int, int]]:
        about = {"from_at": BEGIN, "until_at": BEGIN + timedelta(days=7), "seed": 1, "iterations": 5}
        return self.tell(event(e.RematchStarted, rematch="w1", budget_s=budget_s, **about))

    def report(self, stage: RematchStage, part: int = 0, **fields: object) -> c.ReportRematch:
        return c.ReportRematch(id="x", zone=ZONE, at=BEGIN, rematch="w1", stage=stage, part=part, **fields)

    def cut(self, parts: int = 3) -> list[tuple[str, int, int]]:
        command = self.report(RematchStage.CUT, done=True, parts=parts, as_of=PLACE)
        return self.tell(event(e.RematchCut, command=command, parts=parts, repairs=1), 9)

    def done(self, part: int, seconds: float = 0.0, **fields: object) -> list[tuple[str, int, int]]:
        figures = Figures(places=10, filled=8, bound=9, metres=5, first_cost=7, cost=6, iterations=5)
        command = self.report(RematchStage.PART, part, done=True, visits=(), figures=figures, **fields)
        return self.tell(event(e.RematchPartDone, seconds, command=command))

    def passed(self, seconds: float) -> list[tuple[str, int, int]]:
        return self.tell(event(e.TimePassed, seconds, beat=1))

    def shown(self) -> str:
        return self.metrics.exposition()[0].decode()


def event(kind: type, seconds: float = 0.0, **fields: object) -> e.Event:
    return kind(zone=ZONE, at=BEGIN + timedelta(seconds=seconds), causation_id="x", **fields)


def test_a_batch_is_cut_then_its_parts_are_planned_then_it_is_put_together():
    told = Told()
    assert told.began() == [("cut", 0, 1)]
    assert told.cut() == [("part", 0, 1), ("part", 1, 1), ("part", 2, 1)]
    assert (told.done(2), told.done(0)) == ([], [])
    assert told.done(1) == [("repair", 0, 1)]


def test_all_jobs_name_the_state_that_was_cut():
    told = Told()
    told.began()
    told.reader.entry(0, 9, ENTRY, [event(e.RematchCut, command=told.report(RematchStage.CUT, done=True, parts=1,
                                          as_of=StatePlace(partition=0, offset=5)), parts=1, repairs=0)])  # fmt: skip
    assert [job.offset for job in told.jobs.jobs] == [5]


def test_a_part_in_pieces_is_done_with_the_last_of_them():
    told = Told()
    told.began()
    told.cut(1)
    assert told.done(0, piece=2, pieces=2) == []
    assert told.done(0, piece=1, pieces=2) == [("repair", 0, 1)]


def test_what_is_lacking_is_issued_again_when_nothing_is_heard_and_then_after_twice_as_long():
    told = Told()
    told.began()
    told.cut()
    told.done(1)
    assert told.passed(QUIET_S - 1) == []
    assert told.passed(QUIET_S) == [("part", 0, 2), ("part", 2, 2)]
    assert told.passed(2.5 * QUIET_S) == []
    assert told.passed(3 * QUIET_S) == [("part", 0, 3), ("part", 2, 3)]
    told.done(0, 3 * QUIET_S)
    assert told.passed(4 * QUIET_S) == [("part", 2, 2)]


def test_a_batch_by_seconds_may_be_silent_for_three_of_its_budgets():
    told = Told()
    told.began(budget_s=QUIET_S)
    assert told.passed(2 * QUIET_S) == []
    assert told.passed(3 * QUIET_S) == [("cut", 0, 2)]


@pytest.mark.parametrize("ended", [e.RematchEnded, e.PlanAdopted])
def test_a_batch_that_is_over_issues_nothing_and_leaves_the_metrics(ended: type):
    told = Told()
    told.began()
    told.cut()
    told.done(0)
    assert f'paidan_rematch_parts{{state="done",zone="{ZONE}"}} 1.0' in told.shown()
    assert f'paidan_rematch_fill_gap_places{{zone="{ZONE}"}} 1.0' in told.shown()
    if ended is e.RematchEnded:
        over = event(ended, rematch="w1", how=e.RematchEnding.COMMAND, adopted=False)
    else:
        over = event(ended, plan="w1", from_at=BEGIN, until_at=BEGIN, visits=0)
    assert told.tell(over) == []
    assert told.passed(10 * QUIET_S) == []
    assert f'zone="{ZONE}"' not in told.shown()


def test_the_past_issues_nothing_until_it_is_folded_and_then_what_is_lacking():
    told = Told(live=False)
    assert told.began() == []
    assert told.cut() == []
    told.done(0)
    told.reader.live(0)
    assert told.jobs.taken() == [("part", 1, 1), ("part", 2, 1)]


@pytest.mark.parametrize("cut", [False, True])
def test_a_reader_that_begins_at_a_snapshot_issues_the_same_jobs(cut: bool):
    async def story() -> None:
        log = MemoryLog(1)
        chain = Embedded(log, Matching(), InlineSolver(), partitions=1, beat_s=None, linger_s=0, snapshot_every=1)
        whole = Rematching(Kept(), Metrics())
        chain.subscribe(whole)
        await chain.start()
        commands: list[c.Command] = [*zone_of(ZONE, people=2, requests=2), start(ZONE)]
        if cut:
            told = Told()
            commands.append(told.report(RematchStage.CUT, done=True, parts=3, as_of=PLACE))
            commands.append(told.report(RematchStage.PART, 1, done=True, visits=()))
            commands = [c_ if c_.id != "x" else _named(c_, n) for n, c_ in enumerate(commands)]
        for command in commands:
            for place in await chain.append([command]):
                await chain.answered(*place)
        await chain.stop()
        begun = Rematching(Kept(), Metrics(), log)
        await begun.begin(0)
        [one], [other] = whole.running.values(), begun.running.values()
        assert [(job.stage, job.part) for job in one.jobs()] == [(job.stage, job.part) for job in other.jobs()]
        assert (one.parts, one.done.keys()) == (other.parts, other.done.keys())
        if cut:
            assert {job.offset for job in other.jobs()} == {PLACE.offset}

    asyncio.run(story())


def _named(command: c.Command, number: int) -> c.Command:
    from msgspec.structs import replace

    return replace(command, id=f"x{number}")
