"""What a placement would change: figures before and after, each suggested move with what it gains, what stays short.

Called by `paidan placement` and tests. Solves once, has the answer proven, and reads the rest off it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from matcher.placement import proof
from matcher.placement.coverage import Coverage
from matcher.placement.problem import Member, Placement, Site
from matcher.placement.solving import Solution, solve
from matcher.placement.witness import TooFew, TooMany, crowds, shortages
from matcher.terms import Id, Term

#: 最后500米 (R25).
NEAR_M = 500


class Figures(Term, frozen=True, kw_only=True):
    """One state of the placement. Metres are of those placed; per 1,000 only of sites whose residents are known."""

    placed: int
    mean_m: float
    near_percent: float
    per_1000_least: float | None
    per_1000_most: float | None
    #: members too few or too many at sites, together; places of needs that are filled
    out_of_balance: int
    needs_filled: int


class Move(Term, frozen=True, kw_only=True):
    """One suggestion, and what undoing it alone would lose: metres, members in balance, places of needs.

    `gain_points`: metres and needs together, less the price of a move; below 0 only where balance gains.
    `source` None: a first registration; nothing is given up, `gain_points` is not counted.
    """

    member: Id
    source: Id | None
    target: Id
    #: What it is counted for there; None: for nothing that the place asks.
    ability: str | None
    metres: int
    metres_before: int | None
    metres_saved: int
    balance_gained: int
    needs_gained: int
    gain_points: int


class SiteCount(Term, frozen=True, kw_only=True):
    """One site: bounds, how many are there before and after, and how far its needs are filled after."""

    site: Id
    name: str
    residents: int | None
    lower: int
    upper: int
    before: int
    after: int
    needs: int
    needs_filled: int


class Report(Term, frozen=True, kw_only=True):
    """A placement told. `cost` and `bound` are points; `optimal`: equal, over every feasible pair."""

    members: int
    sites: int
    needs: int
    before: Figures
    after: Figures
    moves: tuple[Move, ...]
    counts: tuple[SiteCount, ...]
    cost: int
    bound: int
    optimal: bool
    balance_first: bool
    too_few: tuple[TooFew, ...]
    too_many: tuple[TooMany, ...]
    #: Members that no site is possible for, and (where members may be left out) those left out for want of room.
    nowhere: tuple[Id, ...]
    left_out: tuple[Id, ...]


def report(problem: Placement) -> Report:
    """Solve, prove, tell. Raises FlowFailed, NotOptimal, Unproven."""
    solution = solve(problem)
    proven = proof.check(problem, solution)
    now = _States(problem, [one.at for one in problem.members])
    solution = _unless_as_good_now(problem, solution, now, proven.cost)
    sites = [problem.sites[site].site if site >= 0 else None for site in solution.site.tolist()]
    then = _States(problem, sites)
    nowhere, left_out = _unplaced(problem, solution)
    return Report(
        members=len(problem.members),
        sites=len(problem.sites),
        needs=sum(asked.people for site in problem.sites for asked in site.needs),
        before=now.figures(),
        after=then.figures(),
        moves=tuple(_moves(problem, solution, now, then)),
        counts=tuple(_counts(problem, now, then)),
        cost=proven.cost,
        bound=proven.bound,
        optimal=proven.optimal,
        balance_first=solution.balance_first,
        too_few=tuple(shortages(problem, solution)),
        too_many=tuple(crowds(problem, solution)),
        nowhere=nowhere,
        left_out=left_out,
    )


class _States:
    """Where everybody is, in one state; what one more or less at a site would change."""

    def __init__(self, problem: Placement, at: Sequence[Id | None]) -> None:
        self._problem, self._at = problem, at
        self._site = {site.site: site for site in problem.sites}
        self._here: Mapping[Id, list[Member]] = defaultdict(list)
        for one, site in zip(problem.members, at, strict=True):
            if site is not None:
                self._here[site].append(one)
        self.coverage = {site.site: Coverage(site, self._here[site.site]) for site in problem.sites}

    def count(self, site: Id) -> int:
        return len(self._here[site])

    def out_with(self, site: Id, change: int) -> int:
        """Return how many are out of balance at a site with so many more or fewer."""
        return proof.out_of_bounds(self._site[site], self.count(site) + change)

    def counted(self, one: Member) -> int:
        """Return the need of its site that a member is counted for, -1 for none."""
        return -1 if one.at is None else self.coverage[one.at].counted(one.member)

    def figures(self) -> Figures:
        away = [
            proof.metres(one, self._site[site])
            for one, site in zip(self._problem.members, self._at, strict=True)
            if site is not None
        ]
        shares = [1000 * self.count(site.site) / site.residents for site in self._problem.sites if site.residents]
        placed = len(away)
        return Figures(
            placed=placed,
            mean_m=round(sum(away) / placed, 1) if placed else 0.0,
            near_percent=round(100 * sum(metres <= NEAR_M for metres in away) / placed, 1) if placed else 0.0,
            per_1000_least=round(min(shares), 2) if shares else None,
            per_1000_most=round(max(shares), 2) if shares else None,
            out_of_balance=sum(self.out_with(site.site, 0) for site in self._problem.sites),
            needs_filled=sum(coverage.filled for coverage in self.coverage.values()),
        )


def _unless_as_good_now(problem: Placement, solution: Solution, now: _States, cost: int) -> Solution:
    """Return the state as it is where nothing is cheaper: who followed all suggestions is not sent on for nothing."""
    number = {site.site: at for at, site in enumerate(problem.sites)}
    site = np.array([number.get(one.at or "", -1) for one in problem.members], np.int64)
    need = np.array([now.counted(one) for one in problem.members], np.int64)
    stayed = replace(solution, site=site, need=need)
    try:
        return stayed if proof.cost_of(problem, stayed) == cost else solution
    except proof.Unproven:
        return solution


def _moves(problem: Placement, solution: Solution, now: _States, then: _States) -> list[Move]:
    """Return every change, the most gained first. None loses: the plan without it would be a plan too, no cheaper."""
    by_id = {site.site: site for site in problem.sites}
    moves = []
    for one, site, need in zip(problem.members, solution.site.tolist(), solution.need.tolist(), strict=True):
        target = problem.sites[site] if site >= 0 else None
        if target is not None and target.site != one.at:
            ability = target.needs[need].ability if need >= 0 else None
            source = by_id.get(one.at or "")
            moves.append(_move(problem, one, source, target, ability, then))
    return sorted(moves, key=lambda move: (-move.balance_gained, -move.gain_points, move.member))


def _move(
    problem: Placement,
    one: Member,
    source: Site | None,
    target: Site,
    ability: str | None,
    then: _States,
) -> Move:
    metres, lost = proof.metres(one, target), then.coverage[target.site].lost_without(one.member)
    balance = then.out_with(target.site, -1) - then.out_with(target.site, 0)
    if source is None:
        return Move(
            member=one.member, source=None, target=target.site, ability=ability, metres=metres, metres_before=None,
            metres_saved=0, balance_gained=balance, needs_gained=lost, gain_points=0,
        )  # fmt: skip
    before = proof.metres(one, source)
    balance += then.out_with(source.site, 1) - then.out_with(source.site, 0)
    needs = lost - then.coverage[source.site].gained_with(one)
    gain = before - metres + problem.prices.need_points * needs - problem.prices.move_points
    return Move(
        member=one.member, source=source.site, target=target.site, ability=ability, metres=metres, metres_before=before,
        metres_saved=before - metres, balance_gained=balance, needs_gained=needs, gain_points=gain,
    )  # fmt: skip


def _counts(problem: Placement, now: _States, then: _States) -> list[SiteCount]:
    return [
        SiteCount(
            site=site.site,
            name=site.name,
            residents=site.residents,
            lower=site.lower,
            upper=site.upper,
            before=now.count(site.site),
            after=then.count(site.site),
            needs=sum(asked.people for asked in site.needs),
            needs_filled=then.coverage[site.site].filled,
        )
        for site in problem.sites
    ]


def _unplaced(problem: Placement, solution: Solution) -> tuple[tuple[Id, ...], tuple[Id, ...]]:
    """Return who has no site at all, and who is left out although one would do."""
    out = [problem.members[number] for number, site in enumerate(solution.site.tolist()) if site < 0]
    nowhere = [one.member for one in out if not any(proof.may_be(one, site) for site in problem.sites)]
    return tuple(nowhere), tuple(one.member for one in out if one.member not in set(nowhere))
