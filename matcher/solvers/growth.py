"""Exact over all feasible pairs from short lists: solve, price, list every pair that the prices ask for, repeat.

Called by `solve`. Says by how many points it could be off when the rounds end before the prices agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.policy import Budget
from matcher.problem import I64, Bool
from matcher.solvers import flow, prices
from matcher.solvers.network import Network
from matcher.solvers.prices import Prices

#: Share of the pairs beyond which listing the rest at once beats further rounds.
MOST = 0.5


@dataclass(frozen=True)
class Relaxed:
    """A cheapest flow. `taken` and `listed` are indices into the network's pairs; `bound` no plan can undercut.

    `gap` 0: optimal over every pair of the network at its unserved prices.
    """

    network: Network
    taken: I64
    listed: I64
    prices: Prices
    value: int
    bound: int
    rounds: int

    @property
    def gap(self) -> int:
        """Points by which the flow could be off."""
        return self.value - self.bound


def relax(network: Network, budget: Budget) -> Relaxed:
    """Solve the flow over all pairs of the network, with lists that grow where prices ask."""
    listed = _first_lists(network, budget.first_list)
    rounds = 0
    while True:
        rounds += 1
        chosen = np.flatnonzero(listed)
        used = flow.take(network, chosen)
        price = prices.least(network, chosen, used)
        wanted = ~listed
        wanted &= network.cost + price.person[network.person] < price.requirement[network.requirement]
        grow = int(np.count_nonzero(wanted))
        if grow == 0 or rounds >= budget.growth_rounds:
            break
        listed |= wanted if len(chosen) + grow < MOST * network.pairs else True
    taken = chosen[used]
    value = value_of(network, taken)
    bound = value if grow == 0 else lower_bound(network, price.person)
    return Relaxed(network, taken, chosen, price, value, bound, rounds)


def _first_lists(network: Network, first: int) -> Bool:
    """List the cheapest of each row. More than there are places in all are never needed at first."""
    first = min(first, int(network.supply.sum()))
    place = np.arange(network.pairs) - network.indptr[network.requirement]
    return np.asarray(place < np.maximum(first, network.supply)[network.requirement])


def value_of(network: Network, taken: I64) -> int:
    """Return the cost of the pairs taken plus the price of every place left unserved."""
    served = np.bincount(network.requirement[taken], minlength=len(network.supply))
    return int(network.cost[taken].sum()) + int((network.unserved * (network.supply - served)).sum())


def lower_bound(network: Network, price: I64) -> int:
    """Return a value that no plan can undercut, from any prices p >= 0 of people.

    Each place takes its cheapest person at cost + price, or stays unserved; the people's capacity is paid back.
    """
    dear = network.cost + price[network.person]
    inside = np.lexsort((dear, network.requirement))
    place = np.arange(network.pairs) - network.indptr[network.requirement]
    counted = inside[place < network.supply[network.requirement]]
    rows = network.requirement[counted]
    served = np.minimum(dear[counted], network.unserved[rows])
    open_places = network.supply - np.bincount(rows, minlength=len(network.supply))
    total = int(served.sum()) + int((open_places * network.unserved).sum())
    return total - int((network.capacity * price).sum())
