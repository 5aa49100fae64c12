"""What prices say: all shifts priced, and the Lagrangian bound in whole numbers.

Called by `generating`, `windows` and `rounds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from matcher.problem import I64
from matcher.weekly import tables
from matcher.weekly.bounding import pricing
from matcher.weekly.bounding.master import may_stay_open
from matcher.weekly.bounding.pricing import KEPT, NEVER_WORTH, SCALE
from matcher.weekly.bounding.values import Posed, Prices, Route
from matcher.weekly.clockwork import points_of, way_m
from matcher.weekly.laying import OPEN_POINTS


@dataclass(frozen=True)
class Priced:
    """One pricing: the bound (scaled, x OPEN_POINTS: whole), how many shifts are rough, the cheapest routes as rows."""

    prices: Prices
    bound: int
    rough: int
    rows: I64


def priced(posed: Posed, prices: Prices) -> Priced:
    """Price the program's shifts."""
    person = posed.person[posed.shifts]
    terms = np.ascontiguousarray(np.column_stack((prices.bonus[person], prices.charge[person])))
    price = np.full(len(posed.places), NEVER_WORTH, np.int64)
    price[posed.units] = prices.unit[posed.units]
    rows = np.zeros((len(posed.shifts), KEPT, 2 + int(posed.m[tables.LONGEST])), np.int64)
    rough = pricing.price_all(posed.m, posed.spots, posed.shifts, posed.begin, posed.pairs, terms, price, rows)
    return Priced(prices, _lagrangian(posed, prices, int(rows[:, 0, 0].sum())), int(rough), rows)


def _lagrangian(posed: Posed, prices: Prices, routes: int) -> int:
    """Return the bound that prices give, in whole numbers: nothing is rounded in it. `routes`: all shifts' cheapest."""
    people, units = posed.people, posed.units
    fixed = routes + int(prices.unit[units] @ posed.places[units])
    fixed -= int(prices.charge[people] @ posed.capacity[people])
    fixed -= int(((posed.duty - prices.bonus) * posed.owing)[people].sum())
    total = fixed * OPEN_POINTS - prices.open * posed.open_max
    may = may_stay_open(posed)
    for at in np.flatnonzero(may).tolist():
        u = int(units[at])
        reduced = prices.open * int(posed.open_price[u]) - int(prices.unit[u]) * OPEN_POINTS
        total += int(may[at]) * min(0, reduced)
    return total


def worth_having(posed: Posed, made: Priced, beat: I64) -> list[Route]:
    """Return the routes whose value is below what they must beat, by the program's shifts."""
    better = (made.rows[:, :, 0] < -beat[:, None]) & (made.rows[:, :, 1] > 0)
    return [_route(posed, made, i, k) for i, k in np.argwhere(better).tolist()]


def _route(posed: Posed, made: Priced, i: int, k: int) -> Route:
    """Return a route that was priced; its cost is its value with everything that it earned given back."""
    value, size, *units = made.rows[i, k].tolist()
    s, prices = int(posed.shifts[i]), made.prices
    v, served = int(posed.person[s]), tuple(units[:size])
    earned = sum(int(prices.unit[u]) for u in served) - size * int(prices.charge[v]) + int(prices.bonus[v])
    return Route(s, value + earned, served)


def cost_of(posed: Posed, s: int, units: tuple[int, ...]) -> int:
    """Return what a route costs, in scaled metres and points."""
    points = dict(posed.pairs[posed.begin[s] : posed.begin[s + 1], [1, 3]].tolist())
    home = int(posed.person[s])
    spots = [home, *(int(posed.m[tables.unit_at(posed.m, u) + tables.SPOT]) for u in units), home]
    metres = sum(int(points_of(way_m(posed.spots, a, b))) for a, b in pairwise(spots))
    return SCALE * (metres + sum(int(points[u]) for u in units))
