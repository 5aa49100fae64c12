"""One run from its log to its end: builds agenda, driver, tally and figures around an embedded chain, and plays it.

Called by `paidan demo` and the tests; knows no terminal and chooses no adapter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from matcher.events import Event, OfferSent
from services.core import Core
from services.demo.agenda import Agenda
from services.demo.figures import Figures, TimedSolver
from services.demo.lockstep import Lockstep, Watcher
from services.demo.receipts import Receipts
from services.demo.scenario import Scenario
from services.demo.tally import Tally
from services.embedded import Embedded
from services.names import COMMANDS, PARTITIONS
from services.ports import Log, Solver
from services.wire import Entry


@dataclass(frozen=True)
class Audience:
    """What is counted while a run plays."""

    tally: Tally = field(default_factory=Tally)
    figures: Figures = field(default_factory=Figures)


class _Reader:
    """Tells agenda, tally and figures what has happened."""

    def __init__(self, agenda: Agenda, audience: Audience) -> None:
        self._agenda = agenda
        self._tally = audience.tally
        self._figures = audience.figures

    def entry(self, partition: int, offset: int, entry: Entry, events: list[Event]) -> None:
        """Take in one holding entry of the journal."""
        self._agenda.take_events(events)
        for event in events:
            self._tally.take(event)
            if isinstance(event, OfferSent):
                self._figures.offered()


async def play(
    scenario: Scenario,
    log: Log,
    core: Core,
    solver: Solver,
    receipts: Receipts,
    audience: Audience,
    watchers: Sequence[Watcher] = (),
    *,
    partitions: int = PARTITIONS,
) -> None:
    """Play until nothing waits, from wherever this log has come to. Raises what the chain raises."""
    agenda = Agenda(scenario.beats, scenario.seed, scenario.opening)
    agenda.add(scenario.requests, earliest_beat=1)
    timed = TimedSolver(solver, audience.figures)
    chain = Embedded(log, core, timed, partitions=partitions, linger_s=0.0)
    chain.subscribe(_Reader(agenda, audience))
    try:
        await chain.start()
        await _settle(log, chain, partitions)
        audience.figures.start()
        await Lockstep(chain, agenda, receipts, [audience.figures, *watchers]).run()
    finally:
        await chain.stop()


async def _settle(log: Log, chain: Embedded, partitions: int) -> None:
    """Let everything be answered that an earlier run had appended: only then is it known where that one stopped."""
    for partition in range(partitions):
        end = (await log.bounds(COMMANDS, partition)).end
        if end > 0:
            await chain.answered(partition, end - 1)
