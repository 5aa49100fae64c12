"""The commands of a zone as its journal holds them: in order, each with what it led to (DESIGN 4.7).

An event that a command caused directly carries that command in full; what follows from it comes after it. A Tick is
its `TimePassed`. Exact repeats and late Ticks left no event and would leave none again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from matcher.commands import Command, Tick
from matcher.events import CommandRefused, Event, MatchRunFinished, TimePassed
from matcher.reasons import TooLarge
from services.explaining.story import Happened
from services.ports import LogUntrusted


@dataclass
class Asked:
    """One command and its events. `place`: journal offset, and index in the entry, of the first of them."""

    command: Command
    place: tuple[int, int]
    events: list[Event] = field(default_factory=list)

    @property
    def at(self) -> datetime:
        """The zone's time when it was decided; for a Tick, the time that it brought."""
        return self.events[0].at

    @property
    def engine(self) -> str | None:
        """What solved a Tick's problem; None where nothing was solved."""
        return next((event.engine for event in self.events if isinstance(event, MatchRunFinished)), None)

    @property
    def too_large(self) -> bool:
        """Whether its events did not fit into an entry: then the writer refused it, not the core."""
        return any(isinstance(event, CommandRefused) and isinstance(event.reason, TooLarge) for event in self.events)


def asked(happened: Iterable[Happened]) -> list[Asked]:
    """Rebuild the commands. Raises LogUntrusted for an event that no command before it caused."""
    found: list[Asked] = []
    for each in happened:
        command = _begins(each.event, found[-1] if found else None)
        if command is not None:
            found.append(Asked(command, each.place))
        elif not found or found[-1].command.id != each.event.causation_id:
            kind = type(each.event).__name__
            raise LogUntrusted(f"A ({kind}) at journal offset ({each.place[0]}) follows from no command before it.")
        found[-1].events.append(each.event)
    return found


def _begins(event: Event, before: Asked | None) -> Command | None:
    """Return the command whose first event this is, None for one that follows."""
    if isinstance(event, TimePassed):
        return Tick(id=event.causation_id, zone=event.zone, at=event.at, beat=event.beat)
    command: Command | None = getattr(event, "command", None)
    after_tick = before is not None and isinstance(before.command, Tick) and before.command.id == event.causation_id
    return None if after_tick else command
