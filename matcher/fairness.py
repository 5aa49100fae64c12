"""Who should go next because others have gone often, or because the quarter asks it of them: prices and figures. Pure.

Called by `posing` for the prices of a beat or a file, by `beats` and `paidan match` for the published figures.
The price of a person's next visit grows with every visit they have had this quarter, so what a plan pays for one
person grows with the square of their visits: a convex price, under which sharing is cheapest. The quarterly duty
(R100) is a price for everybody who does not owe a visit, and rises from day to day: it makes people who owe one go
first, and asks for no visit that nobody wants.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from matcher.history import Quarter
from matcher.policy import Costs
from matcher.problem import I64, Bool
from matcher.terms import Shares
from matcher.weeks import SecondWeek, second_week


def points(costs: Costs, visits: I64, cadre: Bool, quarter: Quarter) -> dict[str, I64]:
    """Return what each person costs wherever they serve, by term; a term without a price is left out."""
    found = {}
    if costs.fairness_points:
        found["fairness"] = np.minimum(costs.fairness_points * visits, costs.fairness_points_max)
    if costs.prices_duty:
        price = duty_price(costs, quarter)
        found["duty"] = np.where(cadre & (visits == 0), 0, price).astype(np.int64)
    return found


def duty_price(costs: Costs, quarter: Quarter) -> int:
    """Return what those who owe no visit pay on this day: the whole on the quarter's last day.

    From the quarter's last report week on at least `duty_last_week_points` (the second week of its last month, before
    any holiday moves it).
    """
    rising = costs.duty_points * quarter.day // quarter.days
    if costs.duty_last_week > rising and _last_report_week_began(quarter):
        return costs.duty_last_week
    return rising


def _last_report_week_began(quarter: Quarter) -> bool:
    year, place = divmod(quarter.number, 4)
    begins = second_week(year, 3 * place + 3, SecondWeek.WEEK_OF_SECOND_FRIDAY)
    return quarter.day > (begins - date(year, 3 * place + 1, 1)).days


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
