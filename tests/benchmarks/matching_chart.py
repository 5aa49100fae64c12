"""What `matching_goals` wrote, as the table in docs/matching.md and the chart beside it.

    python -m tests.benchmarks.matching_chart

Called by hand after a run. A row that was not measured says so; nothing is typed in by hand but the goals.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import log10
from pathlib import Path

#: Requests of which the goals speak.
LARGE = 100_000
DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- goals: python -m tests.benchmarks.matching_chart -->", "<!-- /goals -->"


@dataclass(frozen=True)
class Goal:
    """One row: what is divided by what, the goal, whether less is better, and what stands in the way."""

    name: str
    what: str
    goal: float
    less: bool = False
    unit: str = ""
    why: str = ""
    keys: tuple[str, str] = ("median", "worst")


GOALS = (
    Goal("G1", "stock OR-Tools on 16 nearest, solve alone / our whole re-match, spare", 15,
         why="half of ours is grids and first lists of six; one thread"),
    Goal("G2", "the same, a skill of which 4 % is short", 5,
         why="bids of the short skill climb up to U', each with a look by way and price"),
    Goal("G3", "the same, 1:1", 1, why="in a price war nearly every bid needs a new look by way and price"),
    Goal("G4", "the same, 17 % of the requests at one place (the goal is 17,000 exact in 60 s, no ratio)", 1,
         why="people about the place belong to one ask: bids"),
    Goal("G5", "our whole / our own grids and first lists, spare", 1.5, less=True),
    Goal("G5 tree", "our whole / a k-d tree search of the 16 nearest", 1 / 3, less=True,
         why="ours looks at skills, hours and reach, and solves", keys=("to_tree_median", "to_tree_worst")),
    Goal("G6", "windows of 1, 2, 5 thousand: best of SciPy and OR-Tools / ours (geometric mean, worst cell)", 4,
         why="pairs are listed already for the others; names and rules are laid out anew on our side"),
    Goal("G7", "1 % changed, people too: full / incremental", 50,
         why="10,000 people leave and come: some 5 us each to find, price and file them"),
    Goal("G7 requests", "the same, requests only", 50, keys=("requests_only_median", "requests_only_worst")),
    Goal("G7 alone", "one request comes alone, median and p99", 50, less=True, unit=" us",
         why="whether any place is open is asked of all requirements: arrays beside a search of some us",
         keys=("arrival_us_median", "arrival_us_p99")),
    Goal("G8 spare", "growth per doubling, spare", 2.2, less=True),
    Goal("G8 scarce", "growth per doubling, scarce", 2.5, less=True, why="as G2"),
    Goal("G8 1:1", "growth per doubling, 1:1", 3, less=True, why="as G3"),
    Goal("G9", "memory above the city's arrays", 300, less=True, unit=" MB", why="64 bytes a node, 32 a grid entry"),
    Goal("G9 pairs", "the same a pair listed, to stock's", 0.5, less=True, why="few pairs share what people take",
         keys=("pair_share", "pair_share")),
    Goal("G10", "longest gap of an event loop beside a solve", 10, less=True, unit=" ms",
         why="the machine was busy: see the idle gap"),
    Goal("G11", "time on one core / on two", 1.4),
    Goal("G12", "Hall's witnesses / the solve", 0.1, less=True),
)  # fmt: skip


def table(told: dict[str, dict[str, object]]) -> str:
    """Return the goals as a table."""
    lines = [
        "| row | what | size | goal | median | worst | met | stands in the way |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for goal in GOALS:
        row = told.get(goal.name if goal.name in told else goal.name.split()[0])
        sign = "≤" if goal.less else "≥"
        if row is None:
            lines.append(
                f"| {goal.name} | {goal.what} | – | {sign} {goal.goal:.3g}{goal.unit} | – | – | not measured | |"
            )
            continue
        median, worst = (_number(row[key]) for key in goal.keys)
        met = median <= goal.goal if goal.less else median >= goal.goal
        lines.append(
            f"| {goal.name} | {goal.what} | {_size(row)} | {sign} {goal.goal:.3g}{goal.unit} | {median:.3g}{goal.unit} "
            f"| {worst:.3g}{goal.unit} | {_met(row, met=met)} | {'' if met else goal.why} |"
        )
    return "\n".join(lines) + "\n\n" + "\n".join(_beside(told))


def _met(row: dict[str, object], *, met: bool) -> str:
    """Say whether a goal is met, and that it is so at a smaller size only."""
    if not met:
        return "no"
    requests = row.get("requests", LARGE)
    most = max(requests) if isinstance(requests, list) else requests
    return "yes" if _number(most) >= LARGE else "at this size"


def _beside(told: dict[str, dict[str, object]]) -> list[str]:
    lines = ["Filled and metres, ours and theirs; seconds are medians, CPU (wall):", ""]
    for name, row in told.items():
        if "their_filled" in row:
            ours, theirs = (_seconds(row, side) for side in ("ours", "theirs"))
            lines.append(
                f"- {name}: {row['filled']} filled, {row['metres']} m in {ours}; "
                f"stock {row['their_filled']}, {row['their_metres']} m in {theirs}; {row['repeats']} repeats"
            )
    return lines


def _seconds(row: dict[str, object], side: str) -> str:
    cpu, wall = (_number(row[f"{side}_{clock}_s"]) for clock in ("cpu", "wall"))
    return f"{cpu:.2f} ({wall:.2f}) s"


def _size(row: dict[str, object]) -> str:
    requests, people = row.get("requests", ""), row.get("people", "")
    if isinstance(requests, list):
        return f"{requests[0]}–{requests[-1]}"
    return f"{requests} × {people}" if requests and people else str(requests or people)


def _number(value: object) -> float:
    assert isinstance(value, (int, float))
    return float(value)


def chart(told: dict[str, dict[str, object]]) -> str:
    """Return the goals as bars: how far each row is, 1 is the goal, a tenth and ten times are the edges."""
    rows = [(goal, told.get(goal.name if goal.name in told else goal.name.split()[0])) for goal in GOALS]
    bars = [(goal, row) for goal, row in rows if row is not None]
    left, width, high = 110, 480, 24
    tall = 40 + high * len(bars) + 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {tall}" font-family="sans-serif" font-size="13">',
        f'<rect width="760" height="{tall}" fill="#fff"/>',
        f'<text x="{left}" y="20" fill="#222">How far from its goal (1 = met; median; tick = worst)</text>',
    ]
    for n, (goal, row) in enumerate(bars):
        y = 34 + n * high
        far, worst = (_reached(goal, _number(row[key])) for key in goal.keys)
        end, tick = left + width * _place(far), left + width * _place(worst)
        fill = "#2a7f62" if far >= 1 else "#c8553d"
        lines += [
            f'<text x="{left - 8}" y="{y + 13}" text-anchor="end" fill="#222">{goal.name}</text>',
            f'<rect x="{left}" y="{y}" width="{end - left:.1f}" height="16" fill="{fill}"/>',
            f'<line x1="{tick:.1f}" x2="{tick:.1f}" y1="{y - 2}" y2="{y + 18}" stroke="#222" stroke-width="2"/>',
            f'<text x="{left + width + 12}" y="{y + 13}" fill="#222">{_number(row[goal.keys[0]]):.3g}{goal.unit}'
            f" ({'≤' if goal.less else '≥'} {goal.goal:.3g}{goal.unit})</text>",
        ]
    for value in (0.01, 0.1, 1, 10):
        x = left + width * _place(value)
        lines += [
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="30" y2="{tall - 24}" stroke="#888" stroke-dasharray="3 3"/>',
            f'<text x="{x:.1f}" y="{tall - 8}" text-anchor="middle" fill="#555">{value:g}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def _reached(goal: Goal, value: float) -> float:
    return goal.goal / value if goal.less else value / goal.goal


def _place(value: float) -> float:
    """Return where a value stands between a hundredth (0) and ten (1), by its logarithm."""
    return (log10(min(max(value, 0.01), 10)) + 2) / 3


def main() -> None:
    """Write the chart, and the table between its two marks."""
    told = json.loads((DOCS / "matching.json").read_text(encoding="utf-8"))
    (DOCS / "matching.svg").write_text(chart(told), encoding="utf-8")
    page = (DOCS / "matching.md").read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    (DOCS / "matching.md").write_text(f"{before}{BEGIN}\n{table(told)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
