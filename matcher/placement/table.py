"""Every way in which a member may be placed, as arrays: one line a (member, site, need that it is counted for or none).

Called by `solving`, `witness` and `report`. `proof` does not read it: it enumerates for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher import geo
from matcher.placement.problem import Placement, able, suits_for
from matcher.problem import F64, I64, Bool

#: The scaling of costs in the flow engine: 2 n^2 x price stays below this (MATCHING 5.1).
INT64_END = 2**63


@dataclass(frozen=True)
class Table:
    """Lines sorted by member. An option below S is a site; S and above are needs of sites (`site_of`, `capacity`)."""

    member: I64  # [lines]
    option: I64  # [lines]
    cost: I64  # [lines] metres, and the price of a move
    first: I64  # [members + 1] where a member's lines begin
    site_of: I64  # [options]
    capacity: I64  # [options] places of a need; 0 for sites
    need_points: int
    #: What one member too few, too many or left out costs; `balance_first`: more than all the rest together.
    out_points: int
    balance_first: bool
    #: members with no line at all
    nowhere: I64

    @property
    def sites(self) -> int:
        """How many options are sites."""
        return len(self.site_of) - int((self.capacity > 0).sum())


def table_of(problem: Placement) -> Table:
    """Lay out a problem."""
    sites, members = problem.sites, problem.members
    may, metres = _may_be(problem)
    at = {site.site: number for number, site in enumerate(sites)}
    now = np.array([at.get(one.at or "", -1) for one in members], np.int64)
    moved = (now >= 0)[:, None] & (now[:, None] != np.arange(len(sites))[None, :])
    cost = metres + problem.prices.move_points * moved
    lines = [np.nonzero(may)]
    needs = [(number, asked) for number, site in enumerate(sites) for asked in site.needs]
    answers: dict[tuple[str, int], Bool] = {}
    found_member, found_option, found_cost = [lines[0][0]], [lines[0][1]], [cost[lines[0]]]
    for option, (site, asked) in enumerate(needs, start=len(sites)):
        key = asked.ability, asked.level
        if key not in answers:
            answers[key] = np.array([able(one.abilities, asked) for one in members], np.bool_)
        rows = np.flatnonzero(may[:, site] & answers[key])
        found_member.append(rows)
        found_option.append(np.full(len(rows), option))
        found_cost.append(cost[rows, site])
    member, option_of, points = (np.concatenate(part) for part in (found_member, found_option, found_cost))
    order = np.lexsort((option_of, member))
    member, option_of, points = member[order], option_of[order], points[order]
    count = np.bincount(member, minlength=len(members))
    out, first_of_all = _price_out(problem, points, len(needs))
    return Table(
        member=member.astype(np.int64),
        option=option_of.astype(np.int64),
        cost=points.astype(np.int64),
        first=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
        site_of=np.array([*range(len(sites)), *(site for site, _ in needs)], np.int64),
        capacity=np.array([0] * len(sites) + [asked.people for _, asked in needs], np.int64),
        need_points=problem.prices.need_points,
        out_points=out,
        balance_first=first_of_all,
        nowhere=np.flatnonzero(count == 0),
    )


def _may_be(problem: Placement) -> tuple[Bool, I64]:
    """Return which member may be at which site, and the metres between them, both [members, sites]."""
    members, sites = problem.members, problem.sites
    shape = len(members), len(sites)
    may, metres = np.zeros(shape, np.bool_), np.zeros(shape, np.int64)
    known = np.array([one.point is not None for one in members], np.bool_)
    lats: F64 = np.array([one.point.lat if one.point else 0.0 for one in members], np.float64)
    lons: F64 = np.array([one.point.lon if one.point else 0.0 for one in members], np.float64)
    reach = np.array([np.inf if one.reach_m is None else one.reach_m for one in members], np.float64)
    stays = np.array([one.stays for one in members], np.bool_)
    for number, site in enumerate(sites):
        here = np.array([one.at == site.site for one in members], np.bool_)
        away = np.zeros(len(members), np.float64)
        if site.point is not None:
            away = np.where(known, geo.distances_m(site.point.lat, site.point.lon, lats, lons), 0.0)
        suits = np.array([suits_for(one, site) for one in members], np.bool_)
        may[:, number] = here | (~stays & suits & (away <= reach))
        metres[:, number] = np.floor(away + 0.5)
    return may, metres


def _price_out(problem: Placement, points: I64, needs: int) -> tuple[int, bool]:
    """Return what one out of balance costs: more than everything else can differ by, where the engine's numbers allow.

    Two plans differ by at most members x dearest line + all places of needs that can be filled; one point more puts
    balance first.
    """
    members = len(problem.members)
    wanted = 1 + members * (int(points.max(initial=0)) + problem.prices.need_points)
    nodes = members + len(problem.sites) + needs + 1
    allowed = (INT64_END - 1) // (2 * nodes * nodes)
    return min(wanted, allowed), wanted <= allowed
