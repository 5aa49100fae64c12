"""What it costs to take a person away from where others may need them next. Pure.

Called by `posing` for the prices of a beat or a file. The map is cut into squares. The policy's reserve says how many
people, and how many with a skill, are expected to be needed in a square before the next ones become free. Where no more
than that are left, each of them is needed with certainty and costs the whole price; where k are left for n, each is one
of the n with chance n / k. So the price rises from beat to beat as a square empties, and people without a scarce skill
go before those with one. A price never leaves a place open: what is asked for now goes before what may come.
"""

from __future__ import annotations

import numpy as np

from matcher.policy import Coverage
from matcher.problem import F64, I64, U8, Bool

_METRES_A_DEGREE = 6_371_008.8 * np.pi / 180


def points(reserve: Coverage, lat: F64, lon: F64, levels: U8, skill_row: dict[str, int], there: Bool) -> I64:
    """Return what each person costs wherever they serve, [P]; `there`: who could be asked at all."""
    price = np.zeros(len(lat), np.int64)
    cell = cells(lat, lon, reserve.cell_m)
    groups = [(there, reserve.people)] if reserve.people else []
    groups += [
        (there & (levels[skill_row[skill]] > 0), people)
        for skill, people in sorted(reserve.skills.items())
        if skill in skill_row
    ]
    for members, needed in groups:
        left = np.bincount(cell[members], minlength=int(cell.max(initial=0)) + 1)[cell[members]]
        price[members] = np.maximum(price[members], reserve.points * np.minimum(needed, left) // left)
    return price


def cells(lat: F64, lon: F64, cell_m: int) -> I64:
    """Number the squares: points share a number where they share a square. Squares of a row are equally wide."""
    north = np.floor(lat * _METRES_A_DEGREE / cell_m)
    width = np.cos(np.radians(north * cell_m / _METRES_A_DEGREE))
    east = np.floor(lon * _METRES_A_DEGREE * width / cell_m)
    _, number = np.unique(np.column_stack((north, east)), axis=0, return_inverse=True)
    return np.asarray(number, np.int64).reshape(-1)
