"""The numbers of a planned week as one JSON value. Called by `writing`; the same numbers stand in the pictures."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from services.pictures.churn import Fate, counted
from services.pictures.sides import Shown, Side
from services.pictures.subject import Subject


def figures(shown: Shown) -> dict[str, Any]:
    """Return filled, bound, metres, Gini and the rest, of both sides, and what changed between them."""
    subject, changed = shown.subject, counted(shown.changes)
    return {
        "zone": subject.zone,
        "from": subject.local(subject.week.from_s).isoformat(),
        "until": subject.local(subject.week.until_s).isoformat(),
        "theme_day": None if subject.theme_day is None else subject.theme_day.isoformat(),
        "people": len(subject.week.problem.people.ids),
        "requirements": len(subject.week.problem.requirements.ids),
        "places": shown.places,
        "owing": shown.owing,
        "before": None if shown.before is None else _side(shown.before),
        "after": _side(shown.after) | _judged(shown.after),
        "changes": changed | {"moved": changed[Fate.MOVED_TIME] + changed[Fate.MOVED_PERSON]},
    }


def _side(side: Side) -> dict[str, Any]:
    visits, ways = len(side.ways.person), side.ways
    return {
        "filled": visits,
        "open": side.open_places,
        "metres": side.metres,
        "metres_a_visit": round(side.metres / visits, 1) if visits else None,
        "people_who_come": int((side.visits > 0).sum()),
        "free_people": side.shares.people,
        "gini": round(side.shares.gini, 4) if visits else None,
        "most_visits": side.shares.most,
        "median_home_m": round(float(np.median(ways.home_m)), 1) if visits else None,
        "within_500_m": int(ways.near.sum()),
        "within_10_minutes": int(ways.soon.sum()),
        "duty": side.duty,
        "theme_day_visits": _theme(side, side.subject),
    }


def _judged(side: Side) -> dict[str, Any]:
    """Return what only a planned side knows: the bound, why places stay open, why people do not come."""
    open_places: Counter[str] = Counter()
    for short in side.plan.unfilled:
        open_places[short.reason.value] += short.places
    return {
        "bound": side.plan.bound,
        "proven_open": sum(short.places for short in side.plan.unfilled if short.proven),
        "open_by_reason": dict(sorted(open_places.items())),
        "idle_by_reason": dict(sorted(Counter(reason.value for reason in side.plan.idle.values()).items())),
        "iterations": side.plan.iterations,
    }


def _theme(side: Side, subject: Subject) -> int | None:
    return None if subject.theme_day is None else side.by_day.get(subject.theme_day, (0, 0))[0]
