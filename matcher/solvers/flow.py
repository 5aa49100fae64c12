"""One min-cost flow by OR-Tools over the listed pairs: requirement -> person -> sink, or requirement -> sink unserved.

Called by `growth`. Exact for the pairs it is given; knows nothing of pairs it is not given.
"""

from __future__ import annotations

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from matcher.problem import I64, Bool
from matcher.solvers.network import Network


class FlowFailed(Exception):
    """OR-Tools gave no optimal flow; the message says its status."""


def take(network: Network, listed: I64) -> Bool:
    """Return which of the listed pairs (indices into the network) a cheapest flow uses."""
    requirements, people = len(network.supply), len(network.capacity)
    sink = requirements + people
    nodes = np.arange(sink + 1, dtype=np.int32)
    pairs = len(listed)
    heads = np.full(pairs + sink, sink, np.int32)
    heads[:pairs] = network.person[listed] + requirements
    tails = np.concatenate([network.requirement[listed].astype(np.int32), nodes[:sink]])
    capacity = np.concatenate([np.ones(pairs, np.int64), network.supply, network.capacity])
    cost = np.zeros(pairs + sink, np.int64)
    cost[:pairs] = network.cost[listed]
    cost[pairs : pairs + requirements] = network.unserved
    supply = np.zeros(sink + 1, np.int64)
    supply[:requirements] = network.supply
    supply[sink] = -int(network.supply.sum())
    flow = SimpleMinCostFlow()
    arcs = flow.add_arcs_with_capacity_and_unit_cost(tails, heads, capacity, cost)
    flow.set_nodes_supplies(nodes, supply)
    status = flow.solve()
    if status != flow.OPTIMAL:
        raise FlowFailed(f"The flow ended as ({status.name}). Report the problem; greedy answers meanwhile.")
    return np.asarray(flow.flows(arcs[:pairs]) > 0)
