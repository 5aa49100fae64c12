"""Routes whose visits hang together: one some time after the other, or both at once; who is late pays for it.

`improve` is the way in; the values are in `linked.py`. Such a request is beyond the report week's planner, whose
windows are hard and whose requirements know nothing of each other. Called by the benchmark of public instances
(`tests/benchmarks/routes`); the batch does not call it yet. Nothing here reads a log or a clock; numba is imported by
the first call.
"""

from __future__ import annotations

from matcher.linked.linked import Linked, Routes, Work


def improve(linked: Linked, work: Work | None = None, start: Routes | None = None) -> Routes:
    """Return the best routes found, from `start` or from nearest first. The same input gives the same routes."""
    from matcher.linked import searching

    return searching.run(linked, work or Work(), start)


def nearest_first(linked: Linked) -> Routes:
    """Return the routes that serve the most urgent group next, each visit by whoever can come soonest."""
    from matcher.linked import searching

    return searching.nearest_first(linked)
