"""What a worker is about to tell and what it has told, remembered over its death: the port `Intents`.

Asked by `sending.Telling` before every message. It holds ids only. What is forgotten may be told again.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import StrEnum
from typing import Protocol

#: So many messages are remembered; the oldest are forgotten first.
MESSAGES_MAX = 100_000


class Intent(StrEnum):
    """How far a message has come."""

    #: A worker set about it; where it ended there, the person was perhaps told.
    BEGUN = "begun"
    #: The receiver took it.
    SENT = "sent"


class Intents(Protocol):
    """Message -> how far it has come. Durable when `note` returns; any thread may call."""

    def of(self, message: str) -> Intent | None:
        """Return what is remembered of the message."""

    def note(self, message: str, intent: Intent | None) -> None:
        """Remember it; None forgets: the message certainly failed."""


class MemoryIntents:
    """For one process's life."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Intent] = OrderedDict()

    def of(self, message: str) -> Intent | None:
        """See `Intents.of`."""
        return self._known.get(message)

    def note(self, message: str, intent: Intent | None) -> None:
        """See `Intents.note`."""
        self._known.pop(message, None)
        if intent is not None:
            self._known[message] = intent
        if len(self._known) > MESSAGES_MAX:
            self._known.popitem(last=False)
