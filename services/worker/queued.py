"""How many jobs wait at the broker, and how old the oldest is that this worker knows of, as metrics.

Used by `consumer.py`. Brokers tell how many wait (`depth.py`), none how old they are: a job carries when it was handed
over. The age is looked up at the scrape, so that a worker that hangs with a job in hand cannot hide it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from services.metrics import Metrics

#: How often the broker is asked.
ASK_S = 1.0


class Queued:
    """Figures of one queue. `label`: its name in the metrics, one of few."""

    def __init__(
        self,
        metrics: Metrics,
        label: str,
        *,
        now_s: Callable[[], float] = time.time,
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics = metrics
        self._label = label
        self._now_s = now_s
        self._elapsed_s = elapsed_s
        self._depth = 0
        self._published_at_s: float | None = None  # of the job in hand, else of the last one
        self._in_hand = False
        self._asked_at_s: float | None = None
        metrics.at_scrape(self.show)

    def began(self, published_at: object) -> None:
        """A job was taken; `published_at` as its header says, whatever that is."""
        self._published_at_s = float(published_at) if isinstance(published_at, int | float) else self._now_s()
        self._in_hand = True

    def ended(self) -> None:
        """The job is done."""
        self._in_hand = False

    def is_due(self) -> bool:
        """Whether the broker is to be asked again."""
        return self._asked_at_s is None or self._elapsed_s() - self._asked_at_s >= ASK_S

    def asked(self, depth: int | None) -> None:
        """The broker says that so many jobs wait, or nothing: then the last answer stands."""
        self._depth = self._depth if depth is None else depth
        self._asked_at_s = self._elapsed_s()

    def show(self) -> None:
        """Set the gauges."""
        self._metrics.set("queue_depth", self._depth, queue=self._label)
        self._metrics.set("queue_oldest_job_age_seconds", self._age_s(), queue=self._label)

    def _age_s(self) -> float:
        """What still waits was handed over after the last job that was taken: an upper bound."""
        if self._published_at_s is None or not (self._in_hand or self._depth):
            return 0.0
        return max(0.0, self._now_s() - self._published_at_s)
