"""People into cells of latitude and longitude, one grid for each skill that is searched by.

Called by `ground`. Cells hold about CELL people; who stands outside the bulk of a grid goes into the cell at its edge,
which the search allows for. A grid says where to look first, never who is feasible.
"""

from __future__ import annotations

import numpy as np

from matcher.geo import EARTH_RADIUS_M
from matcher.problem import F64, I32, I64
from matcher.solvers.paths.values import CHORD_UNITS, REACH_M, Grids

#: People a cell, on average.
CELL = 3
#: The bulk of the people, by latitude and by longitude, decides where a grid begins and ends.
BULK = (0.005, 0.995)
SAMPLE = 4096
#: Beyond this many radians of longitude, "east of" loses its sense: one column then.
WIDE = np.pi / 2
#: Metres by which a reach is taken longer when people are sieved by the square of the chord.
MARGIN_M = 1e-2


def sphere(lat: F64, lon: F64) -> tuple[F64, F64, F64]:
    """Return points (radians) on the unit sphere."""
    return np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)


def chord_squares(metres: F64) -> F64:
    """Return the squares of the chords of these ways, in CHORD_UNITS."""
    half = np.minimum(metres / (2.0 * EARTH_RADIUS_M), np.pi / 2)
    return np.asarray((2.0 * np.sin(half)) ** 2 * CHORD_UNITS)


def build(lat: F64, lon: F64, place: F64, members: list[I64], lon_span: float) -> Grids:
    """Return one grid for each array of members (people, ascending); `place` as in `People`."""
    reach_m = place[:, REACH_M]
    frames = [_frame(lat[who], lon[who], lon_span) for who in members]
    starts: list[I64] = []
    entries: list[I32] = []
    cells_at = [0]
    for who, (south, west, high, wide, rows, cols) in zip(members, frames, strict=True):
        row = _cell(lat[who], south, high, rows)
        cell = row * cols + _cell(lon[who], west, wide, cols)
        order = np.argsort(cell, kind="stable")
        ends = np.cumsum(np.bincount(cell, minlength=rows * cols))
        begin = sum(len(some) for some in entries)
        starts.append(np.concatenate(([0], ends)) + begin)
        entries.append(who[order].astype(np.int32))
        cells_at.append(cells_at[-1] + rows * cols + 1)
    table = np.array(frames, np.float64).reshape(-1, 6)
    entry = np.concatenate(entries)
    spots = np.column_stack((place[:, :REACH_M], chord_squares(reach_m + MARGIN_M)))[entry]
    furthest = np.array([reach_m[who].max(initial=0.0) for who in members], np.float64)
    return Grids(
        frame=np.column_stack((table[:, :4], furthest)),
        shape=np.column_stack((table[:, 4:], cells_at[:-1])).astype(np.int64),
        starts=np.concatenate(starts).astype(np.int64),
        entries=entry,
        spots=spots,
    )


def _frame(lat: F64, lon: F64, lon_span: float) -> tuple[float, float, float, float, int, int]:
    """Return south, west, height and width of a cell (radians), rows and columns."""
    if not len(lat):
        return 0.0, 0.0, 1.0, 1.0, 1, 1
    step = max(1, len(lat) // SAMPLE)
    south, north = np.quantile(lat[::step], BULK)
    west, east = np.quantile(lon[::step], BULK)
    tall = max(float(north - south) * EARTH_RADIUS_M, 1.0)
    broad = max(float(east - west) * EARTH_RADIUS_M * float(np.cos((south + north) / 2)), 1.0)
    side = np.sqrt(tall * broad * CELL / len(lat))
    rows = int(np.clip(np.ceil(tall / side), 1, len(lat)))
    cols = int(np.clip(np.ceil(broad / side), 1, max(1, len(lat) // rows)))
    if lon_span > WIDE:
        cols = 1
    high = max(float(north - south), 1e-9) / rows
    wide = max(float(east - west), 1e-9) / cols
    return float(south), float(west), high, wide, rows, cols


def _cell(at: F64, begin: float, size: float, count: int) -> I64:
    return np.asarray(np.clip(np.floor((at - begin) / size), 0, count - 1).astype(np.int64))
