"""The lock-step driver: plays simulated beats through the whole chain, one after the other.

A beat: everything due is appended, then a Tick for each zone that time or a command concerns; when all of it is
answered, the journal's events have filled the agenda anew. Called by `paidan demo` and the tests.
It keeps nothing on disk but receipts: the log and the seed say where a run stopped (`Agenda`), and what is appended
again after a crash is an exact repeat, which the core ignores. Wall time appears in figures only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from matcher.commands import Command, Tick
from matcher.zone import Zone
from services.demo.agenda import Agenda
from services.demo.receipts import Receipts

Appended = list[tuple[int, int]]


class Chain(Protocol):
    """The part of `services.embedded.Embedded` that the driver needs."""

    async def append(self, commands: Sequence[Command]) -> Appended:
        """Append, in this order within each partition, all of a partition's at once; return (partition, offset)."""

    async def answered(self, partition: int, offset: int) -> None:
        """Return when the command there is answered and all readers have been told."""

    def zones(self) -> Mapping[str, Any]:
        """Return the zones (`matcher.zone.Zone`) as of the last answer."""


class Watcher(Protocol):
    """Who is told of each beat: figures and view."""

    def begins(self, beat: int, commands: int) -> None:
        """A beat is about to be appended."""

    def ended(self, beat: int) -> None:
        """The beat is answered."""


class Lockstep:
    """Plays an agenda on a chain until nothing is due and no zone waits."""

    def __init__(self, chain: Chain, agenda: Agenda, receipts: Receipts, watchers: Sequence[Watcher] = ()) -> None:
        self._chain = chain
        self._agenda = agenda
        self._receipts = receipts
        self._watchers = watchers

    async def run(self) -> None:
        """Play from where the journal ends; the last beat that it knows is asked again (repeats are ignored)."""
        beat: int | None = max(self._agenda.last_beat, 0)
        while beat is not None:
            await self._play(beat)
            beat = self._next_beat(beat)

    async def _play(self, beat: int) -> None:
        commands = self._agenda.take(beat)
        zones = self._chain.zones()
        late = [self._tick(zone, beat - 1) for zone in _zones_of(commands) if _is_behind(zones.get(zone), beat - 1)]
        ticks = [self._tick(zone, beat) for zone in self._to_tick(zones, commands, beat)]
        asked = [*late, *commands, *ticks]
        for watcher in self._watchers:
            watcher.begins(beat, len(asked))
        places = await self._chain.append(asked)
        self._receipts.write(zip(commands, places[len(late) :], strict=False))
        for partition, offset in _last_of_each(places).items():
            await self._chain.answered(partition, offset)
        for watcher in self._watchers:
            watcher.ended(beat)

    def _tick(self, zone: str, beat: int) -> Tick:
        return Tick(id=tick_id(zone, beat), zone=zone, at=self._agenda.beats.time(beat), beat=beat)

    def _to_tick(self, zones: Mapping[str, Zone], commands: Sequence[Command], beat: int) -> list[str]:
        """Return the zones that this beat concerns: asked something, stale, or with something due by its time."""
        until_s = self._agenda.beats.time(beat).timestamp()
        waiting = {name for name, zone in zones.items() if zone.beat < beat and _is_due(zone, until_s)}
        return sorted(waiting.union(_zones_of(commands)))

    def _next_beat(self, beat: int) -> int | None:
        """Return the next beat in which anything happens; empty beats between are not played."""
        candidates = [self._agenda.next_beat()]
        for zone in self._chain.zones().values():
            due_s = zone.next_due_s()
            if zone.would_solve():
                candidates.append(beat + 1)
            elif due_s is not None and zone.waiting():
                candidates.append(max(beat + 1, self._agenda.beats.at_or_after(_time(due_s))))
        return min((candidate for candidate in candidates if candidate is not None), default=None)


def tick_id(zone: str, beat: int) -> str:
    """Derive a Tick's id from its zone and beat: the same beat is ticked once, whoever asks again."""
    return hashlib.blake2b(f"tick {beat} {zone}".encode(), digest_size=16).hexdigest()


def _zones_of(commands: Sequence[Command]) -> list[str]:
    return sorted({command.zone for command in commands})


def _is_behind(zone: Zone | None, beat: int) -> bool:
    """Say whether a zone that nothing concerned has to be brought to the beat before, so that "now" is right."""
    return zone is not None and zone.beat < beat


def _is_due(zone: Zone, until_s: float) -> bool:
    due_s = zone.next_due_s()
    return zone.would_solve() or (due_s is not None and due_s <= until_s and zone.waiting())


def _last_of_each(places: Appended) -> dict[int, int]:
    """Return the last offset of each partition."""
    last: dict[int, int] = {}
    for partition, offset in places:
        last[partition] = max(offset, last.get(partition, -1))
    return last


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
