"""One run from its log to its end: builds agenda, driver, tally and figures around a chain, and plays it.

Called by `paidan demo` and the tests; knows no terminal and chooses no adapter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from matcher.events import Event, OfferSent
from services.core import Core
from services.demo.agenda import Agenda
from services.demo.figures import Figures, TimedSolver
from services.demo.lockstep import Chain, Lockstep, Watcher
from services.demo.receipts import Receipts
from services.demo.scenario import Scenario
from services.demo.tally import Tally
from services.embedded import Embedded
from services.names import COMMANDS, PARTITIONS
from services.ports import Log, Solver
from services.reading import Reader
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


class Started(Chain, Protocol):
    """A chain from its start to its end: `services.embedded.Embedded` or `services.demo.remote.Remote`."""

    partitions: int

    def subscribe(self, reader: Reader) -> None:
        """Tell `reader` every entry, from the journal's start on."""

    async def start(self) -> None:
        """Come to the journal's end."""

    async def stop(self) -> None:
        """End; raises what ended a part of it before."""


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
    """Play on an embedded chain until nothing waits. Raises what the chain raises."""
    timed = TimedSolver(solver, audience.figures)
    await play_on(
        Embedded(log, core, timed, partitions=partitions, linger_s=0.0), scenario, log, receipts, audience, watchers
    )


async def play_on(
    chain: Started,
    scenario: Scenario,
    log: Log,
    receipts: Receipts,
    audience: Audience,
    watchers: Sequence[Watcher] = (),
) -> None:
    """Play on this chain until nothing waits, from wherever its log has come to. Raises what the chain raises."""
    agenda = Agenda(scenario.beats, scenario.seed, scenario.opening)
    agenda.add(scenario.requests, earliest_beat=1)
    chain.subscribe(_Reader(agenda, audience))
    try:
        await chain.start()
        await _settle(log, chain)
        audience.figures.start()
        await Lockstep(chain, agenda, receipts, [audience.figures, *watchers]).run()
    finally:
        await chain.stop()


async def _settle(log: Log, chain: Started) -> None:
    """Let everything be answered that an earlier run had appended: only then is it known where that one stopped."""
    for partition in range(chain.partitions):
        end = (await log.bounds(COMMANDS, partition)).end
        if end > 0:
            await chain.answered(partition, end - 1)
