"""Everything a city may decide differently, in one validated value that is recorded in the log.

`PRESETS` are complete policies; a TOML file names one and what differs from it. What was added after policies had been
recorded in logs is absent (UNSET) where it has its default, so that an older policy keeps its bytes and its hash.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from matcher.city_days import Weeks
from matcher.terms import REACH_M_MAX, WISHES_MAX, Id, PlaceLevel, Travel

#: A pair cost is 0 ... COST_MAX; a policy beyond that is refused (DESIGN 5).
COST_MAX = 2**20 - 1

#: Prices that a policy of before they existed has, too.
_CLAIMED, _DISTURBANCE = 2000, 1000

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
    #: An offer of this class waits so long; absent: as long as any (`Policy.expiry_minutes`).
    offer_expiry_minutes: Annotated[int, Meta(ge=1)] | UnsetType = UNSET


class Costs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a pair costs beyond its travel, in points (1 point = 1 metre of travel); 0 switches a term off.

    No term is negative: a favour is a price for everybody else (`matcher.costs`).
    """

    #: for each skill that the request should have and the person lacks
    should_points: Whole = 2000
    #: for each skill that would be nice to have and the person lacks
    nice_points: Whole = 500
    #: for people other than those whom the request prefers, where it names any
    preferred_points: Whole = 2000
    #: for people other than those who served the same requester last time, where anybody did
    continuity_points: Whole = 0
    #: for each visit that the person has had this quarter or has before them, up to `fairness_points_max`
    fairness_points: Whole = 0
    fairness_points_max: Whole = 20_000
    #: for everybody but cadres (people of a unit) who have not served this quarter; rises to this by its last day
    duty_points: Whole = 0
    # What follows is absent where it has its default. Read it as `claimed`, `disturbance`, `duty_last_week`,
    # `duty_first`.
    #: for people other than those who have claimed the request's post, where anybody has
    claimed_points: Whole | UnsetType = UNSET
    #: for people other than those who were told that they would come, where anybody was
    disturbance_points: Whole | UnsetType = UNSET
    #: in place of `duty_points` from the quarter's last report week on, where it is more (R100)
    duty_last_week_points: Whole | UnsetType = UNSET
    #: from then on as many as can be who owe a visit go before any cost is looked at, after the fill
    duty_last_week_first: bool | UnsetType = UNSET

    @property
    def claimed(self) -> int:
        """What people pay who have not claimed the post."""
        return _CLAIMED if self.claimed_points is UNSET else self.claimed_points

    @property
    def disturbance(self) -> int:
        """What a change of somebody told costs."""
        return _DISTURBANCE if self.disturbance_points is UNSET else self.disturbance_points

    @property
    def duty_last_week(self) -> int:
        """The least that those who owe no visit pay from the quarter's last report week on."""
        return self.duty_last_week_points or 0

    @property
    def duty_first(self) -> bool:
        """Say whether from the quarter's last report week on the duty comes before every cost."""
        return bool(self.duty_last_week_first)

    @property
    def prices_duty(self) -> bool:
        """Say whether the quarter's duty has a price at all."""
        return bool(self.duty_points or self.duty_last_week or self.duty_first)


_LATER_COSTS: dict[str, int | bool] = {
    "claimed_points": _CLAIMED,
    "disturbance_points": _DISTURBANCE,
    "duty_last_week_points": 0,
    "duty_last_week_first": False,
}


class Coverage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who had better be left behind for what may still come, by square of the map (`matcher.coverage`).

    A person pays `points` where no more people than the reserve are left in their square, and less the more there are.
    """

    points: Whole = 0
    cell_m: Annotated[int, Meta(ge=100, le=100_000)] = 2000
    #: people of whatever skill expected to be needed in a square
    people: Whole = 0
    #: skill -> people with it expected to be needed in a square
    skills: dict[Id, Annotated[int, Meta(ge=1)]] = {}


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many visits anybody makes, by the local day and the week from Monday in which they start; 0 = no limit."""

    visits_per_day: Whole = 0
    visits_per_week: Whole = 0


class Places(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the place tree has to say in matching (`matcher.areas`, `matcher.crowding`)."""

    #: Levels in which people are looked for one after the other, the narrowest first, then the whole zone (R24).
    areas: tuple[PlaceLevel, ...] = ()
    #: So many people visit one compound in one hour of the clock, those on a crew each counted; 0 = any number (R28).
    visitors_per_hour: Whole = 0


class Bands(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """最后500米: distances that are preferred, that are acceptable, and what each metre beyond them costs (R25).

    A way of m metres costs `beyond_preferred_points` x (m - preferred_m) + `beyond_acceptable_points` x
    (m - acceptable_m) on top of its travel, parts below 0 left out, `points_max` at most.
    """

    preferred_m: Annotated[int, Meta(ge=0, le=REACH_M_MAX)] = 500
    acceptable_m: Annotated[int, Meta(ge=0, le=REACH_M_MAX)] = 1000
    beyond_preferred_points: Annotated[int, Meta(ge=0, le=1000)] = 0
    beyond_acceptable_points: Annotated[int, Meta(ge=0, le=1000)] = 0
    points_max: Whole = 20_000

    @property
    def priced(self) -> bool:
        """Say whether any way costs more than its metres."""
        return bool((self.beyond_preferred_points or self.beyond_acceptable_points) and self.points_max)

    def band(self, metres: float) -> Literal["preferred", "acceptable", "beyond"]:
        """Return in which band a way lies."""
        if metres <= self.preferred_m:
            return "preferred"
        return "acceptable" if metres <= self.acceptable_m else "beyond"


class Weekly(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a week is planned as a whole (集中报到周): when a batch begins, what it may do, how its plan is handled."""

    #: A batch begins by itself so many hours before the first minute of each report week; 0 = when somebody asks.
    start_hours: Annotated[int, Meta(ge=0, le=336)] = 0
    #: steps of the search, of each part, of a batch that begins by itself
    iterations: Annotated[int, Meta(ge=1, le=10**9)] = 20_000
    #: A batch without a plan by then ends, with what has been reported.
    run_hours_max: Annotated[int, Meta(ge=1, le=336)] = 12
    #: So many visits a person makes in the week; their own limits and `limits` hold, too.
    visits_max: Annotated[int, Meta(ge=1, le=100)] = 10
    #: What it is worth that somebody who owes the quarter a visit comes at all, points.
    duty_points: Whole = 3000
    #: Beats leave the requests of a draft alone for so long, those of the classes in `never_held` excepted.
    hold_hours: Annotated[int, Meta(ge=0, le=336)] = 48
    never_held: tuple[Id, ...] = ("urgent",)
    #: Who is told of a visit of the plan has so long to answer, but not beyond the departure.
    answer_hours: Annotated[int, Meta(ge=1, le=336)] = 24
    #: A week with a day that the calendar only estimates is not planned; else its batch says that it is provisional.
    certain_calendar: bool = False


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
    #: People that the kernel looks at for each requirement, and no more; the plan then states by how much it could be
    #: off. Absent, or 0: as many as the prices ask for, which proves the optimum.
    list_max: Whole | UnsetType = UNSET


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
    #: Instead, at the end of so many working days after the day of its `earliest`; absent or 0: `window_days` count.
    window_working_days: Annotated[int, Meta(ge=0, le=250)] | UnsetType = UNSET
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
    #: Absent: as `Costs()` says. Read it as `points`.
    costs: Costs | UnsetType = UNSET
    #: Absent: no limits. Read it as `visits`.
    limits: Limits | UnsetType = UNSET
    #: Absent: nobody is kept back. Read it as `reserve`.
    coverage: Coverage | UnsetType = UNSET
    #: Absent: as `Weeks()` says. Read it as `report_weeks`.
    weeks: Weeks | UnsetType = UNSET
    #: Absent: the whole zone at once, any number of visitors. Read it as `tree`.
    places: Places | UnsetType = UNSET
    #: Absent: as `Bands()` says. Read it as `ways`.
    bands: Bands | UnsetType = UNSET
    #: Absent: as `Weekly()` says. Read it as `batch`.
    weekly: Weekly | UnsetType = UNSET

    @property
    def batch(self) -> Weekly:
        """How a week is planned as a whole."""
        return self.weekly or Weekly()

    @property
    def tree(self) -> Places:
        """What the place tree has to say."""
        return self.places or Places()

    @property
    def ways(self) -> Bands:
        """Which distances are preferred, and what those beyond cost."""
        own = self.bands or Bands()
        free = {"beyond_preferred_points": 0, "beyond_acceptable_points": 0}
        return msgspec.structs.replace(own, **free) if self.travel_only else own

    @property
    def report_weeks(self) -> Weeks:
        """How the report weeks (集中报到周) are laid."""
        return self.weeks or Weeks()

    @property
    def points(self) -> Costs:
        """The cost terms beyond travel."""
        return _NO_COSTS if self.travel_only else self.costs or Costs()

    @property
    def visits(self) -> Limits:
        """How many visits anybody makes in a day and in a week."""
        return self.limits or Limits()

    @property
    def reserve(self) -> Coverage:
        """Who is kept back for what may still come."""
        return Coverage() if self.travel_only else self.coverage or Coverage()

    def expiry_minutes(self, urgency: str) -> int:
        """Return how long an offer for a request of this class waits for its answer."""
        known = self.urgency.get(urgency)
        return (known.offer_expiry_minutes if known else UNSET) or self.offer_expiry_minutes

    @property
    def keeps_history(self) -> bool:
        """Say whether anything is decided by what people did before."""
        return self.counts_quarter or bool(self.points.continuity_points) or self.visits != Limits()

    @property
    def counts_quarter(self) -> bool:
        """Say whether people's visits of the quarter have a price."""
        return bool(self.points.fairness_points) or self.points.prices_duty


_NO_COSTS = Costs(should_points=0, nice_points=0, preferred_points=0, claimed_points=0, disturbance_points=0)


def dearest_points(policy: Policy) -> int:
    """Return what a pair can cost at most beyond its travel; a duty that comes before all takes what room is left."""
    return dearest_but_duty(policy) + max(policy.points.duty_points, policy.points.duty_last_week)


def room_for_duty(policy: Policy) -> int:
    """Return what travel and duty can cost together at most."""
    return COST_MAX - dearest_but_duty(policy)


def dearest_but_duty(policy: Policy) -> int:
    """Return what a pair can cost at most beyond its travel and its duty."""
    costs = policy.points
    wishes = WISHES_MAX * (costs.should_points + costs.nice_points)
    favours = costs.preferred_points + costs.continuity_points + costs.claimed + costs.disturbance
    fairness = costs.fairness_points_max if costs.fairness_points else 0
    ways = policy.ways.points_max if policy.ways.priced else 0
    return wishes + favours + fairness + policy.reserve.points + ways


def objection(policy: Policy) -> str | None:
    """Return why no problem could be posed under this policy, None where it can."""
    most, room = dearest_points(policy), COST_MAX - REACH_M_MAX
    if most > room:
        return f"The cost terms of a pair can add up to ({most}) points, allowed are ({room}). Lower the dearest."
    if policy.ways.preferred_m > policy.ways.acceptable_m:
        return "The preferred distance is longer than the acceptable one. Give a shorter one."
    widths = [list(PlaceLevel).index(level) for level in policy.tree.areas]
    if widths != sorted(set(widths), reverse=True):
        return "The areas do not go from narrow to wide. Name each level once, the narrowest first."
    return _objection_to_weeks(policy)


def _objection_to_weeks(policy: Policy) -> str | None:
    weekly = policy.batch
    if weekly.never_held != Weekly().never_held and not set(weekly.never_held) <= policy.urgency.keys():
        return "A class that is never held is none of the urgency classes. Name one of them."
    if 0 < weekly.start_hours < weekly.run_hours_max:
        return (
            f"A batch may run for ({weekly.run_hours_max}) hours but begins ({weekly.start_hours}) hours before its "
            "week. Begin earlier, or let it run shorter."
        )
    return None


def canonical(policy: Policy) -> Policy:
    """Return the same rules without what says nothing: optional parts that have their defaults."""
    costs = policy.costs
    if costs is not UNSET:
        said = {name: UNSET for name, points in _LATER_COSTS.items() if getattr(costs, name) == points}
        costs = msgspec.structs.replace(costs, **said)
    engine, most = policy.budget.engine, policy.budget.list_max
    budget = msgspec.structs.replace(
        policy.budget, engine=UNSET if engine == "auto" else engine, list_max=most or UNSET
    )
    return msgspec.structs.replace(
        policy,
        costs=UNSET if costs == Costs() else costs,
        limits=UNSET if policy.limits == Limits() else policy.limits,
        coverage=UNSET if policy.coverage == Coverage() else policy.coverage,
        weeks=UNSET if policy.weeks == Weeks() else policy.weeks,
        places=UNSET if policy.places == Places() else policy.places,
        bands=UNSET if policy.bands == Bands() else policy.bands,
        weekly=UNSET if policy.weekly == Weekly() else policy.weekly,
        window_working_days=policy.window_working_days or UNSET,
        budget=budget,
    )


def stated(policy: Policy) -> Policy:
    """Return the same rules with every value written out, for people to read."""
    costs = policy.costs or Costs()
    said = {name: points for name, points in _LATER_COSTS.items() if getattr(costs, name) is UNSET}
    return msgspec.structs.replace(
        policy,
        costs=msgspec.structs.replace(costs, **said),
        limits=policy.limits or Limits(),
        coverage=policy.coverage or Coverage(),
        weeks=policy.report_weeks,
        places=policy.tree,
        bands=policy.bands or Bands(),
        weekly=policy.batch,
        window_working_days=policy.window_working_days or 0,
        budget=msgspec.structs.replace(
            policy.budget, engine=policy.budget.engine or "auto", list_max=policy.budget.list_max or 0
        ),
    )


DEFAULT = Policy()
TRAVEL_ONLY = Policy(name="travel-only", travel_only=True, offers_per_day=0)
#: Who has gone least goes first, the same helper comes again, and cadres who owe the quarter a visit go before others,
#: from its last report week on before any cost is looked at.
FAIR = Policy(
    name="fair",
    costs=Costs(continuity_points=1000, fairness_points=300, duty_points=1500, duty_last_week_first=True),
)
#: A flood, an earthquake, a blackout: what is urgent outweighs everything, answers are due within minutes, people are
#: asked as often as needed, nobody is looked for because it would be their turn or their post, or spared a change, and
#: somebody had better stay in every square.
EMERGENCY = Policy(
    name="emergency",
    urgency={
        "urgent": UrgencyClass(weight=20, waiting_points_per_hour=2000, offer_expiry_minutes=5),
        "normal": UrgencyClass(weight=2, waiting_points_per_hour=100),
        "low": UrgencyClass(weight=1, waiting_points_per_hour=10),
    },
    window_days=2,
    offer_expiry_minutes=15,
    crew_lead_minutes=30,
    no_show_grace_minutes=15,
    offers_per_day=0,
    job_retry_minutes=2,
    costs=Costs(preferred_points=0, claimed_points=0, disturbance_points=0),
    coverage=Coverage(points=500, people=1),
)
#: 小区优先: the own compound first, wider only where it has nobody, the last 500 metres preferred, and no crowds.
NEIGHBOURS = Policy(
    name="neighbours",
    places=Places(areas=(PlaceLevel.COMPOUND, PlaceLevel.COMMUNITY, PlaceLevel.SUBDISTRICT), visitors_per_hour=10),
    bands=Bands(beyond_preferred_points=1, beyond_acceptable_points=3),
)
#: 集中报到周: units come for half-days; a plan is made two days before, those who owe the quarter a visit come, the
#: same helper comes again, and nobody has a crowd at the door.
REPORT_WEEK = Policy(
    name="report-week",
    rest_minutes=10,
    costs=Costs(continuity_points=1000, fairness_points=300, duty_points=1500, duty_last_week_first=True),
    limits=Limits(visits_per_day=4),
    places=Places(visitors_per_hour=10),
    weekly=Weekly(start_hours=48),
)
PRESETS = {policy.name: policy for policy in (DEFAULT, TRAVEL_ONLY, FAIR, EMERGENCY, NEIGHBOURS, REPORT_WEEK)}


def sha256(policy: Policy) -> str:
    """Hex digest of the policy's canonical JSON: which rules a decision was made under."""
    return hashlib.sha256(msgspec.json.encode(canonical(policy), order="deterministic")).hexdigest()
