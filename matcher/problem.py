"""Problem in, plan out: the two values that cross into and out of every solver.

A problem is plain NumPy and ids, posed by `zone.pose` (a beat) or `paidan match` (a file); it holds all that the
hard rules and costs read, so that a child process, a benchmark or a bug report can solve it alone.
All times are whole seconds since 1970 (UTC), distances metres, costs integer points (1 point = 1 metre of travel).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from matcher.policy import COST_MAX as COST_MAX  # noqa: PLC0414 (strict typing wants it said that it is ours too)
from matcher.policy import Bands, Budget
from matcher.reasons import Unassigned

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class PeopleArrays:
    """P people, one column each; no Python object per person."""

    ids: list[str]
    lat: F64  # degrees
    lon: F64
    reach_m: F64
    speed_mps: F64  # mode speed / detour: travel seconds = ceil(distance_m / speed_mps)
    capacity: I32  # requirements this beat
    zone: I32  # zone code; -1 = not given (matches any)
    levels: U8  # [skills, P]: level held, 0 = none; held skills include expired ones
    hours: I32  # row of the hours table below
    active: Bool  # registered and not paused
    engaged: Bool  # has an open offer (one open offer a person)
    spent: Bool  # alert budget used up
    #: certificates with an expiry: person, skill, seconds
    cert_person: I32
    cert_skill: I32
    cert_expires_s: I64
    #: held and committed time of each person, CSR by person, sorted; [from, until) includes rest on both sides.
    #: `busy_from` = departure - rest, `busy_until` = end + rest; a new visit takes [start - travel, end).
    busy_indptr: I64
    busy_from_s: I64
    busy_until_s: I64
    #: distinct hours, expanded over the problem's horizon: CSR by hours row; sorted, disjoint, not touching.
    hours_indptr: I64
    hours_from_s: I64
    hours_until_s: I64
    #: days and weeks in which the person has visits enough, CSR by person, sorted; part of the busy time, too
    full_indptr: I64
    full_from_s: I64
    full_until_s: I64
    #: cost terms that hang on the person alone, >= 0, [P] each, by name (`costs.TERMS`); a term that is off is absent
    points: dict[str, I64] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """Skills that a requirement should have, or would be nice to have; lacking one costs points. CSR by requirement."""

    indptr: I64
    skill: I32
    level: U8
    points: I64  # > 0
    nice: Bool  # else it should be held

    def names(self) -> list[str]:
        """Return the cost terms that these wishes bring."""
        return [name for name, nice in (("should", False), ("nice", True)) if bool((self.nice == nice).any())]


@dataclass(frozen=True, kw_only=True)
class Favour:
    """Pairs that are spared a price which everybody else pays at that requirement: the few explicit pair costs."""

    points: I64  # [R], >= 0; 0 where nobody is favoured
    requirement: I32
    person: I32


@dataclass(frozen=True, kw_only=True)
class AskedTeams:
    """The teams that a requirement asks for, and who belongs to each. `together`: all of its people from one team."""

    names: tuple[str, ...]
    members: tuple[I32, ...]
    together: bool = False

    def everybody(self) -> I32:
        """Return who belongs to any of them, each once."""
        return np.unique(np.concatenate((np.empty(0, np.int32), *self.members)))

    def shared_by(self, people: list[int]) -> bool:
        """Say whether one of the teams has all these people."""
        return any(set(people) <= set(members.tolist()) for members in self.members)


@dataclass(frozen=True, kw_only=True)
class RequirementArrays:
    """R requirements. One that is partly committed is posed as `people` independent places at its fixed start."""

    ids: list[tuple[str, str]]  # (request, requirement)
    lat: F64
    lon: F64
    earliest_s: I64
    latest_s: I64
    duration_s: I64
    depart_s: I64  # nobody departs for it before
    fixed_start_s: I64  # -1 = free; else the start that those who accepted agreed to
    people: I32  # places open now
    minimum: I32  # fill at least this many or none; with a fixed start: 1
    weight: I32  # of one filled place
    #: points, price of leaving one place unserved, beyond the fill: hours waited, and the most its wishes could cost
    waiting: I64
    zone: I32
    circle_s: I64  # the way there takes at most this long; -1 = no matter
    #: skills needed, CSR by requirement
    need_indptr: I64
    need_skill: I32
    need_level: U8
    #: pairs that may not be, whatever the rest says: (requirement, person), by cause
    refused: tuple[I32, I32]
    excluded: tuple[I32, I32]
    restricted: tuple[I32, I32]
    #: where `choosy`, nobody but these may come: (requirement, person)
    must_have: tuple[I32, I32]
    choosy: Bool  # [R]
    #: people who already serve this very request (a distinct person a place): (requirement, person)
    serving: tuple[I32, I32]
    wishes: Wishes
    #: by cost term (`preferred`, `claimed`, `continuity`, `disturbance`); a term that is off is absent
    favours: dict[str, Favour]
    #: by requirement: nobody but these teams' people may come; one that asks for no team is absent
    teams: dict[int, AskedTeams] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Areas:
    """In which part of the place tree each requirement looks for people. Places are numbered depth first, so that all
    places at or below one are the numbers `first` ... `end` - 1."""

    name: list[str]  # [R] the place; "" for the whole zone
    first: I64  # [R]; -1: the whole zone
    end: I64
    #: the numbers of the places at which each person is registered, CSR by person
    indptr: I64
    at: I64


@dataclass(frozen=True, kw_only=True)
class Crowding:
    """How many people visit one compound in one hour of the clock, counted from 1970, at most.

    A visit takes every hour in which any of it lies.
    """

    most: int
    compound: I64  # [R]; -1: not counted
    #: who is bound to visit already: (compound, hour) -> people
    taken: dict[tuple[int, int], int]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One beat of one zone (or one file), ready to solve."""

    zone: str
    beat: int
    now_s: int  # T: waiting is counted up to it
    skills: list[str]  # names of the rows of `levels`
    people: PeopleArrays
    requirements: RequirementArrays
    budget: Budget = field(default_factory=Budget)
    #: free time between the end of one visit of the plan and a person's departure to their next
    rest_s: int = 0
    bands: Bands = field(default_factory=Bands)
    #: None: everybody may be looked for everywhere
    areas: Areas | None = None
    #: None: any number of visitors
    crowding: Crowding | None = None


@dataclass(frozen=True, kw_only=True)
class Placement:
    """One person on one requirement."""

    requirement: int  # index into the problem
    person: int
    start_s: int
    travel_s: int
    distance_m: float
    cost: dict[str, int]  # points by term


@dataclass(frozen=True, kw_only=True)
class Shortfall:
    """A requirement with places left open, and why. `funnel`: people left after each rule, in order."""

    requirement: int
    reason: Unassigned
    funnel: dict[str, int]
    rival: int = -1  # OUTBID: the requirement that took the person it could have had


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Prices (MATCHING 4) that prove the relaxation optimal; checked by `solvers.proof`, whoever solved.

    `unserved`: U_r, the price per place of staying unserved. Bound = sum over places of pi - sum cap * p - sum over the
    flow's pairs of max(0, pi - c - p): a crew pays its dearest member's price, the others are cheaper than that.
    """

    person_price: I64  # p_v >= 0, [P]
    requirement_price: I64  # pi_r <= U_r, [R]
    unserved: I64  # U_r, [R]
    list_bound: I64  # L_r: every feasible unlisted pair of r costs at least this, its person's price included, [R]
    listed_requirement: I32
    listed_person: I32
    listed_cost: I64
    #: who took whom in the relaxation that the prices belong to (equals the plan when nothing was broken)
    flow_requirement: I32
    flow_person: I32


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The answer. `optimal`: over every feasible pair; else `gap` says by how many points it could be off."""

    placements: list[Placement]
    shortfalls: list[Shortfall]
    #: "filled" (weighted), "travel", "waiting", ... ; integer points
    objective: dict[str, int]
    optimal: bool
    gap: int
    engine: str
    listed_pairs: int
    feasible_pairs: int | None = None
    certificate: Certificate | None = None
    #: wall seconds by stage; never part of a comparison
    seconds: dict[str, float] = field(default_factory=dict)
