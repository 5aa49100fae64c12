"""A real month through the whole chain, dispatched by us and by nearest-first, side by side.

    PAIDAN_DATA=... python -m tests.benchmarks.month_against_nearest_first --requests 3000

Boston's requests of June 2015 with an invented roster, one zone a neighbourhood, policy travel-only, the same simulated
people. Single beats are compared exactly in tests/test_june.py; over a month the two drift apart (other people say
no), so this comparison is reported as it is.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import msgspec

from matcher.policy import TRAVEL_ONLY
from matcher.problem import Plan, Problem
from matcher.solvers.exact import nearest_first
from producers import mapping, rows, tables
from services.adapters.memory import MemoryLog
from services.core import Matching
from services.demo import scenario
from services.demo.playing import Audience, play
from services.demo.receipts import Receipts
from services.ports import Solver
from services.solving import InlineSolver

ALL_REQUESTS, PEOPLE = 10_332, 2_000


class NearestFirst:
    """A dispatcher who sends the nearest person who can, one request after the other."""

    async def solve(self, problem: Problem) -> Plan:
        """Return the greedy plan."""
        return nearest_first(problem)


def june(count: int) -> scenario.Scenario:
    """Read the first requests of the month, with their share of the people."""
    how = mapping.zoned_by(mapping.load("boston311"), "neighborhood")
    file = Path(os.environ["PAIDAN_DATA"]) / "boston-311-2015" / "boston-311-2015-06.csv.gz"
    asked = rows.read_requests(tables.read(file), how).rows[:count]
    people = scenario.invented_people(asked, max(25, PEOPLE * len(asked) // ALL_REQUESTS), 1)
    rules = msgspec.structs.replace(TRAVEL_ONLY, timezone="America/New_York")
    return scenario.of_rows(asked, people, 1, timedelta(minutes=10), rules, zone="boston")


def month(count: int, solver: Solver) -> str:
    """Play the month; say what came of it."""
    audience = Audience()
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder, Receipts(Path(folder) / "receipts.jsonl") as receipts:
        asyncio.run(play(june(count), MemoryLog(), Matching(), solver, receipts, audience))
    tally = audience.tally
    metres = sorted(tally.distance_m.values())
    return (
        f"closed {tally.closed}, expired {tally.expired}, cancelled {tally.cancelled}; "
        f"way {sum(metres) / 1000:.0f} km in all, median {metres[len(metres) // 2]:.0f} m; "
        f"{time.process_time() - began:.0f} s CPU"
    )


def main() -> None:
    """Print both months."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=3000)
    asked = parser.parse_args()
    if "PAIDAN_DATA" not in os.environ:
        print("PAIDAN_DATA is not set: the real month is left out.")
        return
    print(f"{asked.requests} requests of June 2015:")
    print(f"  proven optimal beats: {month(asked.requests, InlineSolver())}")
    print(f"  nearest first:        {month(asked.requests, NearestFirst())}")


if __name__ == "__main__":
    main()
