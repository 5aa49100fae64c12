"""Which people could serve which requirement, at what cost, in the one order that every engine gets (DESIGN 5).

Called by solvers and by the re-check of plans. Chooses nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from matcher import costs, geo
from matcher.problem import F64, I32, I64, Bool, Problem
from matcher.reasons import Unassigned
from matcher.rules import (
    OPTIONAL,
    STAGES,
    area,
    budget,
    certificate,
    circle,
    excluded,
    free,
    limits,
    must_have,
    objections,
    reach,
    refused,
    registered,
    restricted,
    skills,
    start,
    team,
    zone,
)
from matcher.rules.facts import NONE, Facts

__all__ = ["Candidates", "Row", "objections"]

U64 = npt.NDArray[np.uint64]

#: The rules that bar a person from a requirement whatever the time, in funnel order.
_BARS = (
    ("excluded", excluded.applies, excluded.mask),
    ("restricted", restricted.applies, restricted.mask),
    ("must_have", must_have.applies, must_have.mask),
    ("team", team.applies, team.mask),
    ("refused", refused.applies, refused.mask),
    ("budget", budget.applies, budget.mask),
)
_NOBODY = np.empty(0, dtype=np.int32)
_NO_NUMBERS = np.empty(0, dtype=np.int64)
_NO_METRES = np.empty(0, dtype=np.float64)
_NO_NUMBERS.flags.writeable = _NO_METRES.flags.writeable = _NOBODY.flags.writeable = False


@dataclass(frozen=True)
class Row:
    """Every feasible person of one requirement, sorted by (cost, solving rank); `start_s` is the earliest.

    `funnel`: people left after each rule, up to the one that left nobody; `empty_at`: that rule's reason.
    """

    person: I32
    cost: I64
    distance_m: F64
    travel_s: I64
    start_s: I64
    funnel: dict[str, int]
    empty_at: Unassigned | None


@dataclass(frozen=True)
class _Pool:
    """Who passes the rules that many requirements share: registered, zone, skills."""

    who: I32
    funnel: dict[str, int]


class Candidates:
    """The feasible pairs of one problem, worked out row by row when asked for, and kept."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._facts = Facts(problem)
        self.costs = costs.PairCosts(problem)
        self._rows: dict[int, Row] = {}
        self._pools: dict[tuple[int, tuple[tuple[int, int], ...]], _Pool] = {}

    def row(self, r: int) -> Row:
        """Return every feasible person of requirement `r`. ValueError where a cost leaves its range."""
        row = self._rows.get(r)
        if row is None:
            row = self._rows[r] = self._search(r)
        return row

    def starts(self, r: int, person: int) -> list[tuple[int, int]]:
        """Return all starts of a pair as closed intervals of whole seconds.

        Time alone is looked at (window, fixed start, travel, hours, certificates, busy time), not the other rules.
        """
        return free.starts(self.problem, r, person)

    @cached_property
    def requirement_order(self) -> I32:
        """The solving order: requirements by the hash of (zone, beat, id)."""
        ids = (f"{len(request)}:{request}:{requirement}" for request, requirement in self.problem.requirements.ids)
        return self._hashes(ids).argsort(kind="stable").astype(np.int32)

    @cached_property
    def person_rank(self) -> I64:
        """The solving rank of each person: by Morton cell, then by the hash of (zone, beat, id)."""
        people = self.problem.people
        order = np.lexsort((self._hashes(people.ids), geo.morton(people.lat, people.lon)))
        rank = np.empty(order.size, dtype=np.int64)
        rank[order] = np.arange(order.size)
        return rank

    def _hashes(self, ids: Iterable[str]) -> U64:
        """Return 64 bits for each id that differ by zone and beat, the same in every process."""
        salt = digest(f"{self.problem.beat}:{self.problem.zone}")
        return splitmix64(np.fromiter(map(digest, ids), dtype=np.uint64) ^ np.uint64(salt))

    # --- one row

    def _search(self, r: int) -> Row:
        pool = self._pool(r)
        return _nobody(pool.funnel) if pool.who.size == 0 else self._sifted(r, pool.who, dict(pool.funnel))

    def _pool(self, r: int) -> _Pool:
        """Return who passes registered, zone and skills: one search for all requirements that ask the same."""
        key = (int(self.problem.requirements.zone[r]), self._facts.needed[r])
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = self._shared(r)
        return pool

    @cached_property
    def _registered(self) -> I32:
        everybody = np.arange(len(self.problem.people.ids), dtype=np.int32)
        return everybody[registered.mask(self._facts, 0, everybody)]

    def _shared(self, r: int) -> _Pool:
        who = self._registered
        funnel = {"registered": who.size}
        if zone.applies(self._facts, r):
            who = who[zone.mask(self._facts, r, who)]
        funnel["zone"] = who.size
        who = who[skills.mask(self._facts, r, who)]
        funnel["skills"] = who.size
        return _Pool(who, funnel)

    def _sifted(self, r: int, who: I32, funnel: dict[str, int]) -> Row:
        """Apply the rules that look at one requirement alone."""
        facts = self._facts
        if certificate.applies(facts, r):
            who = who[certificate.mask(facts, r, who)]
        funnel["certificate"] = who.size
        if area.applies(facts, r):
            who = who[area.mask(facts, r, who)]
            funnel["area"] = who.size
        distance = facts.distance_m(r, who)
        near = reach.mask(facts, r, who, distance)
        who, distance = who[near], distance[near]
        funnel["reach"] = who.size
        if who.size == 0:
            return _nobody(funnel)
        travel = facts.travel_s(who, distance)
        if circle.applies(facts, r):
            inside = circle.mask(facts, r, who, travel)
            who, distance, travel = who[inside], distance[inside], travel[inside]
            funnel["circle"] = who.size
        begin = start.earliest(facts, r, who, travel)
        begin = self._unbarred(r, who, travel, begin, funnel)
        if not funnel.get("limits", funnel["budget"]):
            return _nobody(funnel)
        begin = free.earliest(facts, r, who, travel, begin)
        alive = begin != NONE
        funnel["free"] = int(np.count_nonzero(alive))
        return self._sorted(r, who, distance, travel, begin, alive, funnel) if funnel["free"] else _nobody(funnel)

    def _unbarred(self, r: int, who: I32, travel: I64, begin: I64, funnel: dict[str, int]) -> I64:
        """Take the start from those whom a rule bars whatever the time."""
        facts, alive = self._facts, begin != NONE
        funnel["start"] = int(np.count_nonzero(alive))
        for name, applies, mask in _BARS:
            if applies(facts, r):
                alive &= mask(facts, r, who)
            elif name in OPTIONAL:
                continue
            funnel[name] = int(np.count_nonzero(alive))
        if limits.applies(facts, r):
            alive &= limits.mask(facts, r, who, travel)
            funnel["limits"] = int(np.count_nonzero(alive))
        return np.where(alive & free.open_mask(facts, r, who), begin, NONE)

    def _sorted(
        self, r: int, who: I32, distance: F64, travel: I64, begin: I64, alive: Bool, funnel: dict[str, int]
    ) -> Row:
        at = alive.nonzero()[0]
        cost = costs.total(self.costs.terms(r, who[at], distance[at]))
        order = cost.argsort(kind="stable")
        in_order = cost[order]
        if (in_order[1:] == in_order[:-1]).any():
            order = np.lexsort((self.person_rank[who[at]], cost))
        at = at[order]
        return Row(who[at], in_order, distance[at], travel[at], begin[at], funnel, None)


def _nobody(funnel: dict[str, int]) -> Row:
    """Return a row without people, its funnel ending at the first stage that left nobody."""
    left: dict[str, int] = {}
    for stage, people in funnel.items():
        left[stage] = people
        if people == 0:
            break
    return Row(_NOBODY, _NO_NUMBERS, _NO_METRES, _NO_NUMBERS, _NO_NUMBERS, left, STAGES[stage])


@lru_cache(maxsize=2**18)
def digest(text: str) -> int:
    """Return 64 bits of a text, the same in every process and for every hash seed."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def splitmix64(values: U64) -> U64:
    """Mix 64 bits (Steele, Lea, Flood 2014), so that one changed bit changes half of them."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
