"""改单: a request that changes, and what that means for those who were asked for it or have said yes.

Called by `decisions`; changes nothing. Whoever is bound to the request agreed to what they were told: where and when,
how long, and that they can do it. Where all of that is still true they stay and hear nothing. Else they stand down, and
the place opens anew: those who had said yes are remembered as told, so that the matcher asks them first where they
still fit (the cost term `disturbance`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from msgspec import UNSET, UnsetType

from matcher import events as e
from matcher.commands import ChangeRequest
from matcher.events import Event
from matcher.facts import Facts
from matcher.reasons import ImpossibleValue, Refusal, Unknown
from matcher.requests import dismissed, not_in_state, window_objection
from matcher.terms import NeededSkill, Point
from matcher.zone import KEPT, LIVE, Assignment, Need, Request, RequestState, Status, Zone

Value = TypeVar("Value")

_BEGUN = frozenset({Status.EN_ROUTE, Status.ON_SITE, Status.DONE})


@dataclass(frozen=True)
class _Ask:
    """What a request asks, as far as it can change."""

    earliest: datetime
    latest: datetime
    duration_minutes: int
    point: Point
    place: str | None
    skills: dict[str, tuple[NeededSkill, ...]]


def change(zone: Zone, command: ChangeRequest, facts: Facts) -> list[Event]:
    """Change what is asked, before anybody is on the way; what is agreed and no longer true is taken back."""
    request = zone.requests.get(command.request)
    if request is None or request.state is RequestState.COMPLETED:
        return facts.refused(not_in_state(zone, command.request, "open"))
    if any(status in _BEGUN for need in request.needs.values() for status in zone.statuses(need)):
        return facts.refused(not_in_state(zone, command.request, "open, with nobody on the way"))
    before = _asked(request)
    now = _changed(before, command)
    objection = _objection(zone, request, before, now)
    if objection is not None:
        return facts.refused(objection)
    stay = {one.id for one in _bound(zone, request) if _holds(zone, request, one, now)}
    let_go = [one.volunteer for one in _bound(zone, request) if one.status in KEPT and one.id not in stay]
    changed = facts(
        e.RequestChanged,
        command=command,
        earliest=now.earliest,
        latest=now.latest,
        duration_minutes=now.duration_minutes,
        point=_if_new(before.point, now.point),
        place=_if_new(before.place, now.place),
        told=tuple(zone.people.ids[row] for row in let_go) or UNSET,
    )
    follow: list[Event] = [changed]
    for need in request.needs.values():
        follow += _opened_anew(zone, request, need, stay, facts)
    return follow


def _bound(zone: Zone, request: Request) -> list[Assignment]:
    named = [zone.assignments[name] for need in request.needs.values() for name in need.assignments]
    return [one for one in named if one.status in LIVE]


def _asked(request: Request) -> _Ask:
    command = request.command
    skills = {name: need.requirement.skills for name, need in request.needs.items()}
    window = request.earliest, request.latest
    return _Ask(*window, command.duration_minutes, command.point, command.place, skills)


def _changed(before: _Ask, command: ChangeRequest) -> _Ask:
    elsewhere = command.point is not UNSET and command.point != before.point
    place = None if elsewhere else before.place
    return _Ask(
        earliest=before.earliest if command.earliest is UNSET else command.earliest,
        latest=before.latest if command.latest is UNSET else command.latest,
        duration_minutes=before.duration_minutes if command.duration_minutes is UNSET else command.duration_minutes,
        point=before.point if command.point is UNSET else command.point,
        place=place if command.place is UNSET else command.place,
        skills=before.skills if command.skills is UNSET else {**before.skills, **command.skills},
    )


def _if_new(before: Value, now: Value) -> Value | UnsetType:
    return UNSET if before == now else now


def _objection(zone: Zone, request: Request, before: _Ask, now: _Ask) -> Refusal | None:
    if now == before:
        remedy = "Give a window, a duration, a place or skills that differ."
        return ImpossibleValue(field="request", value=request.command.request, remedy=remedy)
    if now.place is not None and now.place not in zone.places:
        return Unknown(kind="place", value=now.place)
    for requirement, skills in now.skills.items():
        if requirement not in request.needs:
            return Unknown(kind="requirement", value=requirement)
        for skill in skills:
            if skill.skill not in zone.people.skill_row:
                return Unknown(kind="skill", value=skill.skill)
    return window_objection(now.duration_minutes, now.earliest, now.latest)


def _opened_anew(zone: Zone, request: Request, need: Need, stay: set[str], facts: Facts) -> list[Event]:
    """Open one requirement anew with those who stay; let the others go."""
    name = {"request": request.command.request, "requirement": need.requirement.requirement}
    bound = [zone.assignments[one] for one in need.assignments if zone.assignments[one].status in LIVE]
    kept, gone = [one for one in bound if one.id in stay], [one for one in bound if one.id not in stay]
    opened = facts(e.RequirementOpened, **name, wave=need.wave + 1, kept=tuple(one.id for one in kept) or UNSET)
    follow = [*dismissed(gone, facts, e.ReleaseReason.REQUEST_CHANGED), opened]
    if kept and (sum(one.status in KEPT for one in kept) == need.requirement.people or (need.filled and not gone)):
        follow.append(facts(e.RequirementFilled, **name))
    return follow


def _holds(zone: Zone, request: Request, bound: Assignment, now: _Ask) -> bool:
    """Say whether all that this person was told is still true."""
    command = request.command
    if (now.point, now.duration_minutes) != (command.point, command.duration_minutes):
        return False
    if not now.earliest.timestamp() <= bound.start_s <= bound.end_s <= now.latest.timestamp():
        return False
    skills = now.skills[bound.requirement]
    return skills == request.needs[bound.requirement].requirement.skills or _can(zone, bound, skills)


def _can(zone: Zone, bound: Assignment, skills: tuple[NeededSkill, ...]) -> bool:
    """Say whether the person holds these skills until the end of the visit, and is as near as they ask."""
    people, who = zone.people, bound.volunteer
    for skill in skills:
        row, circle = people.skill_row[skill.skill], zone.circle_of(skill.skill)
        if people.levels[row, who] < skill.level or people.expires_s.get((row, who), bound.end_s) < bound.end_s:
            return False
        if circle is not None and bound.start_s - bound.departure_s > 60 * circle:
            return False
    return True
