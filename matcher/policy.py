"""Everything a city may decide differently, in one validated value that is recorded in the log.

`DEFAULT` and `TRAVEL_ONLY` are the presets; a TOML file names a preset and what differs from it.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from matcher.terms import Travel

Positive = Annotated[float, Meta(gt=0)]
Whole = Annotated[int, Meta(ge=0)]


class Mode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Travel time of a mode = great-circle distance x `detour` / `speed_kmh`."""

    speed_kmh: Positive
    detour: Annotated[float, Meta(ge=1)] = 1.3


class UrgencyClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What leaving a person of such a request unserved costs.

    `weight`: filling one place counts this much, before any cost is looked at.
    `waiting_points_per_hour`: added price of staying unserved (1 point = 1 metre of travel).
    """

    weight: Annotated[int, Meta(ge=1, le=1000)] = 1
    waiting_points_per_hour: Whole = 0


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much work one solve may do. Work, not time: the same problem gives the same plan anywhere."""

    first_list: Annotated[int, Meta(ge=1)] = 16
    growth_rounds: Annotated[int, Meta(ge=1)] = 50
    #: CP-SAT deterministic time, for what flow cannot express.
    cpsat_deterministic_time: Positive = 2.0
    #: The parent re-checks all pairs up to this many, a seeded sample above (DESIGN 5).
    proof_pairs: Whole = 1_000_000
    #: Absent: "auto", the compiled `paths` kernel where a problem is large, OR-Tools else (`solvers.paths.wanted`).
    engine: Literal["auto", "ortools", "paths"] | UnsetType = UNSET


def _modes() -> dict[Travel, Mode]:
    return {
        Travel.WALK: Mode(speed_kmh=4.5),
        Travel.BIKE: Mode(speed_kmh=12.0),
        Travel.DRIVE: Mode(speed_kmh=25.0, detour=1.4),
        Travel.TRANSIT: Mode(speed_kmh=15.0, detour=1.5),
    }


def _urgency() -> dict[str, UrgencyClass]:
    return {
        "urgent": UrgencyClass(weight=4, waiting_points_per_hour=400),
        "normal": UrgencyClass(weight=1, waiting_points_per_hour=50),
        "low": UrgencyClass(weight=1, waiting_points_per_hour=10),
    }


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of one zone. `travel_only` makes every weight 1, waiting 0 and a pair cost its metres."""

    name: str = "default"
    timezone: str = "Asia/Shanghai"
    travel_only: bool = False
    modes: dict[Travel, Mode] = msgspec.field(default_factory=_modes)
    urgency: dict[str, UrgencyClass] = msgspec.field(default_factory=_urgency)
    #: A request without `latest` closes this many days after its `earliest`.
    window_days: Annotated[int, Meta(ge=1, le=366)] = 7
    #: An offer waits this long; nobody is planned to depart before, so that a late yes can still be kept.
    offer_expiry_minutes: Annotated[int, Meta(ge=1)] = 30
    rating_expiry_days: Annotated[int, Meta(ge=1)] = 7
    #: A crew's first start leaves this much time to find somebody else when one says no.
    crew_lead_minutes: Whole = 120
    #: Committed but not on site this long after the start: a no-show.
    no_show_grace_minutes: Whole = 30
    #: Not finished this long after the planned end: released, and the place opens again (or the request fails).
    overrun_grace_hours: Annotated[int, Meta(ge=1)] = 24
    #: Free time between the end of one visit and the departure to the next.
    rest_minutes: Whole = 0
    #: Offers a person may get in 24 hours; 0 = no limit.
    offers_per_day: Whole = 5
    reopen_days: Whole = 3
    reopen_times_max: Whole = 2
    #: Tell people about offers. A replay of the past turns it off.
    notify: bool = True
    #: A notification without a good report is issued again after this long, at most `job_attempts_max` times.
    job_retry_minutes: Annotated[int, Meta(ge=1)] = 10
    job_attempts_max: Annotated[int, Meta(ge=1)] = 5
    budget: Budget = Budget()


DEFAULT = Policy()
TRAVEL_ONLY = Policy(name="travel-only", travel_only=True, offers_per_day=0)
PRESETS = {policy.name: policy for policy in (DEFAULT, TRAVEL_ONLY)}


def sha256(policy: Policy) -> str:
    """Hex digest of the policy's canonical JSON: which rules a decision was made under."""
    return hashlib.sha256(msgspec.json.encode(policy, order="deterministic")).hexdigest()
