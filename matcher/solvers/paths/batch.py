"""One solve by the kernel, from nothing to the optimum over all feasible pairs, with its prices.

Called by `road` and, with arrays of their own, by benchmarks. The fill comes first by a price U' that starts low (that
is quick) and rises until nothing more can be filled (`hall`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.problem import I64
from matcher.solvers.paths.auction import CACHED, auction, close_market, list_taken, loosen, open_market
from matcher.solvers.paths.forward import serve_all
from matcher.solvers.paths.ground import Ground
from matcher.solvers.paths.hall import reaches_more
from matcher.solvers.paths.release import members_of, prices_fell, release_all
from matcher.solvers.paths.search import FIRST_LIST, first_lists, list_all
from matcher.solvers.paths.trees import build, leaves_of, lowest, none
from matcher.solvers.paths.values import (
    ASK,
    AT,
    BOUND,
    CELLS_AT,
    CLOSED,
    COUNT,
    CUT,
    DIST,
    DOUBTS,
    FAR,
    FIRST,
    GRID,
    HIGH,
    LAT,
    LENGTH,
    LON,
    LOOK,
    OPEN,
    OTHER,
    PAIR_COST,
    PERSON_BITS,
    PERSON_MASK,
    PLACE,
    PRICE,
    REACH_M,
    SIZE,
    SOUTH,
    SPARED_AT,
    SPARED_END,
    UNSERVED,
    WEIGHT,
    WORTH,
    Asking,
    Asks,
    Flow,
    Leaves,
    Lists,
    Market,
    Work,
)

#: U' begins at this many times the dearest pair, and is multiplied by RISE when more could be filled.
FIRST_PRICE = 2
RISE = 4
#: A path that goes past more people than this is given up at first, and its requirement bids.
POPS = 8
#: Points by which a bid goes above the second best, round after round. (256, 32) serves one to one a fifth quicker, but
#: many requests at one place four times slower.
STEPS = (64,)
#: Pairs that one step of the search finds at most; room for pairs at first, by ask.
FRESH = 4096
ROOM = 24


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
    return Batch(ground).solve()


class Batch:
    """One solve, step by step."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.fill_price = min(ground.fill_price, max(1, FIRST_PRICE * ground.dearest))
        flow = _flow(ground, self._unserved())
        self.work = Work(ground.people, ground.asks, ground.grids, none(), _lists(ground.asks), flow)
        self.needs = flow.needs

    def solve(self) -> Solved:
        """Return the cheapest plan of the weightiest fill."""
        return self.at_full_price(self.fill())

    def fill(self) -> I64:
        """Serve all that can be served; return what `reaches_more` marked when no more could be, else zeros."""
        needs = self.needs
        self.first_lists()
        bids = self._single() and not self.ground.list_max
        hard = self._serve(np.repeat(np.arange(len(needs)), self.ground.supply), POPS if bids else FAR)
        if len(hard):
            self._auction()
        return self._fill_up()

    def _fill_up(self) -> I64:
        """Raise U' until nothing more could be filled, or it puts the fill first by itself."""
        needs, mark = self.needs, np.zeros(len(self.work.flow.nodes), np.int64)
        while self.fill_price < self.ground.fill_price and needs[:, OPEN].any():
            if not self._could_fill_more(mark):
                break
            mark[:] = 0
            self._raise()
        return mark

    def at_full_price(self, mark: I64) -> Solved:
        """Return the optimum at the prices of the U' that puts the fill first."""
        self.work.flow.nodes[:, PRICE] += mark * (self.ground.fill_price - self.fill_price)
        self.fill_price = self.ground.fill_price
        return self._solved()

    def _unserved(self) -> I64:
        return self.ground.weight * self.fill_price + self.ground.waiting

    def _single(self) -> bool:
        """Say whether everybody takes one, and every requirement is one place: the auction knows nothing else."""
        return bool((self.ground.supply == 1).all() and (self.ground.capacity == 1).all())

    def first_lists(self) -> None:
        """List a few people for every ask, neighbours after each other: what one reads, the next one needs too.

        All that shall ever be looked at, where the ground says how many.
        """
        asks, frame, high = self.work.asks, self.work.grids.frame, self.work.grids.frame[:, HIGH]
        grid = asks.facts[:, GRID]
        order = np.lexsort((asks.place[:, LON], np.floor((asks.place[:, LAT] - frame[grid, SOUTH]) / high[grid]), grid))
        state = np.zeros(1, np.int64)
        while not first_lists(self.work, order, state, self.ground.list_max or FIRST_LIST):
            self._help()
        self.work.lists.top[CLOSED] = self.ground.list_max > 0

    def _serve(self, order: I64, pops_max: int = FAR) -> I64:
        """Serve these, one place each; return those whose paths went past more people than that."""
        state, hard = np.zeros(2, np.int64), np.empty(len(order), np.int64)
        while not serve_all(self.work, order, state, hard, pops_max):
            self._help()
        return hard[: state[1]]

    def _plant(self) -> None:
        """From here on people are looked for by way and price: nearness says little where prices are high."""
        ground, shape = self.ground, self.work.grids.shape
        begins = self.work.grids.starts[shape[:, CELLS_AT]]
        members = [np.sort(some).astype(np.int64) for some in np.split(self.work.grids.entries, begins[1:])]
        place = ground.people.place
        trees = build(place[:, :REACH_M], place[:, REACH_M], members)
        lowest(trees, self.work.flow.nodes)
        lists = self.work.lists
        lists.table[:, WORTH] = lists.table[:, BOUND]
        self.work = self.work._replace(trees=trees, lists=lists._replace(seen=np.zeros(len(place), np.int32)))

    def list_by_cost(self) -> None:
        """List everybody who costs less than somebody pays, so that lists hold whatever becomes of prices.

        What was known of pairs by price is forgotten, and people are looked for by cost again.
        """
        if not len(self.work.trees.low):
            return
        self.work.lists.table[:, WORTH] = 0
        self.work = self.work._replace(trees=none())
        state = np.zeros(1, np.int64)
        while not list_all(self.work, state):
            self._help()

    def _auction(self) -> None:
        """Serve all who are left by bids, in ever smaller steps, then put right what bids leave a little off."""
        self._plant()
        flow, trees, people = self.work.flow, self.work.trees, len(self.ground.capacity)
        market = Market(
            holder=np.empty(people, np.int64),
            pair=np.empty(len(self.needs), np.int64),
            cache=np.full((len(self.ground.asks.facts) + 1, CACHED + 1), -1, np.int64),
            leaves=Leaves(*leaves_of(trees, people)),
        )
        open_market(flow, market)
        for step in STEPS:
            queue, size = self._without(market, step)
            state = np.array([size, 0], np.int64)
            while not auction(self.work, market, queue, state, step):
                self._help()
        queue, size = self._without(market, 0)
        begun = np.zeros(2, np.int64)
        while not close_market(self.work, market, begun):
            self._help()
        self._serve(queue[:size][::-1].copy())
        self._release(market.leaves)

    def _without(self, market: Market, slack: int) -> tuple[I64, int]:
        """Return who is without anybody, the last first, once all are given up that are further off than `slack`.

        Before a round of bids nobody who is free has a price: others would shun them.
        """
        if slack:
            market.cache[:, CACHED] = -1
            self.work.flow.nodes[:, PRICE][: len(market.holder)][market.holder < 0] = 0
            lowest(self.work.trees, self.work.flow.nodes)
        queue, state = np.empty(len(self.needs), np.int64), np.zeros(2, np.int64)
        while not loosen(self.work, market, queue, state, slack):
            self._help()
        queue[: state[0]] = queue[: state[0]][::-1].copy()
        return queue, int(state[0])

    def _release(self, leaves: Leaves) -> None:
        """Let prices fall of people who are left with room."""
        nodes = self.work.flow.nodes[: len(self.ground.capacity)]
        if not ((nodes[:, PRICE] > 0) & (nodes[:, COUNT] < nodes[:, SIZE])).any():
            return
        asking, state = self._asking(leaves), np.zeros(2, np.int64)
        while not release_all(self.work, asking, state):
            self._help()
        state[0] = 0
        while not list_taken(self.work, state):
            self._help()
        prices_fell(self.work)

    def _asking(self, leaves: Leaves) -> Asking:
        """Lay out the asks by place, with what they pay at most."""
        asks, flow = self.ground.asks, self.work.flow
        worth = np.zeros((len(asks.facts), 1), np.int64)
        np.minimum.at(worth[:, 0], self.needs[:, ASK], -flow.nodes[len(self.ground.capacity) :, PRICE])
        members = [np.flatnonzero(asks.facts[:, GRID] == q) for q in range(len(self.work.trees.shape))]
        trees = build(asks.place[:, :LAT], np.zeros(len(worth)), members)
        lowest(trees, worth)
        at, members = members_of(self.needs, len(worth))
        return Asking(trees, worth, at, members, leaves)

    def _could_fill_more(self, mark: I64) -> bool:
        needs = self.needs
        weights = np.unique(needs[needs[:, OPEN] > 0, WEIGHT])[::-1].copy()
        while True:
            mark[:] = 0
            more = reaches_more(self.work, weights, mark, np.empty(len(needs), np.int64))
            if more or not self.work.lists.top[DOUBTS]:
                return bool(more)
            self._help()

    def _raise(self) -> None:
        """Offer more for a place, and try again for those left out."""
        needs = self.needs
        self.fill_price = min(self.ground.fill_price, RISE * self.fill_price)
        needs[:, UNSERVED] = self._unserved()
        again = np.repeat(np.arange(len(needs)), needs[:, OPEN])
        needs[:, OPEN] = 0
        self._serve(again)

    def _help(self) -> None:
        """Do what the kernel stopped for: judge pairs where rounding decides, else make room for lists."""
        lists = self.work.lists
        waiting = int(lists.top[DOUBTS])
        if waiting:
            lists.top[DOUBTS] = 0
            keys = np.unique(lists.doubts[:waiting])
            costs = [self.ground.judge(key >> PERSON_BITS, key & PERSON_MASK) for key in keys.tolist()]
            table = np.concatenate((lists.judged, np.column_stack((keys, np.array(costs, np.int64)))))
            self.work = self.work._replace(lists=lists._replace(judged=table[np.argsort(table[:, 0])]))
            return
        if lists.top[LOOK] > len(lists.best):
            most = 2 * int(lists.top[LOOK])
            lists = lists._replace(best=np.empty(most, np.int64), best_value=np.empty(most))
            fresh = np.empty(most + len(lists.fresh), np.int64)
            self.work = self.work._replace(lists=lists._replace(fresh=fresh))
            return
        room = np.empty(2 * len(lists.keys) + 4 * FRESH, np.int64)
        room[: len(lists.keys)] = lists.keys
        self.work = self.work._replace(lists=lists._replace(keys=room))

    def _solved(self) -> Solved:
        flow, people = self.work.flow, len(self.ground.capacity)
        first, count = flow.nodes[people:, FIRST], flow.nodes[people:, COUNT]
        requirement = np.repeat(np.arange(len(count)), count)
        slot = np.arange(len(requirement)) + np.repeat(first - (np.cumsum(count) - count), count)
        price, pays = flow.nodes[:people, PRICE].copy(), flow.nodes[people:, PRICE].copy()
        pairs = flow.slots[slot]
        return Solved(requirement, pairs[:, OTHER], pairs[:, PAIR_COST], price, pays, self._unserved(), self.work.lists)


def lacking(solved: Solved, ask: I64, supply: I64) -> int:
    """Return points by which no plan could be better: what requirements pay beyond what unlisted people are worth.

    With prices so much lower the prices of people prove a bound over all feasible pairs (docs/matching.md).
    """
    least = np.maximum(solved.lists.table[:, BOUND], solved.lists.table[:, WORTH])[ask]
    return int((np.maximum(solved.pays - least, 0) * supply).sum())


def listed(solved: Solved, ask: I64) -> tuple[I64, I64, I64]:
    """Return every pair listed as requirement, person, cost; those of a shared ask for each of its requirements."""
    lists = solved.lists
    length = lists.table[ask, LENGTH]
    at = np.cumsum(length) - length
    keys = lists.keys[np.arange(int(length.sum())) + np.repeat(lists.table[ask, AT] - at, length)]
    return np.repeat(np.arange(len(ask)), length), keys & PERSON_MASK, keys >> PERSON_BITS


def _lists(asks: Asks) -> Lists:
    most = int((asks.facts[:, SPARED_END] - asks.facts[:, SPARED_AT]).max(initial=0))
    keys, fresh = np.empty(ROOM * len(asks.facts) + 4 * FRESH, np.int64), np.empty(FRESH + most, np.int64)
    judged, doubts = np.empty((0, 2), np.int64), np.empty(FRESH, np.int64)
    table, near = np.zeros((len(asks.facts), 9), np.int64), np.empty((FRESH, 3), np.int64)
    table[:, CUT] = -1
    seen, best, value = np.empty(0, np.int32), np.empty(FRESH, np.int64), np.empty(FRESH)
    return Lists(keys, table, np.zeros(5, np.int64), near, fresh, judged, doubts, seen, value, best)


def _flow(ground: Ground, unserved: I64) -> Flow:
    size = np.concatenate((ground.capacity, ground.supply))
    nodes = np.zeros((len(size), 8), np.int64)
    nodes[:, FIRST], nodes[:, SIZE] = np.cumsum(size) - size, size
    nodes[:, DIST], nodes[:, PLACE] = FAR, -1
    needs = np.zeros((len(ground.ask), 4), np.int64)
    needs[:, ASK], needs[:, WEIGHT], needs[:, UNSERVED] = ground.ask, ground.weight, unserved
    asks = len(ground.asks.place)
    return Flow(
        nodes=nodes,
        slots=np.zeros((int(size.sum()), 2), np.int64),
        needs=needs,
        heap=np.zeros(len(size), np.int64),
        touched=np.zeros(len(size), np.int64),
        seen=np.zeros(asks, np.int64),
        ask_best=np.full(asks, FAR, np.int64),
        counts=np.zeros(3, np.int64),
    )
