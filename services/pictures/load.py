"""How the visits are shared among people: how many people have how many, with the Gini coefficient."""

from __future__ import annotations

import numpy as np

from services.pictures import charts
from services.pictures.picture import Picture
from services.pictures.sides import Shown, Side, free_people
from services.pictures.svg import COLOURS, Canvas
from services.pictures.words import Words, count

#: More visits than this share one column.
COLUMNS_MAX = 12


def picture(shown: Shown) -> Picture:
    """Return the columns: people by their number of visits, of those who are free in the week."""
    free = free_people(shown.subject.week)
    tables = [np.bincount(side.visits[free | (side.visits > 0)]).tolist() for side in shown.sides]
    most = max(1, *(len(table) - 1 for table in tables))
    rows = [(n, *(table[n] if n < len(table) else 0 for table in tables)) for n in range(most + 1)]
    return Picture(
        name="load",
        header=("visits", *(f"people_{name}" for name in shown.names)),
        rows=rows,
        sentence=lambda words: _sentence(shown, words),
        svg=lambda words: _svg(shown, words, rows),
    )


def _sentence(shown: Shown, words: Words) -> str:
    after = shown.after
    gini = words.was([_gini(side) for side in shown.sides])
    come = int((after.visits > 0).sum())
    return words("load.sentence", come=count(come), free=count(after.shares.people), most=after.shares.most, gini=gini)


def _gini(side: Side) -> str:
    """Return the coefficient; of no visits there is none."""
    return f"{side.shares.gini:.2f}" if side.shares.visits else "–"


def _svg(shown: Shown, words: Words, rows: list[tuple[int, ...]]) -> str:
    canvas = Canvas(words, words("load.title"), _sentence(shown, words))
    names = words.sides(shown.names)
    ginis = [_gini(side) for side in shown.sides]
    said = [words("load.side", side=name, gini=gini) for name, gini in zip(names, ginis, strict=True)]
    canvas.legend([(COLOURS[key], text) for key, text in zip(shown.names, said, strict=True)])
    drawn = rows[:COLUMNS_MAX]
    labels = [str(row[0]) for row in drawn]
    if len(rows) > COLUMNS_MAX:
        rest = rows[COLUMNS_MAX - 1 :]
        drawn[-1] = (rest[0][0], *(sum(row[k] for row in rest) for k in range(1, len(rows[0]))))
        labels[-1] = words("load.more", visits=rest[0][0])
    box = charts.frame(canvas, max(max(row[1:]) for row in drawn), words("load.count"), words("load.axis"))
    series = [(name, [row[1 + k] for row in drawn], COLOURS[shown.names[k]]) for k, name in enumerate(names)]
    charts.columns(canvas, box, labels, series)
    return canvas.done()
