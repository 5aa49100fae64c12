"""The planning process: folds the state that a job names, cuts it, plans a part, puts the parts together.

Started by `process.py`, one for a worker; it keeps the last state, posed and cut, for the next job of the same state.
It reads no log and decides nothing: what it says are commands, and the zone's writer disposes. It runs at a lower
priority than the beats.
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET

from matcher import events as e
from matcher.commands import (
    VISITS_A_COMMAND_MAX,
    AdoptPlan,
    Command,
    Figures,
    RematchStage,
    ReportRematch,
    StatePlace,
)
from matcher.plans import Rematch as Batch
from matcher.terms import PlannedVisit
from matcher.weekly import cutting, posing
from matcher.weekly.cutting import Cut
from matcher.weekly.posing import WeekPosed
from matcher.weekly.subset import Visits
from matcher.weekly.week import Effort, Week, WeekPlan
from matcher.zone import Zone
from services.jobs import Rematch
from services.reading import Chain
from services.wire import encode
from services.worker.planning.folding import events_after, folded
from services.worker.planning.questions import Answer, Question, Records, State, frame, framed, questions
from services.worker.planning.searching import search

log = logging.getLogger(__name__)

#: Of the processor's time the planning takes what the beats leave.
NICE = 10


@dataclass
class Kept:
    """One state, posed and cut."""

    place: StatePlace
    zone: str
    chain: Chain
    batch: Batch
    posed: WeekPosed
    cut: Cut


class Planning:
    """Answers one job after the other. `places_max`: the size of a part."""

    def __init__(self, places_max: int = cutting.PLACES_MAX) -> None:
        self._places_max = places_max
        self._kept: Kept | None = None

    def answer(self, question: Question) -> Iterator[Answer]:
        """Yield what to append, as it comes; nothing where the journal says that the job is done or its batch over."""
        job = question.job
        kept = self._state(job, question.state)
        if kept is None:
            yield Answer(last=True)
            return
        story = Story(kept, question.after)
        if story.over or story.has(job):
            yield Answer(last=True)
            return
        if job.stage != "repair" or not kept.cut.apart:  # who puts parts together that share no border repairs nothing
            yield from _said(_begun(job))
        match job.stage:
            case "cut":
                commands: Sequence[Command] = [_cut(job, kept)]
            case "part" if job.part >= len(kept.cut.parts):  # a week with nothing that anybody could plan
                commands = [_part_empty(job)]
            case "part":
                part = cutting.part_of(kept.posed.week, kept.cut, job.part)
                commands = _part_done(job, kept, part, (yield from _searched(part, kept.batch)))
            case "repair":
                parts = [posing.triples(kept.posed, story.visits(part)) for part in range(len(kept.cut.parts))]
                start = cutting.merged(kept.posed.week, kept.cut, parts)
                plan = yield from _searched(kept.posed.week, kept.batch, start, kept.cut)
                commands = proposals(job, kept.place, kept.posed, plan)
        yield from _said(*commands)
        yield Answer(last=True)

    def _state(self, job: Rematch, state: State | None) -> Kept | None:
        place = StatePlace(partition=job.partition, offset=job.offset)
        kept = self._kept
        if state is None or (kept is not None and (kept.place, kept.zone) == (place, job.zone)):
            assert kept is not None
            return kept
        chain, zone = folded(job.partition, job.zone, state)
        if zone is None or zone.rematch is UNSET or zone.rematch.id != job.rematch:
            return None
        week = posed(zone, zone.rematch)
        cut = cutting.cut(week.week, self._places_max)
        self._kept = Kept(place, job.zone, chain, zone.rematch, week, cut)
        return self._kept


def posed(zone: Zone, batch: Batch) -> WeekPosed:
    """Return the week that a batch plans."""
    begin, end = (datetime.fromtimestamp(at_s, UTC) for at_s in (batch.from_s, batch.until_s))
    return posing.pose_week(zone, begin, end)


class Story:
    """What the journal says of a batch since the state that it plans."""

    def __init__(self, kept: Kept, after: Records) -> None:
        self.over = False
        self._cut = False
        #: part -> piece -> visits, and how many pieces there are
        self._pieces: dict[int, dict[int, tuple[PlannedVisit, ...]]] = {}
        self._count: dict[int, int] = {}
        chain = msgspec.structs.replace(kept.chain, seen=set(kept.chain.seen))
        for event in events_after(chain, kept.place.partition, kept.zone, after):
            match event:
                case e.RematchEnded() | e.PlanAdopted():
                    self.over = True
                case e.RematchCut():
                    self._cut = True
                case e.RematchPartDone(command=said) if said.stage is RematchStage.PART:
                    self._pieces.setdefault(said.part, {})[said.piece] = said.visits or ()
                    self._count[said.part] = said.pieces
                case _:
                    pass

    def has(self, job: Rematch) -> bool:
        """Say whether a job's result is there."""
        if job.stage == "cut":
            return self._cut
        return job.stage == "part" and len(self._pieces.get(job.part, ())) >= self._count.get(job.part, 1)

    def visits(self, part: int) -> list[PlannedVisit]:
        """Return what was reported of a part."""
        return [visit for _, piece in sorted(self._pieces.get(part, {}).items()) for visit in piece]


# --- the search ------------------------------------------------------------------------------------------------------


def _searched(
    week: Week, batch: Batch, start: Visits | None = None, cut: Cut | None = None
) -> Generator[Answer, None, WeekPlan]:
    """Search, with a sign of life after each stretch; the generator returns the plan. `cut`: it is the repair."""
    effort = effort_of(batch)
    if cut is not None:
        effort = cutting.effort_of_repair(effort, cut)
    for stage in search(week, effort, batch.budget_s or None, start):
        best = stage
        yield Answer()
    return best()


def effort_of(batch: Batch) -> Effort:
    """Return what each part of a batch may cost; with seconds the steps do not count."""
    return Effort(iterations=batch.iterations or 1, seed=batch.seed)


# --- what is said ----------------------------------------------------------------------------------------------------


def _said(*commands: Command) -> Iterator[Answer]:
    for command in commands:
        yield Answer(commands=[encode(command)])


def _id(job: Rematch, *what: object) -> str:
    """The same for every worker that says the same of the same job."""
    words = "/".join(str(word) for word in (job.job, *what))
    return f"rematch:{hashlib.sha256(words.encode()).hexdigest()[:40]}"


def _begun(job: Rematch) -> ReportRematch:
    return ReportRematch(
        id=_id(job, "begun", job.attempt),
        zone=job.zone,
        at=datetime.now(UTC),
        rematch=job.rematch,
        stage=RematchStage(job.stage),
        part=job.part,
    )


def _cut(job: Rematch, kept: Kept) -> ReportRematch:
    return ReportRematch(
        id=_id(job, "done"),
        zone=job.zone,
        at=datetime.now(UTC),
        rematch=job.rematch,
        stage=RematchStage.CUT,
        done=True,
        parts=max(1, len(kept.cut.parts)),
        repairs=0 if kept.cut.apart else 1,
        as_of=kept.place,
    )


def _part_done(job: Rematch, kept: Kept, part: Week, plan: WeekPlan) -> list[ReportRematch]:
    requirement, person, start_s = cutting.visits_of(kept.cut, job.part, plan)
    whole = replace(plan, requirement=requirement, person=person, start_s=start_s)
    pieces = chunks(posing.visits(kept.posed, whole))
    return [
        ReportRematch(
            id=_id(job, "done", number),
            zone=job.zone,
            at=datetime.now(UTC),
            rematch=job.rematch,
            stage=RematchStage.PART,
            part=job.part,
            done=True,
            visits=piece,
            piece=number,
            pieces=len(pieces),
            figures=posing.figures(replace(kept.posed, week=part), plan),
        )
        for number, piece in enumerate(pieces, 1)
    ]


def _part_empty(job: Rematch) -> ReportRematch:
    nothing = Figures(places=0, filled=0, bound=0, metres=0, first_cost=0, cost=0, iterations=0)
    begun = msgspec.structs.replace(_begun(job), id=_id(job, "done", 1))
    return msgspec.structs.replace(begun, done=True, visits=(), figures=nothing)


def proposals(job: Rematch, place: StatePlace, posed: WeekPosed, plan: WeekPlan) -> list[AdoptPlan]:
    """Return the plan as commands."""
    parts = chunks(posing.visits(posed, plan))
    return [
        AdoptPlan(
            id=_id(job, "plan", number),
            zone=job.zone,
            at=datetime.now(UTC),
            rematch=job.rematch,
            as_of=place,
            part=number,
            parts=len(parts),
            moves=moves,
            figures=posing.figures(posed, plan),
        )
        for number, moves in enumerate(parts, 1)
    ]


def places_of(plan: WeekPlan) -> int:
    """Return how many places a plan's week asks for."""
    return plan.objective["filled"] + sum(short.places for short in plan.unfilled)


def chunks(visits: Sequence[PlannedVisit]) -> list[tuple[PlannedVisit, ...]]:
    """Return visits in pieces that fit into a command, all of one requirement in one; one empty piece for none."""
    pieces: list[list[PlannedVisit]] = [[]]
    of_one: list[PlannedVisit] = []
    for number, visit in enumerate(visits):
        of_one.append(visit)
        after = visits[number + 1] if number + 1 < len(visits) else None
        if after is not None and (after.request, after.requirement) == (visit.request, visit.requirement):
            continue
        if len(pieces[-1]) + len(of_one) > VISITS_A_COMMAND_MAX:
            pieces.append([])
        pieces[-1] += of_one
        of_one = []
    return [tuple(piece) for piece in pieces]


# --- the process -----------------------------------------------------------------------------------------------------


def serve(places_max: int = cutting.PLACES_MAX) -> None:
    """Answer questions from standard input on standard output until the pipe closes, be it because the parent died."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICE)
    said = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not look like an answer
    planning = Planning(places_max)
    while (question := frame(sys.stdin.buffer)) is not None:
        try:
            for answer in planning.answer(questions.decode(question)):
                said.write(framed(answer))
                said.flush()
        except BrokenPipeError:
            os._exit(0)  # nobody listens any more; not even the buffer can be flushed
