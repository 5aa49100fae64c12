"""The kernel against OR-Tools, SciPy and brute force: the same fill at the same cost, proven, whatever is drawn."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from matcher.candidates import Candidates
from matcher.costs import TERMS
from matcher.policy import Budget
from matcher.problem import Plan, Problem
from matcher.solvers import exact, paths, proof, solve
from matcher.solvers.paths import batch, ground
from matcher.solvers.paths.search import extend
from matcher.solvers.paths.values import BOUND, FAR
from tests.problems import EASY, HOUR, NOW, Mix, Need, Person, problem, random_problem
from tests.solvers import brute
from tests.solvers.contested import contested

KERNEL = Budget(engine="paths")
SINGLE = replace(EASY, capacity_max=1)


def _by_kernel(case: Problem) -> Plan:
    """Solve by the kernel alone and have the parent check it."""
    plan = paths.solve(case)
    assert plan is not None
    assert plan.engine == "paths"
    proof.check(case, plan)
    assert plan.optimal
    return plan


def _same_as_ortools(case: Problem) -> Plan:
    plan = _by_kernel(case)
    assert _value(plan) == _value(exact.by_flow(case))
    return plan


def _value(plan: Plan) -> tuple[int, int]:
    return plan.objective["filled"], sum(points for name, points in plan.objective.items() if name != "filled")


# --- the optimum ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_single_requests_are_matched_best(seed: int) -> None:
    case = contested(seed)
    assert _value(_by_kernel(case)) == brute.best(case)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind", ["visits", "crews", "rules"])
def test_what_the_flow_cannot_express_is_still_matched_best(seed: int, kind: str) -> None:
    """Whichever engine answers in the end: a clash hands the problem on."""
    case = {
        "visits": lambda: contested(seed, capacity=3, people=3, requirements=5),
        "crews": lambda: contested(seed, crew=0.5, capacity=2, people=4),
        "rules": lambda: random_problem(seed, people=6, requirements=4),
    }[kind]()
    plan = solve(replace(case, budget=KERNEL))
    proof.check(case, plan)
    assert _value(plan) == brute.best(case)
    assert plan.optimal


@given(
    seed=st.integers(0, 10_000),
    people=st.integers(1, 60),
    needs=st.integers(1, 60),
    skills=st.integers(1, 4),
    spread_m=st.sampled_from([12, 600, 3000, 40_000]),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_whatever_is_drawn_the_kernel_and_ortools_agree(
    seed: int, people: int, needs: int, skills: int, spread_m: int
) -> None:
    mix = replace(SINGLE, skills=skills, spread_m=spread_m)
    _same_as_ortools(random_problem(seed, people=people, requirements=needs, mix=mix))


@pytest.mark.parametrize("seed", range(8))
def test_several_visits_a_person_that_never_clash_cost_the_same(seed: int) -> None:
    """Requests a day apart: capacity binds, time does not."""
    rng = np.random.default_rng(seed)
    spots = rng.integers(0, 3000, (60, 2)).astype(float)
    crowd = [Person(id=f"p{i}", at=tuple(spots[i]), capacity=1 + i % 4, speed_mps=3.0) for i in range(20)]
    needs = [
        Need(
            id=f"r{i}", at=tuple(spots[20 + i]), weight=1 + 3 * (i % 3 == 0), waiting=10 * i, people=1 + i % 3,
            fixed_start_s=NOW + i * 86_400, earliest_s=NOW + i * 86_400, latest_s=NOW + i * 86_400 + HOUR,
        )
        for i in range(40)
    ]  # fmt: skip
    _same_as_ortools(problem(crowd, needs, beat=seed))


@pytest.mark.parametrize("seed", range(12))
def test_every_rule_and_every_cost_term_at_once_cost_the_same(seed: int) -> None:
    """Wishes, favours, fairness, circles, leads and lists among many: nobody takes two, so nothing clashes."""
    mix = Mix(
        crews=0, capacity_max=1, shared_requests=0, lists=0.05, skills=2, points_max=3000, wishes=0.6, posts=0.6,
        bands=1,
    )  # fmt: skip
    plan = _same_as_ortools(random_problem(seed, people=150, requirements=90, mix=mix))
    assert set(plan.objective) == {"filled", "waiting", *TERMS}


@pytest.mark.parametrize("seed", range(4))
def test_scipy_finds_the_same_over_all_pairs(seed: int) -> None:
    mix = replace(SINGLE, weights=(1,), waiting_max=0)
    case = random_problem(seed, people=100 + 40 * seed, requirements=150, mix=mix)
    plan = _by_kernel(case)
    table = np.full((150, len(case.people.ids) + 150), 10**7)
    candidates = Candidates(case)
    for r in range(150):
        row = candidates.row(r)
        table[r, row.person] = row.cost
    chosen = table[linear_sum_assignment(table)]
    filled = chosen[chosen < 10**7]
    assert _value(plan) == (len(filled), int(filled.sum()))


# --- every road through the kernel ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("step", [1, 16, 1000])
def test_bids_and_releases_end_at_the_same_optimum(seed: int, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "POPS", seed % 3)
    monkeypatch.setattr(batch, "STEPS", (step,))
    _same_as_ortools(random_problem(seed, people=90 + 10 * seed, requirements=120, mix=SINGLE))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("pops", [0, FAR])
def test_a_low_first_price_rises_until_the_fill_is_proven(
    seed: int, pops: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "FIRST_PRICE", 0)
    monkeypatch.setattr(batch, "POPS", pops)
    _same_as_ortools(random_problem(seed, people=80, requirements=100, mix=replace(SINGLE, skills=2)))


@pytest.mark.parametrize("seed", range(4))
def test_lists_outgrow_their_room_and_nothing_is_lost(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "ROOM", 0)
    monkeypatch.setattr(batch, "FRESH", 3)
    _same_as_ortools(random_problem(seed, people=120, requirements=110, mix=SINGLE))


@pytest.mark.parametrize("seed", range(25))
def test_the_kernel_lists_exactly_the_pairs_that_the_rules_allow(seed: int) -> None:
    case = random_problem(seed, people=40, requirements=10, mix=Mix(idle=0.05, skills=2))
    candidates = Candidates(case)
    floor = ground.of_problem(case, candidates)
    whole = batch.Batch(floor)
    for a in range(len(floor.asks.place)):
        while whole.work.lists.table[a, BOUND] < FAR:
            if not extend(whole.work, a, 1):
                whole._help()
    solved = whole._solved()
    found: dict[int, list[tuple[int, int]]] = {}
    for i, v, cost in zip(*batch.listed(solved, floor.ask), strict=True):
        found.setdefault(int(floor.order[i]), []).append((int(floor.who[v]), int(cost)))
    for r in range(10):
        row = candidates.row(r)
        assert found.get(r, []) == list(zip(row.person.tolist(), row.cost.tolist(), strict=True))


# --- degenerate ----------------------------------------------------------------------------------------------------


def _at_one_point(people: int, needs: int) -> Problem:
    crowd = [Person(id=f"p{i}") for i in range(people)]
    return problem(crowd, [Need(id=f"r{i}", waiting=i) for i in range(needs)])


def _polymaths() -> Problem:
    every = {f"s{n}": 1 + n % 3 for n in range(64)}
    crowd = [Person(id=f"p{i}", at=(37.0 * i, 0.0), skills=every) for i in range(40)]
    needs = [Need(id=f"r{i}", at=(0.0, 41.0 * i), skills={f"s{i}": 1, f"s{63 - i}": 1}) for i in range(30)]
    return problem(crowd, needs)


def _round_the_globe() -> Problem:
    """People and requests on both sides of the date line and at the poles."""
    case = problem([Person(id=f"p{i}", reach_m=3e5) for i in range(8)], [Need(id=f"r{i}") for i in range(6)])
    people = replace(
        case.people,
        lat=np.array([0.0, 0.0, 89.5, -89.5, 10.0, 0.3, 89.9, 45.0]),
        lon=np.array([179.9, -179.9, 10.0, 50.0, 100.0, 179.5, -120.0, 0.0]),
    )
    needs = replace(
        case.requirements,
        lat=np.array([0.1, 0.0, 89.8, -89.9, 10.0, 45.0]),
        lon=np.array([-179.8, 179.8, -170.0, -130.0, 100.0, 180.0]),
    )
    return replace(case, people=people, requirements=needs)


DEGENERATE = {
    "nobody": lambda: problem([], [Need(id="r")]),
    "nothing asked": lambda: problem([Person(id="p")], []),
    "everybody at one point": lambda: _at_one_point(300, 200),
    "too few at one point": lambda: _at_one_point(50, 80),
    "zero reach": lambda: problem(
        [Person(id=f"p{i}", at=(float(i), 0.0), reach_m=0.0) for i in range(9)],
        [Need(id=f"r{i}", at=(2.0 * i, 0.0)) for i in range(9)],
    ),
    "one line": lambda: problem(
        [Person(id=f"p{i}", at=(0.0, 100.0 * i)) for i in range(50)],
        [Need(id=f"r{i}", at=(0.0, 90.0 * i)) for i in range(50)],
    ),
    "one person far out": lambda: problem(
        [Person(id=f"p{i}", at=(900_000.0 if i == 0 else 50.0 * i, 0.0), reach_m=2e6) for i in range(40)],
        [Need(id=f"r{i}", at=(30.0 * i, 400.0)) for i in range(40)],
    ),
    "64 skills a person": _polymaths,
    "nobody has the skill": lambda: problem([Person(id="p")], [Need(id="r", skills={"rare": 1})]),
    "round the globe": _round_the_globe,
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_problems_are_matched_best(name: str) -> None:
    _same_as_ortools(DEGENERATE[name]())


# --- order, proof, switch ------------------------------------------------------------------------------------------


def test_renamed_people_and_requests_fill_as_much_at_the_same_cost() -> None:
    case = random_problem(5, people=60, requirements=70, mix=SINGLE)
    names = [f"other{i}" for i in np.random.default_rng(5).permutation(60)]
    other = replace(case, people=replace(case.people, ids=names), zone="elsewhere", beat=99)
    assert _by_kernel(case).objective == _by_kernel(other).objective


SCRIPT = """
from dataclasses import replace
from matcher.solvers import paths
from tests.problems import EASY, random_problem
mix = replace(EASY, capacity_max=1)
for seed in range(3):
    plan = paths.solve(random_problem(seed, people=70, requirements=80, mix=mix))
    print(plan.placements, plan.shortfalls, plan.objective, plan.engine, plan.certificate.person_price.tolist())
"""


def test_hash_seeds_and_threads_change_nothing() -> None:
    runs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "NUMBA_NUM_THREADS": threads},
            check=True,
            capture_output=True,
        ).stdout
        for seed, threads in (("0", "1"), ("4711", "2"))
    }
    assert len(runs) == 1
    assert runs.pop()


def test_a_certificate_with_another_price_is_refused() -> None:
    case = random_problem(2, people=30, requirements=40, mix=SINGLE)
    plan = _by_kernel(case)
    assert plan.certificate is not None
    price = plan.certificate.person_price.copy()
    price[plan.certificate.flow_person[0]] += 1
    with pytest.raises(proof.Unproven):
        proof.check(case, replace(plan, certificate=replace(plan.certificate, person_price=price)))


def test_auto_takes_the_kernel_from_its_size_on(monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_problem(3, people=20, requirements=20, mix=SINGLE)
    assert solve(case).engine == "ortools-flow"
    monkeypatch.setattr(paths, "PAIRS_MIN", 400)
    assert solve(case).engine == "paths"
    assert solve(replace(case, budget=Budget(engine="ortools"))).engine == "ortools-flow"


def test_auto_leaves_crews_to_ortools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "PAIRS_MIN", 1)
    assert solve(contested(4, crew=1.0, fixed=0.0, people=7)).engine != "paths"


def test_the_live_stream_does_not_wait_for_the_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    case = replace(random_problem(3, people=20, requirements=20, mix=SINGLE), budget=KERNEL)
    monkeypatch.setattr(paths, "_warm", [])
    assert solve(case, patient=False).engine == "ortools-flow"
    assert paths.warm()
    assert solve(case, patient=False).engine == "paths"


def test_without_numba_ortools_answers_and_says_so() -> None:
    script = (
        "import sys; sys.modules['numba'] = None; from dataclasses import replace;"
        "from matcher.policy import Budget; from matcher.solvers import paths, solve;"
        "from tests.problems import Need, Person, problem;"
        "case = problem([Person(id='p')], [Need(id='r')], budget=Budget(engine='paths'));"
        "print(paths.warm(), solve(case).engine)"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "False ortools-flow"


def test_a_problem_that_does_not_fit_the_memory_goes_to_ortools(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(batch, "solve", full)
    case = replace(random_problem(3, people=20, requirements=20, mix=SINGLE), budget=KERNEL)
    assert solve(case).engine == "ortools-flow"


def test_numba_is_not_imported_before_it_is_needed() -> None:
    script = "import sys, matcher.solvers.exact, services.solving; print('numba' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "False"
