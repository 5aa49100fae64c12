"""What flow cannot express: a crew's common start, all or nothing, and one person's several visits.

Called by `solve` with the relaxation (a crew of n = supply n, clashes ignored). If its answer has common starts and no
clash it is optimal as it stands; else CP-SAT decides what is broken, within the certified gap (DESIGN 5).
"""

from __future__ import annotations

from dataclasses import dataclass

from matcher.solvers import cpsat, greedy
from matcher.solvers.arranging import arrange, value_of
from matcher.solvers.calendar import Calendar
from matcher.solvers.case import Case
from matcher.solvers.growth import Relaxed, relax


@dataclass(frozen=True)
class Settled:
    """A plan that keeps every rule. `gap` 0: no plan over all feasible pairs is better; `engine` says who decided."""

    calendar: Calendar
    relaxed: Relaxed
    gap: int
    engine: str


def settle(case: Case, relaxed: Relaxed) -> Settled:
    """Give every visit its start; solve exactly what the relaxation broke."""
    calendar, broken = arrange(case, relaxed.network, relaxed.taken)
    while hopeless := [r for r in broken if case.is_crew(r) and case.most_together(r) < _minimum(case, r)]:
        network = relaxed.network
        for requirement in hopeless:
            network = network.without(case.place[requirement])
        relaxed = relax(network, case.problem.budget)
        calendar, broken = arrange(case, network, relaxed.taken)
    if not broken:
        return Settled(calendar, relaxed, relaxed.gap, "ortools-flow")
    greedy.complete(case, calendar)
    taken, bound = cpsat.improve(case, relaxed, calendar, sorted(broken, key=case.place.__getitem__))
    value = value_of(case, relaxed.network, taken)
    return Settled(taken, relaxed, max(0, value - bound), "ortools-flow+cpsat")


def _minimum(case: Case, requirement: int) -> int:
    return int(case.problem.requirements.minimum[requirement])
