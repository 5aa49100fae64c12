"""The week's problem and its plan: the values that cross into and out of the weekly planner.

People and requirements are the beat's own arrays (`matcher.problem`), with hours expanded over the week; what only a
week has stands beside them. A crew is a requirement for several people. Times are whole seconds since 1970 (UTC),
distances metres, costs integer points (1 point = 1 metre).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from matcher.problem import I32, I64, Bool, Problem
from matcher.reasons import Unassigned

#: A shift (person x stretch of free hours) holds at most so many visits.
VISITS_A_SHIFT_MAX = 64


@dataclass(frozen=True, kw_only=True)
class Stretches:
    """When residents are in, CSR by requirement: sorted, disjoint stretches."""

    indptr: I64
    from_s: I64
    until_s: I64


class Warmth(StrEnum):
    """What a process has of the compiled kernel."""

    #: compiled, and kept in the environment for the next process
    KEPT = "KEPT"
    #: compiled for this process alone: there is nowhere to keep it
    COMPILED = "COMPILED"
    #: numba is not there: no week can be planned
    ABSENT = "ABSENT"


def _nobody() -> tuple[I32, I32, I64]:
    return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64)


@dataclass(frozen=True, kw_only=True)
class Week:
    """One week of one zone (or file), ready to plan.

    Where it differs from a beat: a person goes from home to visit to visit and home again, all within one stretch of
    their hours (a shift); `PeopleArrays.capacity` counts visits of the whole week. All other rules are the beat's.
    """

    problem: Problem
    from_s: int
    until_s: int
    #: None: residents are in all through their requirement's window
    presence: Stretches | None = None
    #: [R] compound of each requirement, -1 = none; None: nobody has one
    compound: I32 | None = None
    #: visits that may touch a compound in one hour of the clock (whole hours of UTC, as in a beat); 0 = no cap
    crowd_max: int = 0
    #: visits that a person may begin in one day; 0 = no limit. `midnights_s`: local midnights that cut the week
    day_max: int = 0
    midnights_s: tuple[int, ...] = ()
    #: [P] people who owe the quarter a visit, and the points that it is worth that they come at all
    owing: Bool | None = None
    duty_points: int = 0
    #: accepted work (requirement, person, start): stays as it is
    pinned: tuple[I32, I32, I64] = field(default_factory=_nobody)
    #: people already told (requirement, person, start), and the points that a change costs
    told: tuple[I32, I32, I64] = field(default_factory=_nobody)
    disturbance_points: int = 0


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much work a plan may cost. Work, not time, so that it can be repeated."""

    iterations: int = 20_000
    seed: int = 1
    #: of the annealing, in points: a change this much worse is still taken now and then
    warm_points: float = 400.0
    cold_points: float = 4.0

    def __post_init__(self) -> None:
        """ValueError for an effort that is none."""
        if self.iterations < 0 or not 0 < self.cold_points <= self.warm_points:
            raise ValueError(
                f"Iterations ({self.iterations}) must be 0 or more, temperatures ({self.warm_points}) to "
                f"({self.cold_points}) fall and stay above 0."
            )


@dataclass(frozen=True, kw_only=True)
class Unfilled:
    """A requirement with places left open. `proven`: they cannot be filled, or only by leaving as many others open."""

    requirement: int
    places: int
    reason: Unassigned
    proven: bool


class Idle(StrEnum):
    """Why somebody who owes the quarter a visit has none in the plan (R100, R156)."""

    #: no request of the week fits them at all: none is invented
    NO_DEMAND = "NO_DEMAND"
    #: what would fit them is served by others
    SERVED_BY_OTHERS = "SERVED_BY_OTHERS"
    #: not registered, paused, no capacity, or an offer is open
    NOT_AVAILABLE = "NOT_AVAILABLE"
    #: no hours within the week
    NO_HOURS = "NO_HOURS"


@dataclass(frozen=True, kw_only=True)
class WeekPlan:
    """The plan, as columns by visit, in order of person and time. Pinned visits are in it."""

    requirement: I32
    person: I32
    start_s: I64
    #: stretch of hours within which the person goes out and comes home; -1, -1 where a pinned visit lies outside them
    shift_from_s: I64
    shift_until_s: I64
    unfilled: list[Unfilled]
    #: no plan fills more places than this
    bound: int
    idle: dict[int, Idle]
    #: "filled" (places), "metres", "points", "duty" (owing people who come), "disturbed" (told and changed)
    objective: dict[str, int]
    #: what the search minimised: metres + points + price of open places - duty - kept; of the first plan and of this
    first_cost: int
    cost: int
    iterations: int
