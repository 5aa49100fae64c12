"""Why balance cannot be kept, or a member not be placed: who competes for what (Hall). Called by `report`.

`TooFew`: everybody who may be at one of these sites is at one, and they are fewer than the lower bounds. `TooMany`:
these members may be nowhere but at these sites, and they are more than the upper bounds. Each can be counted by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from matcher.placement.problem import Placement
from matcher.placement.solving import Solution
from matcher.placement.table import Table, table_of
from matcher.problem import I64
from matcher.terms import Id, Term


class TooFew(Term, frozen=True, kw_only=True):
    """`sites` are to have `wanted` members together; only `members` may be at any of them."""

    sites: tuple[Id, ...]
    wanted: int
    members: int


class TooMany(Term, frozen=True, kw_only=True):
    """`members` may be at no other site than `sites`, which have room for `room`; `stay` of them because they stay."""

    sites: tuple[Id, ...]
    room: int
    members: int
    stay: int


def shortages(problem: Placement, solution: Solution) -> list[TooFew]:
    """Return a witness of each group of sites with too few."""
    table, load = table_of(problem), _load(problem, solution)
    short = [number for number, site in enumerate(problem.sites) if load[number] < site.lower]
    may_be = _Options(table)
    reached = _closed(short, lambda site: [int(solution.site[one]) for one in may_be.members(site)])
    found = []
    for group in _groups(reached, may_be):
        who = {one for site in group for one in may_be.members(site)}
        wanted = sum(problem.sites[site].lower for site in group)
        if wanted > len(who):
            names = tuple(problem.sites[site].site for site in group)
            found.append(TooFew(sites=names, wanted=wanted, members=len(who)))
    return found


def crowds(problem: Placement, solution: Solution) -> list[TooMany]:
    """Return a witness of each group of sites with too many, or that somebody is left out of."""
    table, load = table_of(problem), _load(problem, solution)
    may_be = _Options(table)
    over = {number for number, site in enumerate(problem.sites) if load[number] > site.upper}
    out = np.flatnonzero(solution.site < 0)
    over |= {site for one in out.tolist() for site in may_be.sites(one)}
    there: dict[int, list[int]] = {}
    for one, site in enumerate(solution.site.tolist()):
        there.setdefault(site, []).append(one)
    reached = _closed(sorted(over), lambda site: [k for one in there.get(site, []) for k in may_be.sites(one)])
    found = []
    for group in _groups(reached, may_be):
        inside = set(group)
        who = {one for site in group for one in may_be.members(site) if inside.issuperset(may_be.sites(one))}
        room = sum(problem.sites[site].upper for site in group)
        if len(who) > room:
            stay = sum(problem.members[one].stays for one in who)
            names = tuple(problem.sites[site].site for site in group)
            found.append(TooMany(sites=names, room=room, members=len(who), stay=stay))
    return found


class _Options:
    """Who may be where, looked up from both sides."""

    def __init__(self, table: Table) -> None:
        plain = table.option < table.sites
        self._member, self._site = table.member[plain], table.option[plain]
        self._first = np.searchsorted(self._member, np.arange(len(table.first)))
        order = np.argsort(self._site, kind="stable")
        self._by_site: I64 = self._member[order]
        self._begin = np.searchsorted(self._site[order], np.arange(table.sites + 1))

    def sites(self, member: int) -> list[int]:
        found: list[int] = self._site[self._first[member] : self._first[member + 1]].tolist()
        return found

    def members(self, site: int) -> list[int]:
        found: list[int] = self._by_site[self._begin[site] : self._begin[site + 1]].tolist()
        return found


def _load(problem: Placement, solution: Solution) -> I64:
    return np.bincount(solution.site[solution.site >= 0], minlength=len(problem.sites))


def _closed(starts: Iterable[int], following: Callable[[int], Iterable[int]]) -> list[int]:
    found = dict.fromkeys(starts)
    queue = list(found)
    for site in queue:
        for other in following(site):
            if other >= 0 and other not in found:
                found[other] = None
                queue.append(other)
    return sorted(found)


def _groups(sites: list[int], may_be: _Options) -> list[list[int]]:
    """Part sites that share no member."""
    inside, left, groups = set(sites), set(sites), []
    for start in sites:
        if start not in left:
            continue
        group = _closed(
            [start], lambda site: [k for one in may_be.members(site) for k in may_be.sites(one) if k in inside]
        )
        left -= set(group)
        groups.append(group)
    return groups
