"""What is asked of the worker, and the port `Jobs` that carries it. A job is a hint: its truth is the journal.

Published by `services/announcing.py`, worked by `services/worker`. A job says ids, a place's name and times, nothing
about who a person is.
"""

from __future__ import annotations

from typing import Literal, Protocol

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
        """The same for every delivery of one attempt: at most one message goes out for it."""
        return f"{self.job}/{self.attempt}"

    @property
    def report(self) -> str:
        """Id of the command that reports this attempt: the same for every delivery."""
        return f"report:{self.key}"


class Jobs(Protocol):
    """A queue of jobs. At least once, in no promised order."""

    def publish(self, job: Notify) -> None:
        """Hand a job over; never blocks and never fails: what is lost is issued again by the journal."""
