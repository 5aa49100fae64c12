"""What a feasible pair costs, term by term, in integer points (1 point = 1 metre of travel).

Called by candidates and, for a chosen pair, by solvers. Waiting and urgency are no pair costs: they price a place
left open (DESIGN 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np

from matcher.problem import COST_MAX, F64, I64


def terms(distance_m: F64) -> dict[str, I64]:
    """Return each cost term of the given pairs. `travel`: metres rounded half up (DESIGN 7)."""
    return {"travel": np.floor(distance_m + 0.5).astype(np.int64)}


def total(parts: Mapping[str, I64]) -> I64:
    """Add the terms up. ValueError where a pair leaves 0 ... COST_MAX: such a policy cannot be solved."""
    points = reduce(np.add, parts.values())
    if points.size and points.view(np.uint64).max() > COST_MAX:  # a negative one is huge there
        raise ValueError(
            f"A pair costs ({int(points.min())}) to ({int(points.max())}) points, allowed are (0) to ({COST_MAX}). "
            "The policy prices too much: lower the reach of people or the dearest cost term."
        )
    return points


def of_pair(distance_m: float) -> dict[str, int]:
    """Return each cost term of one pair, as it stands in a plan."""
    return {name: int(points[0]) for name, points in terms(np.array([distance_m])).items()}
