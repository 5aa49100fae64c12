"""Whether a fault took place: a process really dead or stopped, a wire that really held something back.

Called by `Run` and the faults. A run whose fault cannot show that counts as none: it proves nothing, whatever it says.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STOPS_S = 5.0
POLL_S = 0.01


class DidNotHappen(Exception):
    """The fault had no effect; the text says what was to be seen and was not."""


def state(pid: int) -> str:
    """Return the kernel's letter for a process (R, S, D, T, Z), or '' when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return ""


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """SIGSTOP, wait until they stand still, go on with SIGCONT. Raises DidNotHappen."""
    for pid in pids:
        _send(pid, signal.SIGSTOP)
    try:
        end_s = time.monotonic() + STOPS_S
        while any(state(pid) != "T" for pid in pids):
            if time.monotonic() > end_s:
                raise DidNotHappen(f"not stopped: {_states(pids)}")
            time.sleep(POLL_S)
        yield
        if any(state(pid) != "T" for pid in pids):
            raise DidNotHappen(f"somebody let them go on: {_states(pids)}")
    finally:
        for pid in pids:
            _send(pid, signal.SIGCONT)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        raise DidNotHappen(f"process {pid} was gone before") from None


def _states(pids: tuple[int, ...]) -> str:
    return ", ".join(f"{pid} {state(pid) or 'gone'}" for pid in pids)
