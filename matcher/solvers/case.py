"""One problem being solved: its candidate rows, its network, and the words of both numberings.

Made once a solve; `greedy`, `crews` and `shortfalls` read it. Requirements and people keep the problem's numbers here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matcher.candidates import Candidates, Row
from matcher.problem import Problem
from matcher.solvers import network
from matcher.solvers.calendar import most_at_once
from matcher.solvers.network import Network


@dataclass(frozen=True)
class Case:
    """`rows[r]`: every feasible person of requirement r. `place[r]`: where r stands in the solving order."""

    problem: Problem
    candidates: Candidates
    rows: Sequence[Row]
    order: list[int]
    place: list[int]
    network: Network | None  # none: no feasible pair at all

    def is_crew(self, requirement: int) -> bool:
        """Say whether several people must still agree on one start."""
        asked = self.problem.requirements
        return bool(asked.people[requirement] > 1 and asked.fixed_start_s[requirement] < 0)

    def most_together(self, requirement: int) -> int:
        """Return how many feasible people at most share one start of this requirement, whoever else wants them.

        Of one team, where the crew must be.
        """
        groups = self.groups(requirement, self.rows[requirement].person.tolist())
        starts = self.candidates.starts
        return max((most_at_once([starts(requirement, v) for v in group]) for group in groups), default=0)

    def groups(self, requirement: int, people: Sequence[int]) -> list[list[int]]:
        """Return those of these people who may serve together: by team where the crew must be of one, else all."""
        teams = self.problem.requirements.teams.get(requirement)
        if teams is None or not teams.together:
            return [list(people)]
        return [[v for v in people if v in members] for members in (set(team.tolist()) for team in teams.members)]

    def agree(self, requirement: int, people: list[int]) -> bool:
        """Say whether these people may serve together."""
        teams = self.problem.requirements.teams.get(requirement)
        return teams is None or not teams.together or teams.shared_by(people)


def open_case(problem: Problem) -> Case:
    """List every feasible pair of the problem, in solving order."""
    candidates = Candidates(problem)
    order = np.asarray(candidates.requirement_order, np.int64)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    rows = [candidates.row(r) for r in range(len(order))]
    ordered = [rows[r] for r in order.tolist()]
    net = None
    if any(len(row.person) for row in rows):
        net = network.build(problem, order, np.asarray(candidates.person_rank, np.int64), ordered)
    return Case(problem, candidates, rows, order.tolist(), place.tolist(), net)
