"""What is asked of the worker, and the port `Jobs` that carries it. A job is a hint: its truth is the journal.

Published by `services/announcing.py` and `services/rematching.py`, worked by `services/worker`. A job says ids, a
place's name and times, nothing about who a person is.
"""

from __future__ import annotations

from typing import Literal, Protocol
from urllib.parse import quote

import msgspec

from matcher.terms import Time


class Notify(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tell one person about one offer, or that it needs nobody any more."""

    job: str
    attempt: int
    about: Literal["offer", "stand_down"]
    zone: str
    person: str
    offer: str
    request: str
    place: str
    start: Time
    end: Time
    expires_at: Time

    @property
    def key(self) -> str:
        """The same for every delivery of one attempt."""
        return f"{self.job}/{self.attempt}"

    @property
    def message(self) -> str:
        """The same for every attempt, of one zone's message alone, ASCII: a receiver that knows it was told before.

        A worker may die between the message and its report; the journal cannot know and asks for another attempt.
        """
        return f"{quote(self.zone, safe='')}/{quote(self.job, safe=':/')}"

    @property
    def report(self) -> str:
        """Id of the command that reports this attempt: the same for every delivery."""
        return f"report:{self.key}"


class Rematch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Do one part of a zone's batch, from the state that is named: everything up to and with that journal offset.

    `cut`: cut that state into parts. `part`: plan one. `repair`: put the parts together, mend their borders, propose
    the plan; its parts are what has been reported by then.
    """

    zone: str
    rematch: str
    stage: Literal["cut", "part", "repair"]
    part: int
    partition: int
    offset: int
    attempt: int

    @property
    def job(self) -> str:
        """The same for every attempt."""
        return f"rematch:{self.zone}/{self.rematch}/{self.stage}/{self.part}"

    @property
    def key(self) -> str:
        """The same for every delivery of one attempt."""
        return f"{self.job}/{self.attempt}"


#: What can be asked of a worker. Each kind has a queue of its own.
Job = Notify | Rematch


class Jobs(Protocol):
    """A queue of jobs. At least once, in no promised order."""

    def publish(self, job: Job) -> None:
        """Hand a job over; never blocks and never fails: what is lost is issued again by the journal."""
