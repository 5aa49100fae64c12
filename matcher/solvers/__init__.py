"""Problem in, plan out: `solve` is exact over every feasible pair, or says by how much it could be off.

Called by the services' solver (in a child process or in line), by tests and benchmarks. Reads no clock and no chance:
the same problem gives the same plan anywhere. `proof.check` re-checks every plan, whoever made it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher.problem import Plan, Problem

if TYPE_CHECKING:
    from matcher.solvers.paths.keeping import Keeper


def solve(problem: Problem, *, patient: bool = True, keeper: Keeper | None = None) -> Plan:
    """Return the best plan: most weighted places filled, then the least cost. Never raises for a valid problem.

    `patient` False (the live stream only): a large problem does not wait until the compiled kernel is loaded.
    `keeper` (there, too): what the kernel remembers of each zone's last beat.
    """
    from matcher.solvers.exact import solve as exact

    return exact(problem, patient=patient, keeper=keeper)
