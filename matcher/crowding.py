"""No crowds (R28): how many people visit one compound in one hour of the clock, and who does already.

Called by `beats`. A visit counts in every hour of the clock (from 1970, whole hours of UTC) in which any of it lies, by
the compound of its request's place; a request that lies in no compound is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from matcher import areas
from matcher.problem import Crowding
from matcher.zone import LIVE, Zone

HOUR_S = 3600


def hours_of(start_s: int, end_s: int) -> range:
    """Return the hours in which [start, end) lies."""
    return range(start_s // HOUR_S, -(-end_s // HOUR_S))


def of(zone: Zone, requests: Sequence[str]) -> Crowding | None:
    """Return the limit and who is bound to visit already; None where the policy has no limit. `requests`: by row."""
    most = zone.policy.tree.visitors_per_hour
    if not most:
        return None
    number: dict[str, int] = {}
    compound = []
    for name in requests:
        place = areas.compound_of(zone, zone.requests[name])
        compound.append(-1 if place is None else number.setdefault(place, len(number)))
    taken: dict[tuple[int, int], int] = {}
    for place, hour in _bound(zone, number):
        taken[number[place], hour] = taken.get((number[place], hour), 0) + 1
    return Crowding(most=most, compound=np.array(compound, np.int64), taken=taken)


def _bound(zone: Zone, compounds: Iterable[str]) -> Iterable[tuple[str, int]]:
    """Yield (compound, hour) for each person who is asked, coming or there."""
    asked = set(compounds)
    for names in zone.engagements.values():
        for visit in (zone.assignments[name] for name in names):
            place = areas.compound_of(zone, zone.request(visit.request)) if visit.status in LIVE else None
            if place in asked:
                yield from ((place, hour) for hour in hours_of(visit.start_s, visit.end_s))
