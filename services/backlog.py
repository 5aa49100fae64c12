"""What the writers of one process have not answered, looked up when somebody scrapes.

Made by the runtimes beside the writers' driver. It looks and never waits, so a writer that hangs cannot hide: its
figures grow. (A loop that hangs answers no scrape, which Prometheus sees as `up` 0.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from services.metrics import Metrics


class Answering(Protocol):
    """The part of `services.writer.Writer` that is looked at."""

    partition: int

    @property
    def signed_in(self) -> bool:
        """Whether it has signed in and answers."""

    @property
    def answered(self) -> int:
        """Commands before this offset have their answer."""

    @property
    def unanswered(self) -> int:
        """Commands known to be there without an answer."""

    @property
    def parked_open(self) -> int:
        """Commands set aside that nobody has replayed or dropped."""

    @property
    def oldest_at_s(self) -> float | None:
        """When the oldest of them was appended, seconds since 1970; None when it is not known."""


class Backlog:
    """Shows the writers that this process has now; `partitions`: of the whole log. Series: one a figure, none a
    partition."""

    def __init__(
        self,
        metrics: Metrics,
        writers: Callable[[], Iterable[Answering]],
        partitions: int,
        *,
        now_s: Callable[[], float] = time.time,
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics = metrics
        self._writers = writers
        self._partitions = partitions
        self._now_s = now_s
        self._elapsed_s = elapsed_s
        #: partition -> how far it was, and when it was first seen there with something to do
        self._stands: dict[int, tuple[int, float]] = {}
        metrics.at_scrape(self.show)

    def show(self) -> None:
        """Set the gauges."""
        writers = list(self._writers())
        lags = [writer.unanswered for writer in writers]
        self._metrics.set("log_partitions", self._partitions)
        self._metrics.set("stream_assigned_partitions", len(writers))
        self._metrics.set("stream_unready_partitions", sum(not writer.signed_in for writer in writers))
        self._metrics.set("stream_lag_commands", sum(lags))
        self._metrics.set("stream_lag_largest_commands", max(lags, default=0))
        self._metrics.set("parked_open", sum(writer.parked_open for writer in writers))
        self._metrics.set("stream_oldest_unanswered_age_seconds", self._oldest_s(writers))
        self._metrics.set("stream_standstill_seconds", self._standstill_s(writers))

    def _oldest_s(self, writers: list[Answering]) -> float:
        appended = [writer.oldest_at_s for writer in writers if writer.unanswered]
        return max((self._now_s() - at_s for at_s in appended if at_s is not None), default=0.0)

    def _standstill_s(self, writers: list[Answering]) -> float:
        """Compare with the last look: the longest that one with something to do has not moved."""
        now_s = self._elapsed_s()
        stands: dict[int, tuple[int, float]] = {}
        for writer in writers:
            if writer.unanswered:
                before = self._stands.get(writer.partition)
                moved = before is None or before[0] != writer.answered
                stands[writer.partition] = (writer.answered, now_s) if moved or before is None else before
        self._stands = stands
        return max((now_s - since_s for _, since_s in stands.values()), default=0.0)
