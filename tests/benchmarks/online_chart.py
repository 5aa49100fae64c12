"""What `online_windows --docs` wrote, as the table in docs/online.md and the chart beside it.

    python -m tests.benchmarks.online_chart

Called by `make bench`, or by hand after a run. Nothing is typed in by hand but the words and the goal.
"""

from __future__ import annotations

import json

from tests.benchmarks.online_windows import DOCS

GOAL = 0.97
BEGIN, END = "<!-- rules: python -m tests.benchmarks.online_chart -->", "<!-- /rules -->"
RULES = {
    "at once": "at once: each arrival takes its best partner of those waiting",
    "window 1/30": "a window of 1/30 of a stay, all of its plan",
    "window 1/6": "a window of 1/6 of a stay",
    "last moment": "**last moment**: of the plan for now only the pairs in which somebody is about to leave",
    "with stay": "last moment, and a task that could still wait costs up to a fifth of its reward",
    "foresight 1/4": "*last moment, with a quarter of a stay of foresight*",
    "foresight 1/2": "*with half a stay of foresight*",
}
COLOURS = {"EverySender_cap1": "#c8553d", "gMission_cap1": "#2a7f62", "synthetic": "#4a6fa5"}

Told = dict[str, dict[str, float]]


def names(told: Told) -> dict[str, str]:
    """Return how each kind of trace is called."""
    return {
        kind: f"{means['files']:.0f} synthetic, geometric mean" if kind == "synthetic" else kind.removesuffix("_cap1")
        for kind, means in told.items()
    }


def table(told: Told) -> str:
    """Return the shares as a table."""
    head = ["| rule | " + " | ".join(names(told).values()) + " |", "|---|" + "---:|" * len(told)]
    return "\n".join([*head, *(f"| {words} | {_row(told, rule)} |" for rule, words in RULES.items())])


def _row(told: Told, rule: str) -> str:
    strong = "**" if rule == "last moment" else "*" if rule.startswith("foresight") else ""
    return " | ".join(f"{strong}{means[rule]:.3f}{strong}" for means in told.values())


def chart(told: Told) -> str:
    """Return the shares as bars from 0.8 on, a group a rule; the goal is a line."""
    left, width, high = 120, 480, 16
    tall = 50 + len(RULES) * (high * len(told) + 12) + 40
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {tall}" font-family="sans-serif" font-size="13">',
        f'<rect width="760" height="{tall}" fill="#fff"/>',
        f'<text x="{left}" y="20" fill="#222">Share of what the best plan in hindsight earns</text>',
    ]
    for n, (kind, name) in enumerate(names(told).items()):
        at = left + 200 * n
        lines.append(f'<rect x="{at}" y="28" width="10" height="10" fill="{COLOURS.get(kind, "#888")}"/>')
        lines.append(f'<text x="{at + 15}" y="38" fill="#222">{name}</text>')
    y = 50
    for rule in RULES:
        lines.append(f'<text x="{left - 8}" y="{y + 20}" text-anchor="end" fill="#222">{rule}</text>')
        for kind, means in told.items():
            end = width * _place(means[rule])
            fill = COLOURS.get(kind, "#888")
            lines.append(f'<rect x="{left}" y="{y}" width="{end:.1f}" height="{high - 3}" fill="{fill}"/>')
            lines.append(
                f'<text x="{left + end + 6:.1f}" y="{y + 11}" font-size="11" fill="#222">{means[rule]:.3f}</text>'
            )
            y += high
        y += 12
    x = left + width * _place(GOAL)
    lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="44" y2="{y}" stroke="#222" stroke-dasharray="4 3"/>')
    lines.append(f'<text x="{x:.1f}" y="{y + 16}" text-anchor="middle" fill="#222">goal {GOAL}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _place(share: float) -> float:
    """Return where a share stands between 0.8 (0) and 1 (1); what is below is at 0."""
    return min(max((share - 0.8) / 0.2, 0.0), 1.0)


def main() -> None:
    """Write the chart, and the table between its two marks."""
    told: Told = json.loads((DOCS / "online.json").read_text(encoding="utf-8"))
    (DOCS / "online.svg").write_text(chart(told), encoding="utf-8")
    page = (DOCS / "online.md").read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    (DOCS / "online.md").write_text(f"{before}{BEGIN}\n{table(told)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
