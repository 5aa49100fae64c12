"""Whether a worker hears: does its loop turn, does it finish what it takes, does it take what waits?

Noted by `consumer.py` in the worker's thread, asked by the probes in the process's loop. A broker that is away is no
deafness: the loop says so itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable

#: What has gone on so long is said. Asked now and then, so that it is said within half a minute.
SILENT_S = 25.0


class Hearing:
    """Notes of one worker's thread. Times are seconds of a clock that only goes forward."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._turned_s = now_s()
        self._began_s: float | None = None
        #: since when jobs wait at the broker of which this worker took none
        self._waiting_s: float | None = None
        self._waiting = 0

    def turned(self) -> None:
        """The loop came round."""
        self._turned_s = self._now_s()

    def began(self) -> None:
        """A job was taken."""
        self._began_s = self._turned_s = self._now_s()
        self._waiting_s = None

    def ended(self) -> None:
        """It is done, and the broker knows."""
        self._began_s = None
        self._turned_s = self._now_s()

    def asked(self, waiting: int | None) -> None:
        """So many jobs wait at the broker; None: it does not say."""
        self._waiting = waiting or 0
        if not self._waiting:
            self._waiting_s = None
        elif self._waiting_s is None:
            self._waiting_s = self._now_s()

    def trouble(self, silent_s: float = SILENT_S, in_hand_s: float = SILENT_S) -> str | None:
        """Say what has gone on for too long, or None. `in_hand_s`: how long a job may be in hand."""
        now_s, began_s, waiting_s = self._now_s(), self._began_s, self._waiting_s
        if began_s is not None:
            held_s = now_s - began_s
            return f"a job is in hand for ({held_s:.0f}) s without an end" if held_s >= in_hand_s else None
        if now_s - self._turned_s >= silent_s:
            return f"no sign of the worker for ({now_s - self._turned_s:.0f}) s"
        if waiting_s is not None and now_s - waiting_s >= silent_s:
            return f"({self._waiting}) jobs wait, none was taken for ({now_s - waiting_s:.0f}) s"
        return None
