"""A story that breaks something, made shorter while it still breaks: fewer commands, fewer faults, shorter ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from tests.simulation.whole.stories import Fault, Item, Story

Breaks = Callable[[Story], bool]


def shrunk(story: Story, breaks: Breaks, budget_s: float) -> Story:
    """Return the shortest story found within `budget_s` seconds for which `breaks` is still true."""
    until_s = time.monotonic() + budget_s
    size = max(1, len(story.items) // 2)
    while time.monotonic() < until_s:
        shorter = _without_one_piece(story, size, breaks, until_s)
        if shorter is not None:
            story, size = shorter, min(size, max(1, len(shorter.items) // 2))
        elif size > 1:
            size //= 2
        else:
            break
    return _briefer(story, breaks, until_s)


def _without_one_piece(story: Story, size: int, breaks: Breaks, until_s: float) -> Story | None:
    """Leave out `size` neighbours, the last ones first."""
    for start in reversed(range(0, len(story.items), size)):
        if time.monotonic() > until_s:
            return None
        shorter = replace(story, items=story.items[:start] + story.items[start + size :])
        if breaks(shorter):
            return shorter
    return None


def _briefer(story: Story, breaks: Breaks, until_s: float) -> Story:
    """Halve how long faults last."""
    for n, item in enumerate(story.items):
        while isinstance(item, Fault) and item.for_s > 1 and time.monotonic() < until_s:
            item = replace(item, for_s=round(item.for_s / 2, 2))  # noqa: PLW2901
            items: list[Item] = list(story.items)
            items[n] = item
            briefer = replace(story, items=tuple(items))
            if not breaks(briefer):
                break
            story = briefer
    return story
