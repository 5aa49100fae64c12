"""A beat solved by us against NumPy and SciPy written for just these instances.

    python -m tests.benchmarks.matching_against_scipy

Theirs: all distances as one matrix, the two filters that these towns have (skill, reach), linear_sum_assignment. Ours:
the same from the posed problem, through all ten rules, with reasons, prices and the checked proof. Filled places and
metres must be equal. Everyday beats are our worst case: they are all overhead.
"""

from __future__ import annotations

import random

import numpy as np
from scipy.optimize import linear_sum_assignment

from matcher.problem import Problem
from matcher.solvers import proof, solve
from tests.benchmarks.paired import paired
from tests.problems import Need, Person, problem

#: name -> (requests, people, side of the town in metres, skills, half of the demand in one place)
CASES = {
    "spare": (1000, 3000, 12_000, 4, False),
    "scarce skills": (1000, 1500, 12_000, 12, False),
    "hot spot": (1000, 3000, 12_000, 4, True),
    "one to one": (1000, 1000, 12_000, 1, False),
    "everyday beat": (50, 2000, 12_000, 8, False),
}


def instance(name: str, seed: int = 1) -> Problem:
    """Draw a town."""
    requests, people, side, skills, hot = CASES[name]
    draw = random.Random(seed)

    def anywhere() -> tuple[float, float]:
        return draw.uniform(0, side), draw.uniform(0, side)

    def asked_at(number: int) -> tuple[float, float]:
        return (draw.gauss(side / 2, 300), draw.gauss(side / 2, 300)) if hot and number % 2 else anywhere()

    crowd = [
        Person(id=f"p{i}", at=anywhere(), skills={f"s{draw.randrange(skills)}": 1}, reach_m=3000) for i in range(people)
    ]
    needs = [Need(id=f"r{i}", at=asked_at(i), skills={f"s{draw.randrange(skills)}": 1}) for i in range(requests)]
    return problem(crowd, needs)


def dense(posed: Problem) -> tuple[np.ndarray, int]:
    """Return the cost matrix, and what a pair that may not be costs in it."""
    people, needs = posed.people, posed.requirements
    lat, lon = np.radians(people.lat), np.radians(people.lon)
    lats, lons = np.radians(needs.lat)[:, None], np.radians(needs.lon)[:, None]
    half = np.sin((lat - lats) / 2) ** 2 + np.cos(lats) * np.cos(lat) * np.sin((lon - lons) / 2) ** 2
    metres = 2 * 6_371_008.8 * np.arcsin(np.sqrt(half))
    may = (people.levels[needs.need_skill] >= needs.need_level[:, None]) & (metres <= people.reach_m)
    never = (int(metres.max()) + 1) * (len(needs.ids) + 1)
    return np.where(may, np.floor(metres + 0.5), float(never)), never


def assigned(posed: Problem) -> tuple[int, int]:
    """Return places filled and metres, by SciPy."""
    matrix, never = dense(posed)
    chosen = matrix[linear_sum_assignment(matrix)]
    return int((chosen < never).sum()), int(chosen[chosen < never].sum())


def main() -> None:
    """Print the ratio of every case."""
    print("case: SciPy / ours (median, worst of 7 pairs; CPU seconds); filled, metres")
    for name in CASES:
        posed = instance(name)
        plan = solve(posed)
        proof.check(posed, plan)
        filled, metres = assigned(posed)
        assert (filled, metres) == (plan.objective["filled"], plan.objective["travel"]), name
        ratio = paired(lambda p=posed: proof.check(p, solve(p)), lambda p=posed: assigned(p))  # type: ignore[misc]
        print(
            f"  {name}: {ratio.median:.2f}, worst {ratio.worst:.2f} "
            f"({ratio.b_s:.3f} / {ratio.a_s:.3f}); {filled}, {metres}; optimal {plan.optimal}"
        )


if __name__ == "__main__":
    main()
