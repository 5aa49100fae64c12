"""Where homes and visits lie, as metres from the north-west corner of one map that both sides share.

Called by `mapping`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, radians

import numpy as np

from matcher.geo import EARTH_RADIUS_M
from matcher.problem import F64, I64
from services.pictures.sides import Shown

#: No map is smaller, and none is narrower or flatter than this share of its longer side.
LEAST_M, LEAST_SHARE = 400.0, 0.6
METRES_A_DEGREE = pi / 180 * EARTH_RADIUS_M


@dataclass(frozen=True, kw_only=True)
class Positions:
    """Metres east (x) and south (y) of the map's corner; how wide and tall the map is."""

    home_x: I64
    home_y: I64
    visit_x: I64
    visit_y: I64
    wide_m: float
    tall_m: float


def positions(shown: Shown) -> Positions:
    """Lay out the map: all visits, and the homes of all who come; other homes may lie outside of it."""
    people, asked = shown.subject.week.problem.people, shown.subject.week.problem.requirements
    come = np.unique(np.concatenate([side.ways.person for side in shown.sides]))
    lat, lon = np.concatenate((asked.lat, people.lat[come])), np.concatenate((asked.lon, people.lon[come]))
    if not len(lat):
        lat, lon = (people.lat, people.lon) if len(people.lat) else (np.zeros(1), np.zeros(1))
    shrink = cos(radians((float(lat.min()) + float(lat.max())) / 2))
    x, y = lon * METRES_A_DEGREE * shrink, -lat * METRES_A_DEGREE
    wide, tall = float(np.ptp(x)) * 1.06, float(np.ptp(y)) * 1.06
    wide, tall = max(wide, tall * LEAST_SHARE, LEAST_M), max(tall, wide * LEAST_SHARE, LEAST_M * LEAST_SHARE)
    corner_x, corner_y = (float(x.min() + x.max()) - wide) / 2, (float(y.min() + y.max()) - tall) / 2

    def placed(lats: F64, lons: F64) -> tuple[I64, I64]:
        return (
            np.rint(lons * METRES_A_DEGREE * shrink - corner_x).astype(np.int64),
            np.rint(-lats * METRES_A_DEGREE - corner_y).astype(np.int64),
        )

    home_x, home_y = placed(people.lat, people.lon)
    visit_x, visit_y = placed(asked.lat, asked.lon)
    return Positions(home_x=home_x, home_y=home_y, visit_x=visit_x, visit_y=visit_y, wide_m=wide, tall_m=tall)
