"""Coordinates of a file: numbers, bounds, swapped latitude and longitude, datum. Called by `producers.rows` only."""

from __future__ import annotations

import math
import re
import statistics
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from producers import datum
from producers.mapping import Bounds

DATUMS = ("wgs84", "gcj02", "bd09")
#: Without stated bounds, a box of this many degrees round the file's median shows swapped points, and only those.
SWAP_BOX_DEG = 5.0
#: Fewer points than this say nothing about where the file's city is.
SWAP_POINTS_MIN = 3
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class Fault(Exception):
    """A cell that cannot be used: our field's name, what stands there, why, and what to do."""

    def __init__(self, field: str, value: str, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.field, self.value, self.reason, self.remedy = field, value, reason, remedy


@dataclass(frozen=True, slots=True)
class Cells:
    """The three cells of a row that say where, as text."""

    lat: str
    lon: str
    datum: str


def number(field: str, text: str) -> float:
    """Read a finite decimal number, full-width digits too. Raises Fault."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        raise Fault(field, text, "is missing", "Give a number")
    if not _NUMBER.fullmatch(plain) or not math.isfinite(float(plain)):
        raise Fault(field, text, "is not a number", "Give a decimal number with a point, without a unit")
    return float(plain)


def locate(
    cells: Sequence[Cells], bounds: Bounds | None, *, near: Bounds | None = None, strict: bool = True
) -> list[tuple[float, float] | Fault]:
    """Turn the cells of a whole file into WGS-84 degrees, or say what is wrong with each.

    `bounds` are in the file's own datum; `strict` refuses points outside of them, otherwise they only show swaps.
    `near` shows swaps, too, where the file itself is too short to say where its city is.
    """
    raw = [_degrees(cell) for cell in cells]
    box = bounds or _median_box([point for point in raw if not isinstance(point, Fault)]) or near
    checked = [
        point if isinstance(point, Fault) else _placed(cell, point, box, strict=strict and bounds is not None)
        for cell, point in zip(cells, raw, strict=True)
    ]
    return _to_wgs84(cells, checked)


def whereabouts(cells: Sequence[Cells]) -> Bounds | None:
    """Return a wide box round the middle of these points; None where they are too few to tell."""
    raw = [_degrees(cell) for cell in cells]
    return _median_box([point for point in raw if not isinstance(point, Fault)])


def _degrees(cell: Cells) -> tuple[float, float] | Fault:
    try:
        if cell.datum not in DATUMS:
            raise Fault("datum", cell.datum, "is not a known datum", "Use wgs84, gcj02 or bd09")
        return number("lat", cell.lat), number("lon", cell.lon)
    except Fault as fault:
        return fault


def _median_box(points: list[tuple[float, float]]) -> Bounds | None:
    if len(points) < SWAP_POINTS_MIN:
        return None
    lat = statistics.median(point[0] for point in points)
    lon = statistics.median(point[1] for point in points)
    return Bounds(south=lat - SWAP_BOX_DEG, north=lat + SWAP_BOX_DEG, west=lon - SWAP_BOX_DEG, east=lon + SWAP_BOX_DEG)


def _placed(
    cell: Cells, point: tuple[float, float], box: Bounds | None, *, strict: bool
) -> tuple[float, float] | Fault:
    lat, lon = point
    on_earth = abs(lat) <= 90 and abs(lon) <= 180
    if on_earth and (box is None or box.hold(lat, lon)):
        return point
    swapped_on_earth = abs(lon) <= 90 and abs(lat) <= 180
    if swapped_on_earth and (box.hold(lon, lat) if box else not on_earth):
        return Fault("lat", f"{cell.lat}, {cell.lon}", "latitude and longitude are swapped", "Swap the two columns")
    if not on_earth:
        field, text = ("lat", cell.lat) if abs(lat) > 90 else ("lon", cell.lon)
        return Fault(field, text, "is not on Earth", "Latitude is -90 to 90, longitude -180 to 180 degrees")
    if strict:
        return Fault("lat", f"{cell.lat}, {cell.lon}", "lies outside the bounds", "Correct it, or widen the bounds")
    return point


def _to_wgs84(cells: Sequence[Cells], points: list[tuple[float, float] | Fault]) -> list[tuple[float, float] | Fault]:
    for name in DATUMS[1:]:
        chosen = [
            (index, point)
            for index, point in enumerate(points)
            if cells[index].datum == name and not isinstance(point, Fault)
        ]
        if chosen:
            lats, lons = np.array([point for _, point in chosen], np.float64).T
            for (index, _), lat, lon in zip(chosen, *datum.to_wgs84(lats, lons, name), strict=True):
                points[index] = (float(lat), float(lon))
    return points
