"""The runs as a table: a row a fault, zeros with their bound, recovery as p50, p95 and the longest. In docs/chaos.md.

The part of the page between the two marks is written here and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.chaos.record import DID_NOT_HAPPEN, SOUND, Played

HEAD = (
    "| fault | runs | 3/n | acknowledged | lost | doubled | double-booked | untold | told twice | board wrong "
    "| void | recovery s p50 | p95 | longest |"
)
FIGURES = "| measured | fault | runs | s p50 | p95 | longest | load p50 |"
BEGIN, END = "<!-- made by the runner -->\n", "<!-- end of what the runner makes -->"
#: What a fault's figures say.
SAID = {
    "takeover": "a partition whose writer was killed: the longest wait (goal: p95 15 s at a session of 10 s)",
    "kept": "a partition that keeps its writer meanwhile: the longest wait (goal 3 s)",
    "silence": "any partition while streams are replaced: the longest wait (goal 1 s)",
    "noticed": "a stream whose clock is off, until it says so: the longest",
    "answered": "new writers with 40,000 commands before them, until all are answered: the longest",
    "parked": "a command that nobody can read, until it is set aside: the longest wait (goal 2 s)",
}


def page(text: str, runs: Sequence[Played]) -> str:
    """Return the page with what the runner makes."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{section(runs)}{END}{after}"


def write(file: Path, runs: Sequence[Played]) -> None:
    """Write the table into the page."""
    file.write_text(page(file.read_text(encoding="utf-8"), runs), encoding="utf-8")


def section(runs: Sequence[Played]) -> str:
    """Return what stands between the marks."""
    counted = [run for run in runs if run.counts]
    if not counted:
        return "\nNo runs yet.\n\n"
    commits = ", ".join(dict.fromkeys(run.commit for run in counted))
    loads = [run.load for run in counted]
    words = (
        f"{len(counted)} runs, {min(run.at for run in counted):%Y-%m-%d} to {max(run.at for run in counted):%Y-%m-%d},"
        f" {max(run.cores for run in counted)} cores, load {min(loads)} to {max(loads)} (p50 {quantile(loads, 0.5)}),"
        f" commits {commits}."
    )
    return "\n" + words + "\n\n" + table(counted) + "\n" + _figures(counted) + _others(runs) + "\n"


def table(runs: Sequence[Played]) -> str:
    """Return Markdown."""
    lines = [HEAD, "|---|" + "---:|" * 13]
    for name in sorted({run.fault for run in runs}):
        lines.append(_row(name, [run for run in runs if run.fault == name]))
    lines.append(_row("**all**", runs))
    return "\n".join(lines) + "\n"


def _row(name: str, runs: Sequence[Played]) -> str:
    wrong = [
        str(sum(getattr(each, field) for each in runs))
        for field in ("lost", "doubled", "double_bookings", "untold", "told_twice", "board_differs")
    ]
    waits = [run.recovery_s for run in runs if run.recovery_s is not None]
    cells = [
        name,
        str(len(runs)),
        f"{min(1.0, 3 / len(runs)):.2f}" if all(run.outcome == SOUND for run in runs) else "-",
        f"{sum(each.acknowledged for each in runs):,}",
        *wrong,
        str(sum(each.void for each in runs)),
        *(_waits(waits) if name != "**all**" else [""] * 3),
    ]
    return "| " + " | ".join(cells) + " |"


def _figures(runs: Sequence[Played]) -> str:
    lines = []
    for kind, said in SAID.items():
        for fault in sorted({run.fault for run in runs if kind in run.figures}):
            mine = [run for run in runs if run.fault == fault and kind in run.figures]
            waits = _waits([run.figures[kind] for run in mine])
            load = quantile([run.load for run in mine], 0.5)
            lines.append(f"| {said} | {fault} | {len(mine)} | {' | '.join(waits)} | {load} |")
    return "\n".join([FIGURES, "|---|---|" + "---:|" * 5, *lines]) + "\n" if lines else ""


def _others(runs: Sequence[Played]) -> str:
    """Return the runs that are not sound, and those that were none."""
    bad = [run for run in runs if run.outcome != SOUND]
    said = [f"- *{run.outcome}*: {run.fault}, {run.at:%Y-%m-%d %H:%M}, {run.commit}: {_short(run)}" for run in bad]
    none = sum(run.outcome == DID_NOT_HAPPEN for run in runs)
    head = f"\nNot sound: {len(bad) - none}. Not counted, because the fault did not take place: {none}.\n"
    return head + ("\n" + "\n".join(said) + "\n" if said else "")


def _short(run: Played) -> str:
    words = " ".join(" ".join(run.findings).split()).replace("|", "/").replace("<", "(").replace(">", ")")
    return words if len(words) <= 240 else "… " + words[-240:]


def _waits(waits: Sequence[float]) -> list[str]:
    return [f"{each:.1f}" for each in (quantile(waits, 0.5), quantile(waits, 0.95), max(waits))] if waits else [""] * 3


def quantile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
