"""What stays open and why: places by reason, proven or not."""

from __future__ import annotations

from collections import Counter

from services.pictures import charts
from services.pictures.picture import Picture
from services.pictures.sides import Shown
from services.pictures.svg import AFTER, ORANGE, Canvas
from services.pictures.words import Words, count


def picture(shown: Shown) -> Picture:
    """Return the bars of the plan after, the longest first."""
    proven: Counter[str] = Counter()
    unproven: Counter[str] = Counter()
    for short in shown.after.plan.unfilled:
        (proven if short.proven else unproven)[short.reason.value] += short.places
    reasons = sorted(proven.keys() | unproven.keys(), key=lambda name: (-proven[name] - unproven[name], name))
    rows = [(name, proven[name] + unproven[name], proven[name]) for name in reasons]
    return Picture(
        name="unfilled",
        header=("reason", "places", "proven"),
        rows=rows,
        sentence=lambda words: _sentence(shown, words),
        svg=lambda words: _svg(shown, words, rows),
    )


def _sentence(shown: Shown, words: Words) -> str:
    left = shown.after.open_places
    if not left:
        return words("unfilled.none", places=count(shown.places))
    said = words.was([count(side.open_places) for side in shown.sides])
    proven = sum(short.places for short in shown.after.plan.unfilled if short.proven)
    return words("unfilled.sentence", open=said, places=count(shown.places), proven=count(proven))


def _svg(shown: Shown, words: Words, rows: list[tuple[str, int, int]]) -> str:
    canvas = Canvas(words, words("unfilled.title"), _sentence(shown, words))
    if not rows:
        return canvas.done()
    sure, unsure = words("unfilled.proven"), words("unfilled.unproven")
    canvas.legend([(AFTER, sure), (ORANGE, unsure)])
    bars = [
        charts.Lying(words(f"reason.{name}"), [(proven, AFTER, sure), (places - proven, ORANGE, unsure)])
        for name, places, proven in rows
    ]
    charts.lying(canvas, bars, words("unfilled.axis"))
    return canvas.done()
