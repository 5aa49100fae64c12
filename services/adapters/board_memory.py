"""Board in memory: for one process, rebuilt from the journal at every start.

Chosen by `services/runtime.py`. Receipts and finished requests are bounded; the oldest are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from matcher.events import Event
from matcher.geo import distance_m
from matcher.zone import ENDED
from services.board import Answer, Kind, Near, Receipt
from services.receipts import remember
from services.viewing import Fold, ZoneFold
from services.views import RequestView
from services.wire import partition_of


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
            if remember(self._receipts, partition, offset, event) and len(self._receipts) > self._receipts_max:
                self._receipts.popitem(last=False)
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
        near = equal.pop("near", None)
        if near is not None:
            return self._answer(zone, _nearest(fold, Near.parse(near), equal)[:limit])
        fitting = (view for view in _candidates(fold, kind, equal) if _fits(view, equal))
        return self._answer(zone, list(islice(fitting, limit)))

    def _answer(self, zone: str, found: object) -> Answer:
        partition = partition_of(zone, self._partitions)
        return Answer(partition=partition, as_of=self._next.get(partition, 0), found=found)


def _fits(view: object, equal: Mapping[str, str]) -> bool:
    return all(getattr(view, field) == value for field, value in equal.items())


def _nearest(fold: ZoneFold, near: Near, equal: Mapping[str, str]) -> list[RequestView]:
    """The open requests in the circle, the nearest first."""
    open_ones = (view for view in fold.requests.values() if view.state not in ENDED and _fits(view, equal))
    away = {view.request: (distance_m(near.lat, near.lon, view.point.lat, view.point.lon), view) for view in open_ones}
    inside = sorted((metres, name) for name, (metres, _) in away.items() if metres <= near.metres)
    return [away[name][1] for _, name in inside]


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
