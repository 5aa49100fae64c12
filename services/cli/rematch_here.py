"""`paidan rematch --dry-run`: the batch in this process, on a copy of the zone's state. Reads the log, changes nothing.

The same parts, search and repair as the workers', so that with the same steps and seed it is the same plan; what the
zone would keep of it is decided by the core itself, on the copy.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import typer
from msgspec import UNSET

from matcher import decisions
from matcher.commands import AdoptPlan, Command, StartRematch, StatePlace
from matcher.events import CommandRefused, Event, PlanAdopted, RematchStarted
from matcher.explaining import refusals
from matcher.plans import Rematch as Batch
from matcher.zone import Zone
from services.cli import explain_live
from services.cli.files import say
from services.cli.journal import Place, with_log
from services.exits import ExitCode, Stop
from services.jobs import Rematch

if TYPE_CHECKING:
    from matcher.weekly.cutting import Cut
    from matcher.weekly.posing import WeekPosed
    from matcher.weekly.subset import Visits
    from matcher.weekly.week import Effort, Week, WeekPlan
    from services.cli.rematch_bar import Bar
    from services.explaining.questions import History

Lang = Literal["en", "zh"]
E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Planned:
    """What came of a dry run. `adopted`: what the zone would keep of it."""

    zone: Zone
    posed: WeekPosed
    plan: WeekPlan
    started: RematchStarted
    adopted: PlanAdopted
    parts: int
    seconds: float


def plan(command: StartRematch, where: Place, plot: Path | None, *, lang: Lang, as_json: bool) -> None:
    """Plan and print. Raises Stop: exit 5 where the batch would be refused."""
    from services.cli import rematch_words

    history = with_log(where, lambda log: explain_live.newest(log, command.zone))
    planned = run(history, command, lang)
    if plot is not None:
        from services.cli import rematch_pictures

        say(rematch_pictures.write(plot, planned))
    typer.echo(rematch_words.of_dry_run(planned, command, as_json=as_json))


def run(history: History, command: StartRematch, lang: Lang) -> Planned:
    """Start, plan and adopt on a copy of the zone. Raises Stop (exit 5) for a refusal."""
    from matcher.weekly import cutting
    from services.worker.planning import answering
    from services.worker.planning.folding import folded
    from services.worker.planning.questions import State

    began_s = time.monotonic()
    state = State(chain=history.chain, zone=history.state, records=history.records)
    chain, found = folded(history.partition, command.zone, state)
    zones = {} if found is None else {command.zone: found}
    started = _only(_decided(zones, [command], lang), RematchStarted)
    batch = zones[command.zone].rematch
    assert isinstance(batch, Batch)
    posed = answering.posed(zones[command.zone], batch)
    cut = cutting.cut(posed.week)
    plan = _planned(posed.week, batch, cut)
    place = StatePlace(partition=history.partition, offset=chain.next_offset - 1)
    adopted = _decided(zones, _proposals(place, command, posed, plan), lang)
    seconds = time.monotonic() - began_s
    zone = zones[command.zone]
    return Planned(zone, posed, plan, started, _only(adopted, PlanAdopted), len(cut.parts), seconds)


def _proposals(place: StatePlace, command: StartRematch, posed: WeekPosed, plan: WeekPlan) -> list[AdoptPlan]:
    from services.worker.planning import answering

    job = Rematch(
        zone=command.zone,
        rematch=command.rematch,
        stage="repair",
        part=0,
        partition=place.partition,
        offset=place.offset,
        attempt=1,
    )
    return answering.proposals(job, place, posed, plan)


def _decided(zones: dict[str, Zone], commands: Sequence[Command], lang: Lang) -> list[Event]:
    """Decide on the copy, and take in what follows. Raises Stop (exit 5) for a refusal."""
    happened: list[Event] = []
    for command in commands:
        for event in decisions.decide(zones, command):
            if isinstance(event, CommandRefused):
                raise Stop(ExitCode.BAD_INPUT, refusals.sentence(event.reason, lang))
            decisions.evolve(zones, event)
            happened.append(event)
    return happened


def _only(events: list[Event], kind: type[E]) -> E:
    return next(event for event in events if isinstance(event, kind))


# --- the search, with a bar ------------------------------------------------------------------------------------------


def _planned(week: Week, batch: Batch, cut: Cut) -> WeekPlan:
    """Plan every part, then the whole; Ctrl-C takes what there is: parts not begun stay open."""
    from matcher.weekly import cutting
    from services.cli.rematch_bar import Bar
    from services.worker.planning import answering

    effort, plans = answering.effort_of(batch), []
    with Bar(len(cut.parts) + (not cut.apart), exact=batch.budget_s is UNSET) as bar:
        try:
            for number in range(len(cut.parts)):
                plan = _best(bar, cutting.part_of(week, cut, number), effort, batch)
                plans.append(cutting.visits_of(cut, number, plan))
                bar.part_done(answering.places_of(plan), plan.objective["filled"], plan.bound, plan.cost)
        except KeyboardInterrupt:
            bar.interrupted("the best plan so far is kept")
            effort = replace(effort, iterations=0)
        start = cutting.merged(week, cut, plans)
        return _best(bar, week, cutting.effort_of_repair(effort, cut), batch, start)


def _best(bar: Bar, week: Week, effort: Effort, batch: Batch, start: Visits | None = None) -> WeekPlan:
    from services.worker.planning.searching import search

    for stage in search(week, effort, batch.budget_s or None, start):
        best = stage
        bar.part_at(stage.iterations / max(1, effort.iterations))
    return best()
