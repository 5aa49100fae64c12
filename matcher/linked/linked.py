"""The values of linked routes: what is asked and who may come, how much search, and what comes out.

Ways and times are floats of one unit that the caller chooses: a way of 12 takes 12.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.problem import F64, I64, Bool


@dataclass(frozen=True, kw_only=True)
class Linked:
    """G groups of V visits, P people. A group is one request: each of its visits by another person.

    A visit starts `gap_min` to `gap_max` after the visit before it in its group (0, 0: both at once); those of the
    first visit of a group are not read. Nobody starts before `earliest`; starting after `due`, and being home after
    `until`, is late. Every visit is made: a plan without lateness may not exist, one with it always does.
    """

    ways: F64  # [places, places]
    first: I64  # [G + 1] visits of each group
    place: I64  # [V]
    earliest: F64
    due: F64
    duration: F64
    gap_min: F64
    gap_max: F64
    able: Bool  # [V, P]
    home: I64  # [P] place
    since: F64
    until: F64
    #: price of a unit of way, of lateness, and of the greatest lateness
    prices: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        """ValueError where a group asks for more people than can come, or for a gap that there is none of."""
        later = np.ones(len(self.place), np.bool_)
        later[self.first[:-1]] = False
        if (self.gap_min > self.gap_max)[later].any() or (self.gap_min < 0)[later].any():
            raise ValueError("Gaps must be 0 or more, their least no more than their most.")
        for a, b in zip(self.first[:-1].tolist(), self.first[1:].tolist(), strict=True):
            if not _distinct(self.able[a:b]):
                raise ValueError(f"Visits ({a}) to ({b - 1}) hang together, and nobody but the same people can come.")


def _distinct(able: Bool) -> bool:
    """Say whether each of these visits can have a person of its own."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    matched = maximum_bipartite_matching(csr_array(able.astype(np.int8)), perm_type="column")
    return bool(able.shape[0]) and bool((matched >= 0).all())


@dataclass(frozen=True, kw_only=True)
class Work:
    """How much search. `warm`, `cold`: a change that costs this much more is still taken now and then."""

    iterations: int = 200_000
    seed: int = 1
    warm: float = 10.0
    cold: float = 0.05

    def __post_init__(self) -> None:
        """ValueError for work that is none."""
        if self.iterations < 0 or not 0 < self.cold <= self.warm:
            raise ValueError(
                f"Iterations ({self.iterations}) must be 0 or more, warm ({self.warm}) no less than cold ({self.cold})."
            )


@dataclass(frozen=True, kw_only=True)
class Routes:
    """Who makes each visit and when it starts; people go from visit to visit by start. `order`: groups, as planned."""

    order: I64  # [G]
    who: I64  # [V]
    start: F64  # [V]
    way: float
    late: float
    latest: float
    cost: float
