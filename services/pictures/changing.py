"""What changes between two plans: visits kept, moved, new, dropped. The numbers are a row a place that changed."""

from __future__ import annotations

from collections import Counter

from services.pictures import charts
from services.pictures.churn import Change, Fate, counted
from services.pictures.picture import Picture, Row
from services.pictures.sides import Shown
from services.pictures.svg import AFTER, BEFORE, GREEN, MARGIN, ORANGE, SKY, Canvas
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
        header=(
            "request",
            "requirement",
            "fate",
            "person_before",
            "start_before",
            "person_after",
            "start_after",
            "why",
        ),
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

    asked = shown.subject.week.problem.requirements.ids[change.requirement]
    return (
        *asked,
        change.fate.value,
        person(change.person_before),
        start(change.start_before_s),
        person(change.person_after),
        start(change.start_after_s),
        _why(shown, change),
    )


def _why(shown: Shown, change: Change) -> str:
    """Return why a visit gave way, "" where that is not known or it did not."""
    if change.person_before < 0 or change.fate is Fate.KEPT:
        return ""
    problem = shown.subject.week.problem
    key = (*problem.requirements.ids[change.requirement], problem.people.ids[change.person_before])
    return str(shown.why.get(key, ""))


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
    reasons = Counter(_why(shown, change) for change in shown.changes)
    del reasons[""]
    if reasons:
        canvas.y += 20
        canvas.text(MARGIN, canvas.y, words("churn.why"), bold=True)
        canvas.y += 10
        ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        charts.lying(
            canvas, [charts.Lying(words.maybe("because", code), [(n, AFTER, said)]) for code, n in ranked], said
        )
    return canvas.done()
