"""A worker in a process of its own, for tests that kill it: `python -m tests.contracts.job_worker URL QUEUE S MODE`.

Says `taken KEY` when a job is in its hand. MODE `hold` keeps it for ever, `die` ends the process at once, `do` does it.
"""

from __future__ import annotations

import os
import sys
import threading

from matcher.commands import JobOutcome
from services.adapters.contacts_memory import MemoryContacts
from services.adapters.jobs_kombu import connect
from services.contacts import Contact
from services.jobs import Notify
from services.metrics import Metrics
from services.queues import notify_queue
from services.worker.consumer import Worker
from services.worker.sending import Telling


class Deadly:
    """Tells nobody."""

    def __init__(self, mode: str) -> None:
        self._mode = mode

    def send(self, contact: Contact, job: Notify) -> JobOutcome:
        print("taken", job.key, flush=True)
        if self._mode == "die":
            os._exit(9)
        if self._mode == "do":
            return JobOutcome.SENT
        threading.Event().wait()
        raise AssertionError("unreachable")


def main(url: str, name: str, visibility_s: str, mode: str) -> None:
    """Work until killed."""
    deadly = Deadly(mode)
    telling = Telling(MemoryContacts(), deadly, deadly)
    seconds = float(visibility_s)
    Worker(connect(url, seconds), notify_queue(name), telling, print, Metrics(), seconds).run(safety_interval=0.2)


if __name__ == "__main__":
    main(*sys.argv[1:])
