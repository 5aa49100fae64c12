"""`python -m tests.benchmarks.routes`: crews and routes on public instances, beside their best known values.

Every plan is checked again by the rules of its own set, by checkers that import nothing of the product; one that is
not allowed ends the run. Needs `$PAIDAN_DATA`. `--only 10_1 A3` picks instances, `--cpsat SECONDS` adds CP-SAT to
HHCRSP.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from matcher import linked
from matcher.linked import Linked, Work
from tests import hhcrsp_checker, roadef_checker
from tests.benchmarks.routes import hhcrsp, peers, roadef

#: Whatever this is called with, its answer is a plan or None.
Solve = Callable[[], Any]


def main() -> None:
    """Print a line an instance and the mean gap of each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="*", default=[], help="instances such as 10_1 or A3")
    parser.add_argument("--steps", type=int, default=1_000_000, help="of the search of linked routes")
    parser.add_argument("--passes", type=int, default=5_000, help="of the search of teams")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cpsat", type=float, default=0.0, help="seconds of CP-SAT an instance")
    asked = parser.parse_args()
    data = os.environ.get("PAIDAN_DATA")
    if data is None:
        print("$PAIDAN_DATA does not say where the public instances are: crews and routes are left out.")
        return
    print("| HHCRSP | best known | nearest first | linked routes | gap | s | others |\n|---|---|---|---|---|---|---|")
    _mean(_home_care(Path(data) / "bench" / "hhcrsp", asked))
    print("| ROADEF 2007 | best known | by priority | teams searched | gap | s |\n|---|---|---|---|---|---|")
    _mean(_technicians(Path(data) / "bench" / "roadef2007", asked))


def _mean(gaps: Iterator[float]) -> None:
    found = list(gaps)
    if found:
        within = sum(gap <= 5.0 for gap in found)
        print(f"\nmean gap {sum(found) / len(found):.2f} %, within 5 %: {within} of {len(found)}\n", flush=True)


def _home_care(folder: Path, asked: argparse.Namespace) -> Iterator[float]:
    for name, best in best_of_home_care(folder).items():
        file = folder / "instances" / "mankowska" / name
        short = "_".join(file.stem.split("_")[-2:])
        if not file.exists() or (asked.only and short not in asked.only):
            continue
        instance = json.loads(file.read_text(encoding="utf-8"))
        posed = hhcrsp.linked(instance)
        first, _ = _timed(instance, lambda posed=posed: linked.nearest_first(posed))
        work = Work(iterations=asked.steps, seed=asked.seed)
        ours, took = _timed(instance, lambda posed=posed, work=work: linked.improve(posed, work))
        gap = 100.0 * (ours / best - 1.0)
        others = ", ".join(_others(instance, posed, asked))
        print(f"| {short} | {best:.1f} | {first:.1f} | {ours:.1f} | {gap:+.2f} % | {took:.1f} | {others} |", flush=True)
        yield gap


def _others(instance: dict[str, Any], posed: Linked, asked: argparse.Namespace) -> Iterator[str]:
    if asked.cpsat:
        cost, took = _timed(instance, lambda: peers.cpsat(posed, asked.cpsat))
        yield f"CP-SAT {cost:.1f} ({took:.0f} s)"


def _timed(instance: dict[str, Any], solve: Solve) -> tuple[float, float]:
    """Return cost by the checker and CPU seconds; infinite where there is no plan."""
    began = time.process_time()
    routes = solve()
    took = time.process_time() - began
    if routes is None:
        return float("inf"), took
    plan = hhcrsp.plan(instance, routes)
    _allowed(hhcrsp_checker.objections(instance, plan))
    return hhcrsp_checker.cost(instance, plan)["cost"], took


def _allowed(wrong: list[str]) -> None:
    if wrong:
        sys.exit(f"NOT ALLOWED: {wrong[:3]}")


def best_of_home_care(folder: Path) -> dict[str, float]:
    """Return the best known cost by file, as the set's own table has it."""
    rows = (line.split("|") for line in (folder / "solutions" / "mankowska_best.md").read_text("utf-8").splitlines())
    return {row[1].strip(): float(row[5]) for row in rows if len(row) > 5 and row[1].strip().endswith(".json")}


def best_of_technicians(folder: Path) -> dict[str, int]:
    """Return the best known cost by instance (A1, B3), as the data have it; proven of none."""
    with (folder / "best_known.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {f"{kind}{row['instance']}": int(row[kind]) for kind in "AB" for row in rows}


def _technicians(folder: Path, asked: argparse.Namespace) -> Iterator[float]:
    for name, best in best_of_technicians(folder).items():
        if asked.only and name not in asked.only:
            continue
        instance = roadef_checker.read(folder / "datas" / f"dataset{name[0]}" / f"data{name[1:]}")
        posed = roadef.case(instance)
        costs = []
        began = 0.0
        for solve in (roadef.greedy, lambda posed: roadef.searched(posed, asked.passes, asked.seed)):
            began = time.process_time()
            _, plan, teams = solve(posed)
            began = time.process_time() - began
            told = roadef.told(instance, plan, teams)
            _allowed(roadef_checker.objections(instance, told))
            costs.append(roadef_checker.cost(instance, told))
        gap = 100.0 * (costs[1] / best - 1.0)
        print(f"| {name} | {best} | {costs[0]} | {costs[1]} | {gap:+.1f} % | {began:.1f} |", flush=True)
        yield gap


if __name__ == "__main__":
    main()
