"""Chinese map datums to WGS-84: GCJ-02 (most Chinese maps) and BD-09 (Baidu), vectorised, with exact inverses.

The forward formulae are the published ones; the inverses are found by fixed-point iteration, to well below a metre.
Outside China the datums are the same and points stay as they are. Called by `producers.rows` and tests only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Points = tuple[F64, F64]

#: Krasovsky 1940, the ellipsoid of the published formula.
AXIS_M = 6_378_245.0
ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943
#: The box outside of which GCJ-02 does not shift: latitudes, longitudes.
CHINA = ((0.8293, 55.8271), (72.004, 137.8347))
#: Baidu's angle unit and offsets, in degrees.
_BAIDU = np.pi * 3000.0 / 180.0
_BAIDU_LAT, _BAIDU_LON = 0.006, 0.0065
_ROUNDS = 12


def to_wgs84(lat: F64, lon: F64, datum: str) -> Points:
    """Turn degrees of `datum` (wgs84, gcj02, bd09) into WGS-84 degrees. Raises ValueError for another datum."""
    if datum == "wgs84":
        return lat, lon
    if datum == "gcj02":
        return gcj02_to_wgs84(lat, lon)
    if datum == "bd09":
        return gcj02_to_wgs84(*bd09_to_gcj02(lat, lon))
    raise ValueError(f"Datum ({datum}) is not wgs84, gcj02 or bd09.")


def in_china(lat: F64, lon: F64) -> npt.NDArray[np.bool_]:
    """Say which points lie in the box in which GCJ-02 shifts."""
    (south, north), (west, east) = CHINA
    inside: npt.NDArray[np.bool_] = (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)
    return inside


def wgs84_to_gcj02(lat: F64, lon: F64) -> Points:
    """Shift WGS-84 degrees as Chinese maps do."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    waves_x = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves_x
    north_m += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north_m += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves_x
    east_m += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east_m += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    phi = np.radians(lat)
    flatness = 1.0 - ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    meridian_m = AXIS_M * (1.0 - ECCENTRICITY_SQUARED) / flatness**1.5
    parallel_m = AXIS_M / np.sqrt(flatness) * np.cos(phi)
    inside = in_china(lat, lon)
    return (
        np.where(inside, lat + np.degrees(north_m / meridian_m), lat),
        np.where(inside, lon + np.degrees(east_m / parallel_m), lon),
    )


def gcj02_to_bd09(lat: F64, lon: F64) -> Points:
    """Shift GCJ-02 degrees as Baidu's maps do (inside China)."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BAIDU)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BAIDU)
    inside = in_china(lat, lon)
    return (
        np.where(inside, radius * np.sin(angle) + _BAIDU_LAT, lat),
        np.where(inside, radius * np.cos(angle) + _BAIDU_LON, lon),
    )


def gcj02_to_wgs84(lat: F64, lon: F64) -> Points:
    """Undo `wgs84_to_gcj02`."""
    return _inverse(wgs84_to_gcj02, lat, lon)


def bd09_to_gcj02(lat: F64, lon: F64) -> Points:
    """Undo `gcj02_to_bd09`."""
    return _inverse(gcj02_to_bd09, lat, lon)


def _inverse(forward: Callable[[F64, F64], Points], lat: F64, lon: F64) -> Points:
    """Move the guess by what the forward formula still misses; it shrinks some hundredfold a round."""
    inside = in_china(lat, lon)
    guess_lat, guess_lon = lat, lon
    for _ in range(_ROUNDS):
        there_lat, there_lon = forward(guess_lat, guess_lon)
        guess_lat, guess_lon = guess_lat + (lat - there_lat), guess_lon + (lon - there_lon)
    return np.where(inside, guess_lat, lat), np.where(inside, guess_lon, lon)
