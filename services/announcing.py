"""The journal's reader that turns offers into jobs: OfferSent, OfferSuperseded, JobReissued -> `Notify`.

Subscribed by `services/runtime.py`, or followed partition by partition (`services/following.py`) in a process that may
lose partitions: then it begins at the newest snapshot. While the past is folded nothing is published; then, once, every
job whose newest attempt has no report; from there on each as it comes.
"""

from __future__ import annotations

from collections.abc import Sequence

from matcher import events as e
from services import beginning
from services.following import HeldEntry, Place
from services.jobs import Jobs
from services.open_jobs import STEPS, OpenJobs
from services.ports import Log
from services.wire import Entry


class _Part:
    """One partition: its zones, and whether what comes is news."""

    def __init__(self, zones: dict[str, OpenJobs]) -> None:
        self.zones = zones
        self.live = False


class Announcing:
    """Journal -> jobs. `log`: where snapshots are; without it a partition is begun at its journal's start."""

    def __init__(self, jobs: Jobs, log: Log | None = None) -> None:
        self._jobs = jobs
        self._log = log
        self._parts: dict[int, _Part] = {}

    @property
    def open(self) -> int:
        """Jobs without a good report."""
        return sum(len(zone.open) for part in self._parts.values() for zone in part.zones.values())

    async def begin(self, partition: int) -> Place:
        """See `Follower.begin`."""
        place, zones = await beginning.newest(self._log, partition)
        self._parts[partition] = _Part({name: OpenJobs.of(zone) for name, zone in zones.items()})
        return place

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Place) -> None:
        """See `Follower.take`."""
        for held in entries:
            self.entry(partition, held.offset, held.entry, held.events)

    def live(self, partition: int) -> None:
        """The partition's past is folded: publish what is open, in the order in which it was issued in its zone."""
        part = self._part(partition)
        part.live = True
        for zone in part.zones.values():
            for job in zone.due:
                self._jobs.publish(zone.open[job])

    def end(self, partition: int) -> None:
        """See `Follower.end`."""
        self._parts.pop(partition, None)

    def entry(self, partition: int, offset: int, entry: Entry, events: list[e.Event]) -> None:
        """See `reading.Reader`."""
        part = self._part(partition)
        for event in events:
            if isinstance(event, e.PlanNotified):
                for due in part.zones.setdefault(event.zone, OpenJobs()).told(event):
                    if part.live:
                        self._jobs.publish(due)
            if type(event) not in STEPS:
                continue
            job = part.zones.setdefault(event.zone, OpenJobs()).take(event)
            if job is not None and part.live:
                self._jobs.publish(job)

    def _part(self, partition: int) -> _Part:
        return self._parts.setdefault(partition, _Part({}))
