"""Column generation: prices from the routes known, cheapest routes under prices, a bound from both, round by round.

Called by `rounds` and `windows`. The bound of any round is valid, so whoever stops early has one.
"""

from __future__ import annotations

from matcher.weekly.bounding import master
from matcher.weekly.bounding.relaxing import Priced, priced, worth_having
from matcher.weekly.bounding.values import Posed, Route
from matcher.weekly.laying import OPEN_POINTS

#: How much of the best prices so far goes into the prices that are tried next (Wentges 1997).
SMOOTHED = 0.5
#: The bound is good enough when it is as near to the linear program's value as this share of it.
NEAR_ENOUGH = 1e-4


def generate(posed: Posed, routes: list[Route], rounds: int) -> tuple[Priced, int, bool]:
    """Return the best pricing, how many rounds it took, and whether nothing better is left. `routes` allow a plan."""
    routes = list(dict.fromkeys(routes))
    known, solved = set(routes), master.solve(posed, routes)
    best = priced(posed, solved.prices)
    news = worth_having(posed, best, solved.shift)
    for done in range(1, rounds):
        fresh = [route for route in news if route not in known]
        routes += fresh
        known.update(fresh)
        solved = master.solve(posed, routes)
        tried = priced(posed, master.between(best.prices, solved.prices, SMOOTHED))
        news = worth_having(posed, tried, solved.shift)
        if known.issuperset(news):  # the smoothed prices hide what the true ones show
            best = max(best, tried, key=lambda some: some.bound)
            tried = priced(posed, solved.prices)
            news = worth_having(posed, tried, solved.shift)
        best = max(best, tried, key=lambda some: some.bound)
        near = solved.value * OPEN_POINTS - best.bound <= NEAR_ENOUGH * abs(solved.value) * OPEN_POINTS
        if near or known.issuperset(news):
            return best, done + 1, True
    return best, rounds, False
