"""Folds the zone that a job names from what was read of the log. Called by the planning process and the shell."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from matcher import decisions
from matcher import events as e
from matcher.zone import Zone
from services.reading import Chain, Held, events_of
from services.worker.planning.questions import Records, State


def folded(partition: int, zone: str, state: State) -> tuple[Chain, Zone | None]:
    """Fold one zone of a partition. Raises Stop for events newer than this program, LogUntrusted for a hole."""
    chain = msgspec.structs.replace(state.chain, seen=set(state.chain.seen))
    zones = {} if state.zone is None else {zone: Zone.decode(state.zone)}
    for event in events_after(chain, partition, zone, state.records):
        decisions.evolve(zones, event)
    return chain, zones.get(zone)


def events_after(chain: Chain, partition: int, zone: str, records: Records) -> Iterator[e.Event]:
    """Yield a zone's events of records that hold; `chain` goes on."""
    named = b'"zone":' + msgspec.json.encode(zone)
    for offset, value in records:
        judged = chain.accept(offset, value)
        if isinstance(judged, Held) and named in bytes(judged.entry.events):
            yield from (event for event in events_of(partition, offset, judged.entry) if event.zone == zone)
