"""Says until when the national calendar is certain. Called by the commands that start a matcher."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.metrics import Metrics


def say(metrics: Metrics) -> None:
    """Set the metric by which somebody is warned in time; a new release of a source extends it."""
    from producers import calendars

    today = datetime.now(UTC).date()
    reading = calendars.read_around(today.year)
    for source, until_s in calendars.valid_until_s(reading).items():
        metrics.set("calendar_valid_until_timestamp_seconds", until_s, source=source)
    until = reading.valid_until.get(calendars.BOTH)
    if until is None or (until - today).days < calendars.WARN_DAYS:
        advice = "later days are provisional; update the packages holidays and chinesecalendar"
        logging.getLogger(__name__).warning("working days are certain until %s; %s", until, advice)
