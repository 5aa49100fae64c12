"""Board in memory: for one process, rebuilt from the journal at every start.

Chosen by `services/runtime.py`. Receipts and finished requests are bounded; the oldest are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from matcher.events import CommandParked, CommandRefused, Event
from matcher.reasons import IdempotencyConflict
from matcher.zone import digest
from services.board import Answer, Kind, Receipt
from services.views import Fold, ZoneFold
from services.wire import partition_of

#: Events that carry the command which caused them in full.
_CARRIER = "command"


class MemoryBoard:
    """Dictionaries over one fold. `receipts_max`, `closed_max`: how many are remembered."""

    def __init__(self, partitions: int, receipts_max: int = 200_000, closed_max: int = 100_000) -> None:
        self._partitions = partitions
        self._next: dict[int, int] = {}
        self._fold = Fold(closed_max)
        self._receipts: OrderedDict[tuple[str, str], Receipt] = OrderedDict()
        self._receipts_max = receipts_max

    async def apply(self, partition: int, offset: int, events: Sequence[Event]) -> None:
        """See `Board.apply`."""
        if offset < self._next.get(partition, 0):
            return
        self._fold.apply(events)
        for event in events:
            self._remember(partition, offset, event)
        self._next[partition] = offset + 1

    async def get(self, zone: str, kind: Kind, key: str) -> Answer:
        """See `Board.get`."""
        if kind == "command":
            return self._answer(zone, self._receipts.get((zone, key)))
        fold = self._fold.zones.get(zone)
        if fold is None:
            return self._answer(zone, None)
        if kind == "zone":
            return self._answer(zone, fold.zone_view())
        return self._answer(zone, _views(fold, kind).get(key))

    async def find(self, zone: str, kind: Kind, limit: int, **equal: str) -> Answer:
        """See `Board.find`."""
        fold = self._fold.zones.get(zone)
        if fold is None:
            return self._answer(zone, None)
        fitting = (
            view
            for view in _candidates(fold, kind, equal)
            if all(getattr(view, field) == value for field, value in equal.items())
        )
        return self._answer(zone, list(islice(fitting, limit)))

    def _answer(self, zone: str, found: object) -> Answer:
        partition = partition_of(zone, self._partitions)
        return Answer(partition=partition, as_of=self._next.get(partition, 0), found=found)

    def _remember(self, partition: int, offset: int, event: Event) -> None:
        if not event.causation_id:
            return
        key = (event.zone, event.causation_id)
        receipt = self._receipts.get(key)
        if receipt is None:
            receipt = Receipt(command=event.causation_id, state="answered", partition=partition, offset=offset)
            self._receipts[key] = receipt
            if len(self._receipts) > self._receipts_max:
                self._receipts.popitem(last=False)
        elif (receipt.partition, receipt.offset) != (partition, offset) or _another_body(event):
            return  # a later use of the id does not change what became of the first
        if isinstance(event, CommandRefused):
            receipt.state, receipt.reason, receipt.message = "refused", event.reason, event.reason.message()
        elif isinstance(event, CommandParked):
            receipt.state, receipt.reason = "parked", event.reason
        command = getattr(event, _CARRIER, None)
        if command is not None and not receipt.digest and command.id == event.causation_id:
            receipt.digest = digest(command).hex()


def _another_body(event: Event) -> bool:
    return isinstance(event, CommandRefused) and isinstance(event.reason, IdempotencyConflict)


def _candidates(fold: ZoneFold, kind: Kind, equal: Mapping[str, str]) -> Iterable[Any]:
    """The views worth looking at: by person or by state where there is such an order, else all."""
    views = _views(fold, kind)
    if kind in ("offer", "assignment") and "volunteer" in equal:
        ids: Iterable[str] = fold.offers_of.get(equal["volunteer"], {})
    elif kind == "request" and "state" in equal:
        ids = fold.in_state.get(equal["state"], {})
    else:
        return views.values()
    return (views[name] for name in ids if name in views)


def _views(fold: ZoneFold, kind: Kind) -> Mapping[str, Any]:
    match kind:
        case "request":
            return fold.requests
        case "volunteer":
            return fold.volunteers
        case "offer":
            return fold.offers
        case "assignment":
            return fold.assignments
        case _:
            raise ValueError(f"A ({kind}) cannot be listed.")
