"""Many points and lines in few bytes: SVG path data in half pixels, each step relative to the one before.

Called by `mapping`. A county's thousands of ways stay a picture of some tens of kilobytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

Point = tuple[int, int]


def dots(points: Iterable[Point]) -> str:
    """Return points of no length; round line ends make them dots. The same point is drawn once."""
    said, at = [], (0, 0)
    for point in sorted(set(points)):
        said.append(f"m{_step(point[0] - at[0], point[1] - at[1])}h0")
        at = point
    return "".join(said).replace("m", "M", 1)


def crosses(points: Iterable[Point], arm: int) -> str:
    """Return a cross over each point."""
    return "".join(
        f"M{_step(x - arm, y - arm)}l{_step(2 * arm, 2 * arm)}m{_step(0, -2 * arm)}l{_step(-2 * arm, 2 * arm)}"
        for x, y in points
    )


def rings(ways: Iterable[Sequence[Point]]) -> str:
    """Return closed ways through their points; one of two points is a line there and back."""
    said = []
    for way in ways:
        steps = [_step(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(way)]
        said.append(f"M{_step(*way[0])}l{_joined(steps)}" + ("z" if len(way) > 2 else ""))
    return "".join(said)


def stripes(cells: Iterable[tuple[int, int]], side: int) -> str:
    """Return the cells (column, row) of a grid, neighbours in a row as one stripe."""
    runs: list[list[int]] = []
    for y, x in sorted((y, x) for x, y in cells):
        if runs and runs[-1][0] == y and runs[-1][2] == x:
            runs[-1][2] += 1
        else:
            runs.append([y, x, x + 1])
    parts = []
    for y, first, end in runs:
        wide = (end - first) * side
        parts.append(f"M{first * side} {y * side}h{wide}v{side}h{-wide}z")
    return "".join(parts)


def squares(cells: Iterable[tuple[int, int, int]]) -> str:
    """Return squares about points: x, y, half a side."""
    return "".join(f"M{_step(x - a, y - a)}h{2 * a}v{2 * a}h{-2 * a}z" for x, y, a in cells)


def _step(x: int, y: int) -> str:
    return f"{x}{y}" if y < 0 else f"{x} {y}"


def _joined(steps: list[str]) -> str:
    return "".join(step if n == 0 or step.startswith("-") else f" {step}" for n, step in enumerate(steps))
