"""What an explanation says: values with ids, ready for JSON and for sentences.

Made by the other files of this folder. All times are seconds since 1970 (UTC), distances metres, costs points
(1 point = 1 metre of travel).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from matcher.explaining.changes import AnyChange
from matcher.reasons import AnyPairReason, Unassigned
from matcher.terms import PlaceLevel


class Selected(StrEnum):
    """Why a pair is in the plan (VOCABULARY 6). A plan that is not proven optimal gives none."""

    BEST_TOTAL_COST = "BEST_TOTAL_COST"
    ONLY_FEASIBLE = "ONLY_FEASIBLE"


class Idle(StrEnum):
    """Why a person got nothing."""

    NOTHING_OPEN = "NOTHING_OPEN"
    NOTHING_FEASIBLE = "NOTHING_FEASIBLE"
    OTHERS_BETTER = "OTHERS_BETTER"
    #: what they could serve has open places that not enough people can fill together
    CREWS_INCOMPLETE = "CREWS_INCOMPLETE"


class Forced(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan would lose if a pair had to be in it.

    `filled_lost` (weighted places) and `points` (more cost and waiting) are from a solve with the pair forced, both
    None where that cannot be posed yet: a requirement for several people, or no plan holds the pair.
    `at_least_points`: what the prices prove before any solve, a place of weight 1 counted as `place_points`.
    """

    filled_lost: int | None
    points: int | None
    exact: bool
    at_least_points: int
    place_points: int


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody the requirement could have had, who took them, and how much worse the swap would be."""

    person: str
    rival_request: str
    rival_requirement: str
    swap: Forced | None


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A change that was solved and helps, while one step less was solved and does not. `people`: who would come."""

    change: AnyChange
    people: list[str]


class Unfilled(msgspec.Struct, frozen=True, kw_only=True):
    """Why a requirement has open places. `ran_out`: the budget of solves ended before everything was tried."""

    request: str
    requirement: str
    reason: Unassigned
    places: int
    places_open: int
    funnel: dict[str, int]
    lost: list[Lost]
    what_would_help: list[Suggestion]
    solves: int
    ran_out: bool


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Why this person for this requirement, or why not. Infeasible: `objections`; feasible: `cost` and `forced`."""

    request: str
    requirement: str
    person: str
    objections: list[AnyPairReason]
    in_plan: bool
    because: Selected | None
    cost: dict[str, int]
    distance_m: float
    start_s: int | None
    forced: Forced | None


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement the person could serve. `reduced_points`: what putting them there costs the plan at least."""

    request: str
    requirement: str
    reduced_points: int
    cost: dict[str, int]
    distance_m: float
    start_s: int
    places_open: int


class ForPerson(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan gives a person, what else would fit best, and why nothing was offered.

    `barred`: how many requirements each hard rule keeps from them, by the first rule that objects. `place_points`:
    what the prices count for one filled place of weight 1; `reduced_points` beyond that means a place lost elsewhere.
    """

    person: str
    serving: list[tuple[str, str]]
    nothing_because: Idle | None
    fits: list[Fit]
    feasible: int
    barred: dict[str, int]
    place_points: int


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """One person bound to one requirement of a live zone: asked (`tentative`), or to come."""

    person: str
    request: str
    requirement: str
    status: str
    start_s: int
    end_s: int


class LookedIn(msgspec.Struct, frozen=True, kw_only=True):
    """In which part of the place tree people are looked for, None: the whole zone; and why it was widened last."""

    request: str
    requirement: str
    level: PlaceLevel | None
    area: str | None
    because: Unassigned | None


class OpenPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """Why a requirement has open places, for whoever asked for it: nothing in it names anybody."""

    request: str
    requirement: str
    reason: Unassigned
    places: int
    places_open: int
    would_help: list[AnyChange]


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One person on one requirement, as a plan says it."""

    request: str
    requirement: str
    person: str
    start_s: int
    cost: dict[str, int]


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A place that both plans fill, with another person or at another time."""

    before: Booking
    after: Booking


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What changes from one plan to the other. `change`: points by cost term, after minus before."""

    kept: list[Booking]
    moved: list[Move]
    new: list[Booking]
    dropped: list[Booking]
    change: dict[str, int]
