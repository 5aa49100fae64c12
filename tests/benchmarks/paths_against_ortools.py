"""The compiled kernel against the OR-Tools engine and SciPy, plan against plan and solve against solve.

    python -m tests.benchmarks.paths_against_ortools [--sizes 1000 2000 5000]

Per town: `plan` is problem to plan on both sides (lists, solve, prices, reasons); `lists` is our arrays, lists and
solve against solvers that find their pairs listed already (OR-Tools over all pairs with growth; SciPy's dense one up to
2,000 requests, whose matrix is in its time). Filled and points must be equal before anything is timed.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

from matcher.candidates import Candidates
from matcher.problem import Problem
from matcher.solvers import exact, paths
from matcher.solvers.case import open_case
from matcher.solvers.growth import relax
from matcher.solvers.paths import batch, ground
from tests.benchmarks.matching_against_scipy import assigned
from tests.benchmarks.paired import paired
from tests.problems import Need, Person, problem

#: name -> (people a request, skills, half of the demand in one place)
TOWNS = {"spare": (3.0, 4, False), "scarce": (1.5, 12, False), "hot": (3.0, 4, True), "one to one": (1.0, 1, False)}
#: Requests a square metre: the town grows with them.
DENSITY = 1000 / 12_000**2
SCIPY_MOST = 2000


def town(name: str, requests: int, seed: int = 1) -> Problem:
    """Draw a town; people go 3 km at most."""
    ratio, skills, hot = TOWNS[name]
    side = (requests / DENSITY) ** 0.5
    draw = random.Random(seed)

    def anywhere() -> tuple[float, float]:
        return draw.uniform(0, side), draw.uniform(0, side)

    def asked_at(number: int) -> tuple[float, float]:
        return (draw.gauss(side / 2, 300), draw.gauss(side / 2, 300)) if hot and number % 2 else anywhere()

    crowd = [
        Person(id=f"p{i}", at=anywhere(), skills={f"s{draw.randrange(skills)}": 1}, reach_m=3000)
        for i in range(int(ratio * requests))
    ]
    needs = [Need(id=f"r{i}", at=asked_at(i), skills={f"s{draw.randrange(skills)}": 1}) for i in range(requests)]
    return problem(crowd, needs)


def row(name: str, requests: int) -> None:
    """Print the ratios of one town."""
    posed = town(name, requests)
    repeats = 7 if requests <= 2000 else 3
    ours, theirs = paths.solve(posed), exact.by_flow(posed)
    assert ours is not None
    assert ours.objective == theirs.objective, name
    print(
        f"{requests} {name}: filled {ours.objective['filled']}, metres {ours.objective['travel']}, "
        f"{theirs.feasible_pairs} pairs feasible, {ours.listed_pairs} listed"
    )
    _compare("plan    OR-Tools engine", repeats, lambda: paths.solve(posed), lambda: exact.by_flow(posed))
    network = open_case(posed).network
    assert network is not None
    _compare("lists   OR-Tools growth", repeats, lambda: _kernel(posed), lambda: relax(network, posed.budget))
    if requests <= SCIPY_MOST:
        assert assigned(posed) == (ours.objective["filled"], ours.objective["travel"])
        _compare("lists   SciPy", repeats, lambda: _kernel(posed), lambda: assigned(posed))


def _kernel(posed: Problem) -> None:
    batch.solve(ground.of_problem(posed, Candidates(posed)))


def _compare(what: str, repeats: int, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
    began = time.perf_counter()
    ratio = paired(ours, theirs, repeats)
    print(
        f"  {what} / ours: {ratio.median:.2f}, worst {ratio.worst:.2f} of {repeats} "
        f"(CPU {ratio.b_s:.3f} / {ratio.a_s:.3f} s; all repeats {time.perf_counter() - began:.1f} s wall)",
        flush=True,
    )


def main() -> None:
    """Print every town of every size asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 2000])
    asked = parser.parse_args()
    assert paths.warm()
    for requests in asked.sizes:
        for name in TOWNS:
            row(name, requests)


if __name__ == "__main__":
    main()
