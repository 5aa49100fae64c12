"""The relaxed problem as plain arrays, in solving order: what flow, prices and growth work on.

Built by `solve` from the candidate rows. Positions here are dense: requirement 0 is the first one of the solving
order, person 0 the involved one of lowest rank. Knows no rule, no place and no start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher.problem import COST_MAX, I64, Bool, Problem

if TYPE_CHECKING:
    from matcher.candidates import Row

#: Flow multiplies costs by up to twice the squared number of nodes (MATCHING 5.1).
INT64_END = 2**63


@dataclass(frozen=True)
class Network:
    """All feasible pairs by requirement (CSR), each row sorted by (cost, rank), and what a place is worth.

    `fill_first`: the unserved price is large enough that no saving of cost is worth an unfilled place.
    """

    requirement: I64  # [pairs] dense
    person: I64  # [pairs] dense
    cost: I64  # [pairs] points
    indptr: I64  # [R + 1]
    supply: I64  # [R] places
    capacity: I64  # [V]
    weight: I64  # [R]
    unserved: I64  # [R] U_r
    fill_price: int  # U'
    fill_first: bool
    order: I64  # [R] dense -> requirement of the problem
    people: I64  # [V] dense -> person of the problem

    @property
    def pairs(self) -> int:
        """Feasible pairs in all."""
        return len(self.cost)

    def without(self, requirement: int) -> Network:
        """Return the network in which nobody may serve this (dense) requirement."""
        keep = self.requirement != requirement
        return self.restrict(keep)

    def restrict(self, keep: Bool) -> Network:
        """Return the network of the pairs kept; people and requirements stay."""
        count = np.bincount(self.requirement[keep], minlength=len(self.supply))
        return Network(
            self.requirement[keep], self.person[keep], self.cost[keep], indptr_of(count), self.supply, self.capacity,
            self.weight, self.unserved, self.fill_price, self.fill_first, self.order, self.people,
        )  # fmt: skip


def indptr_of(count: I64) -> I64:
    """Return row starts for rows of these lengths."""
    indptr = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count, out=indptr[1:])
    return indptr


def build(problem: Problem, order: I64, rank: I64, rows: list[Row]) -> Network:
    """Lay out the rows (given in solving order) as one network."""
    asked = problem.requirements
    count = np.array([len(row.person) for row in rows], np.int64)
    person = np.concatenate([row.person for row in rows]).astype(np.int64)
    cost = np.concatenate([row.cost for row in rows])
    _, first, dense = np.unique(rank[person], return_index=True, return_inverse=True)
    people = person[first]
    order = np.asarray(order, np.int64)
    supply = asked.people[order].astype(np.int64)
    weight = asked.weight[order].astype(np.int64)
    waiting = asked.waiting[order]
    capacity = problem.people.capacity[people].astype(np.int64)
    fill_price, fill_first = price_of_a_place(problem, len(supply) + len(capacity) + 1, int(cost.max()))
    return Network(
        np.repeat(np.arange(len(rows)), count), dense.astype(np.int64), cost, indptr_of(count), supply, capacity,
        weight, weight * fill_price + waiting, fill_price, fill_first, order, people,
    )  # fmt: skip


def price_of_a_place(problem: Problem, nodes: int, dearest: int) -> tuple[int, bool]:
    """Return U' and whether it puts the fill before everything else.

    No two plans differ by more in cost and waiting than (places that can be filled x dearest pair + all waiting); one
    point more is lexicographic. The dearest pair that any policy allows will do, so that anybody can check it; if that
    breaks the flow engine's guard (MATCHING 5.1), the dearest pair there is; else the largest price allowed.
    """
    asked = problem.requirements
    most = (INT64_END - 1) // (2 * nodes * nodes)
    allowed = max(1, (most - int(asked.waiting.max(initial=0))) // int(asked.weight.max(initial=1)))
    for top in (COST_MAX, dearest):
        wanted = 1 + places(problem) * top + int((asked.people * asked.waiting).sum())
        if wanted <= allowed:
            return wanted, True
    return allowed, False


def places(problem: Problem) -> int:
    """Return how many places can be filled at most, whoever may serve what."""
    return min(int(problem.requirements.people.sum()), int(problem.people.capacity.sum()))
