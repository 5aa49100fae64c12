"""Results as a table: a row a fault, zeros with their bound, recovery as p50, p95 and the longest."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.chaos.playing import Result

HEAD = (
    "| fault | runs | 3/n | acknowledged | lost | doubled | double-booked | untold | told twice | board wrong "
    "| void | recovery s p50 | p95 | longest |"
)


def table(results: Sequence[Result]) -> str:
    """Return Markdown."""
    lines = [HEAD, "|---|" + "---:|" * 13]
    for name in dict.fromkeys(result.fault for result in results):
        mine = [result for result in results if result.fault == name]
        lines.append(_row(name, mine))
    lines.append(_row("**all**", results))
    broken = [result for result in results if not result.sound]
    lines += [
        "",
        *(f"Not sound: {each.fault}, seed {each.seed}: {each.error or each.judged.findings}" for each in broken),
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, results: Sequence[Result]) -> str:
    judged = [result.judged for result in results]
    wrong = [
        str(sum(getattr(each, field) for each in judged))
        for field in ("lost", "doubled", "double_bookings", "untold", "told_twice", "board_differs")
    ]
    waits = [result.recovery_s for result in results if result.recovery_s is not None]
    recovery = (
        [f"{each:.1f}" for each in (quantile(waits, 0.5), quantile(waits, 0.95), max(waits))] if waits else [""] * 3
    )
    cells = [
        name,
        str(len(results)),
        f"{min(1.0, 3 / len(results)):.2f}",
        f"{sum(each.acknowledged for each in judged):,}",
        *wrong,
        str(sum(each.void for each in judged)),
        *(recovery if name != "**all**" else [""] * 3),
    ]
    return "| " + " | ".join(cells) + " |"


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
