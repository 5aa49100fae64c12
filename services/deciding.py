"""One group of commands, decided on a state that runs ahead of the journal. Called by the Writer only.

Reads the bytes, parks what cannot be read, asks the core, keeps a Tick as a barrier for its zone while other zones go
on, and cuts the answers into entries that fit. Writes nothing: what it returns is nothing until it is appended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import cast

import msgspec

from matcher.commands import AnyCommand, Command, Tick
from matcher.events import CommandRefused, Event, TimePassed
from matcher.problem import Plan
from matcher.reasons import TooLarge
from services.folding import Fold
from services.meters import Meters
from services.parking import Parked, Reason
from services.ports import Record, Solver
from services.wire import ENTRY_BYTES_MAX, Unreadable, decode_command, encode, partition_of


class Outcome(msgspec.Struct):
    """What one command led to."""

    offset: int
    events: list[Event] = []
    encoded: list[bytes] = []
    size_bytes: int = 0

    def add(self, events: list[Event], encoded: list[bytes], size_bytes: int) -> None:
        """Take in more events, in order."""
        self.events = self.events + events
        self.encoded = self.encoded + encoded
        self.size_bytes += size_bytes


class _Solving(msgspec.Struct):
    """A Tick whose zone waits for its plan, and the zone's commands behind the barrier."""

    tick: Tick
    outcome: Outcome
    plan: asyncio.Task[Plan]
    behind: list[tuple[Command, Outcome]]


class Group:
    """Decides consecutive commands. After `decide`, `outcomes` answer them and `parked` is to be set aside first."""

    def __init__(self, fold: Fold, solver: Solver, partitions: int, known: set[str], meters: Meters) -> None:
        self.outcomes: list[Outcome] = []
        self.parked: list[Parked] = []
        self._fold = fold
        self._solver = solver
        self._partitions = partitions
        self._known = known  # zones that are known to live here
        self._meters = meters
        self._size_bytes = 0
        self._solving: dict[str, _Solving] = {}

    async def decide(self, records: list[Record]) -> None:
        """Decide records in order; may leave the last ones out when what came of the others is large enough."""
        try:
            for record in records:
                self._one(record)
                if self._size_bytes >= ENTRY_BYTES_MAX:
                    break
            while self._solving:
                await self._solved(next(iter(self._solving)))
        finally:
            for solving in self._solving.values():
                solving.plan.cancel()

    def park(self, record: Record, reason: Reason, detail: str) -> None:
        """Set a record aside instead of deciding it."""
        parked = Parked(record, reason, detail)
        self.parked.append(parked)
        outcome = Outcome(record.offset)
        self.outcomes.append(outcome)
        self._keep(outcome, [parked.event(self._fold.partition)])

    def _one(self, record: Record) -> None:
        try:
            command = decode_command(record.value)
        except Unreadable as error:
            self.park(record, Reason.UNREADABLE, str(error))
            return
        if not self._lives_here(command.zone):
            self.park(record, Reason.WRONG_PARTITION, "its zone lives in another partition")
            return
        outcome = Outcome(record.offset)
        self.outcomes.append(outcome)
        self._command(command, outcome)

    def _lives_here(self, zone: str) -> bool:
        if zone in self._known:
            return True
        if partition_of(zone, self._partitions) != self._fold.partition:
            return False
        if zone in self._fold.zones:
            self._known.add(zone)
        return True

    def _command(self, command: Command, outcome: Outcome) -> None:
        solving = self._solving.get(command.zone)
        if solving is not None:
            solving.behind.append((command, outcome))
            return
        fits = self._decide(command, outcome)
        # Only a Tick that moves the time is a beat; a late or refused one poses nothing.
        if fits and isinstance(command, Tick) and outcome.events and isinstance(outcome.events[0], TimePassed):
            problem = self._fold.core.pose(self._fold.zones, command)
            if problem is not None:
                plan = asyncio.ensure_future(self._solver.solve(problem))
                self._solving[command.zone] = _Solving(command, outcome, plan, [])

    async def _solved(self, zone: str) -> None:
        """Wait for the zone's plan, decide by it, then let the zone's later commands go on."""
        began = asyncio.get_running_loop().time()
        solving = self._solving[zone]
        plan = await solving.plan
        self._meters.solve(self._fold.partition, asyncio.get_running_loop().time() - began)
        del self._solving[zone]
        self._decide(solving.tick, solving.outcome, plan)
        for command, outcome in solving.behind:
            self._command(command, outcome)

    def _decide(self, command: Command, outcome: Outcome, plan: Plan | None = None) -> bool:
        """Decide and evolve; refuse what would not fit into an entry. Return whether the command's own events fit."""
        core = self._fold.core
        events = core.decide(self._fold.zones, command, plan)
        if not events:
            return True
        encoded = [encode(event) for event in events]
        size_bytes = _size(encoded)
        fits = outcome.size_bytes + size_bytes <= ENTRY_BYTES_MAX
        if not fits:
            events = [_too_large(command, events[0].at, size_bytes)]
            encoded = [encode(events[0])]
            size_bytes = _size(encoded)
        outcome.add(events, encoded, size_bytes)
        self._size_bytes += size_bytes
        for event in events:
            self._fold.evolve(event)
        return fits

    def _keep(self, outcome: Outcome, events: list[Event]) -> None:
        encoded = [encode(event) for event in events]
        outcome.add(events, encoded, _size(encoded))
        self._size_bytes += outcome.size_bytes


def entries(outcomes: list[Outcome]) -> Iterator[list[Outcome]]:
    """Cut consecutive outcomes into runs that each fit into one entry."""
    run: list[Outcome] = []
    size_bytes = 0
    for outcome in outcomes:
        if run and size_bytes + outcome.size_bytes > ENTRY_BYTES_MAX:
            yield run
            run, size_bytes = [], 0
        run.append(outcome)
        size_bytes += outcome.size_bytes
    if run:
        yield run


def joined(outcomes: list[Outcome]) -> msgspec.Raw:
    """Return the events of consecutive outcomes as one JSON array."""
    return msgspec.Raw(b"[" + b",".join([event for outcome in outcomes for event in outcome.encoded]) + b"]")


def _size(encoded: list[bytes]) -> int:
    return sum(map(len, encoded)) + len(encoded)


def _too_large(command: Command, at: datetime, size_bytes: int) -> CommandRefused:
    reason = TooLarge(size_bytes=size_bytes, limit_bytes=ENTRY_BYTES_MAX)
    return CommandRefused(
        zone=command.zone, at=at, causation_id=command.id, command=cast(AnyCommand, command), reason=reason
    )
