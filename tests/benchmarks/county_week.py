"""A report week of the generated county, lived three ways by the real parts: planned, beat by beat, nearest first.

    python -m tests.benchmarks.county_week --free 0.1
    python -m tests.benchmarks.county_week --only plan --iterations 20000
    python -m tests.benchmarks.county_week --enter DIR --free 0.1

`--free`: the share of people who have time in this week at all. `--enter` only brings the week into an embedded log as
it is on its eve, for `paidan rematch --dry-run --week 2026-06-08`. CPU seconds are those of this process and of the
planning process, compiling included where nothing is kept of it.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter
from pathlib import Path

from producers import city
from services.adapters.sqlite import SqliteLog
from services.cli.explain_live import whole
from services.explaining.duties import duty_of
from services.names import LOG_FILE
from tests.county_weeks import PLANNED, UNPLANNED, CountyWeek, county_week
from tests.week_lived import Lived, NearestFirst, enter, figures, live

WAYS = ("plan", "beats", "nearest")


def lived(way: str, week: CountyWeek, folder: Path, iterations: int) -> Lived:
    """Live the week in one of the ways."""
    return live(
        week,
        folder,
        solver=NearestFirst() if way == "nearest" else None,
        iterations=iterations if way == "plan" else None,
    )


def told(way: str, week: CountyWeek, got: Lived, folder: Path) -> None:
    """Print one row, and why people who owe the quarter a visit have not come."""
    made = figures(week, got.events)
    share = f"{made.gini:.3f} ({made.gini_least:.3f}) | {made.most_visits} | {made.came} of {made.people}"
    near = f"{100 * made.within_500_m:.1f} % | {made.median_m:.0f}"
    print(f"| {way} | {made.filled} of {made.places} | {made.km:.0f} | {near} | {share} | {got.cpu_s:.0f} |")
    print("  who owes a visit still:", dict(_owing(folder, week.zone)))
    if got.plan is not None:
        verdict = "allowed" if not got.objections else f"NOT ALLOWED: {got.objections[:3]}"
        print(f"  the plan, by the journal alone: {verdict}; {got.plan.visits} visits, {got.plan.figures}", flush=True)


def _owing(folder: Path, zone: str) -> Counter[str]:
    log = SqliteLog(folder / LOG_FILE, read_only=True)
    try:
        said, _ = duty_of(asyncio.run(whole(log, zone)), zone)
    finally:
        log.close()
    return Counter(one.reason.value for one in said.owing)


def main() -> None:
    """Live what is asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--free", type=float, default=1.0)
    parser.add_argument("--communities", type=int, default=city.COMMUNITIES)
    parser.add_argument("--iterations", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=WAYS)
    parser.add_argument("--enter", type=Path, help="folder of an embedded log to make, and no more")
    asked = parser.parse_args()
    if asked.enter:
        enter(county_week(asked.seed, PLANNED, communities=asked.communities, free=asked.free), asked.enter)
        return
    print("| | filled | km | within 500 m | median m | Gini (least) | most visits | came | CPU s |")
    for way in (asked.only,) if asked.only else WAYS:
        policy = PLANNED if way == "plan" else UNPLANNED
        week = county_week(asked.seed, policy, communities=asked.communities, free=asked.free)
        with tempfile.TemporaryDirectory() as folder:
            got = lived(way, week, Path(folder), asked.iterations)
            told(way, week, got, Path(folder))


if __name__ == "__main__":
    main()
