"""Who goes where: homes, visits and the ways between them, before and after side by side on one scale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from services.pictures import pens
from services.pictures.picture import Picture, Row
from services.pictures.positions import Positions, positions
from services.pictures.sides import Shown, Side, free_people
from services.pictures.svg import AFTER, FAINT, INK, MARGIN, ORANGE, RULE, SKY, WIDE, Canvas, number, width
from services.pictures.ways import CLOSE_M, NEAR_M
from services.pictures.words import Words, count, kilometres

#: With more visits a side shows squares in the place of ways, with more ways no homes and visits of their own.
WAYS_MAX, DOTS_MAX = 12_000, 1500
#: More homes than this become squares, a step of so many half pixels wide.
HOMES_MAX, SQUARE, SHADES = 1200, 20, 3
#: More open visits than this are drawn as one cross a square.
CROSSES_MAX = 1500
GAP = 20
HOME = "#bcc3cd"
#: By how far the farthest visit of a way lies from home; drawn in this order, the nearest on top.
BANDS = (("far", ORANGE), ("close", AFTER), ("near", SKY))
HEADER = (
    *("side", "what", "way", "stop", "request", "requirement", "places", "person"),
    *("x_m", "y_m", "home_x_m", "home_y_m", "home_m"),
)


def picture(shown: Shown) -> Picture:
    """Return the map. Its numbers are a row a visit, an open requirement, a home of somebody with hours in the week."""
    where = positions(shown)
    rows = [row for side in shown.sides for row in (*_visits(side, where), *_open(side, where))]
    return Picture(
        name="map",
        header=HEADER,
        rows=[*rows, *_homes(shown, where)],
        sentence=lambda words: _sentence(shown, words),
        svg=lambda words: _svg(shown, words, where),
    )


def _visits(side: Side, where: Positions) -> list[Row]:
    problem, ways, stop = side.subject.week.problem, side.ways, 0
    rows: list[Row] = []
    for n, (r, p, way) in enumerate(
        zip(ways.requirement.tolist(), ways.person.tolist(), ways.way.tolist(), strict=True)
    ):
        stop = stop + 1 if n and way == ways.way[n - 1] else 1
        asked = problem.requirements.ids[r]
        spot, home = (int(where.visit_x[r]), int(where.visit_y[r])), (int(where.home_x[p]), int(where.home_y[p]))
        rows.append(
            (side.name, "visit", way, stop, *asked, "", problem.people.ids[p], *spot, *home, round(ways.home_m[n]))
        )
    return rows


def _open(side: Side, where: Positions) -> list[Row]:
    ids = side.subject.week.problem.requirements.ids
    found = sorted((short.requirement, short.places) for short in side.plan.unfilled)
    return [
        (side.name, "open", "", "", *ids[r], places, "", int(where.visit_x[r]), int(where.visit_y[r]), "", "", "")
        for r, places in found
    ]


def _homes(shown: Shown, where: Positions) -> list[Row]:
    ids = shown.subject.week.problem.people.ids
    free = np.flatnonzero(free_people(shown.subject.week)).tolist()
    return [
        ("", "home", "", "", "", "", "", ids[p], "", "", int(where.home_x[p]), int(where.home_y[p]), "") for p in free
    ]


def _sentence(shown: Shown, words: Words) -> str:
    visits = [len(side.ways.person) for side in shown.sides]
    if not visits[-1]:
        return words("map.nobody")
    return words(
        "map.sentence",
        visits=words.counted("visits", visits),
        people=words.counted("people", [int((side.visits > 0).sum()) for side in shown.sides]),
        km=words.was([kilometres(side.metres) for side in shown.sides]),
        each=words.was([count(side.metres / visits[n]) if visits[n] else "–" for n, side in enumerate(shown.sides)]),
    )


class _Panel:
    """One side's map: where it stands on the canvas, and metres as half pixels of it."""

    def __init__(self, shown: Shown, where: Positions, x: float, y: float) -> None:
        self.wide = (WIDE - 2 * MARGIN - GAP * (len(shown.sides) - 1)) / len(shown.sides)
        self.scale = min(self.wide / where.wide_m, 560 / where.tall_m)
        self.tall = where.tall_m * self.scale
        self.x, self.y = x, y
        self._indent = (self.wide - where.wide_m * self.scale) / 2
        self._where = where

    def visit(self, r: int) -> pens.Point:
        return self._at(int(self._where.visit_x[r]), int(self._where.visit_y[r]))

    def home(self, p: int) -> pens.Point:
        return self._at(int(self._where.home_x[p]), int(self._where.home_y[p]))

    def holds(self, point: pens.Point) -> bool:
        return 0 <= point[0] <= 2 * self.wide and 0 <= point[1] <= 2 * self.tall

    def _at(self, x_m: int, y_m: int) -> pens.Point:
        return round(2 * (x_m * self.scale + self._indent)), round(2 * y_m * self.scale)


def _svg(shown: Shown, words: Words, where: Positions) -> str:
    canvas = Canvas(words, words("map.title"), _sentence(shown, words))
    top = canvas.y + 16
    first = _Panel(shown, where, MARGIN, top)
    frame = f'<rect width="{number(2 * first.wide)}" height="{number(2 * first.tall)}"'
    homes = f'<g id="homes" {_ink(HOME)}>{_home_marks(shown, first)}</g>'
    canvas.add(f'<defs><clipPath id="frame">{frame}/></clipPath>{homes}</defs>')
    for n, side in enumerate(shown.sides):
        panel = _Panel(shown, where, MARGIN + n * (first.wide + GAP), top)
        said = words("map.panel", side=words(f"side.{side.name}"), km=kilometres(side.metres))
        canvas.text(panel.x, top - 8, said, bold=True)
        canvas.add(f'<g transform="translate({number(panel.x)} {number(panel.y)}) scale(.5)" clip-path="url(#frame)">')
        canvas.add(f'{frame} fill="#f7f8fa"/><use href="#homes"/>')
        for line in _cells(side, panel) if _crowded(shown) else _ways(side, panel):
            canvas.add(line)
        canvas.add(f"{_crosses(side, panel)}</g>")
    canvas.y = top + first.tall
    _ruler(canvas, words, first)
    _legend(canvas, words, shown)
    return canvas.done()


def _crowded(shown: Shown) -> bool:
    """Say whether there are too many visits for ways of their own."""
    return max(len(side.ways.person) for side in shown.sides) > WAYS_MAX


def _ink(stroke: str) -> str:
    return f'fill="none" stroke="{stroke}" stroke-linecap="round" stroke-linejoin="round"'


def _home_marks(shown: Shown, panel: _Panel) -> str:
    """Return the homes of all who have hours in the week: dots, or where they are many, squares by how many."""
    free = np.flatnonzero(free_people(shown.subject.week)).tolist()
    points = [point for point in map(panel.home, free) if panel.holds(point)]
    if len(points) <= HOMES_MAX:
        return f'<path stroke-width="{8 if len(points) <= 300 else 5}" d="{pens.dots(points)}"/>' if points else ""
    found: defaultdict[pens.Point, int] = defaultdict(int)
    for x, y in points:
        found[x // SQUARE, y // SQUARE] += 1
    most = max(found.values())
    shades: defaultdict[int, list[pens.Point]] = defaultdict(list)
    for cell, homes in found.items():
        shades[-(-SHADES * homes // most)].append(cell)
    parts = [
        f'<path opacity=".{shade * 15}" d="{pens.stripes(cells, SQUARE)}"/>' for shade, cells in sorted(shades.items())
    ]
    return f'<g stroke="none" fill="{HOME}">{"".join(parts)}</g>'


def _ways(side: Side, panel: _Panel) -> list[str]:
    """Return the ways as closed lines, by band; where there are few, homes and visits on top."""
    ways = side.ways
    stops: defaultdict[int, list[pens.Point]] = defaultdict(list)
    far: defaultdict[int, float] = defaultdict(float)
    for r, p, way, metres in zip(
        *(column.tolist() for column in (ways.requirement, ways.person, ways.way, ways.home_m)), strict=True
    ):
        if not stops[way]:
            stops[way].append(panel.home(p))
        stops[way].append(panel.visit(r))
        far[way] = max(far[way], metres)
    thick = number(min(4.0, max(1.6, 30 / max(1, len(stops)) ** 0.4)))
    found = []
    for band, stroke in BANDS:
        chosen = [stops[way] for way in stops if _band(far[way]) == band]
        if chosen:
            found.append(f'<path {_ink(stroke)} stroke-width="{thick}" d="{pens.rings(chosen)}"/>')
    if 0 < len(stops) <= DOTS_MAX:
        small = len(stops) > 120
        homes, visits = (
            {points[0] for points in stops.values()},
            {point for points in stops.values() for point in points[1:]},
        )
        found.append(f'<path {_ink(FAINT)} stroke-width="{7 if small else 16}" d="{pens.dots(homes)}"/>')
        found.append(f'<path {_ink("#fff")} stroke-width="{4 if small else 10}" d="{pens.dots(homes)}"/>')
        found.append(f'<path {_ink(INK)} stroke-width="{4 if small else 10}" d="{pens.dots(visits)}"/>')
    return found


def _cells(side: Side, panel: _Panel) -> list[str]:
    """Return squares, by the band of their visits' mean distance from home; the larger, the more visits."""
    found: defaultdict[pens.Point, list[float]] = defaultdict(list)
    for r, metres in zip(side.ways.requirement.tolist(), side.ways.home_m.tolist(), strict=True):
        x, y = panel.visit(r)
        found[x // (2 * SQUARE), y // (2 * SQUARE)].append(metres)
    most = max(map(len, found.values()))
    bands: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for (x, y), metres in sorted(found.items()):
        half = max(2, round(SQUARE * (len(metres) / most) ** 0.5))
        bands[_band(sum(metres) / len(metres))].append((x * 2 * SQUARE + SQUARE, y * 2 * SQUARE + SQUARE, half))
    return [f'<path fill="{fill}" d="{pens.squares(bands[band])}"/>' for band, fill in BANDS if bands[band]]


def _crosses(side: Side, panel: _Panel) -> str:
    spots = sorted({panel.visit(short.requirement) for short in side.plan.unfilled})
    if len(spots) > CROSSES_MAX:
        spots = sorted({(x // SQUARE * SQUARE + SQUARE // 2, y // SQUARE * SQUARE + SQUARE // 2) for x, y in spots})
    arm = 7 if len(spots) <= 60 else 4
    path = f'<path {_ink(INK)} stroke-width="{3 if arm == 7 else 2}" d="{pens.crosses(spots, arm)}"/>'
    return path if spots else ""


def _band(metres: float) -> str:
    return "near" if metres <= NEAR_M else "close" if metres <= CLOSE_M else "far"


def _ruler(canvas: Canvas, words: Words, panel: _Panel) -> None:
    """Draw how long a round number of metres is."""
    rounds = [n * 10**k for k in range(1, 7) for n in (1, 2, 5)]
    metres = next((n for n in rounds if n * panel.scale >= 60), rounds[-1])
    long = metres * panel.scale
    units = ("m", "km") if words.language == "en" else ("米", "公里")
    said = f"{metres} {units[0]}" if metres < 1000 else f"{metres // 1000} {units[1]}"
    y, x = canvas.y + 16, MARGIN
    canvas.line(x, y, x + long, y, INK)
    canvas.line(x, y - 4, x, y + 4, INK)
    canvas.line(x + long, y - 4, x + long, y + 4, INK)
    canvas.text(x + long + 8, y + 4.5, said)
    canvas.y = y + 22


def _legend(canvas: Canvas, words: Words, shown: Shown) -> None:
    """Name the lines and marks, in as many lines as they need."""
    most = max(int(side.ways.way.max(initial=-1)) + 1 for side in shown.sides)
    cells = _crowded(shown)
    entries: list[tuple[str, str]] = []
    for band, fill in reversed(BANDS):
        mark = (
            f'<path d="M5-6h12v12h-12z" fill="{fill}"/>'
            if cells
            else f'<path d="M0 0h22" {_ink(fill)} stroke-width="4"/>'
        )
        entries.append((mark, words(f"map.{'cells.' if cells else ''}{band}")))
    if not cells and 0 < most <= DOTS_MAX:
        entries.append((f'<circle cx="11" r="4.5" fill="#fff" stroke="{FAINT}" stroke-width="2"/>', words("map.home")))
        entries.append((f'<circle cx="11" r="3.5" fill="{INK}"/>', words("map.visit")))
    if any(side.plan.unfilled for side in shown.sides):
        entries.append((f'<path d="M6-5l10 10m0-10l-10 10" {_ink(INK)} stroke-width="1.6"/>', words("map.open")))
    entries.append((f'<circle cx="11" r="4" fill="{HOME}" stroke="{RULE}"/>', words("map.idle")))
    _rows(canvas, entries)


def _rows(canvas: Canvas, entries: Sequence[tuple[str, str]]) -> None:
    x, y = float(MARGIN), canvas.y + 4
    for mark, said in entries:
        long = 30 + width(said, 13)
        if x > MARGIN and x + long > WIDE - MARGIN:
            x, y = float(MARGIN), y + 22
        canvas.add(f'<g transform="translate({number(x)} {number(y)})">{mark}</g>')
        canvas.text(x + 30, y + 4.5, said)
        x += long + 24
    canvas.y = y + 14
