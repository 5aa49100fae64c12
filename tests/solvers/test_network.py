"""Flow, prices and growth on plain networks: what they say is proven by the other one's arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matcher.policy import Budget
from matcher.solvers import flow, growth, hall, prices
from matcher.solvers.network import Network, indptr_of


def network(seed: int, requirements: int, people: int, *, price: int = 10_000, dense: float = 0.5) -> Network:
    draw = np.random.default_rng(seed)
    feasible = draw.random((requirements, people)) < dense
    cost = draw.integers(0, 60, (requirements, people))
    rows = [sorted(np.flatnonzero(feasible[r]).tolist(), key=lambda v: (cost[r, v], v)) for r in range(requirements)]
    weight = draw.choice([1, 1, 4], requirements)
    return Network(
        requirement=np.repeat(np.arange(requirements), [len(row) for row in rows]),
        person=np.array([v for row in rows for v in row], np.int64),
        cost=np.array([cost[r, v] for r, row in enumerate(rows) for v in row], np.int64),
        indptr=indptr_of(np.array([len(row) for row in rows])),
        supply=draw.integers(1, 4, requirements),
        capacity=draw.integers(0, 3, people),
        weight=weight,
        unserved=weight * price,
        fill_price=price,
        fill_first=True,
        order=np.arange(requirements),
        people=np.arange(people),
    )


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("first_list", [1, 3, 16])
def test_whatever_the_first_lists_the_prices_prove_the_same_value(seed: int, first_list: int) -> None:
    net = network(seed, 8 + seed % 5, 10)
    relaxed = growth.relax(net, Budget(first_list=first_list))
    everything = growth.relax(net, Budget(first_list=1000))
    assert relaxed.gap == 0
    assert relaxed.value == everything.value == growth.lower_bound(net, relaxed.prices.person)


@pytest.mark.parametrize("seed", range(20))
def test_both_ways_to_settle_prices_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(seed, 30, 25, dense=0.3)
    listed = np.arange(net.pairs)
    taken = flow.take(net, listed)
    small = prices.least(net, listed, taken)
    monkeypatch.setattr(prices, "SMALL", 0)
    large = prices.least(net, listed, taken)
    assert np.array_equal(small.person, large.person)
    assert np.array_equal(small.requirement, large.requirement)


@pytest.mark.parametrize("seed", range(20))
def test_prices_are_the_least(seed: int) -> None:
    """No person's price can be lowered alone, nor all by a little: a lower one breaks a pair that is not taken."""
    net = network(seed, 12, 9)
    listed = np.arange(net.pairs)
    taken = flow.take(net, listed)
    price = prices.least(net, listed, taken)
    rest = ~taken
    needed = np.zeros(len(net.capacity), np.int64)
    np.maximum.at(needed, net.person[rest], price.requirement[net.requirement[rest]] - net.cost[rest])
    assert np.array_equal(needed, price.person)


def test_a_flow_that_is_not_cheapest_has_no_prices() -> None:
    net = network(3, 6, 8, dense=1.0)
    listed = np.arange(net.pairs)
    worst = replace(net, cost=60 - net.cost)
    with pytest.raises(prices.NotOptimal):
        prices.least(net, listed, flow.take(worst, listed))


@pytest.mark.parametrize("seed", range(30))
def test_the_alternating_search_agrees_with_a_lexicographic_price(seed: int) -> None:
    low, high = network(seed, 9, 7, price=8, dense=0.4), network(seed, 9, 7, dense=0.4)
    cheap, full = growth.relax(low, Budget()), growth.relax(high, Budget())

    def filled(taken: np.ndarray) -> int:
        return int(low.weight[low.requirement[taken]].sum())

    gain = hall.possible_gain(low, cheap.taken)
    assert filled(full.taken) - filled(cheap.taken) <= gain
    assert (gain == 0) == (filled(full.taken) == filled(cheap.taken))
    assert hall.possible_gain(high, full.taken) == 0


def test_costs_beyond_the_guard_are_refused_by_name() -> None:
    net = replace(network(1, 4, 4), unserved=np.full(4, 2**61))
    with pytest.raises(flow.FlowFailed, match="BAD_COST_RANGE"):
        flow.take(net, np.arange(net.pairs))
