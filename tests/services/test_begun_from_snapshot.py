"""Announcing and Scoring begun from a snapshot at any point go on as those that folded the journal from its start."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from matcher import commands as c
from matcher import events as e
from matcher.zone import OfferState
from services import snapshots
from services.adapters.memory import MemoryLog
from services.announcing import Announcing
from services.core import Matching
from services.demo.agenda import Agenda
from services.demo.lockstep import Lockstep
from services.demo.receipts import Receipts
from services.embedded import Embedded
from services.folding import Fold
from services.following import HeldEntry, Place
from services.jobs import Notify
from services.metrics import Metrics
from services.names import JOURNAL, NAME
from services.open_jobs import OpenJobs
from services.reading import Held
from services.scoring import Scoring
from services.solving import InlineSolver
from services.wire import Entry
from tests.services.test_announcing import ListJobs
from tests.towns import MONDAY, town

PARTITIONS = 2


class Reporting:
    """The chain, with a policy that tells people, and reports by seed: sent, failed, or never."""

    def __init__(self, chain: Embedded, seed: int) -> None:
        self.chain = chain
        self.answered, self.zones = chain.answered, chain.zones
        self.dice = random.Random(f"reports:{seed}")
        self.told: list[Notify] = []
        self.place: dict[str, str] = {}

    async def append(self, commands: Sequence[c.Command]) -> list[tuple[int, int]]:
        talking = [self.talking(said) for said in commands]
        places = await self.chain.append([*talking, *self.reports()])
        return places[: len(commands)]

    def talking(self, said: c.Command) -> c.Command:
        """Tell people, try again after some beats, and ask for help at a place that has a name."""
        match said:
            case c.SetPolicy():
                return replace(said, policy=replace(said.policy, notify=True, job_retry_minutes=35))
            case c.DefinePlace():
                self.place[said.zone] = said.place
            case c.SubmitRequest():
                return replace(said, place=self.place[said.zone])
        return said

    def reports(self) -> list[c.Command]:
        told, self.told = self.told, []
        outcomes = [self.dice.choice((c.JobOutcome.SENT, *[c.JobOutcome.FAILED] * 3, None)) for _ in told]
        return [
            c.ReportJob(id=job.report, zone=job.zone, at=MONDAY, job=job.job, attempt=job.attempt, outcome=outcome)
            for job, outcome in zip(told, outcomes, strict=True)
            if outcome is not None
        ]

    def publish(self, job: Notify) -> None:
        self.told.append(job)


async def played(seed: int, folder: Path) -> MemoryLog:
    """A town whose people are told, some of them only after tries that failed."""
    log, scenario = MemoryLog(PARTITIONS), town(seed, requests=40)
    agenda = Agenda(scenario.beats, scenario.seed, scenario.opening)
    agenda.add(scenario.requests, earliest_beat=1)
    chain = Embedded(log, Matching(), InlineSolver(), partitions=PARTITIONS, linger_s=0.0)
    reporting = Reporting(chain, seed)
    announcing = Announcing(reporting)
    for partition in range(PARTITIONS):
        announcing.live(partition)

    class Both:
        def entry(self, partition: int, offset: int, entry: Entry, events: list[e.Event]) -> None:
            agenda.take_events(events)
            announcing.entry(partition, offset, entry, events)

    chain.subscribe(Both())
    await chain.start()
    with Receipts(folder / "receipts.jsonl") as receipts:
        await Lockstep(reporting, agenda, receipts).run()
    await chain.stop()
    return log


async def records(log: MemoryLog, partition: int) -> list[Any]:
    return await log.read(JOURNAL, partition, 0, (await log.bounds(JOURNAL, partition)).end)


async def snapshot_log(fold: Fold, topic_id: str) -> MemoryLog:
    """A log that holds nothing but a snapshot of this state."""
    log = MemoryLog(PARTITIONS)
    await snapshots.write(log, fold, "s", MONDAY, {JOURNAL: topic_id})
    return log


def gauges(metrics: Metrics) -> dict[Any, float]:
    return {
        (family.name, *sorted(sample.labels.items())): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name in ("paidan_requests_open", "paidan_match_unassigned") and sample.value
    }


def jobs_of(zone: OpenJobs, state: Any) -> Any:
    """All that a zone would still tell; when an offer that has run out would have expired is not kept."""

    def plain(job: Notify) -> Notify:
        assignment = state.assignments.get(job.offer)
        return job if assignment and assignment.offer is OfferState.SENT else replace(job, expires_at=MONDAY)

    known = {offer: job for offer, job in zone.offers.items() if offer in state.assignments}
    return {name: plain(job) for name, job in zone.open.items()}, sorted(zone.due), known, zone.visits, zone.silent


class Told:
    """Both readers of one partition."""

    def __init__(self, log: MemoryLog | None = None) -> None:
        self.jobs, self.metrics = ListJobs(), Metrics()
        self.announcing, self.scoring = Announcing(self.jobs, log), Scoring(self.metrics, log)

    async def begin(self, partition: int) -> Place:
        place = await self.announcing.begin(partition)
        assert await self.scoring.begin(partition) == place
        return place

    async def take(self, partition: int, entries: Sequence[HeldEntry]) -> None:
        await self.announcing.take(partition, entries, Place())
        await self.scoring.take(partition, entries, Place())

    def live(self, partition: int) -> None:
        self.announcing.live(partition)
        self.scoring.live(partition)


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_begun_from_a_snapshot_says_the_same_as_what_was_folded_from_the_start(
    seed: int, tmp_path: Path
) -> None:
    async def check() -> None:
        log = await played(seed, tmp_path)
        dice, seen = random.Random(seed), {"due": 0, "failed": 0, "open": 0}
        for partition in range(PARTITIONS):
            await compare(log, partition, dice, seen)
        assert min(seen.values()) > 2, f"seed {seed} shows too little: {seen}"

    asyncio.run(check())


async def compare(log: MemoryLog, partition: int, dice: random.Random, seen: dict[str, int]) -> None:
    """Begin at some points of a partition's journal, compare there and at the end."""
    journal = await records(log, partition)
    points = sorted(dice.sample(range(1, len(journal)), min(8, len(journal) - 1)))
    fold, told, held = Fold(Matching(), partition), Told(), list[HeldEntry]()
    await told.begin(partition)
    for record in journal:
        judged, events = fold.accept(record.offset, record.value)
        if isinstance(judged, Held):
            held.append(HeldEntry(record.offset, judged.entry, events))
            await told.take(partition, held[-1:])
        if record.offset in points:
            begun = Told(await snapshot_log(fold, "t"))
            place = await begun.begin(partition)
            assert (place.chain.next_offset, place.topic_id) == (record.offset + 1, "t")
            _count(seen, same_state(fold, told, begun, partition))
            await same_end(held, journal, fold.chain.next_offset, told, begun, partition)


def same_state(fold: Fold, told: Told, begun: Told, partition: int) -> list[OpenJobs]:
    """Open jobs with their words, what is due, what may be called off, gauges."""
    ours, theirs = told.announcing._parts[partition].zones, begun.announcing._parts[partition].zones
    for zone, state in fold.zones.items():
        assert jobs_of(ours.get(zone, OpenJobs()), state) == jobs_of(theirs[zone], state), zone
    told.scoring._show_reasons()
    begun.scoring._show_reasons()
    assert gauges(told.metrics) == gauges(begun.metrics)
    return list(theirs.values())


def _count(seen: dict[str, int], zones: list[OpenJobs]) -> None:
    for zone in zones:
        seen["open"] += sum(1 for job in zone.open.values() if job.place)
        seen["due"] += len(zone.due)
        seen["failed"] += len(zone.open) - len(zone.due)


async def same_end(
    held: list[HeldEntry], journal: list[Any], next_offset: int, told: Told, begun: Told, partition: int
) -> None:
    """Go on to the journal's end with a reader that folded all, and with the one that began here: both live now."""
    whole = Told()
    await whole.begin(partition)
    await whole.take(partition, held)
    rest = Fold(Matching(), partition)
    later = []
    for record in journal:
        judged, events = rest.accept(record.offset, record.value)
        if isinstance(judged, Held) and record.offset >= next_offset:
            later.append(HeldEntry(record.offset, judged.entry, events))
    for reader in (whole, begun):
        reader.live(partition)
        await reader.take(partition, later)
    assert sorted(whole.jobs.keys) == sorted(begun.jobs.keys)
    assert gauges(whole.metrics) == gauges(begun.metrics)
    assert counted(whole.metrics) == counted(begun.metrics)
    begun.announcing.end(partition)
    begun.scoring.end(partition)
    assert begun.announcing.open == 0
    assert gauges(begun.metrics) == {}
    assert "requests_open{" not in begun.metrics.exposition()[0].decode()


def counted(metrics: Metrics) -> dict[Any, float]:
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name.startswith(NAME) and sample.name.endswith("_total")
    }
