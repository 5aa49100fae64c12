"""Is a week's plan allowed? Every rule of `matcher.weekly`, written again from its words alone, in plain Python.

It imports nothing of the planner, and of `matcher` nothing at all: it reads the arrays of the week and of the plan.
`published` re-verifies a plan that was published, from the events of the journal alone, as JSON says them.
Distances are the haversine of DESIGN 7; a second and a millionth of a metre of rounding are allowed, no more.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

EARTH_RADIUS_M = 6_371_008.8
HAIR_M, HAIR_S = 1e-6, 1e-6
HOUR = 3600


def objections(week, plan) -> list[str]:
    """Return everything that is wrong with a plan, in words; nothing: the plan is allowed."""
    visits = [
        (int(r), int(p), int(s), int(a), int(b))
        for r, p, s, a, b in zip(
            plan.requirement, plan.person, plan.start_s, plan.shift_from_s, plan.shift_until_s, strict=True
        )
    ]
    pinned = set(zip(*(column.tolist() for column in week.pinned), strict=True))
    return [
        *_pins_kept(pinned, visits),
        *(wrong for visit in visits if visit[:3] not in pinned for wrong in _pair(week, *visit[:3])),
        *_routes(week, visits),
        *_crews(week, visits, pinned),
        *_once_a_request(week, visits, pinned),
        *_crowds(week, visits, pinned),
        *_limits(week, visits, pinned),
        *_figures(week, plan, visits),
    ]


def metres(lat_a, lon_a, lat_b, lon_b) -> float:
    """Great-circle metres by the haversine."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    up, across = math.sin((phi_b - phi_a) / 2), math.sin(math.radians(lon_b - lon_a) / 2)
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(up * up + math.cos(phi_a) * math.cos(phi_b) * across**2)))


def from_home_m(week, r: int, p: int) -> float:
    """Metres from a person's home to a requirement."""
    people, asked = week.problem.people, week.problem.requirements
    return metres(people.lat[p], people.lon[p], asked.lat[r], asked.lon[r])


def between_m(week, a: int, b: int) -> float:
    """Metres from one requirement to another."""
    asked = week.problem.requirements
    return metres(asked.lat[a], asked.lon[a], asked.lat[b], asked.lon[b])


def _pins_kept(pinned, visits):
    planned = Counter(visit[:3] for visit in visits)
    return [f"pinned {pin} is planned {planned[pin]} times" for pin in sorted(pinned) if planned[pin] != 1]


def _pair(week, r, p, start):
    """What forbids this person this visit, whatever else they do."""
    people, asked = week.problem.people, week.problem.requirements
    end = start + int(asked.duration_s[r])
    name = f"visit ({r}) by ({p}) at ({start})"
    if not people.active[p] or people.engaged[p] or people.spent[p]:
        yield f"{name}: not available"
    if asked.zone[r] >= 0 and people.zone[p] >= 0 and asked.zone[r] != people.zone[p]:
        yield f"{name}: other zone"
    for at in range(asked.need_indptr[r], asked.need_indptr[r + 1]):
        skill = int(asked.need_skill[at])
        if people.levels[skill][p] < asked.need_level[at]:
            yield f"{name}: lacks skill ({skill})"
        for row, holder in enumerate(people.cert_person.tolist()):
            if holder == p and people.cert_skill[row] == skill and people.cert_expires_s[row] < end:
                yield f"{name}: certificate ({skill}) runs out"
    away = from_home_m(week, r, p)
    if away > people.reach_m[p] + HAIR_M:
        yield f"{name}: ({away}) m away"
    if asked.circle_s[r] >= 0 and away / people.speed_mps[p] > asked.circle_s[r] + HAIR_S:
        yield f"{name}: outside the circle"
    yield from _named(asked, r, p, name)
    yield from _times(week, r, start, end, name)


def _named(asked, r, p, name):
    for cause in ("refused", "excluded", "restricted", "serving"):
        rows, people = getattr(asked, cause)
        if any(a == r and b == p for a, b in zip(rows.tolist(), people.tolist(), strict=True)):
            yield f"{name}: {cause}"
    rows, people = asked.must_have
    allowed = {b for a, b in zip(rows.tolist(), people.tolist(), strict=True) if a == r}
    if asked.choosy[r] and p not in allowed:
        yield f"{name}: not among those who must"


def _times(week, r, start, end, name):
    asked = week.problem.requirements
    if not asked.earliest_s[r] <= start <= end <= asked.latest_s[r]:
        yield f"{name}: outside its window"
    if asked.fixed_start_s[r] >= 0 and start != asked.fixed_start_s[r]:
        yield f"{name}: not at its fixed start"
    if week.presence is not None:
        part = slice(int(week.presence.indptr[r]), int(week.presence.indptr[r + 1]))
        stretches = zip(week.presence.from_s[part].tolist(), week.presence.until_s[part].tolist(), strict=True)
        if not any(a <= start and end <= b for a, b in _union(stretches)):
            yield f"{name}: nobody is in"


def _union(stretches):
    joined = []
    for a, b in sorted(stretches):
        if joined and a <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(b, joined[-1][1]))
        else:
            joined.append((a, b))
    return joined


def _routes(week, visits):
    """Out from home, from visit to visit with rest, home again, within one stretch of hours, meeting nothing else."""
    own = defaultdict(list)
    for visit in visits:
        own[visit[1]].append(visit)
    for p, route in sorted(own.items()):
        shifts = defaultdict(list)
        for r, _, start, a, b in sorted(route, key=lambda visit: visit[2]):
            shifts[(a, b) if (a, b) != (-1, -1) else ("pinned", r)].append((r, start, a, b))
        spans = []
        for shift in shifts.values():
            yield from _shift(week, p, shift)
            spans.append(_span(week, p, shift))
        yield from _apart(week, p, sorted(spans))


def _shift(week, p, shift):
    people, asked = week.problem.people, week.problem.requirements
    speed, rest = float(people.speed_mps[p]), week.problem.rest_s
    free, before = None, None
    a, b = shift[0][2:]
    for r, start, _, _ in shift:
        way_s = (from_home_m(week, r, p) if before is None else between_m(week, before, r)) / speed
        leave = start - way_s
        if a >= 0 and leave < (a if free is None else free) - HAIR_S:
            yield f"({p}) cannot be at ({r}) at ({start})"
        if a >= 0 and leave < asked.depart_s[r] - HAIR_S and (r, p, start) not in _pins(week):
            yield f"({p}) departs for ({r}) too early"
        free, before = start + int(asked.duration_s[r]) + rest, r
    if a >= 0:
        home = free - rest + from_home_m(week, before, p) / speed
        if home > b + HAIR_S:
            yield f"({p}) is home too late"
        yield from _inside(week, p, a, b)


def _pins(week):
    return set(zip(*(column.tolist() for column in week.pinned), strict=True))


def _inside(week, p, a, b):
    """A shift lies within the person's hours and the week, and meets no busy time."""
    people = week.problem.people
    row = int(people.hours[p])
    part = slice(int(people.hours_indptr[row]), int(people.hours_indptr[row + 1]))
    hours = zip(people.hours_from_s[part].tolist(), people.hours_until_s[part].tolist(), strict=True)
    if not (week.from_s <= a and b <= week.until_s and any(x <= a and b <= y for x, y in hours)):
        yield f"({p}) has no hours from ({a}) to ({b})"
    part = slice(int(people.busy_indptr[p]), int(people.busy_indptr[p + 1]))
    for x, y in zip(people.busy_from_s[part].tolist(), people.busy_until_s[part].tolist(), strict=True):
        if x < y and x < b and y > a:
            yield f"({p}) is busy from ({x}) to ({y})"


def _span(week, p, shift):
    """When the person departs and when the last visit is over."""
    people, asked = week.problem.people, week.problem.requirements
    first, last = shift[0], shift[-1]
    return (
        first[1] - from_home_m(week, first[0], p) / float(people.speed_mps[p]),
        last[1] + int(asked.duration_s[last[0]]),
        all((r, p, start) in _pins(week) and a < 0 for r, start, a, _ in shift),
    )


def _apart(week, p, spans):
    """Between two outings lies the rest; what people agreed to among themselves (two pinned ones) is theirs."""
    for (_, end, one), (begin, _, other) in itertools.pairwise(spans):
        if not (one and other) and begin < end + week.problem.rest_s - HAIR_S - 1:
            yield f"({p}) has no rest between ({end}) and ({begin})"


def _crews(week, visits, pinned):
    asked = week.problem.requirements
    crews = defaultdict(list)
    for r, p, start, _, _ in visits:
        crews[r].append((p, start))
    for r, crew in sorted(crews.items()):
        if len({p for p, _ in crew}) != len(crew):
            yield f"requirement ({r}) has somebody twice"
        if len(crew) > asked.people[r]:
            yield f"requirement ({r}) has ({len(crew)}) people"
        if len({start for _, start in crew}) != 1:
            yield f"requirement ({r}) has several starts"
        if len(crew) < asked.minimum[r] and not any((r, p, start) in pinned for p, start in crew):
            yield f"requirement ({r}) has too few people"


def _once_a_request(week, visits, pinned):
    ids = week.problem.requirements.ids
    seen = Counter((p, ids[r][0]) for r, p, start, _, _ in visits if (r, p, start) not in pinned)
    for (p, request), times in seen.items():
        if times > 1:
            yield f"({p}) serves request ({request}) ({times}) times"


def _crowds(week, visits, pinned):
    if week.compound is None or not week.crowd_max:
        return
    hours, agreed = Counter(), Counter()
    for r, p, start, _, _ in visits:
        end = start + int(week.problem.requirements.duration_s[r])
        for hour in range(start // HOUR, (end - 1) // HOUR + 1):
            if week.compound[r] >= 0:
                hours[int(week.compound[r]), hour] += 1
                agreed[int(week.compound[r]), hour] += (r, p, start) in pinned
    for key, many in sorted(hours.items()):
        if many > max(week.crowd_max, agreed[key]):
            yield f"compound and hour {key} see ({many}) visits"


def _limits(week, visits, pinned):
    people = week.problem.people
    by_person = Counter(visit[1] for visit in visits)
    agreed = Counter(p for _, p, _ in pinned)
    for p, many in sorted(by_person.items()):
        if many > max(int(people.capacity[p]), agreed[p]):
            yield f"({p}) makes ({many}) visits"
    if not week.day_max:
        return
    days, agreed_days = Counter(), Counter()
    for r, p, start, _, _ in visits:
        day = sum(midnight <= start for midnight in week.midnights_s)
        days[p, day] += 1
        agreed_days[p, day] += (r, p, start) in pinned
    for key, many in sorted(days.items()):
        if many > max(week.day_max, agreed_days[key]):
            yield f"person and day {key} see ({many}) visits"


def _figures(week, plan, visits):
    """What the plan says of itself."""
    asked = week.problem.requirements
    if plan.objective["filled"] != len(visits):
        yield f"the plan says ({plan.objective['filled']}) filled, not ({len(visits)})"
    walked = 0
    routes = defaultdict(list)
    for r, p, _start, a, b in sorted(visits, key=lambda visit: (visit[1], visit[2])):
        if a >= 0:
            routes[p, a, b].append(r)
    for (p, _, _), route in routes.items():
        legs = [
            from_home_m(week, route[0], p),
            *(between_m(week, x, y) for x, y in itertools.pairwise(route)),
        ]
        walked += sum(math.floor(leg + 0.5) for leg in (*legs, from_home_m(week, route[-1], p)))
    if abs(walked - plan.objective["metres"]) > 1e-6 * walked + 2 * len(visits) * 1e-3 + 2:
        yield f"the plan says ({plan.objective['metres']}) m, not ({walked})"
    filled = Counter(visit[0] for visit in visits)
    said = {short.requirement: short.places for short in plan.unfilled}
    for r in range(len(asked.ids)):
        if said.get(r, 0) != int(asked.people[r]) - filled[r]:
            yield f"requirement ({r}) has ({asked.people[r] - filled[r]}) places open, not ({said.get(r, 0)})"


# --- a published plan, from the journal's events alone ----------------------------------------------------------------

MINUTE, DAY = 60, 86_400


class Journal:
    """What the events of one zone say, read as plain JSON values (`msgspec.to_builtins`, times in ISO 8601)."""

    def __init__(self):
        self.policy, self.people, self.requests, self.needs = {}, {}, {}, {}
        self.parents, self.levels, self.circles = {}, {}, {}
        #: assignment -> its hold, whether it was accepted, whether it is over; and the offers of each plan
        self.held, self.accepted, self.over, self.plans = {}, set(), set(), defaultdict(list)
        #: plan -> objections at the moment of each offer
        self.wrong = defaultdict(list)

    def take(self, event):  # noqa: PLR0912 (one branch an event)
        """Take in one event; offers of a plan are judged as they are made."""
        kind, command = event["type"], event.get("command") or {}
        if kind == "PolicySet":
            self.policy = command["policy"]
        elif kind == "PlaceDefined":
            self.parents[command["place"]], self.levels[command["place"]] = command.get("parent"), command["level"]
        elif kind == "SkillDefined":
            self.circles[command["skill"]] = command.get("circle_minutes")
        elif kind in ("VolunteerRegistered", "VolunteerChanged"):
            self.people[command["volunteer"]] = dict(command)
        elif kind == "AvailabilityChanged":
            self.people[command["volunteer"]]["hours"] = command["hours"]
        elif kind == "VolunteerLeft":
            self.people[command["volunteer"]]["left"] = True
        elif kind == "RequestSubmitted":
            self._asked(command, event)
        elif kind in ("RequestCancelled", "RequestClosed"):
            self.requests[event.get("request") or command["request"]]["over"] = True
        elif kind == "AssignmentHeld":
            self.held[event["assignment"]] = event
        elif kind == "OfferSent" and event.get("plan"):
            self.plans[event["plan"]].append(event["offer"])
            self.wrong[event["plan"]] += [*self._offer(event), *self._meets(event)]
        elif kind == "OfferAccepted":
            self.accepted.add(command["offer"])
        elif kind in ("OfferDeclined", "OfferExpired"):
            request = self.requests[self.held[event.get("offer") or command["offer"]]["request"]]
            request["refused"].add(self.held[event.get("offer") or command["offer"]]["volunteer"])
        elif kind in ("AssignmentReleased", "NoShowRecorded"):
            self.over.add(event["assignment"])
            if event["assignment"] in self.accepted and event.get("reason") == "plan_rolled_back":
                self.wrong["rolled back"].append(f"accepted work ({event['assignment']}) was taken back")

    def _asked(self, command, event):
        self.requests[command["request"]] = {
            **command,
            "window": (event["earliest"], event["latest"]),
            "refused": set(),
        }
        for need in command.get("requirements") or [{"requirement": "1", "people": 1}]:
            self.needs[command["request"], need["requirement"]] = need

    def live(self):
        """Yield every hold that stands."""
        return (hold for name, hold in self.held.items() if name not in self.over)

    def _offer(self, event):
        """What forbids this person this visit, by what the zone knew then."""
        name, person = event["offer"], self.people.get(event["volunteer"])
        request, need = self.requests[event["request"]], self.needs[event["request"], event["requirement"]]
        start, end = second(event["start"]), second(event["end"])
        if person is None or person.get("left") or request.get("over"):
            yield f"{name}: not there"
            return
        if not second(request["window"][0]) <= start <= end <= second(request["window"][1]):
            yield f"{name}: outside its window"
        if end - start != MINUTE * request["duration_minutes"]:
            yield f"{name}: not as long as was asked"
        held = {skill["skill"]: skill for skill in person["skills"]}
        for skill in need.get("skills", ()):
            has = held.get(skill["skill"])
            if has is None or has["level"] < skill["level"]:
                yield f"{name}: lacks ({skill['skill']})"
            elif has.get("expires") and second(has["expires"]) < end:
                yield f"{name}: ({skill['skill']}) runs out"
            minutes = self.circles.get(skill["skill"])
            if minutes and self._way_s(person, home(person), request) > MINUTE * minutes + 1:
                yield f"{name}: outside the circle"
        if away(home(person), spot(request)) > person["reach_m"] + 0.01:
            yield f"{name}: too far"
        if person["volunteer"] in (*request["excluded"], *request.get("restricted", ()), *request["refused"]):
            yield f"{name}: not wanted, or said no"
        if request.get("must_have") and person["volunteer"] not in request["must_have"]:
            yield f"{name}: not among those who must"
        if not any(a <= start and end <= b for a, b in self._free(person, start)):
            yield f"{name}: no hours"

    def _meets(self, event):
        """Nobody is in two places: ways between visits and rest included."""
        person, own = self.people.get(event["volunteer"]), []
        for hold in self.live():
            if hold["volunteer"] == event["volunteer"]:
                own.append((second(hold["start"]), second(hold["end"]), self.requests[hold["request"]]))
        own.sort(key=lambda visit: visit[:2])
        rest = MINUTE * self.policy.get("rest_minutes", 0)
        for (_, end, one), (start, _, other) in itertools.pairwise(own):
            if start + 2 < end + rest + self._way_s(person, spot(one), other):
                yield f"{event['offer']}: ({event['volunteer']}) is in two places"

    def _way_s(self, person, begin, request):
        mode = self.policy["modes"][person["travel"]]
        return away(begin, spot(request)) * mode.get("detour", 1.3) / (mode["speed_kmh"] / 3.6)

    def _free(self, person, around_s):
        """Weekly windows of the days around a moment, and extra ones of single days; no other hours are known here."""
        assert all(one.get("available") for one in person["hours"].get("exceptions", ()))
        clock = ZoneInfo(self.policy.get("timezone", "Asia/Shanghai"))
        day = datetime.fromtimestamp(around_s, clock).date()
        found = []
        for n in range(-2, 2):
            that = day + timedelta(days=n)
            midnight = datetime(that.year, that.month, that.day, tzinfo=clock).timestamp()
            for window in person["hours"].get("weekly", ()):
                if window["weekday"] == that.weekday():
                    found.append(
                        (midnight + MINUTE * window["from_minute"], midnight + MINUTE * window["until_minute"])
                    )
            for extra in person["hours"].get("exceptions", ()):
                if extra["day"] == that.isoformat():
                    found.append(
                        (
                            midnight + MINUTE * extra.get("from_minute", 0),
                            midnight + MINUTE * extra.get("until_minute", DAY // MINUTE),
                        )
                    )
        return _union(found)

    def whole(self, plan):
        """What is wrong with a published plan as a whole: crews, days, compounds."""
        own = [self.held[name] for name in self.plans[plan] if name not in self.over]
        crews, limits = defaultdict(list), self.policy.get("limits") or {}
        for hold in self.live():
            crews[hold["request"], hold["requirement"]].append(hold)
        for key in {(hold["request"], hold["requirement"]) for hold in own}:
            need, crew = self.needs[key], crews[key]
            if len({hold["start"] for hold in crew}) > 1 or len({hold["volunteer"] for hold in crew}) < len(crew):
                yield f"{key}: several starts, or somebody twice"
            accepted = any(name in self.accepted for name, hold in self.held.items() if hold in crew)
            if not accepted and not (need.get("minimum_people") or need["people"]) <= len(crew) <= need["people"]:
                yield f"{key}: ({len(crew)}) people"
        days = Counter((hold["volunteer"], self._day(hold)) for hold in self.live())
        most = limits.get("visits_per_day", 0)
        yield from (f"{key}: ({many}) visits" for key, many in days.items() if most and many > most)
        yield from self._crowded()

    def _day(self, hold):
        return datetime.fromtimestamp(second(hold["start"]), ZoneInfo(self.policy["timezone"])).date()

    def _crowded(self):
        most = (self.policy.get("places") or {}).get("visitors_per_hour", 0)
        there = Counter()
        for hold in self.live():
            place = self.requests[hold["request"]].get("place")
            while place is not None and self.levels[place] != "compound":
                place = self.parents[place]
            if place is not None:
                begin, end = int(second(hold["start"])), int(second(hold["end"]))
                there.update((place, hour) for hour in range(begin // HOUR, (end - 1) // HOUR + 1))
        yield from (f"{key}: ({many}) people" for key, many in there.items() if most and many > most)


def published(events, plan):
    """Return everything that is wrong with a plan that was published, by the journal's events alone."""
    journal = Journal()
    for event in events:
        journal.take(event)
    return [*journal.wrong[plan], *journal.wrong["rolled back"], *journal.whole(plan)]


def second(moment):
    """Seconds since 1970 of an ISO time."""
    return datetime.fromisoformat(moment).timestamp()


def home(person):
    """Where a person lives."""
    return person["point"]["lat"], person["point"]["lon"]


def spot(request):
    """Where a request is."""
    return request["point"]["lat"], request["point"]["lon"]


def away(one, other):
    """Great-circle metres."""
    return metres(*one, *other)
