"""A beat's problem and what follows from its plan: `pose` before the solve, `settle` after it.

Called by `decisions`. The state does not change between the two (a Tick is a barrier), so both see the same
requirements in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from matcher import areas, crowding
from matcher import events as e
from matcher.commands import Tick
from matcher.events import Event
from matcher.facts import Facts
from matcher.fairness import shares
from matcher.geo import surely_beyond_m
from matcher.hours import Stretch
from matcher.limits import full, tighter
from matcher.policy import sha256
from matcher.posing import OpenRequirement, Standing, problem_of, visit_counts
from matcher.problem import Placement, Plan, Problem, Shortfall
from matcher.reasons import Unassigned
from matcher.teams import teams_asked
from matcher.terms import Shares
from matcher.zone import LIVE, Assignment, Need, Request, Status, Zone

#: Lines of a plan that one beat turns into events; some 1 KB each, and an entry holds 4 MiB (DESIGN 4.9).
PLAN_LINES_MAX = 3000
#: Nobody of the whole zone could do it: a wider area has nobody either.
_NOBODY_ANYWHERE = frozenset(
    {Unassigned.NO_REGISTERED_VOLUNTEER, Unassigned.MISSING_SKILL, Unassigned.QUALIFICATION_EXPIRED}
)
#: With more people freed at once than this, posing everything costs less than looking at each.
FREED_MAX = 200


def pose(zones: Mapping[str, Zone], tick: Tick) -> Problem | None:
    """Return the beat's problem; None when there is nothing that a solve could change.

    Time alone only takes possibilities away. So a requirement that an optimal solve left open stays open until somebody
    is freed who could serve it; until then it is left out of the problem, and its reason stands. What an unproven solve
    left open waits the same way, unless another solve could get further (`MatchRunFinished.again`).
    """
    return posed(zones[tick.zone])


def posed(zone: Zone, beyond_s: int = 0) -> Problem | None:
    """Return the problem of the beat that the zone's time is at.

    `beyond_s`: people's hours are known this much before and after all windows, for who looks at changed ones.
    """
    requirements = _open_requirements(zone)
    return _problem(zone, requirements, _standing(zone), beyond_s) if requirements else None


def posed_whole(zone: Zone, beyond_s: int = 0, free: Iterable[int] = ()) -> Problem | None:
    """Return what a beat would find that looked at everything open, whatever happened since the last one.

    `free`: rows of people whose open offer does not keep them from another.
    """
    requirements = _opened(zone, sorted(zone.seeking))
    if not requirements:
        return None
    standing = _standing(zone)
    engaged = [row for row in standing.engaged if row not in set(free)]
    return _problem(zone, requirements, replace(standing, engaged=engaged), beyond_s)


def looks_at(zone: Zone, request: str) -> bool:
    """Say whether the beat that the zone's time is at poses this request."""
    if request not in zone.seeking or request in (zone.held or ()):
        return False
    freed = _freed(zone)
    return _looks_at_all(zone, freed) or request in zone.fresh or bool(_within_reach_of(zone, freed, [request]))


def _problem(zone: Zone, requirements: list[OpenRequirement], standing: Standing, beyond_s: int) -> Problem:
    return problem_of(
        zone=zone.id,
        beat=zone.beat,
        now=zone.now + _lead(zone),
        policy=zone.policy,
        people=zone.people,
        requirements=requirements,
        standing=standing,
        beyond_s=beyond_s,
        city=zone.days(),
        areas=areas.laid_out(zone, [r.area for r in requirements]),
        crowding=crowding.of(zone, [r.request for r in requirements]),
    )


def _lead(zone: Zone, urgency: str | None = None) -> timedelta:
    """Nobody is planned to depart before the offer expires: a yes at the last minute can still be kept."""
    policy = zone.policy
    return timedelta(minutes=policy.offer_expiry_minutes if urgency is None else policy.expiry_minutes(urgency))


def _open_requirements(zone: Zone) -> list[OpenRequirement]:
    """List every requirement with a place open that this beat could fill, in a fixed order."""
    freed = _freed(zone)
    if _looks_at_all(zone, freed):
        return _opened(zone, sorted(zone.seeking))
    return _opened(zone, sorted(zone.fresh.keys() & zone.seeking.keys() | _within_reach_of(zone, freed, zone.seeking)))


def _freed(zone: Zone) -> list[int]:
    return sorted(zone.considered | zone.freed)


def _looks_at_all(zone: Zone, freed: list[int]) -> bool:
    return zone.stale or len(freed) > FREED_MAX


def _opened(zone: Zone, names: Iterable[str]) -> list[OpenRequirement]:
    return [
        posed_requirement(zone, request, need, places)
        for name in names
        if name not in (zone.held or ())
        if (request := zone.requests[name])
        for _, need in sorted(request.needs.items())
        if (places := zone.places_open(need)) > 0
    ]


def _within_reach_of(zone: Zone, freed: list[int], names: Iterable[str]) -> set[str]:
    """Name those of the requests that one of these people may be able to serve."""
    people = zone.people
    found: set[str] = set()
    for row in freed:
        held = {people.skills[skill] for skill in people.levels[:, row].nonzero()[0]}
        lat, lon, reach_m = (float(people.column(name)[row]) for name in ("lat", "lon", "reach_m"))
        for name in names:
            request = zone.requests[name]
            point = request.command.point
            if (
                any(all(skill.skill in held for skill in need.requirement.skills) for need in request.needs.values())
                and row not in request.refused
                and surely_beyond_m(point.lat, point.lon, lat, lon) <= reach_m
            ):
                found.add(name)
    return found


def posed_requirement(zone: Zone, request: Request, need: Need, places: int) -> OpenRequirement:
    """Return one requirement as a problem has it, with so many places to fill."""
    command = request.command
    live = _live(zone, need)
    together = need.requirement.people > 1 and not live
    return OpenRequirement(
        request=command.request,
        requirement=need.requirement.requirement,
        point=command.point,
        earliest_s=_earliest_s(zone, request, together),
        latest_s=int(request.latest.timestamp()),
        duration_s=60 * command.duration_minutes,
        people=places,
        minimum=(need.requirement.minimum_people or need.requirement.people) if not live else 1,
        skills=need.requirement.skills,
        should=need.requirement.should or (),
        nice=need.requirement.nice or (),
        urgency=command.urgency,
        waiting_since_s=int(request.submitted_at.timestamp()),
        depart_s=_ceil_s(zone.now + _lead(zone, command.urgency)),
        circle_s=_circle_s(zone, need),
        area=within.place if (within := areas.looked_in(zone, request, need)) else None,
        fixed_start_s=live[0].start_s if live else -1,
        refused=request.refused,
        excluded=_rows(zone, command.excluded),
        restricted=_rows(zone, command.restricted or ()),
        must_have=None if command.must_have is UNSET else _rows(zone, command.must_have),
        preferred=_preferred(zone, request, need),
        claimed_by=[] if command.post is UNSET else zone.people.claimed_by(command.post),
        helpers=zone.helpers_of(command.requester),
        told=request.told or (),
        serving=[a.volunteer for other in request.needs.values() for a in _live(zone, other)],
        teams=teams_asked(zone, need.requirement, [a.volunteer for a in live]),
        one_team=bool(need.requirement.one_team),
    )


def _preferred(zone: Zone, request: Request, need: Need) -> list[int]:
    """Return those whom the request prefers by name, and those of the team that it prefers."""
    named, team = _rows(zone, request.command.preferred or ()), need.requirement.preferred_team
    return named if team is UNSET else list(dict.fromkeys([*named, *zone.people.teams.rows(team)]))


def as_asked(zone: Zone, request: Request, need: Need) -> OpenRequirement:
    """Return a requirement as it was when it was asked for: every place open, nobody asked, everybody in time."""
    fresh = Need(requirement=need.requirement)
    asked_s = int(request.submitted_at.timestamp())
    return replace(
        # without its needs: whoever served them may be forgotten, as those of ended requests are
        posed_requirement(zone, msgspec.structs.replace(request, needs={}), fresh, need.requirement.people),
        earliest_s=_ceil_s(request.earliest),
        depart_s=asked_s,
        refused=(),
        serving=(),
    )


def _circle_s(zone: Zone, need: Need) -> int:
    """Return the smallest circle that the requirement and its skills ask for, seconds; -1 for none."""
    skills = (zone.circle_of(skill.skill) for skill in need.requirement.skills)
    asked = [minutes for minutes in (need.requirement.circle_minutes or None, *skills) if minutes is not None]
    return 60 * min(asked) if asked else -1


def _rows(zone: Zone, people: Iterable[str]) -> list[int]:
    """Return the rows of the people who are known here."""
    return [zone.people.row_of[person] for person in people if person in zone.people.row_of]


def _live(zone: Zone, need: Need) -> list[Assignment]:
    return [zone.assignments[name] for name in need.assignments if zone.assignments[name].status in LIVE]


def _earliest_s(zone: Zone, request: Request, together: bool) -> int:
    """A crew starts late enough to replace somebody who says no, as far as its window allows that."""
    earliest = request.earliest
    if together:
        last = request.latest - timedelta(minutes=request.command.duration_minutes)
        earliest = max(earliest, min(last, zone.now + timedelta(minutes=zone.policy.crew_lead_minutes)))
    return _ceil_s(earliest)


def _ceil_s(at: datetime) -> int:
    return -int(-at.timestamp() // 1)


def _standing(zone: Zone) -> Standing:
    limit = zone.policy.offers_per_day
    tentative = [
        row
        for row, names in zone.engagements.items()
        if any(zone.assignments[name].status is Status.TENTATIVE for name in names)
    ]
    return Standing(
        capacity_max=1,
        at_s=int(zone.now.timestamp()),
        visits=zone.visits_this_quarter(),
        quarter=None if zone.history is UNSET else zone.quarter(),
        full=_full(zone),
        engaged=tentative,
        spent=[row for row, alerts in zone.alerts.items() if limit and len(alerts) >= limit],
        busy={
            row: [(zone.assignments[name].departure_s, zone.assignments[name].end_s) for name in names]
            for row, names in zone.engagements.items()
        },
    )


def _full(zone: Zone) -> dict[int, list[Stretch]]:
    """Return the days and weeks in which people have visits enough already, by row."""
    if zone.history is UNSET:
        return {}
    anybody, own = zone.policy.visits, zone.people.limits
    found = {}
    for row in sorted(zone.engagements.keys() | zone.history.lately.keys()):
        per_day, per_week = own.get(row, (0, 0))
        per_day, per_week = tighter(per_day, anybody.visits_per_day), tighter(per_week, anybody.visits_per_week)
        if stretches := full(zone.visit_starts(row), per_day, per_week, zone.policy.timezone):
            found[row] = stretches
    return found


def settle(zone: Zone, tick: Tick, plan: Plan, facts: Facts) -> list[Event]:
    """Turn a plan into what happens: the run, a hold and an offer for each placement, a reason for each shortfall."""
    requirements = _open_requirements(zone)
    news = [
        shortfall
        for shortfall in plan.shortfalls
        if (place := requirements[shortfall.requirement])
        if _widens(plan, place, shortfall) or _is_news(zone, place, shortfall)
    ]
    placements, shortfalls = _fitting(plan.placements, news)
    held_back = len(plan.placements) + len(news) - len(placements) - len(shortfalls)
    run = facts(
        e.MatchRunFinished,
        beat=tick.beat,
        engine=plan.engine,
        optimal=plan.optimal,
        gap=plan.gap,
        requirements=len(requirements),
        people=len(zone.people),
        filled=len(placements),
        objective=plan.objective,
        listed_pairs=plan.listed_pairs,
        policy_sha256=sha256(zone.policy),
        held_back=held_back,
        again=held_back > 0 or _may_get_further(plan),
        shares=_shares(zone, placements),
    )
    follow: list[Event] = [run]
    for placement in placements:
        follow += _offer(zone, requirements[placement.requirement], placement, facts)
    for shortfall in shortfalls:
        widens = _widens(plan, requirements[shortfall.requirement], shortfall)
        follow.append((_widened if widens else _unfilled)(zone, requirements, shortfall, facts))
    return follow


def _widens(plan: Plan, place: OpenRequirement, shortfall: Shortfall) -> bool:
    """Say whether the plan shows that the area has nobody for it, and a wider one might.

    A greedy answer and a spent budget show nothing.
    """
    proven = plan.engine != "greedy" and shortfall.reason is not Unassigned.NOT_YET_SOLVED
    return place.area is not None and proven and shortfall.reason not in _NOBODY_ANYWHERE


def _shares(zone: Zone, placements: list[Placement]) -> Shares | UnsetType:
    """Return how the quarter's visits are shared after this plan, where the zone keeps count."""
    if zone.history is UNSET or not zone.policy.counts_quarter:
        return UNSET
    visits = visit_counts(len(zone.people), zone.visits_this_quarter())
    np.add.at(visits, np.array([placement.person for placement in placements], np.int64), 1)
    here = ~zone.people.column("left")
    return shares(visits[here], zone.people.cadres()[here])


def _is_news(zone: Zone, place: OpenRequirement, shortfall: Shortfall) -> bool:
    """Say whether the reason is another than the one recorded before (DESIGN 4.7)."""
    return zone.requests[place.request].needs[place.requirement].reason is not shortfall.reason


def _may_get_further(plan: Plan) -> bool:
    """An unproven plan is worth another solve where the solver failed, or where what it placed made the rest smaller.
    A budget that ended with nothing placed would end the same way again."""
    return not plan.optimal and (plan.engine == "greedy" or bool(plan.placements))


def _fitting(placements: list[Placement], shortfalls: list[Shortfall]) -> tuple[list[Placement], list[Shortfall]]:
    """Return what one entry can hold, placements first, a crew never cut apart."""
    if len(placements) > PLAN_LINES_MAX:
        last = placements[PLAN_LINES_MAX].requirement
        kept = {placement.requirement for placement in placements[:PLAN_LINES_MAX]} - {last}
        placements = [placement for placement in placements if placement.requirement in kept]
    return placements, shortfalls[: max(0, PLAN_LINES_MAX - len(placements))]


def _offer(zone: Zone, place: OpenRequirement, placement: Placement, facts: Facts) -> list[Event]:
    need = zone.requests[place.request].needs[place.requirement]
    person = zone.people.ids[placement.person]
    offer = offer_name(zone, place.request, place.requirement, person)
    start = datetime.fromtimestamp(placement.start_s, UTC)
    whole = {"request": place.request, "requirement": place.requirement, "volunteer": person, "start": start}
    whole["end"] = start + timedelta(seconds=place.duration_s)
    # A zone keeps its deadlines in whole seconds: what is promised is what is kept.
    expires_at = (facts.at + _lead(zone, zone.requests[place.request].command.urgency)).replace(microsecond=0)
    held = facts(e.AssignmentHeld, assignment=offer, departure=start - timedelta(seconds=placement.travel_s), **whole)
    sent = facts(
        e.OfferSent,
        offer=offer,
        wave=need.wave,
        distance_m=round(placement.distance_m, 1),
        travel_s=placement.travel_s,
        cost=placement.cost,
        expires_at=expires_at,
        area=zone.places[place.area].level if place.area else UNSET,
        widened=need.area.because if need.area else UNSET,
        **whole,
    )
    return [held, sent]


def offer_name(zone: Zone, request: str, requirement: str, person: str) -> str:
    """Return the id of a new offer, which is its assignment's: its four parts, and which time in the same wave."""
    wave = zone.requests[request].needs[requirement].wave
    first = name = ".".join(map(_escaped, (request, requirement, str(wave), person)))
    times = 1
    while name in zone.assignments:
        times += 1
        name = f"{first}.{times}"
    return name


def _escaped(part: str) -> str:
    """Keep the dots of an offer's id for its own four parts (DESIGN 4.8)."""
    return part.replace("%", "%25").replace(".", "%2E")


def _unfilled(zone: Zone, places: list[OpenRequirement], shortfall: Shortfall, facts: Facts) -> Event:
    return facts(e.RequirementUnfilled, **_shortage(places, shortfall))


def _widened(zone: Zone, places: list[OpenRequirement], shortfall: Shortfall, facts: Facts) -> Event:
    place = places[shortfall.requirement]
    assert place.area is not None
    area = areas.wider(zone, zone.requests[place.request], zone.places[place.area])
    into = {"area": area.level if area else None, "place": area.place if area else None}
    return facts(e.AreaWidened, **into, **_shortage(places, shortfall))


def _shortage(places: list[OpenRequirement], shortfall: Shortfall) -> dict[str, Any]:
    place = places[shortfall.requirement]
    rival = places[shortfall.rival] if shortfall.rival >= 0 else None
    return {
        "request": place.request,
        "requirement": place.requirement,
        "reason": shortfall.reason,
        "funnel": shortfall.funnel,
        "rival": f"{rival.request}.{rival.requirement}" if rival else "",
    }
