"""The least valid prices of a cheapest flow: what a person is worth, what a place costs at the margin.

OR-Tools gives no duals; one label-correcting pass over the residual graph does (MATCHING 1.3). Least prices keep the
number of unlisted pairs that could still matter smallest. Called by `growth`; every result is re-checked by `proof`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.problem import I64, Bool
from matcher.solvers.network import Network, indptr_of

#: Below this many pairs, whole-array rounds beat following the changes.
SMALL = 20_000


class NotOptimal(Exception):
    """The flow is not a cheapest one: prices rise without end."""


@dataclass(frozen=True)
class Prices:
    """`person` p_v >= 0, 0 where v has free capacity; `requirement` pi_r <= U_r, U_r where a place is unserved."""

    person: I64
    requirement: I64


def least(network: Network, listed: I64, taken: Bool) -> Prices:
    """Return the least prices under which no listed pair would rather be changed."""
    requirement, person, cost = network.requirement[listed], network.person[listed], network.cost[listed]
    served = np.bincount(requirement[taken], minlength=len(network.supply))
    held = _Held(requirement[taken], person[taken], cost[taken])
    other = _Held(requirement[~taken], person[~taken], cost[~taken])
    pi = np.where(served < network.supply, network.unserved, 0)
    np.maximum.at(pi, held.requirement, held.cost)
    price = np.zeros(len(network.capacity), np.int64)
    settle = _settle_small if len(cost) <= SMALL else _settle_by_change
    settle(pi, price, held, other)
    return Prices(price, pi)


@dataclass(frozen=True)
class _Held:
    requirement: I64
    person: I64
    cost: I64


def _settle_small(pi: I64, price: I64, held: _Held, other: _Held) -> None:
    """Raise both prices until nothing moves, everything at once."""
    for _ in range(len(pi) + 2):
        before = price.copy()
        np.maximum.at(price, other.person, pi[other.requirement] - other.cost)
        if np.array_equal(before, price):
            return
        np.maximum.at(pi, held.requirement, held.cost + price[held.person])
    raise NotOptimal("Prices do not settle: the flow is not a cheapest one.")


def _settle_by_change(pi: I64, price: I64, held: _Held, other: _Held) -> None:
    """Raise both prices until nothing moves, following only the requirements whose price rose."""
    indptr = indptr_of(np.bincount(other.requirement, minlength=len(pi)))  # pairs come sorted by requirement
    by_person = np.argsort(held.person, kind="stable")
    holders = held.requirement[by_person], held.cost[by_person]
    holder_at = indptr_of(np.bincount(held.person, minlength=len(price)))
    rose = np.arange(len(pi))
    for _ in range(len(pi) + 2):
        pairs = spans(indptr, rose)
        bids = np.repeat(pi[rose], indptr[rose + 1] - indptr[rose]) - other.cost[pairs]
        better = bids > price[other.person[pairs]]
        people = other.person[pairs[better]]
        if not len(people):
            return
        np.maximum.at(price, people, bids[better])
        people = np.unique(people)
        holds = spans(holder_at, people)
        asks = holders[1][holds] + np.repeat(price[people], holder_at[people + 1] - holder_at[people])
        dearer = asks > pi[holders[0][holds]]
        rose = holders[0][holds][dearer]
        np.maximum.at(pi, rose, asks[dearer])
        rose = np.unique(rose)
    raise NotOptimal("Prices do not settle: the flow is not a cheapest one.")


def spans(indptr: I64, rows: I64) -> I64:
    """Return the entries of these CSR rows, one after the other."""
    starts, lengths = indptr[rows], indptr[rows + 1] - indptr[rows]
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) + np.repeat(starts - (ends - lengths), lengths))
