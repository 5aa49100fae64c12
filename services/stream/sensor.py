"""Faust's sensor: rebalances and commits for our meters. Used by `app` only; called from Faust's threads too."""

from __future__ import annotations

import time
from typing import Any

from faust.sensors.base import Sensor

from services.meters import Meters


class GroupSensor(Sensor):  # type: ignore[misc]
    """Times each rebalance from its start to the moment when records flow again, and each commit."""

    def __init__(self, meters: Meters) -> None:
        super().__init__()
        self._meters = meters

    def on_rebalance_start(self, app: Any) -> dict[str, float]:
        """See Faust: partitions are about to be handed out anew."""
        return {"began": time.monotonic()}

    def on_rebalance_end(self, app: Any, state: dict[str, float]) -> None:
        """See Faust: the own partitions are known and read again."""
        self._meters.rebalanced(time.monotonic() - state["began"])

    def on_commit_initiated(self, consumer: Any) -> float:
        """See Faust: offsets are about to be committed. A hint only, but a slow coordinator shows here first."""
        return time.monotonic()

    def on_commit_completed(self, consumer: Any, state: float) -> None:
        """See Faust: they are."""
        self._meters.committed(time.monotonic() - state)
