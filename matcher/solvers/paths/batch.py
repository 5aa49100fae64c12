"""One solve by the kernel, from nothing to the optimum over all feasible pairs, with its prices.

Called by `road` and, with arrays of their own, by benchmarks. The fill comes first by a price U' that starts low (that
is quick) and rises until nothing more can be filled (`hall`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.problem import I32, I64
from matcher.solvers.paths.forward import serve_all
from matcher.solvers.paths.ground import Ground
from matcher.solvers.paths.hall import reaches_more
from matcher.solvers.paths.values import FAR, PERSON_BITS, PERSON_MASK, Flow, Lists, Scratch, Work

#: U' begins at this many times the dearest pair, and is multiplied by RISE when more could be filled.
FIRST_PRICE = 4
RISE = 4
#: Pairs that one step of the search finds at most; room for pairs at first, by ask.
FRESH = 1024
ROOM = 64


@dataclass(frozen=True)
class Solved:
    """The optimum: pairs (requirement, person, cost) in the ground's numbers, prices at `fill_price`, lists."""

    requirement: I64
    person: I64
    cost: I64
    price: I64  # [V]
    pays: I64  # [R]
    unserved: I64  # [R]
    lists: Lists


def solve(ground: Ground) -> Solved:
    """Return the cheapest plan of the weightiest fill."""
    return _Batch(ground).solve()


class _Batch:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.fill_price = min(ground.fill_price, max(1, FIRST_PRICE * ground.dearest))
        asks, requirements, people = len(ground.asks.lat), len(ground.ask), len(ground.capacity)
        self.work = Work(
            ground.people, ground.asks, ground.grids, _lists(asks),
            _flow(ground, self._unserved()), _scratch(people + requirements, asks),
        )  # fmt: skip

    def solve(self) -> Solved:
        flow, ground = self.work.flow, self.ground
        self._serve(np.repeat(np.arange(len(ground.ask)), ground.supply))
        mark = np.zeros(len(flow.price) + len(flow.pays), np.int64)
        while self.fill_price < ground.fill_price and flow.open.any():
            mark[:] = 0
            if not self._could_fill_more(mark):
                break
            self._raise()
            mark[:] = 0
        rise = ground.fill_price - self.fill_price
        flow.price[:] += mark[: len(flow.price)] * rise
        flow.pays[:] += mark[len(flow.price) :] * rise
        self.fill_price = ground.fill_price
        return self._solved()

    def _unserved(self) -> I64:
        return self.ground.weight * self.fill_price + self.ground.waiting

    def _serve(self, order: I64) -> None:
        state, hard = np.zeros(2, np.int64), np.empty(len(order), np.int64)
        while not serve_all(self.work, order, state, hard, FAR):
            self._make_room()

    def _could_fill_more(self, mark: I64) -> bool:
        flow = self.work.flow
        weights = np.unique(flow.weight[flow.open > 0])[::-1].copy()
        queue = np.empty(len(flow.open), np.int64)
        return bool(reaches_more(self.work, weights, mark, queue))

    def _raise(self) -> None:
        """Offer more for a place, and try again for those left out."""
        flow = self.work.flow
        self.fill_price = min(self.ground.fill_price, RISE * self.fill_price)
        flow.unserved[:] = self._unserved()
        again = np.repeat(np.arange(len(flow.open)), flow.open)
        flow.open[:] = 0
        self._serve(again)

    def _make_room(self) -> None:
        lists = self.work.lists
        keys = np.empty(2 * len(lists.keys) + 4 * FRESH, np.int64)
        keys[: len(lists.keys)] = lists.keys
        self.work = self.work._replace(lists=lists._replace(keys=keys))

    def _solved(self) -> Solved:
        flow = self.work.flow
        requirement = np.repeat(np.arange(len(flow.pays)), flow.serve_count)
        slot = np.arange(len(requirement)) + np.repeat(
            flow.serve_at[:-1] - (np.cumsum(flow.serve_count) - flow.serve_count), flow.serve_count
        )
        person, cost = flow.served_by[slot].astype(np.int64), flow.served_cost[slot]
        return Solved(requirement, person, cost, flow.price, flow.pays, self._unserved(), self.work.lists)


def listed(solved: Solved, ask: I32) -> tuple[I64, I64, I64]:
    """Return every pair listed, as requirement, person, cost; the pairs of a shared ask for each of its requirements."""
    lists = solved.lists
    length = lists.length[ask]
    at = np.cumsum(length) - length
    keys = lists.keys[np.arange(int(length.sum())) + np.repeat(lists.at[ask] - at, length)]
    return np.repeat(np.arange(len(ask)), length), keys & PERSON_MASK, keys >> PERSON_BITS


def _lists(asks: int) -> Lists:
    def zeros() -> I64:
        return np.zeros(asks, np.int64)

    keys, fresh = np.empty(ROOM * asks + 4 * FRESH, np.int64), np.empty(FRESH, np.int64)
    return Lists(keys, np.zeros(1, np.int64), zeros(), zeros(), zeros(), zeros(), zeros(), zeros(), zeros(), fresh)


def _flow(ground: Ground, unserved: I64) -> Flow:
    requirements, people = len(ground.ask), len(ground.capacity)
    serve_at = np.concatenate(([0], np.cumsum(ground.supply))).astype(np.int64)
    hold_at = np.concatenate(([0], np.cumsum(ground.capacity))).astype(np.int64)
    return Flow(
        ask=ground.ask,
        weight=ground.weight,
        unserved=unserved,
        open=np.zeros(requirements, np.int64),
        pays=np.zeros(requirements, np.int64),
        serve_at=serve_at,
        serve_count=np.zeros(requirements, np.int64),
        served_by=np.zeros(serve_at[-1], np.int32),
        served_cost=np.zeros(serve_at[-1], np.int64),
        price=np.zeros(people, np.int64),
        hold_at=hold_at,
        hold_count=np.zeros(people, np.int64),
        holder=np.zeros(hold_at[-1], np.int32),
    )


def _scratch(nodes: int, asks: int) -> Scratch:
    return Scratch(
        dist=np.full(nodes, FAR, np.int64),
        via=np.zeros(nodes, np.int32),
        cost=np.zeros(nodes, np.int64),
        touched=np.zeros(nodes, np.int32),
        count=np.zeros(3, np.int64),
        ask_best=np.full(asks, FAR, np.int64),
        asks=np.zeros(asks, np.int32),
        heap=np.zeros(nodes, np.int32),
        place=np.full(nodes, -1, np.int32),
    )
