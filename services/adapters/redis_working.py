"""What one journal entry touches, taken out of Redis, folded by `services/viewing.py`, and told back as commands.

Called by `board_redis.py` (an entry) and by `redis_rebuild.py` (a whole zone). The rules of the fold are not here:
this only fetches what they may look at, and writes what they changed. Never holds more than the entry's own views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from matcher import events as e
from matcher.zone import ENDED, RequestState
from services.adapters.redis_keys import INDEXES, KINDS, Keys
from services.board import Kind
from services.viewing import Fold, ZoneFold
from services.views import RequestView, ZoneView

#: One Redis command.
Command = tuple[Any, ...]
#: Runs commands together and returns their answers.
Ask = Callable[[Sequence[Command]], Any]

#: Redis cannot place points nearer to the poles.
LATITUDE_MAX = 85.05

_IDS = ("request", "volunteer", "offer", "assignment")
_encode = msgspec.json.encode
_decoders: dict[Kind, msgspec.json.Decoder[Any]] = {kind: msgspec.json.Decoder(view) for kind, view in KINDS.items()}
_zone_view = msgspec.json.Decoder(ZoneView)


def decode(kind: Kind, value: bytes) -> Any:
    """Read a stored view."""
    return _decoders[kind].decode(value)


def decode_zone(value: bytes) -> ZoneView:
    """Read a stored zone."""
    return _zone_view.decode(value)


class Working:
    """The part of one zone that is being folded."""

    def __init__(self, zone: str, keys: Keys, closed_max: int) -> None:
        self.zone = zone
        self.keys = keys.zone(zone)
        self.fold: ZoneFold | None = None
        self._all = keys
        self._closed_max = closed_max
        self._closed_loaded = 0
        self._was: dict[Kind, dict[str, bytes]] = {kind: {} for kind in KINDS}
        self._asked: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
        self._placed: dict[Kind, dict[str, list[str]]] = {kind: {} for kind in KINDS}
        self._visits: dict[str, int] = {}
        self._seq = 0
        self._entered: dict[str, None] = {}
        self._finished: list[str] = []

    @classmethod
    def whole(cls, fold: ZoneFold, keys: Keys) -> Working:
        """Everything of a zone that was folded in memory; Redis has nothing of it yet."""
        made = cls(fold.view.zone, keys, fold.closed_max)
        made.fold = fold
        made._entered = dict.fromkeys(fold.requests)
        made._finished = list(fold.closed)
        return made

    # --- taking out --------------------------------------------------------------------------------------------

    async def load(self, ask: Ask, events: Sequence[e.Event]) -> None:
        """Fetch all that the fold of these events may look at."""
        places = [event.command.place for event in events if isinstance(event, e.PlaceDefined)]
        view, seq, closed, *known = await ask(
            [
                ("HGET", self.keys.zone, "view"),
                ("HGET", self.keys.zone, "seq"),
                ("LLEN", self.keys.closed),
                *(("HGET", self.keys.places, place) for place in places),
            ]
        )
        if view is None:
            return
        fold = self.fold = ZoneFold(self.zone, self._closed_max, self.moved)
        fold.view = decode_zone(view)
        fold.states.update(fold.view.requests)
        fold.reasons.update(fold.view.unassigned)
        self._seq = int(seq)
        fold.place_names.update({place: name.decode() for place, name in zip(places, known, strict=True) if name})
        named = _named(events)
        oldest = await self._load_closed(ask, fold, int(closed), events)
        named["request"] |= set(oldest)
        await self._load_views(ask, fold, named)
        await self._load_related(ask, fold, oldest)

    async def _load_closed(self, ask: Ask, fold: ZoneFold, closed: int, events: Sequence[e.Event]) -> list[str]:
        """The finished requests that may be forgotten now, and a fold that counts only these."""
        ending = [event for event in events if isinstance(event, e.RequestClosed | e.RequestCancelled)]
        count = min(closed, max(0, closed + len(ending) - self._closed_max))
        fold.closed_max = self._closed_max - (closed - count)
        self._closed_loaded = count
        oldest: list[str] = []
        if count:
            [found] = await ask([("LRANGE", self.keys.closed, 0, count - 1)])
            oldest = [name.decode() for name in found]
        fold.closed.extend(oldest)
        if len(ending) > self._closed_max:  # then one may end and be forgotten in the same entry
            oldest += sorted(_named(ending)["request"])
        return oldest

    async def _load_related(self, ask: Ask, fold: ZoneFold, oldest: Iterable[str]) -> None:
        """The requests and people of the visits, the visits of the requests, and what is forgotten with a request."""
        seen: list[Any] = [*fold.offers.values(), *fold.assignments.values()]
        await self._load_views(
            ask, fold, {"request": {view.request for view in seen}, "volunteer": {view.volunteer for view in seen}}
        )
        served = {visit for view in fold.requests.values() for r in view.requirements for visit in r.assignments}
        gone = {offer for name in oldest if name in fold.requests for offer in fold.requests[name].offers}
        await self._load_views(ask, fold, {"assignment": served | gone, "offer": gone})

    async def _load_views(self, ask: Ask, fold: ZoneFold, wanted: dict[Kind, set[str]]) -> None:
        missing = {kind: sorted(ids - self._asked[kind]) for kind, ids in wanted.items()}
        missing = {kind: ids for kind, ids in missing.items() if ids}
        if not missing:
            return
        visits = sorted({*missing.get("offer", ()), *missing.get("assignment", ())})
        commands: list[Command] = [("HMGET", self.keys.views(kind), *ids) for kind, ids in missing.items()]
        if visits:
            commands.append(("ZMSCORE", self.keys.visits, *visits))
        answers = await ask(commands)
        for (kind, ids), values in zip(missing.items(), answers, strict=False):
            self._asked[kind].update(ids)
            for name, value in zip(ids, values, strict=True):
                if value is not None:
                    self._take(fold, kind, name, value)
        if visits:
            self._visits.update({n: int(s) for n, s in zip(visits, answers[-1], strict=True) if s is not None})

    def _take(self, fold: ZoneFold, kind: Kind, name: str, value: bytes) -> None:
        view = decode(kind, value)
        views_of(fold, kind)[name] = view
        self._was[kind][name] = value
        self._placed[kind][name] = self._indexes(kind, view)
        if isinstance(view, RequestView) and view.state is not None:
            fold.in_state.setdefault(view.state, {})[name] = None

    def moved(self, zone: str, request: RequestView, before: RequestState | None) -> None:
        """Hear from the fold that a request came into a state."""
        self._entered.pop(request.request, None)
        self._entered[request.request] = None
        if request.state in ENDED:
            self._finished.append(request.request)

    # --- telling back ------------------------------------------------------------------------------------------

    def changes(self) -> Iterator[Command]:
        """The commands that make Redis hold what the fold holds now."""
        fold = self.fold
        if fold is None:
            return
        yield ("SADD", self._all.zones, self.zone)
        for place, name in fold.place_names.items():
            yield ("HSET", self.keys.places, place, name)
        for visits in fold.offers_of.values():
            for name in visits:
                if name not in self._visits:
                    self._visits[name] = self._next()
                    yield ("ZADD", self.keys.visits, self._visits[name], name)
        states = self._state_scores(fold)
        for kind in KINDS:
            yield from self._gone(fold, kind)
            for name, view in views_of(fold, kind).items():
                yield from self._changed(kind, name, view, states)
        yield from self._closed(fold)
        yield ("HSET", self.keys.zone, "view", _encode(fold.zone_view()), "seq", self._seq)

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _state_scores(self, fold: ZoneFold) -> dict[str, int]:
        """Places in the order of a state for those that entered one, in the order in which they did."""
        entered = [name for names in fold.in_state.values() for name in names if name in self._entered]
        return {name: self._next() for name in entered}

    def _changed(self, kind: Kind, name: str, view: Any, states: dict[str, int]) -> Iterator[Command]:
        value = _encode(view)
        was = self._was[kind].get(name)
        entered = kind == "request" and name in states
        if value == was and not entered:
            return
        yield ("HSET", self.keys.views(kind), name, value)
        if was is None:
            yield ("ZADD", self.keys.all(kind), self._next(), name)
        before, now = self._placed[kind].get(name, []), self._indexes(kind, view)
        for key in before:
            if key not in now:
                yield ("ZREM", key, name)
        for key in now:
            if key not in before or entered:
                yield ("SADD", self.keys.indexes, key)
                yield ("ZADD", key, states[name] if kind == "request" else self._visits[name], name)
        if kind == "request":
            yield self._mapped(view)

    def _mapped(self, view: RequestView) -> Command:
        if view.state in ENDED:
            return ("ZREM", self.keys.near, view.request)
        latitude = max(-LATITUDE_MAX, min(LATITUDE_MAX, view.point.lat))
        return ("GEOADD", self.keys.near, view.point.lon, latitude, view.request)

    def _gone(self, fold: ZoneFold, kind: Kind) -> Iterator[Command]:
        """What the fold has forgotten."""
        for name in self._was[kind].keys() - views_of(fold, kind).keys():
            yield ("HDEL", self.keys.views(kind), name)
            yield ("ZREM", self.keys.all(kind), name)
            for key in self._placed[kind][name]:
                yield ("ZREM", key, name)
            yield ("ZREM", self.keys.near if kind == "request" else self.keys.visits, name)

    def _closed(self, fold: ZoneFold) -> Iterator[Command]:
        if self._finished:
            yield ("RPUSH", self.keys.closed, *self._finished)
        popped = self._closed_loaded + len(self._finished) - len(fold.closed)
        if popped > 0:
            yield ("LTRIM", self.keys.closed, popped, -1)

    def _indexes(self, kind: Kind, view: Any) -> list[str]:
        """Keys of the indexes in which this view stands."""
        return [
            self.keys.index(kind, {field: getattr(view, field) for field in fields}) for fields in INDEXES.get(kind, ())
        ]


async def take_out(ask: Ask, keys: Keys, events: Sequence[e.Event], closed_max: int) -> list[Working]:
    """Fetch what these events touch, fold them, and return the zones with what changed in them."""
    by_zone: dict[str, list[e.Event]] = {}
    for event in events:
        by_zone.setdefault(event.zone, []).append(event)
    working = {zone: Working(zone, keys, closed_max) for zone in by_zone}

    def moved(zone: str, request: RequestView, before: RequestState | None) -> None:
        working[zone].moved(zone, request, before)

    fold = Fold(closed_max, moved)
    for zone, its in by_zone.items():
        await working[zone].load(ask, its)
        loaded = working[zone].fold
        if loaded is not None:
            fold.zones[zone] = loaded
    fold.apply(events)
    for zone, folded in fold.zones.items():
        working[zone].fold = folded
    return list(working.values())


def views_of(fold: ZoneFold, kind: Kind) -> dict[str, Any]:
    """The views of a kind."""
    by_kind: dict[Kind, dict[str, Any]] = {
        "request": fold.requests,
        "volunteer": fold.volunteers,
        "offer": fold.offers,
        "assignment": fold.assignments,
    }
    return by_kind[kind]


def _named(events: Sequence[Any]) -> dict[Kind, set[str]]:
    """The ids that these events name. An offer and its visit have one id."""
    named: dict[str, set[str]] = {kind: set() for kind in _IDS}
    for event in events:
        for thing in (event, getattr(event, "command", None)):
            for kind in _IDS:
                name = getattr(thing, kind, None)
                if isinstance(name, str):
                    named[kind].add(name)
    both = named["offer"] | named["assignment"]
    return {"request": named["request"], "volunteer": named["volunteer"], "offer": both, "assignment": both.copy()}
