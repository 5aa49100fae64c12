"""Recorded arrivals of workers and tasks (GOMA, Tong et al., ICDE 2016), as columns. Read by `online_windows`.

A pair is possible when the worker stands no further away than its radius and both are there at one moment: each stays
from its arrival for its duration, the end not included. Its value is the task's reward times the worker's success rate.
A task takes one worker, a worker up to capacity tasks.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matcher.problem import F64, I64


@dataclass(frozen=True)
class Trace:
    """Workers [W] and tasks [T]; `values` [W, T], 0 where a pair is impossible. `..._line`: place in the file."""

    worker_from: F64
    worker_until: F64
    worker_line: I64
    capacity: I64
    task_from: F64
    task_until: F64
    task_line: I64
    reward: F64
    values: F64


def read(path: Path) -> Trace:
    """Read one file."""
    lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()[1:] if line.strip()]
    workers = np.array([[at, *map(float, (t, *rest))] for at, (t, kind, *rest) in enumerate(lines) if kind == "w"])
    tasks = np.array([[at, *map(float, (t, *rest))] for at, (t, kind, *rest) in enumerate(lines) if kind == "t"])
    return trace(workers, tasks)


def trace(workers: F64, tasks: F64) -> Trace:
    """Build a trace of rows (line, arrival, x, y, radius, capacity, duration, rate), (line, arrival, x, y, duration,
    reward)."""
    worker_until, task_until = workers[:, 1] + workers[:, 6], tasks[:, 1] + tasks[:, 4]
    away = np.hypot(workers[:, None, 2] - tasks[:, 2], workers[:, None, 3] - tasks[:, 3])
    meet = (workers[:, None, 1] < task_until) & (tasks[:, 1] < worker_until[:, None])
    return Trace(
        worker_from=workers[:, 1],
        worker_until=worker_until,
        worker_line=workers[:, 0].astype(np.int64),
        capacity=workers[:, 5].astype(np.int64),
        task_from=tasks[:, 1],
        task_until=task_until,
        task_line=tasks[:, 0].astype(np.int64),
        reward=tasks[:, 5],
        values=np.where(meet & (away <= workers[:, None, 4]), workers[:, 7][:, None] * tasks[:, 5], 0.0),
    )


def references(folder: Path) -> dict[str, tuple[float, float]]:
    """Return by file the offline optimum, and what immediate greedy reached when the arrivals came in file order."""
    with (folder / "reference_values.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["file"]: (float(row["offline_OPT_utility"]), float(row["greedy_utility"]))
            for row in csv.DictReader(file)
        }
