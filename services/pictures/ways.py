"""The ways of a plan: who goes out when and past whom, how far each visit lies from home, metres by the planner's rule.

Called by the pictures and the figures. Distances are great-circle metres (`matcher.geo`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.geo import EARTH_RADIUS_M
from matcher.problem import F64, I64, Bool
from matcher.weekly.week import Week, WeekPlan

#: 最后500米 (R25) and 10分钟服务圈 (R145).
NEAR_M, CLOSE_M, SOON_S = 500.0, 1000.0, 600.0


@dataclass(frozen=True, kw_only=True)
class Ways:
    """The visits of a plan in order of their ways out, one row a visit."""

    requirement: I64
    person: I64
    #: the number of the way out, from 0; visits of one way stand together, in order of time
    way: I64
    #: metres and seconds from the person's home
    home_m: F64
    home_s: I64
    #: metres of each way out, home to home; a visit outside of its person's hours belongs to no route: 0 (telling.py)
    metres: I64

    @property
    def near(self) -> Bool:
        """Say which visits lie within 500 m of home."""
        found: Bool = self.home_m <= NEAR_M
        return found

    @property
    def soon(self) -> Bool:
        """Say which visits lie within 10 minutes of home."""
        found: Bool = self.home_s <= SOON_S
        return found


def ways_of(week: Week, plan: WeekPlan) -> Ways:
    """Return the ways of a plan."""
    columns = (plan.requirement, plan.person, plan.start_s, plan.shift_from_s)
    requirement, person, start, shift = (column.astype(np.int64) for column in columns)
    alone = np.where(shift < 0, start, -1)  # outside of hours each visit is a way of its own
    order = np.lexsort((requirement, start, alone, shift, person))
    requirement, person, shift, alone = requirement[order], person[order], shift[order], alone[order]
    first = _begins(person, shift, alone)
    people, asked = week.problem.people, week.problem.requirements
    home = (people.lat[person], people.lon[person])
    there = (asked.lat[requirement], asked.lon[requirement])
    home_m = _between_m(*home, *there)
    way = np.cumsum(first) - 1
    return Ways(
        requirement=requirement,
        person=person,
        way=way,
        home_m=home_m,
        home_s=np.ceil(home_m / people.speed_mps[person]).astype(np.int64),
        metres=_walked(there, home_m, first, way, shift),
    )


def _begins(*columns: I64) -> Bool:
    """Say at which rows another way begins."""
    first: Bool = np.ones(len(columns[0]), np.bool_)
    if len(first):
        first[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return first


def _walked(there: tuple[F64, F64], home_m: F64, first: Bool, way: I64, shift: I64) -> I64:
    """Return metres by way out, every leg rounded to the nearest metre, as the planner does."""
    lat, lon = there
    out, last = np.where(first, home_m, 0.0), np.roll(first, -1) if len(first) else first
    if len(first):
        out[1:] = np.where(first[1:], home_m[1:], _between_m(lat[:-1], lon[:-1], lat[1:], lon[1:]))
    legs = np.floor(out + 0.5) + np.where(last, np.floor(home_m + 0.5), 0.0)
    return np.bincount(way, np.where(shift < 0, 0.0, legs), int(first.sum())).astype(np.int64)


def _between_m(lat_a: F64, lon_a: F64, lat_b: F64, lon_b: F64) -> F64:
    """Return metres from each point (degrees) to the one beside it: haversine."""
    a, b = np.radians(lat_a), np.radians(lat_b)
    up, across = np.sin((b - a) * 0.5), np.sin(np.radians(lon_b - lon_a) * 0.5)
    half = up * up + np.cos(a) * np.cos(b) * (across * across)
    metres: F64 = 2.0 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(half, 1.0)))
    return metres
