"""A cheapest placement by one min-cost flow (OR-Tools), and the prices that prove it.

member -> [need of a site ->] site -> sink; a site's first `lower` places earn, those beyond `upper` cost. Exact: a
member is counted for at most one need, so the whole is a flow. Called by `report` and tests; `proof` checks answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from matcher.placement.problem import Placement
from matcher.placement.table import Table, table_of
from matcher.problem import I64
from matcher.solvers.flow import FlowFailed

#: Farther than any price.
_FAR = 2**62


class NotOptimal(Exception):
    """Prices do not settle: the flow is not a cheapest one."""


@dataclass(frozen=True)
class Solution:
    """Where each member is (site number, -1: nowhere) and for which need (number within the site's needs, -1: none).

    `site_prices`, `need_prices` (of all sites' needs, in order): what one more member there would cost in all, points.
    """

    site: I64
    need: I64
    site_prices: I64
    need_prices: I64
    out_points: int
    balance_first: bool


def solve(problem: Placement) -> Solution:
    """Return a cheapest placement. The same problem gives the same answer. Raises FlowFailed, NotOptimal."""
    table = table_of(problem)
    chosen = _flow(problem, table)
    prices = _prices(problem, table, chosen)
    sites = len(problem.sites)
    placed = np.flatnonzero(chosen >= 0)
    option = table.option[chosen[placed]]
    before = np.concatenate([[0], np.cumsum([len(one.needs) for one in problem.sites])]).astype(np.int64)
    site, need = np.full((2, len(problem.members)), -1, np.int64)
    site[placed] = table.site_of[option]
    need[placed] = np.where(option >= sites, option - sites - before[table.site_of[option]], -1)
    return Solution(site, need, prices[:sites], prices[sites:], table.out_points, table.balance_first)


def _flow(problem: Placement, table: Table) -> I64:
    """Return the line that each member takes; -1 for those left out."""
    members, sites, options = len(problem.members), len(problem.sites), len(table.site_of)
    sink = members + options
    lower = np.array([site.lower for site in problem.sites], np.int64)
    upper = np.array([site.upper for site in problem.sites], np.int64)
    beyond = np.array([0 if site.hard else members for site in problem.sites], np.int64)
    site_nodes = members + np.arange(sites)
    needs = np.arange(sites, options)
    there = np.full(sites, sink)
    groups = [
        (table.member, members + table.option, np.ones(len(table.member), np.int64), table.cost),
        (
            members + needs,
            members + table.site_of[needs],
            table.capacity[needs],
            np.full(len(needs), -table.need_points),
        ),
        (site_nodes, there, lower, np.full(sites, -table.out_points)),
        (site_nodes, there, upper - lower, np.zeros(sites, np.int64)),
        (site_nodes, there, beyond, np.full(sites, table.out_points)),
    ]
    free = np.arange(members) if problem.optional else table.nowhere
    groups.append((free, np.full(len(free), sink), np.ones(len(free), np.int64), np.full(len(free), table.out_points)))
    tails, heads, capacity, cost = (np.concatenate(parts) for parts in zip(*groups, strict=True))
    flow = SimpleMinCostFlow()
    arcs = flow.add_arcs_with_capacity_and_unit_cost(tails.astype(np.int32), heads.astype(np.int32), capacity, cost)
    supply = np.zeros(sink + 1, np.int64)
    supply[:members], supply[sink] = 1, -members
    flow.set_nodes_supplies(np.arange(sink + 1, dtype=np.int32), supply)
    status = flow.solve()
    if status != flow.OPTIMAL:
        raise FlowFailed(f"The flow ended as ({status.name}). Report the problem.")
    taken = np.flatnonzero(np.asarray(flow.flows(arcs[: len(table.member)])) > 0)
    chosen = np.full(members, -1, np.int64)
    chosen[table.member[taken]] = taken
    return chosen


def _prices(problem: Placement, table: Table, chosen: I64) -> I64:
    """Return what one more member at each option would cost in all: shortest ways to the sink in the residual graph."""
    sites, options = len(problem.sites), len(table.site_of)
    placed = np.flatnonzero(chosen >= 0)
    own = chosen[placed]
    load = np.bincount(table.option[own], minlength=options)
    at_site = np.bincount(table.site_of[table.option[own]], minlength=sites)
    room = load[sites:] < table.capacity[sites:]
    used = load[sites:] > 0
    site_of = table.site_of[sites:]
    price = np.full(options, _FAR, np.int64)
    price[:sites] = [
        _one_more(count, site.lower, site.upper, table.out_points, hard=site.hard)
        for count, site in zip(at_site.tolist(), problem.sites, strict=True)
    ]
    starts = table.first[:-1][np.diff(table.first) > 0]
    has_lines = np.flatnonzero(np.diff(table.first) > 0)
    best = np.full(len(problem.members), table.out_points if problem.optional else _FAR, np.int64)
    for _ in range(2 * options + 2):
        before = price.copy()
        through = np.where(room, price[site_of] - table.need_points, _FAR)
        price[sites:] = np.minimum(price[sites:], through)
        np.minimum.at(price, site_of[used], price[sites:][used] + table.need_points)
        if len(starts):
            reached = np.minimum.reduceat(table.cost + price[table.option], starts)
            best[has_lines] = np.minimum(best[has_lines], reached)
            np.minimum.at(price, table.option[own], best[placed] - table.cost[own])
        if np.array_equal(before, price):
            return price
    raise NotOptimal("Prices do not settle: the flow is not a cheapest one.")


def _one_more(count: int, lower: int, upper: int, out_points: int, *, hard: bool) -> int:
    if count < lower:
        return -out_points
    if count < upper:
        return 0
    return _FAR if hard else out_points
