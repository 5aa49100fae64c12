"""Nearest-first on a week: each visit in turn goes to the nearest people who can still come after what they have.

Written apart from the planner, with the distances of the checker. Called by `report_week`.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
from scipy.spatial import cKDTree

from matcher.reasons import Unassigned
from matcher.weekly.week import Unfilled, Week, WeekPlan
from tests.week_checker import between_m, from_home_m

#: People looked at for one visit.
LOOKED = 400


class Walker:
    """Everybody's routes while visits are handed out."""

    def __init__(self, week: Week) -> None:
        self.week, self.people, self.asked = week, week.problem.people, week.problem.requirements
        self.routes: dict[tuple[int, int, int], list[tuple[int, int]]] = defaultdict(list)
        self.visits: Counter[int] = Counter()
        shrink = math.cos(math.radians(float(self.people.lat[0])))
        self._tree = cKDTree(np.column_stack((self.people.lat, self.people.lon * shrink)))
        self._spots = np.column_stack((self.asked.lat, self.asked.lon * shrink))

    def hand_out(self, r: int) -> None:
        """Serve one requirement, if enough people can come at one start."""
        wanted = int(self.asked.people[r])
        offers: list[tuple[int, int, int, int, int]] = []
        _, near = self._tree.query(self._spots[r], k=min(LOOKED, len(self.people.ids)))
        for p in np.atleast_1d(near).tolist():
            if self._able(r, p):
                offers += self._offers(r, p)
            for start in sorted({offer[1] for offer in offers}):
                crew = {who: shift for who, low, high, *shift in offers if low <= start <= high}
                if len(crew) >= wanted:
                    for who, (a, b) in list(crew.items())[:wanted]:
                        self.routes[who, a, b].append((r, start))
                        self.visits[who] += 1
                    return

    def _able(self, r: int, p: int) -> bool:
        part = slice(int(self.asked.need_indptr[r]), int(self.asked.need_indptr[r + 1]))
        skilled = all(
            self.people.levels[s, p] >= n
            for s, n in zip(self.asked.need_skill[part], self.asked.need_level[part], strict=True)
        )
        return (
            skilled
            and self.visits[p] < self.people.capacity[p]
            and from_home_m(self.week, r, p) <= self.people.reach_m[p]
        )

    def _offers(self, r: int, p: int) -> list[tuple[int, int, int, int, int]]:
        """Return (person, first start, last start, shift) of each stretch of hours, after what is in it."""
        row = int(self.people.hours[p])
        part = slice(int(self.people.hours_indptr[row]), int(self.people.hours_indptr[row + 1]))
        speed, length, offers = float(self.people.speed_mps[p]), int(self.asked.duration_s[r]), []
        for a, b in zip(self.people.hours_from_s[part].tolist(), self.people.hours_until_s[part].tolist(), strict=True):
            route = self.routes.get((p, a, b), [])
            home_m = from_home_m(self.week, r, p)
            way_m = between_m(self.week, route[-1][0], r) if route else home_m
            free = route[-1][1] + int(self.asked.duration_s[route[-1][0]]) + self.week.problem.rest_s if route else a
            come, leave = free + math.ceil(way_m / speed), b - math.ceil(home_m / speed) - length
            for x, y in self._presence(r):
                low, high = max(come, x), min(leave, y - length)
                if low <= high:
                    offers.append((p, low, high, a, b))
                    break
        return offers

    def _presence(self, r: int) -> list[tuple[int, int]]:
        stretches = self.week.presence
        if stretches is None:
            return [(int(self.asked.earliest_s[r]), int(self.asked.latest_s[r]))]
        part = slice(int(stretches.indptr[r]), int(stretches.indptr[r + 1]))
        return list(zip(stretches.from_s[part].tolist(), stretches.until_s[part].tolist(), strict=True))

    def plan(self) -> WeekPlan:
        """Return what was handed out."""
        rows = [(r, p, s, a, b) for (p, a, b), route in self.routes.items() for r, s in route]
        rows.sort(key=lambda row: (row[1], row[2]))
        table = np.array(rows, np.int64).reshape(-1, 5)
        filled = Counter(table[:, 0].tolist())
        open_places = {r: int(n) - filled[r] for r, n in enumerate(self.asked.people.tolist())}
        return WeekPlan(
            requirement=table[:, 0].astype(np.int32),
            person=table[:, 1].astype(np.int32),
            start_s=table[:, 2],
            shift_from_s=table[:, 3],
            shift_until_s=table[:, 4],
            unfilled=[
                Unfilled(requirement=r, places=n, reason=Unassigned.NOT_YET_SOLVED, proven=False)
                for r, n in open_places.items()
                if n
            ],
            bound=int(self.asked.people.sum()),
            idle={},
            objective={
                "filled": len(rows),
                "metres": sum(map(self._walked, self.routes.items())),
                "duty": self._duty(table[:, 1]),
            },
            first_cost=0,
            cost=0,
            iterations=0,
        )

    def _walked(self, item: tuple[tuple[int, int, int], list[tuple[int, int]]]) -> int:
        (p, _, _), route = item
        stops = [r for r, _ in route]
        legs = [from_home_m(self.week, stops[0], p), from_home_m(self.week, stops[-1], p)]
        legs += [between_m(self.week, a, b) for a, b in itertools.pairwise(stops)]
        return sum(math.floor(leg + 0.5) for leg in legs)

    def _duty(self, person: np.ndarray) -> int:
        return 0 if self.week.owing is None else int(self.week.owing[np.unique(person)].sum())


def nearest_first(week: Week) -> WeekPlan:
    """Hand the week's visits out, the shortest time at home first."""
    walker = Walker(week)
    asked, stretches = week.problem.requirements, week.presence
    times = (
        np.zeros(len(asked.ids))
        if stretches is None
        else np.add.reduceat(stretches.until_s - stretches.from_s, stretches.indptr[:-1])
    )
    for r in np.argsort(times, kind="stable").tolist():
        walker.hand_out(r)
    return walker.plan()
