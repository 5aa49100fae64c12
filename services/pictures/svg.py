"""One SVG picture, written by hand as text: title and sentence on top, then what a picture draws.

Called by the pictures. Text stays text (to be searched, read aloud, set in each viewer's own fonts); a Chinese picture
brings the characters of our own words along, for viewers without a Chinese font. Bytes depend on the calls alone.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from services.pictures import lettering
from services.pictures.words import Words

WIDE, MARGIN = 960, 28
INK, FAINT, RULE, PAPER = "#222222", "#5f6670", "#d9dde3", "#ffffff"
#: Apart for colour-blind readers, and in grey: Okabe and Ito, Color Universal Design (2008).
BEFORE, AFTER, SKY, ORANGE, GREEN = "#a3abb8", "#0072b2", "#56b4e9", "#d55e00", "#009e73"
COLOURS = {"before": BEFORE, "after": AFTER}
LINE_END_NEVER = "，。；：、）！？”%"


class Canvas:
    """A picture being drawn. `y`: where the next thing may begin."""

    def __init__(self, words: Words, title: str, sentence: str) -> None:
        self.words = words
        self._title, self._sentence = title, sentence
        self._lines: list[str] = []
        self.text(MARGIN, 38, title, size=20, bold=True)
        self.y = 62.0
        for line in wrapped(sentence, 15, WIDE - 2 * MARGIN):
            self.text(MARGIN, self.y, line, size=15)
            self.y += 22
        self.y += 6

    def add(self, line: str) -> None:
        """Put SVG in as it is."""
        self._lines.append(line)

    def text(
        self,
        x: float,
        y: float,
        said: str,
        *,
        size: int = 13,
        anchor: str = "start",
        fill: str = INK,
        bold: bool = False,
    ) -> None:
        """Write one line; `y` is its base line."""
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        weight = ' font-weight="bold"' if bold else ""
        place = f'x="{number(x)}" y="{number(y)}" font-size="{size}"{where}{weight}'
        self.add(f'<text {place} fill="{fill}">{escape(said)}</text>')

    def rect(self, x: float, y: float, wide: float, tall: float, fill: str, tip: str = "") -> None:
        """Fill a rectangle; `tip` is said when a pointer rests on it."""
        box = f'<rect x="{number(x)}" y="{number(y)}" width="{number(wide)}" height="{number(tall)}" fill="{fill}"'
        self.add(f"{box}><title>{escape(tip)}</title></rect>" if tip else f"{box}/>")

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str = RULE, *, dashed: bool = False) -> None:
        """Draw a line."""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        ends = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
        self.add(f'<line {ends} stroke="{stroke}"{dash}/>')

    def legend(self, entries: list[tuple[str, str]]) -> None:
        """Name colours, in as many lines as they need."""
        x = float(MARGIN)
        for fill, said in entries:
            step = 20 + width(said, 13) + 24
            if x > MARGIN and x + step - 24 > WIDE - MARGIN:
                x, self.y = float(MARGIN), self.y + 22
            self.rect(x, self.y, 13, 13, fill)
            self.text(x + 20, self.y + 11.5, said)
            x += step
        self.y += 30

    def done(self) -> str:
        """Return the whole picture."""
        tall = number(self.y + 16)
        says = f"<title>{escape(self._title)}</title>\n<desc>{escape(self._sentence)}</desc>"
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {tall}" width="{WIDE}" height="{tall}" '
            f'role="img" xml:lang="{self.words.tag}" font-family={quoteattr(self.words.fonts)}>'
        )
        style = lettering.style(self.words.language)
        paper = f'<rect width="{WIDE}" height="{tall}" fill="{PAPER}"/>'
        return "\n".join([head, says, *([f"<style>{style}</style>"] if style else []), paper, *self._lines, "</svg>\n"])


def number(value: float) -> str:
    """Return a coordinate to a tenth, without what says nothing."""
    said = f"{value:.1f}"
    return said[:-2] if said.endswith(".0") else said


def width(said: str, size: int) -> float:
    """Return about how wide a line is: no font is asked, for which one a viewer takes is not known."""
    return sum(1.0 if char > "ᄀ" else 0.53 for char in said) * size


def wrapped(said: str, size: int, wide: float) -> list[str]:
    """Break a sentence into lines: between words, and between Chinese characters but not before a stop."""
    lines, line = [], ""
    for part in _parts(said):
        if line and width(line + part.rstrip(), size) > wide:
            lines.append(line.rstrip())
            line = ""
        line += part
    return [*lines, line.rstrip()] if line.strip() else lines


def _parts(said: str) -> list[str]:
    """Return the pieces that stay in one line."""
    parts: list[str] = []
    for char in said:
        apart = not parts or parts[-1].endswith(" ") or char > "⺀" or parts[-1][-1] > "⺀"
        if apart and char not in LINE_END_NEVER and char != " ":
            parts.append(char)
        elif parts:
            parts[-1] += char
        else:
            parts.append(char)
    return parts
