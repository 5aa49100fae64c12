"""How the board in Redis is laid out: every key, every index. Used by the `redis_*` and `board_redis` files only.

P:board:current            the generation that is shown (a rebuild makes another one beside it)
P:board:stale              why answers may lag; absent when all is well
P:board:generations        every generation that may have keys
P:board:G:next:PARTITION   journal offset up to which the partition is folded; absent: nobody ever began it
P:board:G:places           partition -> where its feeder stands in the journal; signed:PARTITION its sign-in ids
P:board:G:answered         partition -> commands before this offset have their answer, and it is shown
P:board:G:parked:PARTITION offsets of commands set aside, with the reason; the newest
P:board:G:filling          partitions that are told from the beginning and have not caught up
P:board:G:receipts         (zone, command) -> receipt; with :PARTITION the order in which they came
P:board:G:zones            names of the zones
P:board:G:z:ZONE…          one hash a kind (id -> JSON of its view), one sorted set an index, GEO of open requests
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from services import views
from services.board import Kind
from services.names import NAME

#: The kinds that are kept as views, each in a hash of its own.
KINDS: dict[Kind, type[Any]] = {
    "request": views.RequestView,
    "volunteer": views.VolunteerView,
    "offer": views.OfferView,
    "assignment": views.AssignmentView,
}
#: What can be looked up without a walk: the fields of each index, the narrowest first.
INDEXES: dict[Kind, tuple[tuple[str, ...], ...]] = {
    "request": (("state",),),
    "offer": (("volunteer", "state"), ("volunteer",)),
    "assignment": (("volunteer", "state"), ("volunteer",)),
}
#: The generation of a board that was never rebuilt.
FIRST = "0"


class Keys:
    """Names under one prefix and one generation."""

    def __init__(self, prefix: str = f"{NAME}:", generation: str = FIRST) -> None:
        self.prefix = prefix
        self.generation = generation
        self.current = f"{prefix}board:current"
        self.stale = f"{prefix}board:stale"
        self.generations = f"{prefix}board:generations"
        self._base = f"{prefix}board:{generation}"
        self.receipts = f"{self._base}:receipts"
        self.zones = f"{self._base}:zones"
        self.places = f"{self._base}:places"
        self.answered = f"{self._base}:answered"
        self.filling = f"{self._base}:filling"

    def signed(self, partition: int) -> str:
        """Key of the set of sign-in ids that held in a partition."""
        return f"{self._base}:signed:{partition}"

    def parked(self, partition: int) -> str:
        """Key of the commands of a partition that were set aside."""
        return f"{self._base}:parked:{partition}"

    def of_partition(self, partition: int) -> list[str]:
        """Every key of one partition."""
        return [make(partition) for make in (self.next, self.receipt_order, self.signed, self.parked)]

    def of_all(self) -> list[str]:
        """Every key that is not of a partition or a zone."""
        return [self.zones, self.receipts, self.places, self.answered, self.filling]

    def next(self, partition: int) -> str:
        """Key of the journal offset that comes next."""
        return f"{self._base}:next:{partition}"

    def receipt_order(self, partition: int) -> str:
        """Key of the list of a partition's receipts, the oldest first."""
        return f"{self.receipts}:{partition}"

    def receipt(self, zone: str, command: str) -> str:
        """Field of a receipt."""
        return f"{quote(zone, safe='')}:{command}"

    def zone(self, zone: str) -> ZoneKeys:
        """Names of one zone."""
        return ZoneKeys(f"{self._base}:z:{quote(zone, safe='')}")


class ZoneKeys:
    """Names of one zone. Values from outside are quoted: none can look like another key."""

    def __init__(self, base: str) -> None:
        self.zone = base
        self.places = f"{base}:places"
        self.closed = f"{base}:closed"
        #: offers and assignments in the order in which their persons heard of them
        self.visits = f"{base}:visits"
        self.near = f"{base}:near"
        self.indexes = f"{base}:indexes"

    def views(self, kind: Kind) -> str:
        """Key of the hash id -> view."""
        return f"{self.zone}:{kind}"

    def all(self, kind: Kind) -> str:
        """Key of the index of everything of a kind, the oldest first."""
        return f"{self.zone}:{kind}:all"

    def index(self, kind: Kind, equal: Mapping[str, str]) -> str:
        """Key of the index of those whose fields equal the given ones."""
        pairs = ",".join(f"{field}={quote(str(value), safe='')}" for field, value in equal.items())
        return f"{self.zone}:{kind}:{pairs}"

    def fixed(self) -> list[str]:
        """Every key of the zone but its indexes, which are listed under `indexes`."""
        kinds = [name(kind) for kind in KINDS for name in (self.views, self.all)]
        return [self.zone, self.places, self.closed, self.visits, self.near, self.indexes, *kinds]


def best_index(kind: Kind, fields: Mapping[str, str]) -> tuple[str, ...]:
    """The narrowest index whose fields are all given; () for none."""
    return next((index for index in INDEXES.get(kind, ()) if set(index) <= fields.keys()), ())
