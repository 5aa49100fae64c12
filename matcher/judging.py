"""Is a visit of a week's plan still allowed, as the zone is now? What a plan from a state that has moved on keeps.

Called by `adopting` (the whole plan) and `publishing` (some visits with each beat), inside the writer: no problem is
posed, no person is looked at whom the plan does not name. The rules are the beat's (`matcher.rules`) and the week's
(`docs/report-week.md`); `tests/week_checker.py` holds what is published against them a second time.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from matcher import areas, hours
from matcher.crowding import hours_of
from matcher.events import NotAdopted
from matcher.geo import EARTH_RADIUS_M
from matcher.hours import Stretch
from matcher.limits import tighter
from matcher.people import MODES
from matcher.teams import teams_asked
from matcher.terms import PlannedVisit
from matcher.zone import KEPT, LIVE, Assignment, Need, Request, RequestState, Status, Zone

#: Two ways of writing a distance differ by less.
HAIR_M = 1e-3
#: ... and what follows in whole seconds by no more than this.
HAIR_S = 1
_OVER = frozenset({RequestState.COMPLETED, RequestState.RATED, RequestState.CLOSED, RequestState.CANCELLED})
_COLUMNS = ("lat", "lon", "reach_m", "travel", "hours", "paused_until_s")
_BEGUN = frozenset({Status.ON_SITE, Status.DONE})

Key = tuple[str, str]  # request, requirement


@dataclass(slots=True)
class Candidate:
    """One visit of the plan that the zone could still have. `way_m`, `way_s`: from the visit before it, else home."""

    index: int
    visit: PlannedVisit
    request: Request
    need: Need
    row: int
    start_s: int
    end_s: int
    lat: float
    lon: float
    home_m: float
    home_s: int
    way_m: float = 0.0
    way_s: int = 0

    @property
    def key(self) -> Key:
        """Name the requirement."""
        return self.visit.request, self.visit.requirement


@dataclass(slots=True)
class Stop:
    """A visit in somebody's day: a candidate, or one that they are bound to."""

    start_s: int
    end_s: int
    lat: float
    lon: float
    candidate: Candidate | None


@dataclass
class Judge:
    """Judges the visits of one plan. After `judge`: `dropped` by index, and who is `alive`.

    `replaced`: offers that the plan takes back; all other open ones stand. `crews`: requirements whose crews are
    complete in `visits`; None: all of them.
    """

    zone: Zone
    at: datetime
    visits: Sequence[PlannedVisit]
    replaced: Collection[str] = frozenset()
    crews: Collection[Key] | None = None
    dropped: dict[int, NotAdopted] = field(default_factory=dict)
    alive: dict[int, Candidate] = field(default_factory=dict)
    #: index -> assignment: accepted work that the plan names as it is, and open offers that it leaves as they are
    pinned: dict[int, str] = field(default_factory=dict)
    kept: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare what many visits share."""
        policy = self.zone.policy
        self.rest_s = 60 * policy.rest_minutes
        self.speed = [policy.modes[mode].speed_kmh / 3.6 / policy.modes[mode].detour for mode in MODES]
        self._at_s = self.at.timestamp()
        self._columns = {name: self.zone.people.column(name) for name in _COLUMNS}
        self._levels = self.zone.people.levels
        self._city = self.zone.days()
        self._kept_offers: set[str] = set()
        self._taken: Counter[tuple[str, int]] = Counter()
        self._compounds: dict[str, str | None] = {}
        self._free: dict[int, list[Stretch]] = {}
        self._by_need: dict[Key, list[Candidate]] = defaultdict(list)
        self._by_row: dict[int, list[Candidate]] = defaultdict(list)
        self._dirty_needs: dict[Key, None] = {}
        self._dirty_rows: dict[int, None] = {}
        starts = [visit.start.timestamp() for visit in self.visits]
        self._span = int(min(starts, default=0)) - 86_400, int(max(starts, default=0)) + 86_400

    def judge(self) -> Judge:
        """Drop what is not allowed, until what is left is."""
        for index, visit in enumerate(self.visits):
            why = self._read(index, visit)
            if why is not None:
                self.dropped[index] = why
        for candidate in list(self.alive.values()):
            why = self._pair(candidate)
            if why is not None:
                self.drop(candidate, why)
        self._dirty_needs, self._dirty_rows = dict.fromkeys(self._by_need), dict.fromkeys(self._by_row)
        self._limits()
        self._crowds()
        self.settle()
        return self

    def settle(self) -> None:
        """Look again at crews and days of which something was dropped."""
        while self._dirty_needs or self._dirty_rows:
            needs, self._dirty_needs = self._dirty_needs, {}
            for key in needs:
                if self.crews is None or key in self.crews:
                    self._crew(key)
            rows, self._dirty_rows = self._dirty_rows, {}
            for row in rows:
                self._day(row)

    def drop(self, candidate: Candidate, why: NotAdopted) -> None:
        """Leave a visit out; its crew, its person's day and those whose offer stands again are looked at again."""
        if self.alive.pop(candidate.index, None) is None:
            return
        self.dropped[candidate.index] = why
        self._by_need[candidate.key].remove(candidate)
        if self._taken:
            self._taken.subtract(self.slots(candidate.visit.request, candidate.start_s, candidate.end_s))
        self._by_row[candidate.row].remove(candidate)
        self._dirty_needs[candidate.key] = None
        self._dirty_rows[candidate.row] = None
        if not self._by_need[candidate.key]:
            self._dirty_rows.update(dict.fromkeys(one.volunteer for one in self.bound(candidate.need)))

    # --- one visit -----------------------------------------------------------------------------------------------

    def _read(self, index: int, visit: PlannedVisit) -> NotAdopted | None:
        zone, people = self.zone, self.zone.people
        request = zone.requests.get(visit.request)
        need = None if request is None else request.needs.get(visit.requirement)
        if request is None or need is None or request.state in _OVER:
            return NotAdopted.REQUEST_CLOSED
        row = people.row_of.get(visit.volunteer)
        if row is None or people.has_left(row):
            return NotAdopted.NO_REGISTERED_VOLUNTEER
        start_s = int(visit.start.timestamp())
        for one in self.bound(need):
            if one.volunteer == row and (one.start_s == start_s or one.status is not Status.TENTATIVE):
                return self._same(index, one, start_s)
        if any(other.visit.request == visit.request for other in self._by_row.get(row, ())):
            return NotAdopted.ALREADY_COMMITTED
        point = request.command.point
        home_m = _metres(point.lat, point.lon, float(self._columns["lat"][row]), float(self._columns["lon"][row]))
        candidate = Candidate(
            index=index,
            visit=visit,
            request=request,
            need=need,
            row=row,
            start_s=start_s,
            end_s=start_s + 60 * request.command.duration_minutes,
            lat=point.lat,
            lon=point.lon,
            home_m=home_m,
            home_s=self.way_s(row, home_m),
        )
        self.alive[index] = candidate
        self._by_need[candidate.key].append(candidate)
        self._by_row[row].append(candidate)
        return None

    def _same(self, index: int, one: Assignment, start_s: int) -> NotAdopted | None:
        """The person is bound to this very place already: as it is, or accepted at another time."""
        if one.start_s != start_s:
            return NotAdopted.OTHER_START
        if one.status is Status.TENTATIVE:
            self.kept[index] = one.id
            self._kept_offers.add(one.id)
        else:
            self.pinned[index] = one.id
        return None

    def _pair(self, c: Candidate) -> NotAdopted | None:
        """Return the first rule of a pair, or of its window, that forbids the visit."""
        request = c.request
        if self._columns["paused_until_s"][c.row] > self._at_s:
            return NotAdopted.NO_REGISTERED_VOLUNTEER
        if c.start_s < request.earliest.timestamp() or c.end_s > request.latest.timestamp():
            return NotAdopted.OUTSIDE_WINDOW
        return self.objection(c.request, c.need, c.row, c.end_s, (c.home_m, c.home_s))

    def home(self, row: int, c: Candidate) -> tuple[float, int]:
        """Return the way of anybody from home to the place of a visit, metres and seconds."""
        metres = _metres(c.lat, c.lon, float(self._columns["lat"][row]), float(self._columns["lon"][row]))
        return metres, self.way_s(row, metres)

    def objection(
        self, request: Request, need: Need, row: int, end_s: int, home: tuple[float, int], but: str = ""
    ) -> NotAdopted | None:
        """Return the first rule of a pair that forbids a person this requirement until `end_s`.

        `but`: an offer that they hold on it already.
        """
        people, asked = self.zone.people, need.requirement
        for skill in asked.skills:
            held = people.skill_row[skill.skill]
            if self._levels[held, row] < skill.level:
                return NotAdopted.MISSING_SKILL
            if people.expires_s and people.expires_s.get((held, row), end_s) < end_s:
                return NotAdopted.QUALIFICATION_EXPIRED
        if home[0] > float(self._columns["reach_m"][row]) + HAIR_M:
            return NotAdopted.TRAVEL_TOO_FAR
        if asked.circle_minutes or self.zone.circles:
            circles = [self.zone.circle_of(skill.skill) for skill in asked.skills]
            circle = min((m for m in (asked.circle_minutes or None, *circles) if m is not None), default=None)
            if circle is not None and home[1] > 60 * circle + HAIR_S:
                return NotAdopted.OUTSIDE_SERVICE_CIRCLE
        return self._named(request, need, row, but)

    def _named(self, request: Request, need: Need, row: int, but: str) -> NotAdopted | None:
        command, person = request.command, self.zone.people.ids[row]
        if row in request.refused:
            return NotAdopted.PREVIOUSLY_REFUSED
        if person in command.excluded:
            return NotAdopted.EXCLUDED_BY_REQUESTER
        if person in (command.restricted or ()):
            return NotAdopted.RESTRICTED
        if command.must_have and person not in command.must_have:
            return NotAdopted.NOT_AMONG_MUST_HAVE
        asked = need.requirement
        if asked.team or asked.team_kind or asked.one_team:
            teams = teams_asked(self.zone, asked, [one.volunteer for one in self.bound(need, KEPT)])
            if teams is not None and not any(row in rows for _, rows in teams):
                return NotAdopted.NOT_OF_TEAM
        if len(request.needs) == 1:
            return None
        elsewhere = (one for other in request.needs.values() if other is not need for one in self.bound(other))
        if any(one.volunteer == row and one.id != but and self.stands(one) for one in elsewhere):
            return NotAdopted.ALREADY_COMMITTED
        return None

    # --- crews, limits, crowds -------------------------------------------------------------------------------------

    def bound(self, need: Need, among: Collection[Status] = LIVE) -> list[Assignment]:
        """Return who is asked, coming or there."""
        if not need.assignments:
            return []
        named = (self.zone.assignments[name] for name in need.assignments)
        return [one for one in named if one.status in among]

    def stands(self, one: Assignment) -> bool:
        """Say whether a bound visit stays beside the plan: accepted, or an open offer that it does not replace."""
        if one.status is not Status.TENTATIVE or one.id not in self.replaced or one.id in self._kept_offers:
            return True
        return self.crews is None and not self._by_need.get((one.request, one.requirement))

    def _crew(self, key: Key) -> None:
        """At one start, no more than there are places, no fewer than the minimum."""
        crew = self._by_need[key]
        if not crew:
            return
        need = crew[0].need
        if len(crew) == need.requirement.people == 1 and not need.assignments and not need.filled:
            return
        there = [one for one in self.bound(need) if self.stands(one)]
        if need.filled or any(status in _BEGUN for status in self.zone.statuses(need)):
            for c in list(crew):
                self.drop(c, NotAdopted.PLACE_TAKEN)
            return
        start_s = there[0].start_s if there else crew[0].start_s
        for c in [c for c in crew if c.start_s != start_s]:
            self.drop(c, NotAdopted.OTHER_START)
        for c in list(crew)[max(0, need.requirement.people - len(there)) :]:
            self.drop(c, NotAdopted.PLACE_TAKEN)
        least = need.requirement.minimum_people or need.requirement.people
        accepted = any(one.status in KEPT for one in there)
        if not accepted and len(crew) + len(there) < least:
            for c in list(crew):
                self.drop(c, NotAdopted.CREW_INCOMPLETE)

    def _limits(self) -> None:
        """No more visits in a day or week than the policy, the person and the week allow; the later ones go."""
        zone, policy = self.zone, self.zone.policy
        clock = ZoneInfo(policy.timezone)
        for row, own in self._by_row.items():
            mine = zone.people.limits.get(row, (0, 0))
            per_day = tighter(policy.visits.visits_per_day, mine[0])
            per_week = tighter(policy.visits.visits_per_week, mine[1])
            if not per_day and not per_week and len(own) <= policy.batch.visits_max:
                continue
            days, weeks = _counted(self._starts(row), clock)
            for n, c in enumerate(sorted(own, key=_by_start)):
                day = datetime.fromtimestamp(c.start_s, UTC).astimezone(clock).date()
                week = day - timedelta(days=day.weekday())
                full = (per_day and days[day] >= per_day) or (per_week and weeks[week] >= per_week)
                if full or n >= policy.batch.visits_max:
                    self.drop(c, NotAdopted.VISIT_LIMIT_REACHED)
                else:
                    days[day] += 1
                    weeks[week] += 1

    def _starts(self, row: int) -> list[int]:
        """Return when visits begin that count beside the candidates."""
        zone = self.zone
        done = [] if not zone.history else zone.history.lately.get(row, [])
        bound = (zone.assignments[name] for name in zone.engagements.get(row, []))
        return [*done, *(one.start_s for one in bound if self.stands(one))]

    def _crowds(self) -> None:
        """No more people in a compound and hour than the policy allows; who comes last in the plan does not."""
        if not self.zone.policy.tree.visitors_per_hour:
            return
        for one in (self.zone.assignments[name] for names in self.zone.engagements.values() for name in names):
            if self.stands(one):
                self._taken.update(self.slots(one.request, one.start_s, one.end_s))
        for c in list(self.alive.values()):
            slots = self.slots(c.visit.request, c.start_s, c.end_s)
            roomy = self.has_room(slots)
            self._taken.update(slots)
            if not roomy:
                self.drop(c, NotAdopted.PLACE_CROWDED)

    def slots(self, request: str, start_s: int, end_s: int) -> list[tuple[str, int]]:
        """Return the compound and hours in which a visit counts; none where compounds have no limit."""
        if not self.zone.policy.tree.visitors_per_hour:
            return []
        if request not in self._compounds:
            self._compounds[request] = areas.compound_of(self.zone, self.zone.request(request))
        place = self._compounds[request]
        return [] if place is None else [(place, hour) for hour in hours_of(start_s, end_s)]

    def has_room(self, slots: Iterable[tuple[str, int]], but: Collection[tuple[str, int]] = ()) -> bool:
        """Say whether one person more may be there; `but`: where one of the plan would not be in their stead."""
        most = self.zone.policy.tree.visitors_per_hour
        return all(self._taken[slot] - (slot in but) < most for slot in slots)

    def let_stand(self, one: Assignment) -> None:
        """Count an offer that stands again."""
        self._taken.update(self.slots(one.request, one.start_s, one.end_s))

    # --- somebody's day --------------------------------------------------------------------------------------------

    def stops(self, row: int) -> list[Stop]:
        """Return a person's visits in order: those that they are bound to, and the plan's."""
        found = [Stop(c.start_s, c.end_s, c.lat, c.lon, c) for c in self._by_row.get(row, ())]
        if row not in self.zone.engagements:
            return found if len(found) < 2 else sorted(found, key=_by_start)
        for name in self.zone.engagements.get(row, []):
            one = self.zone.assignments[name]
            if self.stands(one):
                point = self.zone.request(one.request).command.point
                found.append(Stop(one.start_s, one.end_s, point.lat, point.lon, None))
        return sorted(found, key=_by_start)

    def _day(self, row: int) -> None:
        """From visit to visit in time, rest included, and within the hours that begin and end at home."""
        stops = self.stops(row)
        fixed = [stop for stop in stops if stop.candidate is None]
        before: Stop | None = None
        for stop in stops:
            c = stop.candidate
            if c is not None:
                why = self._fits(row, c, stop, before, next((s for s in fixed if s.start_s >= stop.start_s), None))
                if why is not None:
                    self.drop(c, why)
                    continue
            before = stop

    def _fits(self, row: int, c: Candidate, stop: Stop, before: Stop | None, after: Stop | None) -> NotAdopted | None:
        shift = next((s for s in self.free(row) if s[0] <= c.start_s and c.end_s <= s[1]), None)
        if shift is None:
            return NotAdopted.NO_START_POSSIBLE
        together = before is not None and before.start_s >= shift[0]
        if before is not None and c.start_s + HAIR_S < before.end_s + self.rest_s + self.between_s(row, before, stop):
            return NotAdopted.ALREADY_COMMITTED
        if after is not None and after.start_s + HAIR_S < c.end_s + self.rest_s + self.between_s(row, stop, after):
            return NotAdopted.ALREADY_COMMITTED
        c.way_m, c.way_s = c.home_m, c.home_s
        if before is not None and together:
            c.way_m = _metres(before.lat, before.lon, stop.lat, stop.lon)
            c.way_s = min(self.way_s(row, c.way_m), max(0, c.start_s - before.end_s - self.rest_s))
        elif c.start_s - c.home_s + HAIR_S < shift[0]:
            return NotAdopted.NO_START_POSSIBLE
        if c.end_s + c.home_s > shift[1] + HAIR_S and not self._goes_on(row, c, shift):
            return NotAdopted.NO_START_POSSIBLE
        lead_s = 60 * self.zone.policy.expiry_minutes(c.request.command.urgency)
        return NotAdopted.OUTSIDE_WINDOW if c.start_s - c.way_s < self._at_s + lead_s else None

    def _goes_on(self, row: int, c: Candidate, shift: Stretch) -> bool:
        """Say whether another visit comes after this one before the person goes home."""
        return any(c.start_s < other.start_s < shift[1] for other in self.stops(row))

    def free(self, row: int) -> list[Stretch]:
        """Return the person's hours around the plan."""
        kind = int(self._columns["hours"][row])
        if kind not in self._free:
            known = self.zone.people.hours_table[kind]
            self._free[kind] = hours.expand(known, self.zone.policy.timezone, *self._span, self._city)
        return self._free[kind]

    def detour_m(self, row: int, place: tuple[float, float], before: Stop | None, after: Stop | None) -> float:
        """Return how many metres a visit at a place adds to a day, between two others or, without one, from home."""
        home = float(self._columns["lat"][row]), float(self._columns["lon"][row])
        one = home if before is None else (before.lat, before.lon)
        other = home if after is None else (after.lat, after.lon)
        return _metres(*one, *place) + _metres(*place, *other) - _metres(*one, *other)

    def between_s(self, row: int, one: Stop, other: Stop) -> int:
        """Return the way of a person from one visit to another, seconds."""
        return self.way_s(row, _metres(one.lat, one.lon, other.lat, other.lon))

    def way_s(self, row: int, metres: float) -> int:
        """Return how long a person takes for so many metres, whole seconds, rounded up."""
        return math.ceil(metres / self.speed[int(self._columns["travel"][row])] - 1e-9)


def _metres(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Great-circle metres; `geo.distance_m` to a hair, for one pair, ten times as fast."""
    up, across = math.sin(math.radians(lat_b - lat_a) * 0.5), math.sin(math.radians(lon_b - lon_a) * 0.5)
    half = up * up + math.cos(math.radians(lat_a)) * math.cos(math.radians(lat_b)) * across * across
    return 2.0 * EARTH_RADIUS_M * math.asin(math.sqrt(min(half, 1.0)))


def _by_start(one: Candidate | Stop) -> int:
    return one.start_s


def _counted(starts_s: Sequence[int], clock: ZoneInfo) -> tuple[Counter[object], Counter[object]]:
    """Count visits by local day and by the Monday of their week."""
    days = [datetime.fromtimestamp(start, UTC).astimezone(clock).date() for start in starts_s]
    return Counter(days), Counter(day - timedelta(days=day.weekday()) for day in days)
