"""What changes between two plans: visits kept, moved, new, dropped. The numbers are a row a place that changed."""

from __future__ import annotations

from services.pictures import charts
from services.pictures.churn import Change, Fate, counted
from services.pictures.picture import Picture, Row
from services.pictures.sides import Shown
from services.pictures.svg import AFTER, BEFORE, GREEN, ORANGE, SKY, Canvas
from services.pictures.words import Words, count

FILLS = {
    Fate.KEPT: BEFORE,
    Fate.MOVED_TIME: SKY,
    Fate.MOVED_PERSON: AFTER,
    Fate.NEW: GREEN,
    Fate.DROPPED: ORANGE,
}


def picture(shown: Shown) -> Picture:
    """Return a bar by what has become of visits."""
    return Picture(
        name="churn",
        header=("request", "requirement", "fate", "person_before", "start_before", "person_after", "start_after"),
        rows=[_row(shown, change) for change in shown.changes],
        sentence=lambda words: _sentence(shown, words),
        svg=lambda words: _svg(shown, words),
    )


def _row(shown: Shown, change: Change) -> Row:
    ids = shown.subject.week.problem.people.ids

    def person(number: int) -> str:
        return "" if number < 0 else ids[number]

    def start(at_s: int) -> str:
        return "" if at_s < 0 else shown.subject.local(at_s).isoformat()

    return (
        *shown.subject.week.problem.requirements.ids[change.requirement],
        change.fate.value,
        person(change.person_before),
        start(change.start_before_s),
        person(change.person_after),
        start(change.start_after_s),
    )


def _sentence(shown: Shown, words: Words) -> str:
    found = counted(shown.changes)
    if shown.before is None:
        return words("churn.first", new=count(found[Fate.NEW]))
    return words(
        "churn.sentence",
        were=count(len(shown.before.plan.person)),
        kept=count(found[Fate.KEPT]),
        moved=count(found[Fate.MOVED_TIME] + found[Fate.MOVED_PERSON]),
        dropped=count(found[Fate.DROPPED]),
        new=count(found[Fate.NEW]),
    )


def _svg(shown: Shown, words: Words) -> str:
    canvas = Canvas(words, words("churn.title"), _sentence(shown, words))
    found, said = counted(shown.changes), words("churn.axis")
    bars = [charts.Lying(words(f"fate.{fate}"), [(found[fate], FILLS[fate], said)]) for fate in Fate]
    charts.lying(canvas, bars, said)
    return canvas.done()
