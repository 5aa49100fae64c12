"""A city whose matching, prices and lists are kept: what changes is worked on, everything else stays as it is.

Called by `keeping` and by benchmarks. Begun by a whole solve. People, asks and requirements have numbers of their own
here (slots), which do not change while they are there. After `settle` the answer is the optimum over all feasible
pairs, with prices that prove it, as of a whole solve; which of several equally good plans it is depends on the past.
Numbers of who left are given again only when no list names them any more.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matcher.problem import F64, I64, Bool
from matcher.solvers.paths import batch
from matcher.solvers.paths.arriving import come_all, enter_all, open_all
from matcher.solvers.paths.batch import FRESH, Batch, Solved
from matcher.solvers.paths.freeing import free_all
from matcher.solvers.paths.ground import Ground
from matcher.solvers.paths.near import NONE, Near, measure
from matcher.solvers.paths.parting import OF_LENGTH, SPARE, close_all, expire, leave_all, tidy
from matcher.solvers.paths.room import appended, padded, roomy
from matcher.solvers.paths.search import FIRST_LIST, first_lists
from matcher.solvers.paths.values import (
    ASK,
    AT,
    BARRED_AT,
    BARRED_END,
    BUSY_AT,
    BUSY_END,
    CERT_AT,
    CERT_END,
    COUNT,
    CUT,
    DOUBTS,
    FAR,
    FIRST,
    LAT,
    LENGTH,
    LON,
    NEED_AT,
    NEED_END,
    OPEN,
    OTHER,
    PAIR_COST,
    PERSON_BITS,
    PERSON_MASK,
    PRICE,
    REACH_M,
    RING,
    ROOM,
    SIZE,
    SPARED_AT,
    SPARED_END,
    UNSERVED,
    WEIGHT,
    WISH_AT,
    WISH_END,
    Asks,
    People,
    X,
    Y,
)

#: Asks a cell, on average, where they are looked for by whoever comes.
ASKS_A_CELL = 1
#: Beyond this many radians of longitude, "east of" loses its sense: one column then (as in `grids`).
WIDE = np.pi / 2
#: Rows of side tables, per row at the beginning, beyond which it is time to begin anew.
SIDE_ROWS = 4


class Full(Exception):
    """There is no room for what is asked: begin anew from a whole solve."""


class Kept(Batch):
    """One city from beat to beat: `close`, `leave`, `expire`, `come`, `ask`, `price`, in this order; then `settle`."""

    live: Bool  # [R] requirements that are there
    _room: I64  # [V + R] slots that a node has
    _free_people: I64
    _free_needs: I64
    _free_asks: I64
    #: people who left, but stand in lists still
    _left: I64
    #: since the last `settle`: requirements to be served again, once a place; people set free
    _again: list[I64]
    _freed: list[I64]
    _holds: I64  # [A, 2] as `parting.expire`
    _used: dict[str, int]
    _west: float
    _east: float

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._near: Near | None = None
        self._mark = self.fill()
        self.list_by_cost()
        self._lay_out()

    # --- what changes

    def close(self, needs: I64) -> None:
        """Take requirements away."""
        nodes, near = self.work.flow.nodes, self._cells()
        freed = np.empty(int(nodes[self.people + needs, COUNT].sum()), np.int64)
        asks = self.needs[needs, ASK]
        close_all(self.work, near, needs, freed)
        self._freed.append(freed)
        self.live[needs] = False
        self._free_needs = np.concatenate((self._free_needs, needs))
        gone = np.unique(asks)
        self._free_asks = np.concatenate((self._free_asks, gone[near.cell[gone] == NONE]))
        self._forget()

    def leave(self, people: I64) -> None:
        """Take people away; whom they served is served again."""
        nodes = self.work.flow.nodes
        again = np.empty(int(nodes[people, COUNT].sum()), np.int64)
        if leave_all(self.work, self._cells(), people, again, self.people - 1) < 0:
            raise Full("A person who leaves is in no cell.")
        self._again.append(again)
        self._left = np.concatenate((self._left, people))
        self._forget()

    def expire(self) -> None:
        """Strike pairs for which it is too late, after departures (`asks.facts`) or hours have moved on."""
        lost = np.empty((int(self.work.flow.nodes[: self.people, COUNT].sum()), 2), np.int64)
        size = expire(self.work, self._cells(), self._holds, lost)
        self._again.append(lost[:size, 0].copy())
        self._freed.append(lost[:size, 1].copy())

    def come(self, slots: I64, people: People, capacity: I64) -> None:
        """Add people under these vacant numbers; their HOURS are rows of this city's table."""
        work, nodes = self.work, self.work.flow.nodes
        self._reach_out(_longitudes(people))
        own, facts = work.people, people.facts.copy()
        for name, begin, end in (("busy", BUSY_AT, BUSY_END), ("certs", CERT_AT, CERT_END)):
            facts[:, (begin, end)] += self._append(name, getattr(people, name))
        own.place[slots], own.facts[slots], own.levels[slots] = people.place, facts, people.levels
        self._give_room(slots, capacity)
        nodes[slots, PRICE] = nodes[slots, COUNT] = 0
        near = self._cells()
        if not enter_all(self.work, near, slots):
            raise Full("The cells about a newcomer are full.")
        self.work.lists.table[:, RING] = 0  # the inner rings may hold somebody again
        measure(self.work, near)
        state = np.zeros(1, np.int64)
        while not come_all(self.work, near, slots, state):
            self._help()
        self._freed.append(slots)

    def ask(self, mine: I64, slots: I64, asks: Asks, ask: I64, supply: I64) -> None:
        """Add asks and requirements under these vacant numbers; people are named by this city's numbers."""
        self._reach_out(asks.place[:, LON])
        facts = asks.facts.copy()
        spans = (
            ("needs", NEED_AT, NEED_END), ("barred", BARRED_AT, BARRED_END), ("wishes", WISH_AT, WISH_END),
            ("spared", SPARED_AT, SPARED_END),
        )  # fmt: skip
        most = int((facts[:, SPARED_END] - facts[:, SPARED_AT]).max(initial=0))
        if FRESH + most > len(self.work.lists.fresh):
            self.work = self.work._replace(lists=self.work.lists._replace(fresh=np.empty(FRESH + most, np.int64)))
        for name, begin, end in spans:
            facts[:, (begin, end)] += self._append(name, getattr(asks, name))
        own, table = self.work.asks, self.work.lists.table
        own.place[mine], own.facts[mine] = asks.place, facts
        kept = table[mine][:, (AT, ROOM)]
        table[mine] = 0
        table[mine, AT], table[mine, ROOM], table[mine, CUT] = kept[:, 0], kept[:, 1], -1
        self._holds[mine, OF_LENGTH] = -1
        self._give_room(self.people + slots, supply)
        self.work.flow.nodes[self.people + slots, PRICE] = self.work.flow.nodes[self.people + slots, COUNT] = 0
        self.needs[slots, ASK], self.needs[slots, OPEN] = mine[ask], 0
        self.live[slots] = True
        open_all(self.work, self._cells(), mine, slots)
        state = np.zeros(1, np.int64)
        while not first_lists(self.work, mine, state, FIRST_LIST):
            self._help()
        self._again.append(np.repeat(slots, supply))

    def price(self, weight: I64, waiting: I64, fill_price: int) -> None:
        """Say what leaving a place open costs now, by number; of no requirement that stays it may fall."""
        if fill_price < self.fill_price:
            raise Full("The price that puts the fill first has fallen below the one that is kept.")
        self.ground = replace(self.ground, weight=weight, waiting=waiting, fill_price=fill_price)
        unserved, needs = self._unserved(), self.needs
        rises = self.live & (needs[:, OPEN] > 0) & (unserved > needs[:, UNSERVED])
        needs[:, UNSERVED], needs[:, WEIGHT] = unserved, weight
        self._again.append(np.repeat(np.flatnonzero(rises), needs[rises, OPEN]))
        needs[rises, OPEN] = 0

    def price_new(self, slots: I64, weight: I64, waiting: I64) -> None:
        """Say what leaving these new places open costs, where for all others nothing changed."""
        self.ground.weight[slots], self.ground.waiting[slots] = weight, waiting
        self.needs[slots, WEIGHT], self.needs[slots, UNSERVED] = weight, weight * self.fill_price + waiting

    def settle(self) -> None:
        """Work on what changed until the matching is the optimum."""
        self._serve(np.concatenate(self._again))
        freed = np.concatenate(self._freed)
        if len(freed):
            measure(self.work, self._cells())
            free_all(self.work, self._cells(), freed)
        self._again, self._freed = [_NONE], [_NONE]
        self._mark = self._fill_up() if self.needs[:, OPEN].max(initial=0) > 0 else self._unmarked

    # --- what is

    @property
    def people(self) -> int:
        """How many people there is room for; the last number is nobody's."""
        return len(self.work.flow.nodes) - len(self.needs)

    def vacant_people(self, count: int) -> I64:
        """Take numbers for people who come. Raises Full."""
        if count > len(self._free_people):
            self.tidy()
        slots, self._free_people = _taken(self._free_people, count)
        return slots

    def vacant_asks(self, count: int) -> I64:
        """Take numbers for asks. Raises Full."""
        slots, self._free_asks = _taken(self._free_asks, count)
        return slots

    def vacant_needs(self, count: int) -> I64:
        """Take numbers for requirements. Raises Full."""
        slots, self._free_needs = _taken(self._free_needs, count)
        return slots

    def answer(self) -> tuple[Ground, Solved]:
        """Return the optimum and the ground that it stands on.

        People are those whom anybody lists: all others are free and without a price. The ground's `order` and `who` are
        this city's numbers.
        """
        flow, lists = self.work.flow, self.work.lists
        needs, asks = np.flatnonzero(self.live), np.flatnonzero(self._cells().cell != NONE)
        nodes = self.people + needs
        requirement = np.repeat(np.arange(len(needs)), flow.nodes[nodes, COUNT])
        served = flow.slots[_rows(flow.nodes[nodes, FIRST], flow.nodes[nodes, COUNT])]
        length = lists.table[asks, LENGTH]
        keys = lists.keys[_rows(lists.table[asks, AT], length)]
        there = flow.nodes[keys & PERSON_MASK, PRICE] < FAR
        row = np.repeat(np.arange(len(asks)), length)[there]
        keys = keys[there]
        who = np.unique(np.concatenate((keys & PERSON_MASK, served[:, OTHER])))
        dense = np.zeros(self.people, np.int64)
        dense[who] = np.arange(len(who))
        table = lists.table[asks]
        table[:, LENGTH] = np.bincount(row, minlength=len(asks))
        table[:, AT] = np.cumsum(table[:, LENGTH]) - table[:, LENGTH]
        keys = keys >> PERSON_BITS << PERSON_BITS | dense[keys & PERSON_MASK]
        ask_of = np.zeros(len(lists.table), np.int64)
        ask_of[asks] = np.arange(len(asks))
        price = flow.nodes[:, PRICE] + self._mark * (self.ground.fill_price - self.fill_price)
        whole, people = self.ground, self.work.people
        ground = replace(
            whole,
            people=people._replace(place=people.place[who], facts=people.facts[who], levels=people.levels[who]),
            asks=self.work.asks._replace(place=self.work.asks.place[asks], facts=self.work.asks.facts[asks]),
            ask=ask_of[self.needs[needs, ASK]],
            supply=flow.nodes[nodes, SIZE],
            weight=whole.weight[needs],
            waiting=whole.waiting[needs],
            capacity=flow.nodes[who, SIZE],
            order=needs,
            who=who,
        )
        solved = Solved(
            requirement, dense[served[:, OTHER]], served[:, PAIR_COST], price[who], price[nodes],
            ground.weight * whole.fill_price + ground.waiting, lists._replace(keys=keys, table=table),
        )  # fmt: skip
        return ground, solved

    # --- room

    def _reach_out(self, lon: F64) -> None:
        """Note how far east and west anything is. Raises Full where a city comes to span a quarter of the globe."""
        wide = self._east - self._west > WIDE
        self._west, self._east = lon.min(initial=self._west), lon.max(initial=self._east)
        if self._east - self._west > WIDE and not wide:
            raise Full("East and west have lost their sense.")

    def _help(self) -> None:
        """As with any solve; but lists that need room are written anew, without those who left."""
        if self._near is None or self.work.lists.top[DOUBTS]:
            super()._help()
        else:
            self.tidy(4 * FRESH)

    def tidy(self, more: int = 0) -> None:
        """Write the lists anew without those who left, with room for so many more pairs: their numbers are vacant."""
        lists = self.work.lists
        room = 2 * int(lists.table[:, LENGTH].sum()) + SPARE * len(lists.table) + more
        keys = np.empty(max(room, len(lists.keys)), np.int64)
        if not tidy(self.work.flow, self._cells(), lists, keys):
            raise Full("The lists do not fit.")
        self.work = self.work._replace(lists=lists._replace(keys=keys))
        self._holds[:, OF_LENGTH] = -1
        self._free_people, self._left = np.concatenate((self._free_people, self._left)), _NONE

    def _give_room(self, nodes: I64, size: I64) -> None:
        """Give these nodes as many slots as they may take."""
        flow = self.work.flow
        more = np.flatnonzero(size > self._room[nodes])
        if len(more):
            first = self._slots_used + np.cumsum(size[more]) - size[more]
            slots = appended(flow.slots, self._slots_used, np.zeros((int(size[more].sum()), 2), np.int64))
            self._slots_used += int(size[more].sum())
            flow.nodes[nodes[more], FIRST], self._room[nodes[more]] = first, size[more]
            self.work = self.work._replace(flow=flow._replace(slots=slots))
        flow.nodes[nodes, SIZE] = size

    def _append(self, name: str, rows: I64) -> int:
        """Put rows behind a side table; return where."""
        at = self._used[name]
        if at + len(rows) > self._side_rows_max:
            raise Full("Too much of the side tables is of those who left.")
        if name in People._fields:
            table = appended(getattr(self.work.people, name), at, rows)
            self.work = self.work._replace(people=self.work.people._replace(**{name: table}))
        else:
            table = appended(getattr(self.work.asks, name), at, rows)
            self.work = self.work._replace(asks=self.work.asks._replace(**{name: table}))
        self._used[name] = at + len(rows)
        return at

    def _forget(self) -> None:
        """Forget what the rules said of those who left."""
        lists = self.work.lists
        if len(lists.judged):
            ask, person = lists.judged[:, 0] >> PERSON_BITS, lists.judged[:, 0] & PERSON_MASK
            there = (self._cells().cell[ask] != NONE) & (self.work.flow.nodes[person, PRICE] < FAR)
            self.work = self.work._replace(lists=lists._replace(judged=lists.judged[there].copy()))

    def _cells(self) -> Near:
        assert self._near is not None
        return self._near

    # --- the beginning

    def _lay_out(self) -> None:
        """Give every table room; numbers of requirements and asks stay, so do those of people."""
        ground, old = self.ground, self.work
        people, needs, asks = len(ground.capacity), len(ground.ask), len(ground.asks.place)
        room_people, room_needs = room_for_people(people), room_for_needs(needs)
        crowd, wanted = old.people, ground.asks
        place = padded(crowd.place, room_people)
        place[people:, REACH_M] = -1.0
        self.ground = replace(
            ground,
            people=crowd._replace(
                place=place, facts=padded(crowd.facts, room_people), levels=padded(crowd.levels, room_people)
            ),
            asks=wanted._replace(place=padded(wanted.place, room_needs), facts=padded(wanted.facts, room_needs)),
            grids=roomy(old.grids, room_people - 1),
            ask=padded(ground.ask, room_needs),
            supply=_sizes(ground.supply, room_needs),
            capacity=_sizes(ground.capacity, room_people),
            weight=padded(ground.weight, room_needs),
            waiting=padded(ground.waiting, room_needs),
        )
        flow = batch._flow(self.ground, self._unserved())
        nodes = flow.nodes
        for own, before in ((nodes[:people], old.flow.nodes[:people]), (nodes[room_people:], old.flow.nodes[people:])):
            own[: len(before), PRICE], own[: len(before), COUNT] = before[:, PRICE], before[:, COUNT]
        nodes[people:room_people, PRICE] = FAR
        taken, begin = int(ground.capacity.sum()), int(self.ground.capacity.sum())
        flow.slots[:taken] = old.flow.slots[:taken]
        flow.slots[:taken, OTHER] += room_people - people
        flow.slots[begin : begin + int(ground.supply.sum())] = old.flow.slots[taken:]
        flow.needs[:needs, OPEN] = old.flow.needs[:, OPEN]
        self._room, self._slots_used = nodes[:, SIZE].copy(), len(flow.slots)
        nodes[people:room_people, SIZE] = 0
        table = padded(old.lists.table, room_needs)
        table[asks:, CUT] = -1
        self.work = old._replace(
            people=self.ground.people, asks=self.ground.asks, grids=self.ground.grids, flow=flow,
            lists=old.lists._replace(table=table),
        )  # fmt: skip
        self.needs, self.live = flow.needs, np.arange(room_needs) < needs
        self._mark, self._unmarked = self._marked(people, room_people), np.zeros(len(nodes), np.int64)
        self._free_people, self._left = np.arange(people, room_people - 1), _NONE
        self._free_needs, self._free_asks = np.arange(needs, room_needs), np.arange(asks, room_needs)
        self._holds = np.full((room_needs, 2), -1, np.int64)
        self._again, self._freed = [_NONE], [_NONE]
        self._used = {name: len(getattr(crowd, name)) for name in ("busy", "certs")}
        self._used |= {name: len(getattr(wanted, name)) for name in ("needs", "barred", "wishes", "spared")}
        self._side_rows_max = SIDE_ROWS * max(4096, *self._used.values())
        lon = np.concatenate((_longitudes(crowd), wanted.place[:, LON]))
        self._west, self._east = float(lon.min(initial=np.inf)), float(lon.max(initial=-np.inf))
        self._near = _near(wanted, ground.grid_skill, room_needs, wide=self._east - self._west > WIDE)
        open_all(self.work, self._near, np.arange(asks), np.arange(needs))

    def _marked(self, people: int, room_people: int) -> I64:
        mark = np.zeros(len(self.work.flow.nodes), np.int64)
        mark[:people] = self._mark[:people]
        mark[room_people : room_people + len(self._mark) - people] = self._mark[people:]
        return mark


_NONE = np.empty(0, np.int64)


def room_for_people(count: int) -> int:
    """Return how many people a city may come to have that begins with so many."""
    return count + count // 8 + 64


def room_for_needs(count: int) -> int:
    """Return how many requirements a city may come to have that begins with so many."""
    return 2 * count + 64


def _taken(free: I64, count: int) -> tuple[I64, I64]:
    if count > len(free):
        raise Full("More comes than there is room for.")
    return free[:count], free[count:]


def _sizes(size: I64, room: int) -> I64:
    """Return sizes of nodes with room for more, one place each."""
    return np.concatenate((size, np.ones(room - len(size), np.int64)))


def _rows(first: I64, length: I64) -> I64:
    """Return the entries of these rows, one after the other."""
    at = np.cumsum(length) - length
    return np.asarray(np.arange(int(length.sum())) + np.repeat(first - at, length))


def _longitudes(people: People) -> F64:
    return np.arctan2(people.place[:, Y], people.place[:, X])


def _near(asks: Asks, skill: I64, room: int, *, wide: bool) -> Near:
    """Return cells for asks, over the ground of those that are there; nobody is in them yet."""
    lat, lon = asks.place[:, LAT], asks.place[:, LON]
    side = max(1, int((len(lat) / max(1, len(skill)) / ASKS_A_CELL) ** 0.5))
    south, west = float(lat.min(initial=np.inf)), float(lon.min(initial=np.inf))
    if not len(lat):
        south = west = 0.0
    tall, broad = float(np.ptp(lat)) if len(lat) else 0.0, float(np.ptp(lon)) if len(lon) else 0.0
    columns = 1 if wide else side
    return Near(
        frame=np.array([south, west, max(tall, 1e-9) / side, max(broad, 1e-9) / columns]),
        shape=np.array([side, columns], np.int64),
        skill=np.asarray(skill, np.int64),
        first_ask=np.full(len(skill) * side * columns, NONE, np.int64),
        far_m=np.full(len(skill) * side * columns, -1.0),
        furthest_m=np.full(len(skill), -1.0),
        next_ask=np.full(room, NONE, np.int64),
        prev_ask=np.full(room, NONE, np.int64),
        cell=np.full(room, NONE, np.int64),
        bound=np.full(room, NONE, np.int64),
        chord=np.zeros(room, np.int64),
        metres=np.zeros(room),
        first_need=np.full(room, NONE, np.int64),
        next_need=np.full(room, NONE, np.int64),
        prev_need=np.full(room, NONE, np.int64),
        found=np.empty(room, np.int64),
    )
