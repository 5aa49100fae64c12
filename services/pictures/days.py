"""Visits by day of the week, and the theme day among them (R104)."""

from __future__ import annotations

from datetime import date

from services.pictures import charts
from services.pictures.picture import Picture
from services.pictures.sides import Shown
from services.pictures.svg import COLOURS, Canvas
from services.pictures.words import Words

THEME = "#fff1c9"


def picture(shown: Shown) -> Picture:
    """Return the columns: visits begun on each day."""
    every = sorted({day for side in shown.sides for day in side.by_day})
    rows: list[tuple[str | int, ...]] = []
    for day in every:
        told = [side.by_day.get(day, (0, 0)) for side in shown.sides]
        rows.append(
            (day.isoformat(), int(day == shown.subject.theme_day), *(number for pair in told for number in pair))
        )
    counts = (f"{what}_{name}" for name in shown.names for what in ("visits", "people"))
    return Picture(
        name="days",
        header=("day", "theme_day", *counts),
        rows=rows,
        sentence=lambda words: _sentence(shown, words),
        svg=lambda words: _svg(shown, words, rows),
    )


def _sentence(shown: Shown, words: Words) -> str:
    by_day = shown.after.by_day
    if not len(shown.after.plan.person):
        return words("days.none")
    fullest = max(by_day, key=lambda day: (by_day[day][0], -day.toordinal()))
    said = _told(words, "days.sentence", fullest, by_day[fullest])
    theme = shown.subject.theme_day
    if theme is None or theme not in by_day:
        return said
    return words.joined([said, _told(words, "days.theme", theme, by_day[theme])])


def _told(words: Words, code: str, day: date, told: tuple[int, int]) -> str:
    return words(
        code, day=words.day(day), visits=words.counted("visits", [told[0]]), people=words.counted("people", [told[1]])
    )


def _svg(shown: Shown, words: Words, rows: list[tuple[str | int, ...]]) -> str:
    canvas = Canvas(words, words("days.title"), _sentence(shown, words))
    names = words.sides(shown.names)
    days = [date.fromisoformat(str(row[0])) for row in rows]
    legend = [(COLOURS[key], name) for key, name in zip(shown.names, names, strict=True)] if len(names) > 1 else []
    theme = days.index(shown.subject.theme_day) if shown.subject.theme_day in days else -1
    if theme >= 0:
        legend.append((THEME, words("days.mark")))
    if legend:
        canvas.legend(legend)
    values = [[int(row[2 + 2 * k]) for row in rows] for k in range(len(names))]
    box = charts.frame(canvas, max([1, *(max(table, default=0) for table in values)]), words("days.axis"), "")
    if theme >= 0:
        slot = (box.right - box.left) / len(days)
        canvas.rect(box.left + slot * theme, box.top, slot, box.bottom - box.top, THEME, words("days.mark"))
        for mark in charts.ticks(box.most):
            y = box.bottom - box.height(mark)
            canvas.line(box.left + slot * theme, y, box.left + slot * (theme + 1), y)
    series = [(name, values[k], COLOURS[shown.names[k]]) for k, name in enumerate(names)]
    charts.columns(canvas, box, [words.day(day) for day in days], series)
    return canvas.done()
