"""Tables with room: for people, asks and requirements that are still to come, and cells with places that nobody has.

Called by `kept` when a city begins to be kept. Knows no prices and no state.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from matcher.problem import I64
from matcher.solvers.paths.cells import NOBODY
from matcher.solvers.paths.values import CELLS_AT, CHORD, Grids

Kind = TypeVar("Kind", bound=np.generic)


def padded(table: npt.NDArray[Kind], size: int) -> npt.NDArray[Kind]:
    """Return the table with rows of zeros up to this size."""
    out = np.zeros((size, *table.shape[1:]), table.dtype)
    out[: len(table)] = table
    return out


def appended(table: npt.NDArray[Kind], used: int, rows: npt.NDArray[Kind]) -> npt.NDArray[Kind]:
    """Put rows behind those used; the table is copied, twice as long, where it has no room."""
    if used + len(rows) > len(table):
        table = padded(table[:used], 2 * (used + len(rows)))
    table[used : used + len(rows)] = rows
    return table


def roomy(grids: Grids, nobody: int) -> Grids:
    """Return the grids with empty entries in their cells: one in eight of the people's, and one in every third cell."""
    begin, starts, target = 0, [], []
    for first, last in zip(grids.shape[:, CELLS_AT], [*grids.shape[1:, CELLS_AT], len(grids.starts)], strict=True):
        count = np.diff(grids.starts[first:last])
        spare = count // 8 + (np.arange(len(count)) % 3 == 0)
        spare[0] += 8
        ends = begin + np.cumsum(count + spare)
        own = np.concatenate(([begin], ends))
        target.append(np.repeat(own[:-1] - grids.starts[first : last - 1], count) + _entries(grids, first, last))
        starts.append(own)
        begin = int(ends[-1])
    entries, spots = np.full(begin, nobody, np.int32), np.zeros((begin, grids.spots.shape[1]))
    spots[:, CHORD] = NOBODY
    at = np.concatenate(target)
    entries[at], spots[at] = grids.entries, grids.spots
    return grids._replace(
        frame=grids.frame.copy(), starts=np.concatenate(starts).astype(np.int64), entries=entries, spots=spots
    )


def _entries(grids: Grids, first: int, last: int) -> I64:
    """Return the numbers of a grid's entries."""
    return np.arange(grids.starts[first], grids.starts[last - 1])
