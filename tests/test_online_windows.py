"""When to match: rules that see only who is there never beat who knows the future, and waiting pays where it should."""

from __future__ import annotations

import json
import os
import random
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks import goma, online_chart
from tests.benchmarks.online_windows import DOCS, at_once, every, last_moment, most_valuable, offline

RULES = {
    "at once": at_once,
    "a window": lambda trace: every(trace, 1.5),
    "last moment": last_moment,
    "with stay": lambda trace: last_moment(trace, stay=0.2),
}


def drawn(seed: int, workers: int = 4, tasks: int = 4) -> goma.Trace:
    draw = random.Random(seed)
    spot = [(float(draw.randint(0, 20)), draw.uniform(0, 3), draw.uniform(0, 3)) for _ in range(workers + tasks)]
    return goma.trace(
        np.array(
            [[2 * n, *spot[n], 2.0, draw.randint(1, 2), draw.randint(1, 9), draw.random()] for n in range(workers)]
        ),
        np.array([[2 * n + 1, *spot[workers + n], draw.randint(1, 9), draw.uniform(1, 9)] for n in range(tasks)]),
    )


def best(values: np.ndarray, capacity: np.ndarray) -> float:
    """Try everything: each place of each worker takes one task or none."""
    places = np.repeat(np.arange(len(values)), capacity)
    columns = [*range(values.shape[1]), *[-1] * len(places)]
    return max(
        sum(values[w, t] for w, t in zip(places, chosen, strict=True) if t >= 0)
        for chosen in set(permutations(columns, len(places)))
    )


@pytest.mark.parametrize("seed", range(8))
def test_the_optimum_is_that_of_trying_everything(seed: int) -> None:
    trace = drawn(seed, workers=3, tasks=3)
    assert offline(trace) == pytest.approx(best(trace.values, trace.capacity), abs=1e-5)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("seed", range(10))
def test_no_rule_earns_more_than_who_knows_the_future(seed: int, rule) -> None:
    trace = drawn(seed, workers=12, tasks=12)
    assert 0 <= rule(trace) <= offline(trace) + 1e-5


@pytest.mark.parametrize("seed", range(10))
def test_whoever_sees_the_whole_future_at_the_last_moment_has_the_optimum(seed: int) -> None:
    trace = drawn(seed, workers=12, tasks=12)
    assert last_moment(trace, ahead=100.0) == pytest.approx(offline(trace), abs=1e-5)


def test_waiting_for_the_better_task_pays_and_a_window_ends_too_late_for_some() -> None:
    """One worker stays 6; a poor task comes at 1, a rich one at 4, both stay 5."""
    worker = np.array([[0, 0.0, 0.0, 0.0, 1.0, 1, 6.0, 1.0]])
    trace = goma.trace(worker, np.array([[1, 1.0, 0.0, 0.0, 5.0, 1.0], [2, 4.0, 0.0, 0.0, 5.0, 9.0]]))
    assert (at_once(trace), last_moment(trace), offline(trace)) == (1.0, 9.0, 9.0)
    assert (every(trace, 2.0), every(trace, 5.0), every(trace, 7.0)) == (1.0, 9.0, 0.0)


def test_who_leaves_when_the_other_comes_never_meets_them() -> None:
    worker = np.array([[0, 0.0, 0.0, 0.0, 1.0, 1, 4.0, 1.0]])
    assert offline(goma.trace(worker, np.array([[1, 4.0, 0.0, 0.0, 5.0, 1.0]]))) == 0.0
    assert offline(goma.trace(worker, np.array([[1, 3.9, 0.0, 0.0, 5.0, 1.0]]))) == 1.0


def test_the_page_and_its_chart_are_what_the_last_run_wrote() -> None:
    told = json.loads((DOCS / "online.json").read_text(encoding="utf-8"))
    assert online_chart.table(told) in (DOCS / "online.md").read_text(encoding="utf-8")
    assert online_chart.chart(told) == (DOCS / "online.svg").read_text(encoding="utf-8")


def test_nothing_of_value_makes_no_pair() -> None:
    assert most_valuable(np.zeros((2, 3)), np.ones(2, np.int64)) == []


@pytest.mark.data
@pytest.mark.skipif("PAIDAN_DATA" not in os.environ, reason="$PAIDAN_DATA does not say where the real files are")
@pytest.mark.parametrize("kind", ["gMission_cap1", "EverySender_cap1"])
def test_recorded_arrivals_have_the_published_optimum_and_waiting_comes_closer_to_it_than_greed(kind: str) -> None:
    folder = Path(os.environ["PAIDAN_DATA"]) / "bench" / "goma"
    name = f"real/{kind}/data_00.txt"
    trace, (optimum, _) = goma.read(folder / "dataset" / name), goma.references(folder)[name]
    assert offline(trace) == pytest.approx(optimum, abs=1e-4)
    assert at_once(trace) < last_moment(trace) < optimum
    assert last_moment(trace) > 0.95 * optimum
