"""What `paidan rematch` and `paidan plan` print of a batch and its plan. Numbers come from events and plans alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from matcher.commands import Figures, StartRematch
    from matcher.events import PlanAdopted
    from services.cli.rematch_here import Planned


def of_dry_run(planned: Planned, command: StartRematch, *, as_json: bool) -> str:
    """Return what a dry run found: the plan, what it changes, what stays open and why, who of the owing stays out."""
    plan = planned.plan
    facts: dict[str, Any] = {
        **of_adopted(planned.adopted),
        "dry_run": True,
        "parts": planned.parts,
        "seconds": round(planned.seconds, 1),
        "repeatable": command.iterations is not msgspec.UNSET,
        "provisional": planned.started.provisional or False,
        "open_by_reason": dict(sorted(_open(planned).items())),
        "owing_and_not_coming": dict(sorted(Counter(why.value for why in plan.idle.values()).items())),
        "owing_and_coming": plan.objective["duty"],
    }
    if as_json:
        return msgspec.json.encode(facts).decode()
    return "\n".join([*_lines(facts), "This was a dry run: nothing has been changed."])


def _open(planned: Planned) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for short in planned.plan.unfilled:
        reasons[short.reason.value] += short.places
    return reasons


def of_adopted(adopted: PlanAdopted) -> dict[str, Any]:
    """Return a plan as the zone has adopted it, as values for JSON."""
    return {
        "plan": adopted.plan,
        "from": adopted.from_at,
        "until": adopted.until_at,
        "visits": adopted.visits,
        "pinned": len(adopted.pinned),
        "kept": len(adopted.kept),
        "moved": {why.value: len(rows) for why, rows in sorted(adopted.moved.items())},
        "new": adopted.new,
        "dropped": {why.value: len(rows) for why, rows in sorted(adopted.dropped.items())},
        "figures": _figures(adopted.figures or None),
    }


def _figures(figures: Figures | None) -> dict[str, int] | None:
    return None if figures is None else msgspec.structs.asdict(figures)


def in_words(adopted: PlanAdopted) -> str:
    """Return the same as lines."""
    return "\n".join(_lines(of_adopted(adopted)))


def _lines(facts: dict[str, Any]) -> list[str]:
    moved, dropped = sum(facts["moved"].values()), sum(facts["dropped"].values())
    lines = [f"Plan ({facts['plan']}), {facts['from']:%Y-%m-%d %H:%M} to {facts['until']:%Y-%m-%d %H:%M} UTC."]
    figures = facts["figures"]
    if figures is not None:
        lines.append(
            f"Filled {figures['filled']} of {figures['places']} places, at most {figures['bound']} could be; "
            f"{figures['metres'] / 1000:.1f} km; cost {figures['cost']} points (first plan {figures['first_cost']})."
        )
    lines.append(
        f"{facts['kept']} kept, {moved} moved{_by(facts['moved'])}, {facts['new']} new, "
        f"{dropped} dropped{_by(facts['dropped'])}; {facts['pinned']} accepted stay."
    )
    if facts.get("open_by_reason"):
        lines.append(f"Open places by reason{_by(facts['open_by_reason'])}.")
    if facts.get("owing_and_coming") or facts.get("owing_and_not_coming"):
        lines.append(
            f"Of those who owe the quarter a visit, {facts['owing_and_coming']} come"
            f"{_by(facts['owing_and_not_coming'], ', others not')}."
        )
    if facts.get("provisional"):
        lines.append("A day of the week is only estimated by the calendar: the plan is provisional (暂定).")
    if facts.get("repeatable") is False:
        lines.append("Planned by seconds: another run may give another plan.")
    return lines


def _by(counts: dict[str, int], words: str = "") -> str:
    return f"{words} ({', '.join(f'{why} {count}' for why, count in counts.items())})" if counts else ""
