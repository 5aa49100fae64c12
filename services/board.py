"""The port `Board`: what can be looked up, as of a journal offset. Fed by `services/projecting.py`, read by the API.

A board is a projection: deleted and rebuilt from the journal at will. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from matcher.events import Event

#: What can be asked for. `zone` is asked with the zone's own id.
Kind = Literal["zone", "request", "volunteer", "offer", "assignment", "command"]


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


class Board(Protocol):
    """Views of requests, people, offers, assignments, commands and zones (`services/views.py`)."""

    async def apply(self, partition: int, offset: int, events: Sequence[Event]) -> None:
        """Fold the entry at this journal offset; one that was folded before changes nothing."""

    async def get(self, zone: str, kind: Kind, key: str) -> Answer:
        """Return one view, or `found=None`."""

    async def find(self, zone: str, kind: Kind, limit: int, **equal: str) -> Answer:
        """Return up to `limit` views whose fields equal the given ones, oldest first; None for an unknown zone."""
