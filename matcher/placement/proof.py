"""Whether a placement is what it says: rules, cost and bound recomputed without the solver and without its table.

The bound is weak duality: whatever the prices, no placement is cheaper than `bound`; a placement that costs exactly
that is an optimum over every feasible (member, site). Called after every solve; raises, never repairs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from matcher import geo
from matcher.placement.problem import Asked, Member, Placement, Site
from matcher.placement.solving import Solution
from matcher.problem import I64, Bool


class Unproven(Exception):
    """The placement is not what it says; the message names what failed."""


@dataclass(frozen=True)
class Proof:
    """Points of the placement and of the bound below every placement; equal: an optimum."""

    cost: int
    bound: int

    @property
    def optimal(self) -> bool:
        """Say whether nothing can be cheaper."""
        return self.cost == self.bound


def check(problem: Placement, solution: Solution) -> Proof:
    """Return cost and bound. Raises Unproven for a broken rule or prices that prove nothing."""
    proof = Proof(cost_of(problem, solution), _bound(problem, solution))
    if proof.bound > proof.cost:
        raise Unproven(f"The bound ({proof.bound}) is above the cost ({proof.cost}): one of them is wrong.")
    return proof


# --- what it costs ----------------------------------------------------------------------------------------------


def cost_of(problem: Placement, solution: Solution) -> int:
    """Return the points of a placement, every rule re-checked. Raises Unproven."""
    load: Counter[int] = Counter()
    filled: Counter[tuple[int, int]] = Counter()
    total = 0
    for one, site, need in zip(problem.members, solution.site.tolist(), solution.need.tolist(), strict=True):
        if site < 0:
            free = problem.optional or not any(may_be(one, place) for place in problem.sites)
            _require(free, f"Member ({one.member}) is nowhere, and need not be.")
            total += solution.out_points
            continue
        place = problem.sites[site]
        _require(may_be(one, place), f"Member ({one.member}) may not be at ({place.site}).")
        total += metres(one, place) + problem.prices.move_points * (one.at not in (None, place.site))
        load[site] += 1
        if need >= 0:
            _require(_able(one, place.needs[need]), f"Member ({one.member}) does not answer a need of ({place.site}).")
            filled[site, need] += 1
            total -= problem.prices.need_points
    for (site, need), count in filled.items():
        place = problem.sites[site]
        _require(count <= place.needs[need].people, f"A need of ({place.site}) counts ({count}) members.")
    for number, place in enumerate(problem.sites):
        over = place.hard and load[number] > place.upper
        _require(not over, f"Site ({place.site}) has ({load[number]}), allowed are ({place.upper}).")
        total += solution.out_points * out_of_bounds(place, load[number])
    return total


def out_of_bounds(site: Site, count: int) -> int:
    """Return how many too few or too many a site has."""
    return max(0, site.lower - count) + max(0, count - site.upper)


def metres(one: Member, site: Site) -> int:
    """Return whole metres between a member and a site; 0 where a point is missing."""
    return int(np.floor(_away(one, site) + 0.5))


def _away(one: Member, site: Site) -> float:
    if one.point is None or site.point is None:
        return 0.0
    return geo.distance_m(site.point.lat, site.point.lon, one.point.lat, one.point.lon)


def may_be(one: Member, site: Site) -> bool:
    if one.at == site.site:
        return True
    if one.stays or one.within not in (None, site.within) or not all(_able(one, asked) for asked in site.requires):
        return False
    return one.reach_m is None or _away(one, site) <= one.reach_m


def _able(one: Member, asked: Asked) -> bool:
    return one.abilities.get(asked.ability, 0) >= asked.level


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise Unproven(message)


# --- below which nothing is -------------------------------------------------------------------------------------


def _bound(problem: Placement, solution: Solution) -> int:
    """Return a number of points below which no placement is, from the prices alone.

    Every site and need gets its price; each member then takes what is cheapest for it alone, each need and each site
    the number of members that is cheapest for it alone. What all these choices cost together, no placement undercuts.
    """
    members = problem.members
    at = {site.site: number for number, site in enumerate(problem.sites)}
    now = np.array([at.get(one.at or "", -1) for one in members])
    lats = np.array([np.nan if one.point is None else one.point.lat for one in members])
    lons = np.array([np.nan if one.point is None else one.point.lon for one in members])
    reach = np.array([np.inf if one.reach_m is None else one.reach_m for one in members])
    free = ~np.array([one.stays for one in members], np.bool_)
    can: dict[tuple[str, int], Bool] = {}
    none = np.iinfo(np.int64).max
    inside = np.array([one.within or "" for one in members])
    best = np.full(len(members), solution.out_points if problem.optional else none, np.int64)
    total, need = 0, iter(solution.need_prices.tolist())
    for number, site in enumerate(problem.sites):
        price = int(solution.site_prices[number])
        total += _cheapest_load(site, price, solution.out_points)
        away = np.zeros(len(members)) if site.point is None else geo.distances_m(*_degrees(site), lats, lons)
        away = np.where(np.isnan(away), 0.0, away)
        may = free & (away <= reach) & ((inside == "") | (inside == (site.within or "")))
        for asked in site.requires:
            may &= _who_can(members, asked, can)
        worth = np.full(len(members), price, np.int64)
        for asked in site.needs:
            own = next(need)
            total += asked.people * min(0, price - problem.prices.need_points - own)
            worth = np.where(_who_can(members, asked, can), np.minimum(worth, own), worth)
        moved = problem.prices.move_points * ((now >= 0) & (now != number))
        way: I64 = np.floor(away + 0.5).astype(np.int64) + moved + worth
        best = np.where(may | (now == number), np.minimum(best, way), best)
    best = np.where(best == none, solution.out_points, best)
    return total + sum(best.tolist())


def _degrees(site: Site) -> tuple[float, float]:
    assert site.point is not None
    return site.point.lat, site.point.lon


def _who_can(members: tuple[Member, ...], asked: Asked, known: dict[tuple[str, int], Bool]) -> Bool:
    key = asked.ability, asked.level
    if key not in known:
        known[key] = np.array([_able(one, asked) for one in members], np.bool_)
    return known[key]


def _cheapest_load(site: Site, price: int, out: int) -> int:
    """Return the least that a site costs in balance, less its price, over all loads: a corner of a convex function."""
    if price > out and not site.hard:
        raise Unproven(f"The price ({price}) of ({site.site}) is above that of one too many ({out}).")
    return min(out * out_of_bounds(site, load) - price * load for load in (0, site.lower, site.upper))
