"""The `paths` engine: an exact compiled kernel for large problems, without a list of all feasible pairs.

Called by `exact`. Importing this package costs nothing; numba is imported by the first `solve` or `warm`.
"""

from __future__ import annotations

from matcher.problem import Plan, Problem


def solve(problem: Problem) -> Plan | None:
    """Return the optimal plan; None where the flow's answer clashes in time."""
    from matcher.solvers.paths import road

    try:
        return road.solve(problem)
    except road.Unfit:
        return None
