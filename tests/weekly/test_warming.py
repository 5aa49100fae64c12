"""The weekly kernel is compiled once, kept in the environment, and nobody pays for it who plans no week."""

from __future__ import annotations

import subprocess
import sys

from matcher import weekly
from matcher.weekly import plan as plan_week
from matcher.weekly import warming
from matcher.weekly.bounding import travel_bound
from matcher.weekly.week import Effort, Warmth
from tests.week_checker import objections
from tests.weekly.small import random_week


def out_of(script: str) -> str:
    ended = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return ended.stdout.strip()


def test_the_kernel_is_kept_in_the_environment():
    assert weekly.warm() is Warmth.KEPT


def test_the_week_that_warms_has_what_brings_every_function_of_the_kernel_to_run():
    week = warming.week()
    plan = plan_week(week, Effort(iterations=32))
    assert objections(week, plan) == []
    assert plan.unfilled
    assert (plan.shift_from_s == -1).any()
    assert {tuple(pin) for pin in zip(plan.requirement, plan.person, strict=True)} >= {(0, 0), (1, 1)}


def test_once_warm_a_week_with_everything_in_it_compiles_nothing_more():
    weekly.warm()
    before = compiled()
    for seed in range(40, 46):
        week = random_week(seed)
        travel_bound(week, plan_week(week, Effort(iterations=32)), rounds=2)
    assert compiled() == before


def compiled() -> dict[str, int]:
    from numba.core.registry import CPUDispatcher

    from matcher.solvers.paths import search
    from matcher.weekly import choosing, clockwork, crewing, listing, pairs, reaching, searching, steps, tables
    from matcher.weekly.bounding import gathering, pricing

    planner = (choosing, clockwork, crewing, listing, pairs, reaching, searching, steps, tables)
    modules = (*planner, gathering, pricing, search)
    return {
        f"{module.__name__}.{name}": len(made.signatures)
        for module in modules
        for name, made in vars(module).items()
        if isinstance(made, CPUDispatcher)
    }


def test_without_numba_the_kernel_is_absent_and_says_so():
    script = "import sys; sys.modules['numba'] = None; from matcher import weekly; print(weekly.warm())"
    assert out_of(script) == "ABSENT"


def test_numba_is_not_imported_with_the_package():
    assert out_of("import sys, matcher.weekly, matcher.weekly.week; print('numba' in sys.modules)") == "False"
