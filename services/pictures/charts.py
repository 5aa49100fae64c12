"""Bars standing and lying, with axes, of numbers by label. Called by the pictures; knows nothing of weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from services.pictures.svg import FAINT, MARGIN, RULE, WIDE, Canvas, width
from services.pictures.words import count

LEFT, TALL = 84.0, 280.0
#: Numbers stand over bars where so many bars at most share the width.
NUMBERED_MAX = 26


@dataclass(frozen=True)
class Frame:
    """Where an upright chart lies, and how its values become heights."""

    left: float
    right: float
    top: float
    bottom: float
    most: float

    def height(self, value: float) -> float:
        """Return how tall a value stands."""
        return (self.bottom - self.top) * value / self.most


def ticks(most: float) -> list[int]:
    """Return whole, round marks from 0 to at least the most, six steps at most."""
    step = 10 ** floor(log10(max(1.0, most / 5)))
    step = next(step * n for n in (1, 2, 5, 10) if step * n * 6 >= most)
    return [step * n for n in range(int(-(-max(most, 1) // step)) + 1)]


def frame(canvas: Canvas, most: float, said: str, axis: str) -> Frame:
    """Draw the value axis of an upright chart with what it counts, and the name of the other axis below."""
    marks = ticks(most)
    canvas.y += 8
    top = canvas.y + 22
    found = Frame(LEFT, WIDE - MARGIN, top, top + TALL, marks[-1])
    canvas.text(MARGIN, canvas.y + 6, said, fill=FAINT)
    for mark in marks:
        y = found.bottom - found.height(mark)
        canvas.line(found.left, y, found.right, y, FAINT if mark == 0 else RULE)
        canvas.text(found.left - 8, y + 4.5, count(mark), anchor="end", fill=FAINT)
    canvas.text((found.left + found.right) / 2, found.bottom + (50 if axis else 22), axis, anchor="middle", fill=FAINT)
    canvas.y = found.bottom + (62 if axis else 36)
    return found


def columns(
    canvas: Canvas,
    box: Frame,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[int], str]],
) -> None:
    """Draw a group of columns by label; `series`: name, values, colour."""
    slot = (box.right - box.left) / max(1, len(labels))
    wide = min(64.0, slot * 0.8 / max(1, len(series)))
    numbered = len(labels) * len(series) <= NUMBERED_MAX
    for n, label in enumerate(labels):
        middle = box.left + slot * (n + 0.5)
        canvas.text(middle, box.bottom + 22, label, anchor="middle")
        for k, (name, values, fill) in enumerate(series):
            x = middle + wide * (k - len(series) / 2)
            tall = box.height(values[n])
            canvas.rect(x, box.bottom - tall, wide * 0.94, tall, fill, f"{label}, {name}: {values[n]}")
            if numbered:
                canvas.text(x + wide * 0.47, box.bottom - tall - 5, count(values[n]), size=12, anchor="middle")


@dataclass(frozen=True)
class Lying:
    """A bar that lies: its label, its parts (value, colour, what it is), shown one behind the other."""

    label: str
    parts: Sequence[tuple[int, str, str]]


def lying(canvas: Canvas, bars: Sequence[Lying], said: str) -> None:
    """Draw lying bars, each with its sum at its end; `said`: what they count."""
    left = MARGIN + max([120.0, *(width(bar.label, 13) for bar in bars)]) + 16
    most = max(1, *(sum(value for value, _, _ in bar.parts) for bar in bars), 1)
    scale = (WIDE - MARGIN - left - 70) / most
    canvas.text(left, canvas.y + 12, said, fill=FAINT)
    canvas.y += 24
    for bar in bars:
        canvas.text(left - 10, canvas.y + 19, bar.label, anchor="end")
        x = left
        for value, fill, name in bar.parts:
            if value:
                canvas.rect(x, canvas.y + 2, value * scale, 25, fill, f"{bar.label}, {name}: {value}" if name else "")
            x += value * scale
        canvas.text(x + 8, canvas.y + 19, count(sum(value for value, _, _ in bar.parts)))
        canvas.y += 35
    canvas.line(left, canvas.y - 35 * len(bars) - 3, left, canvas.y - 3, FAINT)
    canvas.y += 4
