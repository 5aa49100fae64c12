"""Prices of a week too large for one linear program: window by window, then all of it priced once, then climbed.

Called by `rounds`. A window's program knows the units and homes within its square and a margin; only the prices of its
square are kept. Whatever prices come out, pricing every shift of the week under them gives a valid bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from matcher.geo import EARTH_RADIUS_M
from matcher.problem import F64, I64
from matcher.weekly import tables
from matcher.weekly.bounding.generating import generate
from matcher.weekly.bounding.relaxing import Priced, cost_of, priced
from matcher.weekly.bounding.values import Posed, Prices, Route
from matcher.weekly.laying import OPEN_POINTS

#: Units in a square, on average, and the margin around it as a share of its side.
UNITS, MARGIN = 250, 0.2
#: Rounds of a window; its prices need not be perfect.
ROUNDS = 25
#: Of Polyak's step; halved, from the best prices on, after so many pricings that were no better.
FIRST_STEP, PATIENCE = 0.05, 4
#: How much of the heading before is kept in the next one.
KEPT_HEADING = 0.5


def bound(posed: Posed, routes: list[Route], value: int, climbs: int) -> tuple[Priced, int]:
    """Return the best pricing of the week and how often all of it was priced. `value`: of the plan, scaled."""
    here = best = priced(posed, _prices(posed, routes))
    step, waited, heading = FIRST_STEP, 0, np.zeros(len(posed.places))
    for _ in range(climbs):
        heading = KEPT_HEADING * heading + (1 - KEPT_HEADING) * _missing(posed, here)
        here = priced(posed, _climbed(here, heading, value, step))
        waited = 0 if here.bound > best.bound else waited + 1
        best = max(best, here, key=lambda some: some.bound)
        if waited == PATIENCE:
            here, step, waited = best, step / 2, 0
    return best, climbs + 1


def _prices(posed: Posed, routes: list[Route]) -> Prices:
    """Put the windows' prices together."""
    unit, bonus, charge = (np.zeros(len(some), np.int64) for some in (posed.places, posed.owing, posed.owing))
    opened = 0
    for part, own, core, homes in _windows(posed, routes):
        found = generate(part, own, ROUNDS)[0].prices
        unit[core], bonus[homes], charge[homes] = found.unit[core], found.bonus[homes], found.charge[homes]
        opened = max(opened, found.open)
    return Prices(unit, bonus, charge, opened)


def _windows(posed: Posed, routes: list[Route]) -> Iterator[tuple[Posed, list[Route], I64, I64]]:
    """Yield each window's program and first routes, and the units and people of its square."""
    begin, count = int(posed.m[tables.UNITS]), len(posed.places)
    spots = posed.m[begin : begin + count * tables.UNIT_WIDE].reshape(count, tables.UNIT_WIDE)[:, tables.SPOT]
    units, homes = _flat(posed.spots[spots]), _flat(posed.spots[: len(posed.owing)])
    low = units.min(axis=0)
    spread = units.max(axis=0) - low
    side = max(1.0, float(np.sqrt(max(1.0, float(spread[0] * spread[1])) * UNITS / count)))
    cells = np.floor((units - low) / side)
    for cell in np.unique(cells, axis=0):
        corner = low + cell * side
        core, about = _within(units, corner, side, 0.0), _within(units, corner, side, MARGIN * side)
        near = _within(homes, corner, side, MARGIN * side)
        part, own = _part(posed, routes, about, near)
        yield part, own, np.flatnonzero(core), np.flatnonzero(_within(homes, corner, side, 0.0))


def _part(posed: Posed, routes: list[Route], about: I64, near: I64) -> tuple[Posed, list[Route]]:
    """Return the program of some units and the people near them, or who serve them in the plan."""
    cut = [(route.shift, tuple(u for u in route.units if about[u])) for route in routes]
    serving = np.zeros(len(posed.person), np.bool_)
    serving[[s for s, units in cut if units]] = True
    shifts = np.flatnonzero(near[posed.person] | serving)
    part = replace(
        posed, units=np.flatnonzero(about), shifts=shifts, people=np.unique(posed.person[shifts]),
    )  # fmt: skip
    return part, [Route(s, cost_of(posed, s, units), units) for s, units in cut if units]


def _flat(points: F64) -> F64:
    """Return metres to the east and north of points on the unit sphere."""
    lat, lon = np.arcsin(np.clip(points[:, tables.Z], -1, 1)), np.arctan2(points[:, tables.Y], points[:, tables.X])
    return np.column_stack((lon * np.cos(lat.mean()), lat)) * EARTH_RADIUS_M


def _within(points: F64, corner: F64, side: float, margin: float) -> I64:
    inside = (points >= corner - margin) & (points < corner + side + margin)
    return np.asarray(inside.all(axis=1))


def _missing(posed: Posed, made: Priced) -> I64:
    """Return how many more visits than are made each unit wants, where every shift makes its cheapest route."""
    served = np.zeros(len(posed.places), np.int64)
    first = made.rows[:, 0]
    sizes = np.arange(first.shape[1] - 2)[None, :] < first[:, 1, None]
    np.add.at(served, first[:, 2:][sizes], 1)
    missing = posed.places - served
    missing[np.delete(np.arange(len(missing)), posed.units)] = 0
    return missing


def _climbed(here: Priced, heading: F64, value: int, step: float) -> Prices:
    """Return prices a step up: dearer where fewer serve a unit than are wanted, cheaper where more do (Polyak 1969)."""
    gap = max(1.0, value - here.bound / OPEN_POINTS)
    moved = step * gap / max(1.0, float(heading @ heading))
    return replace(here.prices, unit=here.prices.unit + np.rint(moved * heading).astype(np.int64))
