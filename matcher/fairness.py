"""Who should go next because others have gone often, or because the quarter asks it of them: prices and figures. Pure.

Called by `posing` for the prices of a beat or a file, by `beats` and `paidan match` for the published figures.
The price of a person's next visit grows with every visit they have had this quarter, so what a plan pays for one
person grows with the square of their visits: a convex price, under which sharing is cheapest. The quarterly duty
(R100) is a price for everybody who does not owe a visit, and rises from day to day: it makes people who owe one go
first, and asks for no visit that nobody wants.
"""

from __future__ import annotations

import numpy as np

from matcher.history import Quarter
from matcher.policy import Costs
from matcher.problem import I64, Bool
from matcher.terms import Shares


def points(costs: Costs, visits: I64, cadre: Bool, quarter: Quarter) -> dict[str, I64]:
    """Return what each person costs wherever they serve, by term; a term without a price is left out."""
    found = {}
    if costs.fairness_points:
        found["fairness"] = np.minimum(costs.fairness_points * visits, costs.fairness_points_max)
    if costs.duty_points:
        found["duty"] = np.where(cadre & (visits == 0), 0, duty_price(costs.duty_points, quarter)).astype(np.int64)
    return found


def duty_price(duty_points: int, quarter: Quarter) -> int:
    """Return what those who owe no visit pay on this day: the whole on the quarter's last day."""
    return duty_points * quarter.day // quarter.days


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
        owing=int((cadre & (visits == 0)).sum()),
    )
