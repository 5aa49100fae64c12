"""When to match: at once, every so often, or at the last moment. Each against the optimum of who knows the future.

    PAIDAN_DATA=... python -m tests.benchmarks.online_windows [--docs]

`--docs` writes docs/online.json, from which `online_chart` makes the table and the chart of docs/online.md.

The recorded arrivals of GOMA in the order of their own times. A rule sees who is there now and nothing of what comes; a
pair must be made while both are there. Pairs are chosen by the matcher's own flow; the offline optimum must come out as
published with the data, to the last of its six digits.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from matcher.problem import F64, I64, Bool
from matcher.solvers import flow
from matcher.solvers.network import Network, indptr_of
from tests.benchmarks.goma import Trace, read, references

DOCS = Path(__file__).parents[2] / "docs"
#: Values are whole millionths in the flow.
MILLION = 1_000_000
#: What a task costs that could still wait for another worker: this share of its reward for a whole stay ahead.
STAY = 0.2


class Market:
    """Who is still free, and what has been earned so far."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.room = trace.capacity.copy()
        self.open = np.ones(len(trace.reward), np.bool_)
        self.earned = 0.0

    def there(self, now: float, ahead: float = 0.0) -> tuple[I64, I64]:
        """Return free workers and open tasks that came before `now` (+ foresight) and have not left before it."""
        trace = self.trace
        workers = (trace.worker_from < now + ahead) & (trace.worker_until >= now) & (self.room > 0)
        tasks = (trace.task_from < now + ahead) & (trace.task_until >= now) & self.open
        return np.flatnonzero(workers), np.flatnonzero(tasks)

    def pair(self, worker: int, task: int) -> None:
        """Send a worker to a task."""
        self.earned += float(self.trace.values[worker, task])
        self.room[worker] -= 1
        self.open[task] = False


def most_valuable(values: F64, capacity: I64) -> list[tuple[int, int]]:
    """Return the pairs (row, column) of most value in all: each column once, each row up to its capacity."""
    whole = np.rint(values * MILLION).astype(np.int64)
    task, worker = np.nonzero(whole.T > 0)
    if not len(task):
        return []
    workers, tasks = values.shape
    top = int(whole.max()) + 1
    one, unserved = np.ones(tasks, np.int64), np.full(tasks, top)
    network = Network(
        task.astype(np.int64), worker.astype(np.int64), top - whole[worker, task],
        indptr_of(np.bincount(task, minlength=tasks).astype(np.int64)), one, capacity.astype(np.int64), one, unserved,
        top, False, np.arange(tasks), np.arange(workers),
    )  # fmt: skip
    taken = flow.take(network, np.arange(len(task)))
    return list(zip(worker[taken].tolist(), task[taken].tolist(), strict=True))


def offline(trace: Trace) -> float:
    """Return the value of the best plan of who knows everything."""
    return float(sum(trace.values[pair] for pair in most_valuable(trace.values, trace.capacity)))


def at_once(trace: Trace) -> float:
    """Give every arrival its best partner of those who wait, the moment it comes: immediate greedy."""
    market = Market(trace)
    workers = zip(trace.worker_from, trace.worker_line, [True] * len(trace.capacity), range(10**6), strict=False)
    tasks = zip(trace.task_from, trace.task_line, [False] * len(trace.reward), range(10**6), strict=False)
    come: tuple[list[int], list[int]] = [], []
    for now, _, is_worker, who in sorted([*workers, *tasks]):
        come[not is_worker].append(who)
        while (best := _best_partner(market, now, is_worker, who, come[is_worker])) is not None:
            market.pair(*best)
            if not is_worker:
                break
    return market.earned


def _best_partner(
    market: Market, now: float, is_worker: bool, who: int, waiting: Sequence[int]
) -> tuple[int, int] | None:
    trace, others = market.trace, np.array(waiting, np.int64)
    if is_worker:
        free = others[market.open[others] & (trace.task_until[others] > now)] if market.room[who] else others[:0]
        values = trace.values[who, free]
    else:
        free = others[(market.room[others] > 0) & (trace.worker_until[others] > now)]
        values = trace.values[free, who]
    if not len(free) or values.max() <= 0:
        return None
    partner = int(free[values.argmax()])
    return (who, partner) if is_worker else (partner, who)


def every(trace: Trace, window: float) -> float:
    """Match all who are there each time a window ends, and commit to all of it: a beat."""
    market = Market(trace)
    end = max(trace.worker_until.max(), trace.task_until.max()) + window
    for now in np.arange(min(trace.worker_from.min(), trace.task_from.min()) + window, end + window, window):
        _commit(market, float(now), None)
    return market.earned


def last_moment(trace: Trace, *, stay: float = 0.0, ahead: float = 0.0) -> float:
    """Commit only those pairs of the best plan for now in which somebody is about to leave.

    `stay`: a price for taking a task that could wait, as a share of its reward for a whole stay ahead. `ahead`: how far
    the rule may see into the future, which no rule can: it says what the not knowing costs.
    """
    market = Market(trace)
    for now in np.unique(np.concatenate((trace.worker_until, trace.task_until))):
        leaving = trace.worker_until <= now, trace.task_until <= now
        _commit(market, float(now), leaving, stay=stay, ahead=ahead)
    return market.earned


def _commit(
    market: Market, now: float, leaving: tuple[Bool, Bool] | None, *, stay: float = 0.0, ahead: float = 0.0
) -> None:
    trace = market.trace
    workers, tasks = market.there(now, ahead)
    values = trace.values[np.ix_(workers, tasks)]
    if leaving is not None and not (values[leaving[0][workers]].any() or values[:, leaving[1][tasks]].any()):
        return
    if stay:
        left = (trace.task_until - now) / (trace.task_until - trace.task_from)
        values = np.maximum(values - stay * (trace.reward * left)[tasks], 0.0)
    for row, column in most_valuable(values, market.room[workers]):
        worker, task = int(workers[row]), int(tasks[column])
        if leaving is None or leaving[0][worker] or leaving[1][task]:
            market.pair(worker, task)


def ratios(trace: Trace) -> dict[str, float]:
    """Return what each rule earns as a share of the offline optimum."""
    best = offline(trace)
    stays = float(np.median(trace.task_until - trace.task_from))
    earned = {
        "optimum": best,
        "at once": at_once(trace),
        "window 1/30": every(trace, stays / 30),
        "window 1/6": every(trace, stays / 6),
        "last moment": last_moment(trace),
        "with stay": last_moment(trace, stay=STAY),
        "foresight 1/4": last_moment(trace, ahead=stays / 4),
        "foresight 1/2": last_moment(trace, ahead=stays / 2),
    }
    return {name: value if name == "optimum" else value / best for name, value in earned.items()}


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield every file once: the ten real ones of a kind are the same arrivals, written down in other orders."""
    for name in sorted(references(folder)):
        if name.startswith("synthetic") or name.endswith("data_00.txt"):
            yield name, folder / "dataset" / name


def _means(rows: list[tuple[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Return by kind of trace the geometric mean of each rule."""
    means: dict[str, dict[str, float]] = {}
    for kind, group in groupby(rows, key=lambda row: row[0]):
        members = [found for _, found in group]
        means[kind] = {"files": len(members)}
        means[kind] |= {rule: float(np.exp(np.mean([np.log(m[rule]) for m in members]))) for rule in members[0]}
    return means


def main() -> None:
    """Print a line for each file, and means; with `--docs` write the means down."""
    if "PAIDAN_DATA" not in os.environ:
        print("PAIDAN_DATA is not set: the recorded arrivals are left out.")
        return
    folder = Path(os.environ["PAIDAN_DATA"]) / "bench" / "goma"
    known = references(folder)
    rows: list[tuple[str, dict[str, float]]] = []
    for name, path in _files(folder):
        found = ratios(read(path))
        assert abs(found["optimum"] - known[name][0]) < 1e-4, (name, found["optimum"], known[name][0])
        if not rows:
            print(f"{'share of the offline optimum':42}", *(f"{rule:>13}" for rule in found))
        print(f"{name.removesuffix('/data_00.txt'):42}", *(f"{value:13.4f}" for value in found.values()), flush=True)
        kind, trace = name.split("/")[:2]
        rows.append((trace if kind == "real" else kind, found))
    told = _means(rows)
    for kind, means in told.items():
        shown = (value for rule, value in means.items() if rule != "files")
        print(f"{kind + ', geometric means':42}", *(f"{value:13.4f}" for value in shown))
        print(f"  last moment / at once: {means['last moment'] / means['at once']:.3f}")
    if "--docs" in sys.argv:
        kept = {kind: {rule: round(value, 4) for rule, value in means.items()} for kind, means in told.items()}
        DOCS.joinpath("online.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
