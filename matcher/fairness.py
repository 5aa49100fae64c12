"""Who should go next because others have gone often, or because the quarter asks it of them: prices and figures. Pure.

Called by `posing` for the prices of a beat or a file, by `beats` and `paidan match` for the published figures.
The price of a person's next visit grows with every visit they have had this quarter, so what a plan pays for one
person grows with the square of their visits: a convex price, under which sharing is cheapest. The quarterly duty
(R100) is a price for everybody who does not owe a visit, and rises from day to day: it makes people who owe one go
first, and asks for no visit that nobody wants.
"""

from __future__ import annotations

import numpy as np

from matcher.geo import EARTH_RADIUS_M
from matcher.history import Quarter
from matcher.policy import Costs
from matcher.problem import F64, I32, I64, Bool
from matcher.terms import Shares


def points(costs: Costs, visits: I64, cadre: Bool, quarter: Quarter, first_price: int | None = None) -> dict[str, I64]:
    """Return what each person costs wherever they serve, by term; a term without a price is left out.

    `first_price`: what comes before every other cost; None: the quarter's last report week has not begun.
    """
    found = {}
    if costs.fairness_points:
        found["fairness"] = np.minimum(costs.fairness_points * visits, costs.fairness_points_max)
    if costs.prices_duty:
        price = duty_price(costs, quarter, first_price)
        found["duty"] = np.where(owing(visits, cadre), 0, price).astype(np.int64)
    return found


def owing(visits: I64, cadre: Bool) -> Bool:
    """Say who still owes the quarter a visit."""
    without: Bool = cadre & (visits == 0)
    return without


def duty_price(costs: Costs, quarter: Quarter, first_price: int | None = None) -> int:
    """Return what those who owe no visit pay on this day: the whole on the quarter's last day.

    From the quarter's last report week on at least `duty_last_week_points`, or what comes before every other cost.
    """
    rising = costs.duty_points * quarter.day // quarter.days
    if first_price is None:
        return rising
    return max(rising, costs.duty_last_week, first_price if costs.duty_first else 0)


def before_all(dearest: int, places: I32, waiting: I64, room: int) -> int:
    """Return a price at which one more visit by somebody who owes it outweighs whatever else a plan could cost.

    Two plans of the same fill differ by cycles of changed visits; one cycle changes each place at most once, so what
    it costs is less than all places at their dearest (`dearest`: a pair, in points, without the duty). Where that is
    more than a pair may cost (`room`), the price is `room`: then a chain of changes that costs more is not made.
    """
    return max(0, min(room, 1 + int((places.astype(np.int64) * (dearest + waiting)).sum())))


def farthest_m(lat: F64, lon: F64, there_lat: F64, there_lon: F64) -> F64:
    """Return for each person a bound on the way to any of the points: along the meridian, then along the parallel."""
    if not there_lat.size:
        return np.zeros(lat.size)
    up = np.maximum(abs(lat - there_lat.min()), abs(lat - there_lat.max()))
    across = np.maximum(abs(lon - there_lon.min()), abs(lon - there_lon.max()))
    metres: F64 = EARTH_RADIUS_M * np.radians(up + np.minimum(across, 180.0))
    return metres


def shares(visits: I64, cadre: Bool) -> Shares:
    """Return the figures for these people. The Gini coefficient is one division of whole numbers."""
    people, total = len(visits), int(visits.sum())
    ranked = int((np.sort(visits) * np.arange(1, people + 1)).sum())
    above = 2 * ranked - (people + 1) * total
    return Shares(
        people=people,
        visits=total,
        gini=above / (people * total) if total else 0.0,
        most=int(visits.max(initial=0)),
        least=int(visits.min()) if people else 0,
        owing=int(owing(visits, cadre).sum()),
    )
