"""Distances on the sphere and the order of points along a Morton curve.

Called by candidates, the rules and whoever needs metres. Knows no people and no requests.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from matcher.problem import F64, I64

#: Mean radius of the earth (DESIGN 7).
EARTH_RADIUS_M = 6_371_008.8

_CELLS = 2**16


def distances_m(lat: float, lon: float, lats: F64, lons: F64) -> F64:
    """Return great-circle metres from one point (degrees) to many: haversine, unrounded (DESIGN 7)."""
    return from_radians_m(math.radians(lat), math.radians(lon), np.radians(lats), np.radians(lons))


@lru_cache(maxsize=2**14)
def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return great-circle metres between two points in degrees; the same bits as `distances_m`."""
    return float(distances_m(lat_a, lon_a, np.array([lat_b]), np.array([lon_b]))[0])


def surely_beyond_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return metres that the distance surely exceeds (1 m of margin over any rounding); cheap, for one pair."""
    up = math.sin(math.radians(lat_b - lat_a) * 0.5)
    across = math.sin(math.radians(lon_b - lon_a) * 0.5)
    half = up * up + math.cos(math.radians(lat_a)) * math.cos(math.radians(lat_b)) * across * across
    return 2.0 * EARTH_RADIUS_M * math.asin(math.sqrt(min(half, 1.0))) - 1.0


def from_radians_m(lat: float, lon: float, lats: F64, lons: F64, cos_lats: F64 | None = None) -> F64:
    """Return great-circle metres from one point to many, all in radians; `cos_lats` where known saves a pass."""
    cosines = np.cos(lats) if cos_lats is None else cos_lats
    across = np.sin((lons - lon) * 0.5)
    up = np.sin((lats - lat) * 0.5)
    half = up * up + math.cos(lat) * cosines * (across * across)
    metres: F64 = 2.0 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(half, 1.0)))
    return metres


def morton(lats: F64, lons: F64) -> I64:
    """Return the Morton cell of each point (degrees): near points mostly get near numbers.

    Cells are absolute (2^-16 of the globe each way, some 300 m by 600 m): a point's cell never depends on the others.
    """
    north = np.minimum((lats + 90.0) / 180.0 * _CELLS, _CELLS - 1).astype(np.int64)
    east = np.minimum((lons + 180.0) / 360.0 * _CELLS, _CELLS - 1).astype(np.int64)
    return _spread(east) | (_spread(north) << 1)


def _spread(values: I64) -> I64:
    """Put a zero between any two of the 16 bits."""
    spaced = (values | (values << 8)) & 0x00FF00FF
    spaced = (spaced | (spaced << 4)) & 0x0F0F0F0F
    spaced = (spaced | (spaced << 2)) & 0x33333333
    return (spaced | (spaced << 1)) & 0x55555555
