"""The matching's goals as ratios of one run: our whole re-match over all pairs beside stock solvers.

    python -m tests.benchmarks.matching_goals [--scale 0.1] [--repeats 3] [--rows G1 ...] [--write docs/matching.json]

`--scale` cuts the counts of a city, not its density: 1 is 100,000 requests and 1,000,000 people. Sides take turns (A B
B A ...); nothing is thrown away. Ours is everything from arrays to the proof: grids, lists, solve, certificate checked
against every pair listed and every list's bound. Stock OR-Tools gets its 16 nearest people for nothing: only its solve
counts. Answers are compared each time: ours may fill no less, and no dearer where the fill is the same.
`matching_chart` turns what is written into the table and the chart of docs/matching.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

from matcher.candidates import Candidates
from matcher.problem import Problem
from matcher.solvers import flow, paths
from matcher.solvers.case import open_case
from matcher.solvers.growth import relax
from matcher.solvers.paths import batch, ground
from matcher.solvers.paths.batch import Solved
from matcher.solvers.paths.ground import Ground
from matcher.solvers.paths.values import BOUND, WORTH
from tests.benchmarks import cities
from tests.benchmarks.cities import City
from tests.benchmarks.matching_against_scipy import assigned
from tests.benchmarks.paths_against_ortools import TOWNS, town
from tests.benchmarks.timing import duel, median, timed
from tests.benchmarks.turnover import ARRIVALS, Turnover

Row = dict[str, object]

#: Rows whose whole size takes longer than a run may: their share of --scale.
SMALLER = {"G3": 0.1, "G4": 0.1}


def rematch(posed: City) -> Solved:
    """Solve the city from arrays to a checked proof."""
    floor = cities.floor_of(posed)
    solved = batch.solve(floor)
    prove(floor, solved)
    return solved


def prove(floor: Ground, solved: Solved) -> None:
    """Check the five conditions on every listed pair, and every list's bound on the pairs beyond it."""
    requirement, person, cost = batch.listed(solved, floor.ask)
    worth = solved.pays[requirement] - solved.price[person]
    assert (worth <= cost).all()
    assert (solved.pays[solved.requirement] == solved.cost + solved.price[solved.person]).all()
    assert (solved.price >= 0).all()
    free = np.bincount(solved.person, minlength=len(solved.price)) < floor.capacity
    assert not solved.price[free].any()
    unfilled = np.bincount(solved.requirement, minlength=len(floor.supply)) < floor.supply
    assert (solved.pays[unfilled] == solved.unserved[unfilled]).all()
    # a list that ends is a bound on what is beyond it, by cost or, with the price, by worth (tests hold both against
    # all pairs); the price of the unserved stands on Hall's search instead
    bound = solved.lists.table[floor.ask][:, (BOUND, WORTH)].max(axis=1)
    assert (solved.pays <= np.maximum(bound, 0))[solved.pays < floor.fill_price // 2].all()


# --- rows ----------------------------------------------------------------------------------------------------------


def against_shortlist(draw: Callable[[float], City], scale: float, repeats: int) -> Row:
    """Stock OR-Tools' solve on the 16 nearest / our whole re-match over all pairs."""
    posed = draw(scale)
    network = cities.shortlist(posed)
    answers: dict[str, set[tuple[int, int]]] = {"ours": set(), "theirs": set()}

    def ours() -> None:
        solved = rematch(posed)
        answers["ours"].add((len(solved.person), int(solved.cost.sum())))

    def theirs() -> None:
        taken = flow.take(network, np.arange(network.pairs))
        answers["theirs"].add((int(taken.sum()), int(network.cost[taken].sum())))

    told = duel(ours, theirs, repeats).row()
    (filled, metres), (others, other_metres) = answers["ours"].pop(), answers["theirs"].pop()
    assert not answers["ours"] | answers["theirs"], "Repeats differ."
    assert filled > others or (filled == others and metres <= other_metres)
    return {
        **told, "requests": len(posed.needs), "people": len(posed.people), "filled": filled, "metres": metres,
        "their_filled": others, "their_metres": other_metres,
    }  # fmt: skip


def shares(scale: float, repeats: int) -> Row:
    """Our whole / our own lists, and / the search of the 16 nearest by k-d trees (spare supply)."""
    posed = cities.spare(scale)

    def lists() -> None:
        batch.Batch(cities.floor_of(posed)).first_lists()

    own = duel(lambda: rematch(posed), lists, repeats)
    tree = duel(lambda: rematch(posed), lambda: cities.nearest(posed, 16), repeats)
    whole = [1 / ratio for ratio in own.ratios()]
    share = [1 / ratio for ratio in tree.ratios()]
    return {
        "median": statistics.median(whole), "worst": max(whole), "repeats": repeats, "requests": len(posed.needs),
        "people": len(posed.people), "to_tree_median": statistics.median(share), "to_tree_worst": max(share),
    }  # fmt: skip


def windows(repeats: int, sizes: list[int]) -> Row:
    """Best of SciPy and OR-Tools (pairs listed already) / our lists and solve, every town of every size."""
    cells = []
    for size in sizes:
        for name in TOWNS:
            posed = town(name, size)
            network = open_case(posed).network
            assert network is not None
            solved = ours_of(posed)
            listed, prices = network, posed.budget
            answer = relax(listed, prices)
            assert len(solved.person) == len(answer.taken), name
            assert int(solved.cost.sum()) == int(network.cost[answer.taken].sum()), name
            ratios = duel(lambda p=posed: ours_of(p), lambda n=network, b=prices: relax(n, b), repeats).ratios()  # type: ignore[misc]
            if size <= 2000:
                assert assigned(posed) == (len(solved.person), int(solved.cost.sum())), name
                scipy = duel(lambda p=posed: ours_of(p), lambda p=posed: assigned(p), repeats).ratios()  # type: ignore[misc]
                ratios = min(ratios, scipy, key=statistics.median)
            cells.append(
                {"requests": size, "town": name, "filled": len(solved.person), "metres": int(solved.cost.sum()),
                 "median": statistics.median(ratios), "worst": min(ratios)}
            )  # fmt: skip
    medians = [float(str(cell["median"])) for cell in cells]
    worst = [float(str(cell["worst"])) for cell in cells]
    return {
        "median": statistics.geometric_mean(medians),
        "worst": min(worst),
        "repeats": repeats,
        "requests": sizes,
        "cells": cells,
    }


def ours_of(posed: Problem) -> Solved:
    """Lay out, list and solve a town that has a name for everything."""
    return batch.solve(ground.of_problem(posed, Candidates(posed)))


def growth(draw: Callable[[float], City], scales: list[float], repeats: int) -> Row:
    """How much longer twice the city takes."""
    seconds = [median([timed(lambda s=draw(scale): rematch(s)) for _ in range(repeats)]) for scale in scales]  # type: ignore[misc]
    ratios = [b / a for a, b in pairwise(seconds)]
    sizes = [int(1e5 * scale) for scale in scales]
    return {"median": statistics.median(ratios), "worst": max(ratios), "repeats": repeats, "requests": sizes,
            "seconds": seconds}  # fmt: skip


def memory(scale: float) -> Row:
    """Megabytes above what the city's own arrays take, ours over all pairs and stock's on the 16 nearest."""
    ours, theirs = (json.loads(_alone("--peak", side, "--scale", str(scale))) for side in ("ours", "theirs"))
    share = ours["bytes_a_pair"] / theirs["bytes_a_pair"]
    return {"median": ours["megabytes"], "worst": ours["megabytes"], "repeats": 1, "people": int(1e6 * scale),
            "their_megabytes": theirs["megabytes"], "pair_share": share}  # fmt: skip


def peak(side: str, scale: float) -> None:
    """Print how far the peak of this process rose (called in a process of its own)."""
    posed = cities.spare(scale)
    network = cities.shortlist(posed) if side == "theirs" else None
    before = _peak_kb()
    if network is None:
        pairs = int(rematch(posed).lists.top[0])
    else:
        flow.take(network, np.arange(network.pairs))
        pairs = network.pairs
    risen = (_peak_kb() - before) * 1024
    print(json.dumps({"megabytes": risen / 1e6, "bytes_a_pair": risen / pairs}))


def _peak_kb() -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _alone(*arguments: str) -> str:
    command = [sys.executable, "-m", "tests.benchmarks.matching_goals", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def loop_gap(scale: float, repeats: int) -> Row:
    """Milliseconds that an event loop stands still at most while a city is solved in a thread; idle beside it."""
    floor = cities.floor_of(cities.spare(scale))
    busy = [asyncio.run(_longest_gap_ms(lambda: batch.solve(floor))) for _ in range(repeats)]
    idle = [asyncio.run(_longest_gap_ms(lambda: time.sleep(1))) for _ in range(repeats)]
    return {"median": statistics.median(busy), "worst": max(busy), "repeats": repeats,
            "idle_median": statistics.median(idle), "idle_worst": max(idle), "requests": int(1e5 * scale)}  # fmt: skip


async def _longest_gap_ms(work: Callable[[], object]) -> float:
    task = asyncio.create_task(asyncio.to_thread(work))
    longest, last = 0.0, time.perf_counter()
    while not task.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    await task
    return longest * 1000


def witness(scale: float, repeats: int) -> Row:
    """The share of a scarce city's solve that Hall's search takes; it covers every unserved request."""
    posed, plain = cities.scarce(scale), batch.reaches_more
    ratios, unfilled = [], 0
    spent = [0.0]

    def watched(*arguments: object) -> object:
        began = time.process_time()
        answer = plain(*arguments)
        spent[0] += time.process_time() - began
        return answer

    batch.reaches_more = watched
    try:
        for _ in range(repeats):
            spent[0] = 0.0
            floor = cities.floor_of(posed)
            began = time.process_time()
            solved = batch.solve(floor)
            ratios.append(spent[0] / (time.process_time() - began))
            unfilled = len(posed.needs) - len(solved.person)
    finally:
        batch.reaches_more = plain
    return {"median": statistics.median(ratios), "worst": max(ratios), "repeats": repeats, "unfilled": unfilled,
            "requests": len(posed.needs)}  # fmt: skip


def turnover(scale: float, repeats: int) -> Row:
    """The whole re-match / the beat's change alone, people too and requests only; one arrival in microseconds."""
    town = Turnover(scale, 2 * repeats + 2)
    ratios: dict[bool, list[float]] = {True: [], False: []}
    ours, whole, proofs = [], [], []
    for people in [True, False, *[True, False] * repeats]:
        spent = town.beat(people=people)
        began = time.process_time()
        prove(*town.kept.answer())
        proven = time.process_time() - began
        began = time.process_time()
        floor = town.floor()
        solved = batch.solve(floor)
        prove(floor, solved)
        full = time.process_time() - began
        kept = town.kept.answer()[1]
        assert (len(kept.person), kept.cost.sum()) == (len(solved.person), solved.cost.sum())
        ratios[people].append(full / spent)
        if people:
            ours.append(spent)
            whole.append(full)
            proofs.append(proven)
    arrivals = sorted(town.arrival_us() for _ in range(min(ARRIVALS, int((town.need < 0).sum()))))
    prove(*town.kept.answer())
    both, requests = (ratios[people][1:] for people in (True, False))  # the first beats load the kernel
    return {
        "median": statistics.median(both), "worst": min(both), "repeats": repeats,
        "requests": int((town.need >= 0).sum()), "people": int((town.person >= 0).sum()),
        "requests_only_median": statistics.median(requests), "requests_only_worst": min(requests),
        "ours_cpu_s": statistics.median(ours[1:]), "whole_cpu_s": statistics.median(whole[1:]),
        "proof_cpu_s": statistics.median(proofs[1:]), "arrival_us_median": statistics.median(arrivals),
        "arrival_us_p99": arrivals[int(0.99 * len(arrivals))],
    }  # fmt: skip


# --- all of them ---------------------------------------------------------------------------------------------------


def rows(scale: float, repeats: int, sizes: list[int]) -> dict[str, Callable[[], Row]]:
    """Return what measures each row."""
    many = max(repeats, 3)
    doubling = [scale / 8, scale / 4, scale / 2, scale]
    return {
        "G1": lambda: against_shortlist(cities.spare, scale, many),
        "G2": lambda: against_shortlist(cities.scarce, scale, many),
        "G3": lambda: against_shortlist(cities.one_to_one, scale * SMALLER["G3"], many),
        "G4": lambda: against_shortlist(cities.hot, scale * SMALLER["G4"], many),
        "G5": lambda: shares(scale, many),
        "G6": lambda: windows(max(repeats, 7), sizes),
        "G7": lambda: turnover(scale, many),
        "G8 spare": lambda: growth(cities.spare, doubling, many),
        "G8 scarce": lambda: growth(cities.scarce, doubling, many),
        "G8 1:1": lambda: growth(cities.one_to_one, [s * SMALLER["G3"] / 2 for s in doubling], many),
        "G9": lambda: memory(scale),
        "G10": lambda: loop_gap(scale, many),
        "G12": lambda: witness(scale, many),
    }


def main() -> None:
    """Measure the rows asked for, print them, and write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", nargs="*")
    parser.add_argument("--windows", type=int, nargs="*", default=[1000, 2000, 5000], help="requests of row G6")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--peak", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    assert paths.warm()
    if asked.peak:
        peak(asked.peak, asked.scale)
        return
    told: dict[str, Row] = json.loads(asked.write.read_text()) if asked.write and asked.write.exists() else {}
    for name, measure in rows(asked.scale, asked.repeats, asked.windows).items():
        if asked.rows and name.split()[0] not in asked.rows:
            continue
        row = measure()
        told[name] = {"scale": asked.scale, "cores": os.cpu_count(), **row}
        print(name, json.dumps(row), flush=True)
        if asked.write:
            asked.write.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
