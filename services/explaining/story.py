"""One zone's part of a partition's history: its events in their order, its state at any of them, the runs among them.

Used by `answering` and `comparing`. Other zones of the partition are stepped over; their hashes are not compared here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from matcher import beats
from matcher.commands import SubmitRequest
from matcher.decisions import evolve
from matcher.events import CommandRefused, Event, MatchRunFinished, OfferSent
from matcher.zone import Zone
from services.explaining.questions import History
from services.reading import Held, events_of


@dataclass(frozen=True)
class Happened:
    """One event of the zone. `place`: (journal offset, index in the entry)."""

    place: tuple[int, int]
    event: Event


class Story:
    """Raises Stop for entries that are newer than this program, LogUntrusted for a journal with a hole."""

    def __init__(self, history: History, zone: str) -> None:
        self._zone = zone
        self._state = history.state
        self.happened = list(_events(history, zone))

    def zone_at(self, place: tuple[int, int] | None = None) -> Zone | None:
        """Return the zone just before the event at `place`, or at the end; None where it does not exist."""
        zones = {} if self._state is None else {self._zone: Zone.decode(self._state)}
        for happened in self.happened:
            if place is not None and happened.place >= place:
                break
            evolve(zones, happened.event)
        return zones.get(self._zone)

    def last_look(self, request: str) -> tuple[tuple[int, int] | None, Zone | None]:
        """Return the place of the last run that posed this request, and the zone at the end."""
        zones = {} if self._state is None else {self._zone: Zone.decode(self._state)}
        found = None
        for happened in self.happened:
            zone = zones.get(self._zone)
            if isinstance(happened.event, MatchRunFinished) and zone is not None and beats.looks_at(zone, request):
                found = happened.place
            evolve(zones, happened.event)
        return found, zones.get(self._zone)

    def run_at(self, place: tuple[int, int]) -> MatchRunFinished:
        """Return the run that begins at `place`."""
        [run] = [happened.event for happened in self.happened if happened.place == place]
        assert isinstance(run, MatchRunFinished)
        return run

    def refusal_of(self, request: str) -> tuple[int, CommandRefused] | None:
        """Return where a request of this id was refused last, and the refusal."""
        for happened in reversed(self.happened):
            match happened.event:
                case CommandRefused(command=SubmitRequest(request=asked)) as event if asked == request:
                    return happened.place[0], event
                case _:
                    pass
        return None

    def offers_of(self, place: tuple[int, int]) -> list[OfferSent]:
        """Return what the run at `place` sent out."""
        cause = self.run_at(place).causation_id
        later = [happened.event for happened in self.happened if happened.place > place]
        return [event for event in later if isinstance(event, OfferSent) and event.causation_id == cause]


def _events(history: History, zone: str) -> Iterator[Happened]:
    named = b'"zone":' + msgspec.json.encode(zone)
    chain = msgspec.structs.replace(history.chain, seen=set(history.chain.seen))
    for offset, value in history.records:
        judged = chain.accept(offset, value)
        if isinstance(judged, Held) and named in bytes(judged.entry.events):
            for index, event in enumerate(events_of(history.partition, offset, judged.entry)):
                if event.zone == zone:
                    yield Happened((offset, index), event)
