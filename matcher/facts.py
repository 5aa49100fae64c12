"""How a decision writes down what follows: events with the zone, its time and the command filled in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from matcher.commands import AnyCommand, Command
from matcher.events import CommandRefused, Event
from matcher.reasons import Refusal

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Facts:
    """Makes the events of one command. `at`: the zone's time, for a Tick the time that it brings."""

    zone: str
    at: datetime
    command: Command

    def __call__(self, kind: type[E], **fields: Any) -> E:
        """Make one event."""
        return kind(zone=self.zone, at=self.at, causation_id=self.command.id, **fields)

    def refused(self, reason: Refusal) -> list[Event]:
        """ "No" is an answer: the command in full, and why."""
        command: AnyCommand = self.command  # type: ignore[assignment]  # every Command is one of AnyCommand
        return [self(CommandRefused, command=command, reason=reason)]
