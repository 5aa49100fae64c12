"""Who owes the quarter a visit (R100): how many come, and why the others do not."""

from __future__ import annotations

from collections import Counter

from matcher.weekly.week import Idle
from services.pictures import charts
from services.pictures.picture import Picture
from services.pictures.sides import Shown
from services.pictures.svg import AFTER, BEFORE, Canvas
from services.pictures.words import Words, count


def picture(shown: Shown) -> Picture:
    """Return the bars of the plan after: who comes, then the others by reason."""
    found = Counter(reason.value for reason in shown.after.plan.idle.values())
    rows = [("come", shown.after.duty), *((reason.value, found[reason]) for reason in Idle)]
    unknown = shown.owing - sum(people for _, people in rows)
    rows.append(("unknown", unknown))
    return Picture(
        name="duty",
        header=("what", "people"),
        rows=rows,
        sentence=lambda words: _sentence(shown, words, found[Idle.NO_DEMAND]),
        svg=lambda words: _svg(shown, words, rows, found[Idle.NO_DEMAND]),
    )


def _sentence(shown: Shown, words: Words, no_demand: int) -> str:
    if not shown.owing:
        return words("duty.none")
    come = words.was([count(side.duty) for side in shown.sides])
    said = [words("duty.sentence", come=come, owing=count(shown.owing))]
    if no_demand:
        said.append(words("duty.no_demand", people=count(no_demand)))
    return words.joined(said)


def _svg(shown: Shown, words: Words, rows: list[tuple[str, int]], no_demand: int) -> str:
    canvas = Canvas(words, words("duty.title"), _sentence(shown, words, no_demand))
    if shown.owing:
        bars = []
        for what, people in rows:
            if what == "unknown" and not people:
                continue
            label = words(f"duty.{what}" if what in ("come", "unknown") else f"idle.{what}")
            bars.append(charts.Lying(label, [(people, AFTER if what == "come" else BEFORE, words("duty.axis"))]))
        charts.lying(canvas, bars, words("duty.axis"))
    return canvas.done()
