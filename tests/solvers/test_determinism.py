"""The same problem gives the same plan: whatever the hash seed, and whatever the order in which people were given."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from matcher.solvers import proof
from matcher.solvers.exact import nearest_first
from tests.solvers.contested import contested

SCRIPT = """
from matcher.solvers import solve
from tests.solvers.contested import contested
for seed in range(6):
    plan = solve(contested(seed, crew=0.5, capacity=2, people=6, requirements=6))
    print(plan.placements, plan.shortfalls, plan.objective, plan.engine, plan.gap)
"""


def test_hash_seeds_change_nothing() -> None:
    runs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("0", "4711")
    }
    assert len(runs) == 1
    assert runs.pop()


@pytest.mark.parametrize("seed", range(40))
def test_the_greedy_plan_keeps_every_rule_and_claims_nothing(seed: int) -> None:
    case = contested(seed, crew=0.5, capacity=3, people=6, requirements=6)
    plan = nearest_first(case)
    proof.check(case, plan)
    assert not plan.optimal
    assert plan.gap == -1
    assert plan.engine == "greedy"
