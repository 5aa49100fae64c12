"""The journal's reader that turns a zone's batch into jobs (`Rematch`), and shows how far the batch is.

Subscribed by `services/runtime.py`, or followed partition by partition in a process that may lose partitions, as
`announcing.py` is. A job is a hint: what a batch still lacks is issued again when its zone's time goes on and nothing
is heard of it, and all of it when a process takes the partition over. Who is slow only works twice: the first report
wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from matcher import events as e
from matcher.commands import Figures, RematchStage
from matcher.plans import Rematch as Batch
from services import beginning
from services.following import HeldEntry, Place
from services.jobs import Jobs, Rematch
from services.metrics import Metrics
from services.ports import Log
from services.wire import Entry

#: Nothing heard of a batch for so long, in its zone's time: its open jobs are issued again; then after twice as long.
QUIET_S = 60.0
#: A job with a budget may be silent for so many times its budget.
BUDGETS = 3.0

Stage = Literal["cut", "part", "repair"]


class Running(msgspec.Struct):
    """One batch as its events say."""

    zone: str
    rematch: str
    partition: int
    #: the state that its jobs name
    offset: int
    started_at: datetime
    heard_at: datetime
    quiet_s: float
    parts: int = 0
    repairs: int = 0
    attempt: int = 1
    begun: set[int] = set()
    #: part -> pieces that have come, of how many
    pieces: dict[int, tuple[set[int], int]] = {}
    done: dict[int, Figures | None] = {}
    #: the plan that was put together is at work
    repairing: bool = False

    def jobs(self) -> list[Rematch]:
        """Return what the batch lacks now, in order."""
        if not self.parts:
            return [self._job("cut", 0)]
        missing = [self._job("part", part) for part in range(self.parts) if part not in self.done]
        return missing or [self._job("repair", 0)]

    def heard(self, at: datetime) -> None:
        """Something was reported."""
        self.heard_at = at
        self.attempt = 1

    def is_quiet(self, at: datetime) -> bool:
        """Say whether nothing was heard for so long that its jobs may be lost."""
        return (at - self.heard_at).total_seconds() >= self.quiet_s * float(1 << (self.attempt - 1))

    def total(self) -> Figures | None:
        """Return the figures of all parts that are done together."""
        known = [figures for figures in self.done.values() if figures is not None]
        if not known:
            return None
        names = Figures.__struct_fields__
        return Figures(**{name: sum(getattr(figures, name) for figures in known) for name in names})

    def _job(self, stage: Stage, part: int) -> Rematch:
        return Rematch(
            zone=self.zone,
            rematch=self.rematch,
            stage=stage,
            part=part,
            partition=self.partition,
            offset=self.offset,
            attempt=self.attempt,
        )


def quiet_s(budget_s: object) -> float:
    """How long a batch may be silent before its jobs are issued again."""
    return max(QUIET_S, BUDGETS * budget_s) if isinstance(budget_s, int | float) else QUIET_S


def of(zone: str, batch: Batch, partition: int, offset: int, now: datetime) -> Running:
    """Return a batch as a zone's state says, with the state at `offset`; a cut names the state that was cut."""
    cut = batch.cut_of
    whole = {part for part in range(batch.parts) if batch.is_done(RematchStage.PART, part)}
    return Running(
        zone=zone,
        rematch=batch.id,
        partition=partition,
        offset=offset if isinstance(cut, msgspec.UnsetType) else cut.offset,
        started_at=datetime.fromtimestamp(batch.started_s, now.tzinfo),
        heard_at=now,
        quiet_s=quiet_s(batch.budget_s),
        parts=batch.parts,
        repairs=batch.repairs,
        pieces={
            int(job.partition(":")[2]): (set(done.visits), done.pieces)
            for job, done in batch.done.items()
            if job.startswith("part:")
        },
        done={part: batch.done[f"part:{part}"].figures or None for part in whole},
    )


class _Part:
    """One partition: its batches by zone, and whether what comes is news."""

    def __init__(self, batches: dict[str, Running]) -> None:
        self.batches = batches
        self.live = False


class Rematching:
    """Journal -> jobs of batches. `log`: where snapshots are; without it a partition begins at its journal's start."""

    def __init__(self, jobs: Jobs, metrics: Metrics, log: Log | None = None) -> None:
        self._jobs = jobs
        self._metrics = metrics
        self._log = log
        self._parts: dict[int, _Part] = {}

    @property
    def running(self) -> dict[str, Running]:
        """The batches that run, by zone, to look at only."""
        return {zone: batch for part in self._parts.values() for zone, batch in part.batches.items()}

    async def begin(self, partition: int) -> Place:
        """See `Follower.begin`."""
        place, zones = await beginning.newest(self._log, partition)
        offset = place.chain.next_offset - 1
        self._parts[partition] = _Part(
            {
                name: of(name, zone.rematch, partition, offset, zone.now)
                for name, zone in zones.items()
                if not isinstance(zone.rematch, msgspec.UnsetType)
            }
        )
        return place

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Place) -> None:
        """See `Follower.take`."""
        for held in entries:
            self.entry(partition, held.offset, held.entry, held.events)

    def live(self, partition: int) -> None:
        """The past is folded: publish what the batches lack."""
        part = self._part(partition)
        part.live = True
        for batch in part.batches.values():
            self._publish(batch)
            self._show(batch)

    def end(self, partition: int) -> None:
        """See `Follower.end`."""
        part = self._parts.pop(partition, None)
        for zone in part.batches if part is not None else ():
            self._forget(zone)

    def entry(self, partition: int, offset: int, entry: Entry, events: list[e.Event]) -> None:
        """See `reading.Reader`."""
        part = self._part(partition)
        for event in events:
            if isinstance(event, e.RematchStarted):
                self._started(part, partition, offset, event)
            elif isinstance(event, e.RematchEnded | e.PlanAdopted):
                self._ended(part, event)
            elif event.zone in part.batches:
                self._went_on(part, part.batches[event.zone], event)

    def _started(self, part: _Part, partition: int, offset: int, event: e.RematchStarted) -> None:
        batch = part.batches[event.zone] = Running(
            zone=event.zone,
            rematch=event.rematch,
            partition=partition,
            offset=offset,
            started_at=event.at,
            heard_at=event.at,
            quiet_s=quiet_s(event.budget_s),
        )
        if part.live:
            self._publish(batch)
            self._show(batch)

    def _went_on(self, part: _Part, batch: Running, event: e.Event) -> None:
        match event:
            case e.TimePassed():
                if not batch.is_quiet(event.at):
                    return
                batch.heard_at = event.at
                batch.attempt += 1
                news = True
            case e.RematchPartBegun():
                batch.heard(event.at)
                batch.begun.add(event.command.part)
                batch.repairing |= event.command.stage is RematchStage.REPAIR
                news = False
            case e.RematchCut():
                batch.heard(event.at)
                batch.parts, batch.repairs = event.parts, event.repairs
                batch.offset = event.command.as_of.offset if event.command.as_of else batch.offset
                batch.begun = set()
                news = True
            case e.RematchPartDone(command=said) if said.stage is RematchStage.PART:
                batch.heard(event.at)
                news = self._part_done(batch, event)
            case e.RematchPartDone() | e.PlanPartTaken():
                batch.heard(event.at)
                news = False
            case _:
                return
        if part.live:
            if news:
                self._publish(batch)
            self._show(batch)

    def _part_done(self, batch: Running, event: e.RematchPartDone) -> bool:
        """Note a piece; say whether it was the last of the last part."""
        said = event.command
        come, pieces = batch.pieces.setdefault(said.part, (set(), said.pieces))
        come.add(said.piece)
        if len(come) < pieces:
            return False
        batch.begun.discard(said.part)
        batch.done[said.part] = said.figures or None
        return len(batch.done) == batch.parts

    def _ended(self, part: _Part, event: e.RematchEnded | e.PlanAdopted) -> None:
        batch = part.batches.pop(event.zone, None)
        if batch is None:
            return
        self._forget(event.zone)
        if part.live:
            self._metrics.observe("rematch_duration_seconds", (event.at - batch.started_at).total_seconds())

    def _publish(self, batch: Running) -> None:
        for job in batch.jobs():
            self._jobs.publish(job)

    def _show(self, batch: Running) -> None:
        counts = {"done": len(batch.done), "running": len(batch.begun), "all": batch.parts}
        for state, count in counts.items():
            self._metrics.set("rematch_parts", count, zone=batch.zone, state=state)
        total = batch.total()
        if total is not None:
            self._metrics.set("rematch_cost_points", total.cost, zone=batch.zone)
            self._metrics.set("rematch_open_places", total.places - total.filled, zone=batch.zone)
            self._metrics.set("rematch_fill_gap_places", total.bound - total.filled, zone=batch.zone)

    def _forget(self, zone: str) -> None:
        for state in ("done", "running", "all"):
            self._metrics.remove("rematch_parts", zone=zone, state=state)
        for name in ("rematch_cost_points", "rematch_open_places", "rematch_fill_gap_places"):
            self._metrics.remove(name, zone=zone)

    def _part(self, partition: int) -> _Part:
        return self._parts.setdefault(partition, _Part({}))
