"""The `paths` engine: an exact compiled kernel for large problems, without a list of all feasible pairs.

Called by `exact`. Importing this package costs nothing; numba is imported by the first `solve` or `warm`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher.problem import Plan, Problem

if TYPE_CHECKING:
    from matcher.solvers.paths.keeping import Keeper

#: `auto` takes the kernel from this many requirements x people on. Measured from problem to plan, interleaved, CPU time
#: (8 skills, a town of 12 km): OR-Tools is the quicker one up to 20,000 (6 against 7 ms), the kernel from 25,000 on,
#: 1.9 x at 100 x 1000, 2.5 x at 300 x 900 (21 against 52 ms). Loading costs a process 1.7 s once: it has to save some.
PAIRS_MIN = 250_000

_warm: list[bool] = []


def wanted(problem: Problem) -> bool:
    """Say whether this engine is to solve the problem, by its budget and its size.

    `auto` leaves crews to the other engine: what the flow says about them seldom stands.
    """
    asked, engine = problem.requirements, problem.budget.engine or "auto"
    size = len(asked.ids) * len(problem.people.ids)
    if engine == "ortools" or not size:
        return False
    crews = bool(((asked.people > 1) & (asked.fixed_start_s < 0)).any())
    return engine == "paths" or (size >= PAIRS_MIN and not crews)


def ready() -> bool:
    """Say whether this process has the compiled kernel already."""
    return bool(_warm)


def keeper() -> Keeper | None:
    """Return a memory of zones from beat to beat, for `solve`; None where the kernel cannot be had."""
    try:
        from matcher.solvers.paths.keeping import Keeper
    except ImportError:
        return None
    return Keeper()


def solve(problem: Problem, keeper: Keeper | None = None) -> Plan | None:
    """Return the optimal plan; None where the flow's answer clashes in time, or the kernel cannot be had.

    `keeper`: what it remembers of the zone is worked on, and it remembers this beat.
    """
    try:
        from matcher.solvers.paths import road
    except ImportError:
        return None
    try:
        if keeper is None or problem.budget.list_max:
            return road.solve(problem)
        return keeper.solve(problem)
    except (road.Unfit, road.Unavailable):
        return None


def warm() -> bool:
    """Compile the kernel, or load it from the environment; False where it cannot be had. Takes up to minutes."""
    if not _warm:
        try:
            from matcher.solvers.paths import warming
        except ImportError:
            return False
        if warming.run():
            _warm.append(True)
    return ready()
