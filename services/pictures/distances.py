"""How far from home the visits are: a histogram with the marks of the last 500 metres and of 10 minutes (R25, R145)."""

from __future__ import annotations

import numpy as np

from services.pictures import charts
from services.pictures.picture import Picture
from services.pictures.sides import Shown, Side
from services.pictures.svg import COLOURS, INK, Canvas, width
from services.pictures.ways import NEAR_M, SOON_S
from services.pictures.words import Words, count, percent

#: Widths of a step, in metres: 500 m is a boundary, where the chart is not that of a country.
STEPS_M = (50, 100, 250, 500, 1000, 2500, 5000)
STEPS_MAX = 24


def picture(shown: Shown) -> Picture:
    """Return the histogram."""
    step = _step_m(shown)
    edges, tables = _edges(shown, step), []
    for side in shown.sides:
        tables.append(np.histogram(np.minimum(side.ways.home_m, edges[-1] - 0.5), edges)[0].tolist())
    rows = [
        (int(edges[n]), "" if n == len(edges) - 2 else int(edges[n + 1]), *(table[n] for table in tables))
        for n in range(len(edges) - 1)
    ]
    return Picture(
        name="distances",
        header=("from_m", "until_m", *(f"visits_{name}" for name in shown.names)),
        rows=rows,
        sentence=lambda words: _sentence(shown, words),
        svg=lambda words: _svg(shown, words, rows, step),
    )


def _step_m(shown: Shown) -> int:
    """Return the narrowest step with which the chart takes nearly all visits."""
    every = np.concatenate([side.ways.home_m for side in shown.sides])
    far = max(float(np.quantile(every, 0.98)) if len(every) else NEAR_M, _ten_minutes_m(shown))
    return next((step for step in STEPS_M if far / step <= STEPS_MAX), STEPS_M[-1])


def _edges(shown: Shown, step: int) -> np.ndarray:
    """Return the steps' boundaries; what lies beyond the last but one is counted in the last step."""
    farthest = max([NEAR_M, *(float(side.ways.home_m.max(initial=0.0)) for side in shown.sides)])
    steps = max(int(np.ceil(max(farthest, _ten_minutes_m(shown)) / step)), 2)
    return np.arange(min(steps, STEPS_MAX) + 2) * float(step)


def _ten_minutes_m(shown: Shown) -> float:
    """Return how far those who come get in 10 minutes, at their median speed; of nobody: all people's."""
    speeds = shown.subject.week.problem.people.speed_mps
    come = np.unique(np.concatenate([side.ways.person for side in shown.sides]))
    chosen = speeds[come] if len(come) else speeds
    return float(np.median(chosen)) * SOON_S if len(chosen) else NEAR_M


def _sentence(shown: Shown, words: Words) -> str:
    if not len(shown.after.ways.home_m):
        return words("map.nobody")
    told = [_told(side) for side in shown.sides if len(side.ways.home_m)]
    both = {key: words.was([row[key] for row in told]) for key in told[0]}
    return words("distances.sentence", **both)


def _told(side: Side) -> dict[str, str]:
    visits = len(side.ways.home_m)
    return {
        "median": count(float(np.median(side.ways.home_m))),
        "near": percent(int(side.ways.near.sum()), visits),
        "soon": percent(int(side.ways.soon.sum()), visits),
    }


def _svg(shown: Shown, words: Words, rows: list[tuple[int | str, ...]], step: int) -> str:
    canvas = Canvas(words, words("distances.title"), _sentence(shown, words))
    names = words.sides(shown.names)
    if len(names) > 1:
        canvas.legend([(COLOURS[key], name) for key, name in zip(shown.names, names, strict=True)])
    tables = [[int(row[2 + k]) for row in rows] for k in range(len(names))]
    canvas.y += 40  # room for the names of the marks
    box = charts.frame(canvas, max(max(table) for table in tables), words("distances.count"), words("distances.axis"))
    slot = (box.right - box.left) / len(rows)
    for n, row in enumerate(rows):
        _label(canvas, words, box, slot, n, row, len(rows))
        for k, (name, table) in enumerate(zip(names, tables, strict=True)):
            wide = slot * 0.86 / len(names)
            x, tall = box.left + slot * (n + 0.07) + wide * k, box.height(table[n])
            tip = words("distances.bar" if row[1] else "distances.last", first=row[0], last=row[1], visits=table[n])
            canvas.rect(x, box.bottom - tall, wide, tall, COLOURS[shown.names[k]], f"{tip} ({name})")
    _marks(canvas, shown, words, box, slot / step)
    return canvas.done()


def _label(
    canvas: Canvas, words: Words, box: charts.Frame, slot: float, n: int, row: tuple[int | str, ...], steps: int
) -> None:
    """Write a boundary where there is room for it; the last step is what lies beyond."""
    every = next(k for k in (1, 2, 4, 5, 10) if slot * k >= 46)
    if n == steps - 1:
        canvas.text(box.left + slot * (n + 0.5), box.bottom + 34, words("distances.beyond"), anchor="middle", size=12)
    if n % every == 0:
        canvas.text(box.left + slot * n, box.bottom + 18, count(int(row[0])), anchor="middle", size=12)


def _marks(canvas: Canvas, shown: Shown, words: Words, box: charts.Frame, scale: float) -> None:
    """Draw the 500 m and the 10-minute marks, their names above each other."""
    ten = _ten_minutes_m(shown)
    speeds = shown.subject.week.problem.people.speed_mps
    code = "distances.ten" if len(np.unique(speeds)) <= 1 else "distances.ten_median"
    marks = [(NEAR_M, "500 m" if words.language == "en" else "500 米"), (ten, words(code, metres=count(ten)))]
    for n, (metres, said) in enumerate(marks):
        x = min(box.left + metres * scale, box.right)
        y = box.top - 38 + 20 * n
        canvas.line(x, y - 10, x, box.bottom, INK, dashed=True)
        fits = x + 6 + width(said, 13) <= box.right
        canvas.text(x + 6 if fits else x - 6, y, said, anchor="start" if fits else "end")
