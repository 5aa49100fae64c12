"""`paidan …` with a solver that takes as long as told: `python -m tests.soak.slowly SECONDS up …` (`inf`: for ever).

The plans are those of the product's own solver; only their arrival is late. The guard of the live ticker stays as set.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from matcher.problem import Problem
from services import solving
from services.cli import main
from services.serve import stream

FOR_EVER_S = 1e6


def slow(seconds: float) -> type[solving.ProcessSolver]:
    """The product's solver, whose every solve lasts at least so long."""

    class Slow(solving.ProcessSolver):
        async def solve(self, problem: Problem, *arguments: Any, **options: Any) -> Any:
            until_s = time.monotonic() + min(seconds, FOR_EVER_S)
            plan = await super().solve(problem, *arguments, **options)
            await asyncio.sleep(max(0.0, until_s - time.monotonic()))
            return plan

    return Slow


if __name__ == "__main__":
    late = slow(float(sys.argv.pop(1)))
    # Where the entry points look it up.
    solving.ProcessSolver = late  # type: ignore[misc]
    stream.ProcessSolver = late  # type: ignore[attr-defined, misc]
    main()
