"""A county's report week lived through by the real parts: planned as one, or beat by beat; and what came of it.

Called by the benchmark `county_week` and its small test. Everybody accepts and comes in time (`OBEDIENT`), so that what
differs is who was sent where. Figures are counted from the journal's events alone.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import resource
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np

from matcher import events as e
from matcher.commands import Command, NotifyPlan, PublishPlan, StartRematch, Tick
from matcher.plans import PlanState
from matcher.problem import Plan, Problem
from matcher.solvers.exact import nearest_first
from matcher.terms import Point
from producers.people import Habits
from services.demo.agenda import Agenda, Beats
from services.demo.lockstep import Lockstep, tick_id
from services.demo.receipts import Receipts
from services.ports import Solver
from services.runtime import Runtime
from services.settings import Settings
from services.solving import InlineSolver
from services.wire import Entry
from tests.county_weeks import EVE, MONDAY, CountyWeek
from tests.week_checker import metres, published

PLAN = "report-week"
BEAT = timedelta(minutes=10)
OBEDIENT = Habits(
    accept=1.0, decline=0.0, no_show=0.0, late=0.0, forget_to_depart=0.0, forget_to_finish=0.0, overrun=0.0, rate=0.0,
    cancel=0.0,
)  # fmt: skip
#: A batch may take so many wall seconds; its process may have to compile the kernel.
PATIENCE_S = 500.0
#: Visits with no more between them are one way out.
TOGETHER_S = 2 * 3600


class NearestFirst:
    """A dispatcher who sends the nearest person who can, one request after the other, by the same rules."""

    async def solve(self, problem: Problem) -> Plan:
        """Return the greedy plan."""
        return nearest_first(problem)


class Witness:
    """Hears the journal; lets people answer a plan's offers when they are told of it, and a beat's at once."""

    def __init__(self, agenda: Agenda) -> None:
        self.events: list[e.Event] = []
        self.news = asyncio.Event()
        self._agenda = agenda
        self._untold: list[e.OfferSent] = []

    def entry(self, partition: int, offset: int, entry: Entry, events: list[e.Event]) -> None:
        """Take in one holding entry."""
        self.events += events
        for event in events:
            if isinstance(event, e.OfferSent) and event.plan:
                self._untold.append(event)
            elif isinstance(event, e.PlanNotified):
                told = [msgspec.structs.replace(offer, at=event.at) for offer in self._untold]
                self._agenda.take_events(told)
                self._untold.clear()
            else:
                self._agenda.take_events([event])
        self.news.set()

    def adopted(self) -> e.PlanAdopted | None:
        """Return the plan, once there is one."""
        return next((event for event in self.events if isinstance(event, e.PlanAdopted)), None)


@dataclass(frozen=True)
class Lived:
    """What came of a week. `objections`: of the independent checker, to the plan as it was published."""

    events: list[e.Event]
    cpu_s: float
    plan: e.PlanAdopted | None = None
    objections: list[str] = field(default_factory=list)


def live(week: CountyWeek, folder: Path, *, solver: Solver | None = None, iterations: int | None = None) -> Lived:
    """Live one week in an own log in `folder`. `iterations`: plan it on its eve with so many steps a part, else not."""
    began = _cpu_s()
    witness, found = asyncio.run(_live(week, folder, solver or InlineSolver(), iterations))
    return Lived(witness.events, _cpu_s() - began, witness.adopted(), found)


def enter(week: CountyWeek, folder: Path) -> None:
    """Bring the week's people and what is known of it into a log, as it is on the eve before any beat looks at it."""

    async def entered() -> None:
        runtime, _ = _runtime(folder, InlineSolver(), Agenda(Beats(start=EVE, length=BEAT), 1))
        await runtime.start()
        try:
            await _open(runtime, week)
            await _told(runtime, week.known)
        finally:
            await runtime.stop()

    asyncio.run(entered())


async def _live(week: CountyWeek, folder: Path, solver: Solver, iterations: int | None) -> tuple[Witness, list[str]]:
    agenda = Agenda(Beats(start=EVE, length=BEAT), 1, (), OBEDIENT)
    agenda.add(week.later, earliest_beat=1)
    runtime, witness = _runtime(folder, solver, agenda)
    await runtime.start()
    objections: list[str] = []
    try:
        await _open(runtime, week)
        if iterations is None:
            agenda.add(week.known, earliest_beat=1)
        else:
            await _told(runtime, week.known)
            objections = await _planned(runtime, witness, week.zone, iterations)
        with Receipts(folder / "receipts.jsonl") as receipts:
            await Lockstep(runtime.embedded, agenda, receipts).run()
    finally:
        await runtime.stop()
    return witness, objections


def _runtime(folder: Path, solver: Solver, agenda: Agenda) -> tuple[Runtime, Witness]:
    settings = Settings(data_dir=folder, beat_s=0.0, console=False)
    runtime, witness = Runtime(settings, solver, linger_s=0), Witness(agenda)
    runtime.embedded.subscribe(witness)
    return runtime, witness


async def _open(runtime: Runtime, week: CountyWeek) -> None:
    """Open the zone and bring it to the eve."""
    await _told(runtime, [*week.opening, _tick(week.zone, 0)])


async def _planned(runtime: Runtime, witness: Witness, zone: str, iterations: int) -> list[str]:
    """Let the batch run, publish and tell; return what is wrong with the plan as it is published."""
    start = StartRematch(id="start", zone=zone, at=EVE, rematch=PLAN, week=MONDAY, iterations=iterations)
    await _told(runtime, [start])
    async with asyncio.timeout(PATIENCE_S):
        while witness.adopted() is None:
            witness.news.clear()
            await witness.news.wait()
    await _told(runtime, [PublishPlan(id="publish", zone=zone, at=EVE, plan=PLAN)])
    beats = itertools.count(1)
    while runtime.embedded.zones()[zone].known_plans[PLAN].state is PlanState.PUBLISHING:
        await _told(runtime, [_tick(zone, next(beats))])
    objections = published([json.loads(msgspec.json.encode(event)) for event in witness.events], PLAN)
    await _told(runtime, [NotifyPlan(id="notify", zone=zone, at=EVE, plan=PLAN)])
    return objections


def _tick(zone: str, beat: int) -> Tick:
    return Tick(id=tick_id(zone, beat), zone=zone, at=EVE + beat * BEAT, beat=beat)


async def _told(runtime: Runtime, commands: list[Command]) -> None:
    places = await runtime.embedded.append(commands)
    await runtime.embedded.answered(*places[-1])


def _cpu_s() -> float:
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


# --- what came of it -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """A week in numbers. Of people: all who are registered, also those who were never asked."""

    places: int
    filled: int
    #: ways out, between visits and home, in straight lines
    km: float
    #: of the visits: from the person's home to the visit
    within_500_m: float
    median_m: float
    gini: float
    #: the smallest that so many visits among so many people allow
    gini_least: float
    most_visits: int
    came: int
    people: int


def figures(week: CountyWeek, events: list[e.Event]) -> Figures:
    """Count the visits that were made."""
    offers = {event.offer: event for event in events if isinstance(event, e.OfferSent)}
    made = [offers[event.command.assignment] for event in events if isinstance(event, e.WorkFinished)]
    homes = {person.volunteer: person.point for person in week.people}
    spots = {asked.request: asked.point for asked in (*week.known, *week.later)}
    away = [_metres(homes[visit.volunteer], spots[visit.request]) for visit in made]
    visits = Counter(visit.volunteer for visit in made)
    whole, left = divmod(len(made), len(homes))
    return Figures(
        places=week.places,
        filled=len(made),
        km=_km(made, homes, spots),
        within_500_m=sum(one <= 500 for one in away) / max(1, len(away)),
        median_m=float(np.median(away)) if away else 0.0,
        gini=gini([visits[name] for name in homes]),
        gini_least=gini([whole + (n < left) for n in range(len(homes))]),
        most_visits=max(visits.values(), default=0),
        came=len(visits),
        people=len(homes),
    )


def _km(made: list[e.OfferSent], homes: dict[str, Point], spots: dict[str, Point]) -> float:
    """Home, the visits that follow each other within two hours, home again: the same measure for whoever planned."""
    own: dict[str, list[e.OfferSent]] = defaultdict(list)
    for visit in made:
        own[visit.volunteer].append(visit)
    total = 0.0
    for name, visits in own.items():
        visits.sort(key=lambda visit: visit.start)
        ways = [[visits[0]]]
        for one, other in itertools.pairwise(visits):
            if (other.start - one.end).total_seconds() <= TOGETHER_S:
                ways[-1].append(other)
            else:
                ways.append([other])
        for way in ways:
            stops = [homes[name], *(spots[visit.request] for visit in way), homes[name]]
            total += math.fsum(itertools.starmap(_metres, itertools.pairwise(stops)))
    return total / 1000


def _metres(one: Point, other: Point) -> float:
    return float(metres(one.lat, one.lon, other.lat, other.lon))


def gini(visits: list[int]) -> float:
    """Return how unequally visits are shared: 0 where everybody has as many, near 1 where one has all."""
    ranked, count, total = sorted(visits), len(visits), sum(visits)
    return (
        2 * sum(n * own for n, own in enumerate(ranked, start=1)) / (count * total) - (count + 1) / count
        if total
        else 0.0
    )
