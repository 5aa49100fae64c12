"""What is still to be asked, and in which beat: the input's commands and the simulated people's answers.

A reader of the journal: it is told every entry from the first on, so that after a crash it comes to the same agenda.
Appends nothing; the driver (`lockstep`) does.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from matcher.commands import Command
from matcher.events import (
    AssignmentReleased,
    Event,
    NoShowRecorded,
    OfferDeclined,
    OfferExpired,
    OfferSent,
    OfferSuperseded,
    TimePassed,
    WorkFinished,
)
from producers import people


class Beats(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers the points of simulated time: beat n is at `start` + n x `length`."""

    start: datetime
    length: timedelta

    def time(self, beat: int) -> datetime:
        """Return when this beat is."""
        return self.start + beat * self.length

    def at_or_after(self, at: datetime) -> int:
        """Return the first beat that is not before `at`."""
        return -((self.start - at) // self.length)


class Agenda:
    """Commands by the beat in which they are due; inside a beat ordered by (time, id).

    `opening`: what is there before anything is asked (places, skills, people), in its own order, in beat 0.
    """

    def __init__(
        self, beats: Beats, seed: int, opening: Sequence[Command] = (), habits: people.Habits = people.HABITS
    ) -> None:
        self.beats = beats
        self.opening = opening
        self.seed = seed
        self.habits = habits
        #: the last beat that any zone is known to have lived through; -1 before any
        self.last_beat = -1
        self._due: list[tuple[int, datetime, str, Command]] = []
        #: what people were told and have not ended: (zone, offer)
        self._offers: dict[tuple[str, str], OfferSent] = {}

    def add(self, commands: Iterable[Command], *, earliest_beat: int) -> None:
        """Put commands in the beats of their own times, none before `earliest_beat`."""
        for command in commands:
            beat = max(self.beats.at_or_after(command.at), earliest_beat)
            heapq.heappush(self._due, (beat, command.at, command.id, command))

    def take(self, beat: int) -> list[Command]:
        """Remove and return what is due in this beat, in order; what was due before has been asked before."""
        taken = list(self.opening) if beat == 0 else []
        while self._due and self._due[0][0] <= beat:
            due, _, _, command = heapq.heappop(self._due)
            if due == beat:
                taken.append(command)
        return taken

    def next_beat(self) -> int | None:
        """Return the next beat in which something is due; None when nothing is."""
        return self._due[0][0] if self._due else None

    def take_events(self, events: Sequence[Event]) -> None:
        """Remember offers, let the people answer, and forget what has ended."""
        for event in events:
            if isinstance(event, TimePassed):
                self.last_beat = max(self.last_beat, event.beat)
                continue
            if isinstance(event, OfferSent):
                self._offers[event.zone, event.offer] = event
            assignment = _assignment_of(event)
            offer = self._offers.get((event.zone, assignment)) if assignment else None
            answers = people.responses(event, self.seed, beat=self.beats.length, offer=offer, habits=self.habits)
            if answers:
                self.add(answers, earliest_beat=0)
            if offer is not None and isinstance(event, _ENDS):
                del self._offers[offer.zone, offer.offer]


_ENDS = (OfferDeclined, OfferExpired, OfferSuperseded, AssignmentReleased, NoShowRecorded, WorkFinished)


def _assignment_of(event: Event) -> str | None:
    """Return the assignment (or offer: the same id) that an event is about, if any."""
    found = getattr(event, "assignment", None) or getattr(event, "offer", None)
    if found is None:
        command = getattr(event, "command", None)
        found = getattr(command, "assignment", None) or getattr(command, "offer", None)
    return found
