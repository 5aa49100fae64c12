"""The linear program over the routes known so far, and the prices of its rows.

Called by `generating`. HiGHS by way of scipy; its numbers are only suggestions: the bound is worked out from whole
prices.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import optimize
from scipy.sparse import csr_array

from matcher.problem import F64, I64
from matcher.weekly.bounding.pricing import SCALE
from matcher.weekly.bounding.values import Posed, Prices, Route
from matcher.weekly.laying import OPEN_POINTS


@dataclass(frozen=True)
class Solved:
    """`value` in scaled metres, `prices` rounded to whole ones; `shift`: what a route of each shift must beat."""

    value: float
    prices: Prices
    shift: I64


@dataclass(frozen=True)
class _Entries:
    """The entries of a matrix while it grows."""

    row: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)

    def add(self, row: int, column: int, value: float) -> None:
        self.row.append(row)
        self.column.append(column)
        self.value.append(value)

    def matrix(self, rows: int, columns: int) -> Any:
        return csr_array((self.value, (self.row, self.column)), shape=(rows, columns))


def solve(posed: Posed, routes: list[Route]) -> Solved:
    """Solve it. RuntimeError where the solver finds no optimum: the first routes must allow a plan.

    Columns: routes, open places by unit, people who come. Rows of the limits: shifts, visits by person, coming by
    person, open places.
    """
    units, shifts, people = len(posed.units), len(posed.shifts), len(posed.people)
    cover, limits = _routes(posed, routes)
    first_open, first_come, come = len(routes), len(routes) + units, shifts + people
    may = may_stay_open(posed)
    for u in np.flatnonzero(may).tolist():
        cover.add(u, first_open + u, 1.0)
        limits.add(come + people, first_open + u, float(posed.open_price[posed.units[u]]) / OPEN_POINTS)
    owing = posed.owing[posed.people]
    for v in np.flatnonzero(owing).tolist():
        limits.add(come + v, first_come + v, 1.0)
    columns = first_come + people
    upper = np.concatenate((np.full(len(routes), np.inf), may, owing))
    open_max = [posed.open_max / OPEN_POINTS]
    linprog: Any = optimize.linprog
    found = linprog(
        np.concatenate(([route.cost / SCALE for route in routes], np.zeros(units), -owing * (posed.duty / SCALE))),
        A_ub=limits.matrix(come + people + 1, columns),
        b_ub=np.concatenate((np.ones(shifts), posed.capacity[posed.people], np.zeros(people), open_max)),
        A_eq=cover.matrix(units, columns),
        b_eq=posed.places[posed.units],
        bounds=np.column_stack((np.zeros(columns), upper)),
        method="highs",
    )
    if found.status != 0:
        raise RuntimeError(f"The linear program of the bound was not solved: {found.message}")
    return _solved(posed, float(found.fun), found.eqlin.marginals, -found.ineqlin.marginals)


def may_stay_open(posed: Posed) -> I64:
    """Return how many places of each of the program's units could stay open at all."""
    most: I64 = np.minimum(posed.places, posed.open_max // np.maximum(1, posed.open_price))[posed.units]
    return most


def _routes(posed: Posed, routes: list[Route]) -> tuple[_Entries, _Entries]:
    """Return the entries of the routes: which units they cover, which limits they count for."""
    unit, shift, person = (_numbers(some) for some in (posed.units, posed.shifts, posed.people))
    cover, limits = _Entries(), _Entries()
    hold, come = len(posed.shifts), len(posed.shifts) + len(posed.people)
    for number, route in enumerate(routes):
        v = int(posed.person[route.shift])
        for u in route.units:
            cover.add(unit[u], number, 1.0)
        limits.add(shift[route.shift], number, 1.0)
        limits.add(hold + person[v], number, float(len(route.units)))
        if posed.owing[v]:
            limits.add(come + person[v], number, -1.0)
    return cover, limits


def _numbers(some: I64) -> dict[int, int]:
    return {name: number for number, name in enumerate(some.tolist())}


def _solved(posed: Posed, value: float, of_cover: F64, of_limits: F64) -> Solved:
    """Bring the rows' prices to whole ones, by the week's numbers."""
    shifts, people = len(posed.shifts), len(posed.people)
    shift, charge, bonus, left = np.split(of_limits, [shifts, shifts + people, shifts + 2 * people])
    return Solved(
        value=value * SCALE,
        prices=Prices(
            unit=_spread(posed.units, of_cover, len(posed.places)),
            bonus=np.clip(_spread(posed.people, bonus, len(posed.owing)), 0, posed.duty) * posed.owing,
            charge=np.maximum(0, _spread(posed.people, charge, len(posed.owing))),
            open=max(0, round(float(left[0]) * SCALE)),
        ),
        shift=np.maximum(0, np.rint(shift * SCALE).astype(np.int64)),
    )


def _spread(numbers: I64, values: F64, size: int) -> I64:
    spread = np.zeros(size, np.int64)
    spread[numbers] = np.rint(values * SCALE)
    return spread


def between(one: Prices, two: Prices, share: float) -> Prices:
    """Return prices that lie between two: `share` of the first."""

    def mixed(a: I64, b: I64) -> I64:
        return np.rint(share * a + (1 - share) * b).astype(np.int64)

    return Prices(
        unit=mixed(one.unit, two.unit),
        bonus=mixed(one.bonus, two.bonus),
        charge=mixed(one.charge, two.charge),
        open=round(share * one.open + (1 - share) * two.open),
    )
