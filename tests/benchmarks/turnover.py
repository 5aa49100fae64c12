"""Row G7: a city of which one in a hundred changes a beat, kept against solved whole; one request that comes alone.

Called by `matching_goals`. Every beat both answers are compared, and ours is proven against every pair listed. Times
are of the processor: from the arrays of who came to the matching, the proof apart.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from matcher.solvers.paths.ground import Ground
from matcher.solvers.paths.kept import Kept
from matcher.solvers.paths.values import FORBIDDEN
from tests.benchmarks import cities
from tests.benchmarks.cities import City

SHARE = 0.01
ARRIVALS = 400


def part_of(whole: City, people: np.ndarray, needs: np.ndarray) -> City:
    """Return the city of these people and requests."""
    return City(
        whole.people[people], whole.needs[needs], whole.skill[people], whole.asked[needs], whole.reach_m, whole.skills
    )


@dataclass
class Turnover:
    """A spare city with one beat's change after the other; numbers in the kept city, -1: not there."""

    scale: float
    beats: int
    draw: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))

    def __post_init__(self) -> None:
        grown = 1 + 2 * SHARE * (self.beats + 1)
        self.whole = cities.spare(self.scale * grown)
        sizes = (len(self.whole.people), len(self.whole.needs))
        self.person, self.need = (np.where(self.draw.random(n) * grown < 1, 0, -1) for n in sizes)
        self.kept = Kept(self.floor())
        self.judged = np.zeros(len(self.kept.needs), np.int64), np.zeros(self.kept.people, np.int64)
        for row, column in zip(self.judged, (self.need, self.person), strict=True):
            row[: np.count_nonzero(column == 0)] = np.flatnonzero(column == 0)
        self.kept.ground = replace(self.kept.ground, judge=self._judge)
        for column in (self.person, self.need):
            column[column == 0] = np.arange(np.count_nonzero(column == 0))

    def _judge(self, a: int, v: int) -> int:
        """Return the points of a pair by the kept city's numbers."""
        ask, person = self.judged
        away = cities.away_m(self.whole, ask[[a]], person[[v]])[0]
        return int(np.floor(away + 0.5)) if away <= self.whole.reach_m else FORBIDDEN

    def floor(self) -> Ground:
        """Lay out whoever is there."""
        return cities.floor_of(part_of(self.whole, np.flatnonzero(self.person >= 0), np.flatnonzero(self.need >= 0)))

    def _drawn(self, column: np.ndarray, there: bool, count: int) -> np.ndarray:
        return np.sort(self.draw.choice(np.flatnonzero((column >= 0) == there), count, replace=False))

    def beat(self, *, people: bool) -> float:
        """Change one in a hundred of the requests, and of the people; return CPU seconds."""
        requests, crowd = (int(SHARE * np.count_nonzero(column >= 0)) for column in (self.need, self.person))
        crowd = crowd if people else 0
        closed, left = self._drawn(self.need, True, requests), self._drawn(self.person, True, crowd)
        opened, come = self._drawn(self.need, False, requests), self._drawn(self.person, False, crowd)
        began = time.process_time()
        kept, new = self.kept, cities.floor_of(part_of(self.whole, come, opened))
        kept.close(self.need[closed])
        kept.leave(self.person[left])
        self.need[closed] = self.person[left] = -1
        if crowd:
            self.person[come] = kept.vacant_people(crowd)
            self.judged[1][self.person[come]] = come
            kept.come(self.person[come], new.people, new.capacity)
        self._open(new, opened)
        kept.settle()
        return time.process_time() - began

    def _open(self, new: Ground, opened: np.ndarray) -> None:
        slots = self.need[opened] = self.kept.vacant_needs(len(opened))
        asks = self.kept.vacant_asks(len(new.asks.place))
        self.judged[0][asks[new.ask]] = opened
        self.kept.ask(asks, slots, new.asks, new.ask, new.supply)
        self.kept.price_new(slots, new.weight, new.waiting)

    def arrival_us(self) -> float:
        """Let one request come to the matched city; return microseconds of CPU from its row to its person."""
        opened = self._drawn(self.need, False, 1)
        new = cities.floor_of(part_of(self.whole, np.arange(1), np.repeat(opened, 2)))
        new = _first(new)
        began = time.process_time_ns()
        self._open(new, opened)
        self.kept.settle()
        return (time.process_time_ns() - began) / 1000


def _first(floor: Ground) -> Ground:
    """Cut a ground to its first request."""
    asks = floor.asks._replace(place=floor.asks.place[:1], facts=floor.asks.facts[:1])
    return replace(floor, asks=asks, ask=floor.ask[:1], supply=floor.supply[:1], weight=floor.weight[:1],
                   waiting=floor.waiting[:1])  # fmt: skip
