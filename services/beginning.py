"""Where a reader of the journal begins that keeps no output of its own: at the partition's newest snapshot.

Called by `services/announcing.py` and `services/scoring.py`. Without a snapshot they begin at the journal's start.
"""

from __future__ import annotations

from matcher.zone import Zone
from services import snapshots
from services.core import Matching
from services.following import Place
from services.meters import Meters
from services.names import JOURNAL
from services.ports import Log


async def newest(log: Log | None, partition: int) -> tuple[Place, dict[str, Zone]]:
    """Return the place of the newest snapshot and the zones as they were there."""
    snapshot = None if log is None else await snapshots.newest(log, Matching(), partition, Meters())
    if snapshot is None:
        return Place(), {}
    return Place(chain=snapshot.fold.chain, topic_id=snapshot.topic_ids.get(JOURNAL, "")), snapshot.fold.zones
