"""What one crew among many single requests costs: the same instance solved without and with a crew that is broken.

    python -m tests.benchmarks.crew_among_singles --singles 10000 --people 2000

The crew asks for more people at one start than the relaxation leaves together, so that CP-SAT has to decide it.
"""

from __future__ import annotations

import argparse
import random
import time

from matcher.problem import Problem
from matcher.solvers import arranging
from matcher.solvers.case import open_case
from matcher.solvers.crews import settle
from matcher.solvers.growth import relax
from tests.problems import HOUR, NOW, Need, Person, problem


def instance(singles: int, people: int, crew: int, weight: int, seed: int) -> Problem:
    """Draw people and requests over a county; the crew stands in the middle. Half of the people come late."""
    draw = random.Random(seed)
    side = 10_000.0
    crowd = [
        Person(
            id=f"p{i}",
            at=(draw.uniform(0, side), draw.uniform(0, side)),
            skills={f"s{draw.randrange(8)}": 1},
            reach_m=1500.0,
            speed_mps=2.5,
            hours=[(NOW, NOW + 3 * HOUR)] if draw.random() < 0.5 else [(NOW + 4 * HOUR, NOW + 8 * HOUR)],
        )
        for i in range(people)
    ]
    needs = [
        Need(
            id=f"r{i}",
            at=(draw.uniform(0, side), draw.uniform(0, side)),
            skills={f"s{draw.randrange(8)}": 1},
            latest_s=NOW + 9 * HOUR,
        )
        for i in range(singles)
    ]
    if crew:
        middle = (side / 2, side / 2)
        latest = NOW + 9 * HOUR
        needs.append(Need(id="crew", at=middle, people=crew, skills={"s1": 1}, weight=weight, latest_s=latest))
    return problem(crowd, needs, beat=seed)


def measure(singles: int, people: int, crew: int, weight: int, seed: int) -> tuple[float, str]:
    """Return CPU seconds beyond the candidate rows and what came out."""
    posed = instance(singles, people, crew, weight, seed)
    case = open_case(posed)
    assert case.network is not None
    from ortools.sat.python import cp_model  # noqa: F401 - its import is no part of the solve

    began = time.process_time()
    relaxed = relax(case.network, posed.budget)
    settled = settle(case, relaxed)
    seconds = time.process_time() - began
    _, broken = arranging.arrange(case, relaxed.network, relaxed.taken)
    return seconds, f"{settled.engine}, broken ({len(broken)}), gap ({settled.gap}), rounds ({relaxed.rounds})"


def main() -> None:
    """Print both times and their ratio for a few seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--singles", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--crew", type=int, default=3)
    parser.add_argument("--weight", type=int, default=1, help="of the crew's places; 4 = urgent")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    for seed in range(asked.seeds):
        alone, what_alone = measure(asked.singles, asked.people, 0, 1, seed)
        crewed, what = measure(asked.singles, asked.people, asked.crew, asked.weight, seed)
        print(f"seed {seed}: singles {alone:.3f} s ({what_alone}); with a crew {crewed:.3f} s ({what})", end="; ")
        print(f"ratio {crewed / alone:.1f}", flush=True)


if __name__ == "__main__":
    main()
