"""Whether more could be filled: the alternating search over all pairs (Hall), for when U' is not lexicographic.

Called by `exact` only where the flow engine's guard forbids a price that puts the fill first (MATCHING 4, 5.1).
"""

from __future__ import annotations

import numpy as np

from matcher.problem import I64
from matcher.solvers.network import Network, indptr_of
from matcher.solvers.prices import spans


def possible_gain(network: Network, taken: I64) -> int:
    """Return a weighted number of places that no plan can fill beyond this flow; 0 proves the fill.

    From the open places of each weight, alternating paths are followed; one that ends at free capacity or at a lighter
    requirement could gain that weight. Open places of a weight that reach neither gain nothing.
    """
    served = np.bincount(network.requirement[taken], minlength=len(network.supply))
    left = network.supply - served
    free = network.capacity > np.bincount(network.person[taken], minlength=len(network.capacity))
    gain = 0
    for weight in np.unique(network.weight[left > 0]).tolist():
        sources = np.flatnonzero((left > 0) & (network.weight == weight))
        if _reaches(network, taken, free, sources, weight):
            gain += int(weight) * int(left[sources].sum())
    return gain


def _reaches(network: Network, taken: I64, free: np.ndarray, sources: I64, weight: int) -> bool:
    by_person = taken[np.argsort(network.person[taken], kind="stable")]
    held_at = indptr_of(np.bincount(network.person[taken], minlength=len(network.capacity)))
    used = np.zeros(network.pairs, np.bool_)
    used[taken] = True
    seen_requirement = np.zeros(len(network.supply), np.bool_)
    seen_person = np.zeros(len(network.capacity), np.bool_)
    frontier = sources
    while len(frontier):
        seen_requirement[frontier] = True
        pairs = spans(network.indptr, frontier)
        people = np.unique(network.person[pairs[~used[pairs]]])
        people = people[~seen_person[people]]
        seen_person[people] = True
        if free[people].any():
            return True
        holders = np.unique(network.requirement[by_person[spans(held_at, people)]])
        if (network.weight[holders] < weight).any():
            return True
        frontier = holders[~seen_requirement[holders]]
    return False
