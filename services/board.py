"""The port `Board`: what can be looked up, as of a journal offset. Fed by `services/projecting.py`, read by the API.

A board is a projection: deleted and rebuilt from the journal at will. It decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from matcher.events import Event
from services.exits import ExitCode, Stop
from services.names import NAME

#: What can be asked for. `zone` is asked with the zone's own id.
Kind = Literal["zone", "request", "volunteer", "offer", "assignment", "command"]


class BoardAway(Exception):
    """The board does not answer now; nothing is lost, ask again. The text says why, without any content."""


class BoardLost(Stop):
    """The board holds less than it was told: emptied, or another one was put in its place. Exit 4 where nobody mends
    it; a follower (`projecting.BoardFollower`) begins again from what the board holds."""

    def __init__(self, partition: int, holds: int, told: int) -> None:
        super().__init__(
            ExitCode.UNREACHABLE,
            f"The board holds partition ({partition}) up to offset ({holds}), it was told up to ({told}). "
            f"Run `{NAME} board rebuild`; the journal has everything.",
        )


class Receipt(msgspec.Struct, kw_only=True):
    """What became of a command. `digest` tells a repeat from another body under the same id (DESIGN 4.8)."""

    command: str
    #: answered | refused | parked; the API adds pending
    state: str
    #: the refusal with its code and numbers, or the reason for parking
    reason: Any = None
    #: the refusal in one sentence
    message: str = ""
    #: journal place of the answer
    partition: int = -1
    offset: int = -1
    digest: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Something found. `as_of`: every journal entry before this offset of `partition` is in it."""

    partition: int
    as_of: int
    found: Any
    #: The board is known to lag behind what was told once (emptied, being filled or rebuilt): `as_of` still holds.
    stale: bool = False


class Near(msgspec.Struct, frozen=True):
    """A circle on the map: degrees and metres."""

    lat: float
    lon: float
    metres: float

    @classmethod
    def parse(cls, text: str) -> Near:
        """Read `lat,lon,metres`. Raises ValueError for anything else, and for what is no place on earth."""
        lat, lon, metres = (float(part) for part in text.split(","))
        if not (abs(lat) <= 90 and abs(lon) <= 180 and 0 <= metres < math.inf):
            raise ValueError(f"({text}) is no circle on the map. Give lat,lon,metres.")
        return cls(lat, lon, metres)


class Board(Protocol):
    """Views of requests, people, offers, assignments, commands and zones (`services/views.py`)."""

    async def apply(self, partition: int, offset: int, events: Sequence[Event]) -> None:
        """Fold the entry at this journal offset; one that was folded before changes nothing."""

    async def get(self, zone: str, kind: Kind, key: str) -> Answer:
        """Return one view, or `found=None`."""

    async def find(self, zone: str, kind: Kind, limit: int, **equal: str) -> Answer:
        """Return up to `limit` views whose fields equal the given ones, oldest first; None for an unknown zone.

        Requests also take `near="lat,lon,metres"`: only open ones within that distance, the nearest first.
        """
