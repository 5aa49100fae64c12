"""The only place that changes a zone. Every event has one small function here, those of
a week's batch in `evolving_weeks`; none of them decides anything."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET

from matcher import areas, evolving_weeks
from matcher import events as e
from matcher.commands import JobOutcome, Tick
from matcher.history import History
from matcher.people import NOT_PAUSED, UNTIL_FURTHER_NOTICE
from matcher.terms import Link
from matcher.zone import (
    ENDED,
    KEPT,
    Assignment,
    Due,
    Need,
    OfferState,
    Request,
    RequestState,
    Status,
    Widened,
    Zone,
    digest,
    issue,
    push,
)

DAY_S = 86_400
#: How long a command's id is remembered (DESIGN 4.8).
REMEMBERED_S = 7 * DAY_S


def evolve(zones: dict[str, Zone], event: e.Event) -> None:
    """Apply one event to its zone. The first place defined opens the zone."""
    if isinstance(event, e.PlaceDefined) and event.zone not in zones:
        zones[event.zone] = Zone(id=event.zone, now=event.at)
    zone = zones.get(event.zone)
    if zone is None:
        return  # refused in a zone that is not there, or the log's own
    command = getattr(event, "command", None)
    if command is not None and not isinstance(command, Tick):
        # The first body stays: another one under its id was refused, and must not take its place.
        zone.remembered.setdefault(command.id, (digest(command), _s(zone.now)))
    change = _CHANGES.get(type(event))
    if change is not None:
        change(zone, event)


# --- what rules read -------------------------------------------------------------------------------------------


def _place_defined(zone: Zone, event: e.PlaceDefined) -> None:
    zone.places[event.command.place] = event.command


def _unit_defined(zone: Zone, event: e.UnitDefined) -> None:
    told = event.command
    zone.units[told.unit] = told.name
    others = {unit: profile for unit, profile in (zone.profiles or {}).items() if unit != told.unit}
    if told.point or told.functions or told.skills:
        zone.profiles = {**others, told.unit: told}
    elif zone.profiles:
        zone.profiles = others


def _unit_linked(zone: Zone, event: e.UnitLinked) -> None:
    told, links = event.command, zone.links or {}
    link = Link(since=told.since or None, until=told.until or None)
    zone.links = {**links, told.unit: {**links.get(told.unit, {}), told.place: link}}


def _skill_defined(zone: Zone, event: e.SkillDefined) -> None:
    zone.people.add_skill(event.command.skill)
    before, now = zone.circle_of(event.command.skill), event.command.circle_minutes or None
    if now != before:
        others = {skill: minutes for skill, minutes in (zone.circles or {}).items() if skill != event.command.skill}
        zone.circles = others if now is None else {**others, event.command.skill: now}
        zone.stale = True


def _team_defined(zone: Zone, event: e.TeamDefined) -> None:
    before = zone.known_teams.get(event.command.team)
    zone.teams = {**zone.known_teams, event.command.team: event.command}
    zone.stale = zone.stale or before is None or before.kind is not event.command.kind


def _post_defined(zone: Zone, event: e.PostDefined) -> None:
    zone.posts = {**zone.known_posts, event.command.post: event.command}


def _policy_set(zone: Zone, event: e.PolicySet) -> None:
    zone.policy = event.command.policy
    zone.stale = True
    if zone.policy.keeps_history:
        _begin_history(zone)


def _calendar_day_set(zone: Zone, event: e.CalendarDaySet) -> None:
    day, working = event.command.day, event.command.working
    others = {known: worked for known, worked in zone.own_days.items() if known != day}
    zone.calendar = others if working is None else {**others, day: working}
    _other_days(zone)


def _calendar_year_set(zone: Zone, event: e.CalendarYearSet) -> None:
    zone.years = {**(zone.years or {}), event.command.days.year: event.command.days}
    _other_days(zone)


def _other_days(zone: Zone) -> None:
    """Whose hours read the calendar may have others now."""
    zone.stale = zone.stale or any(hours.reads_calendar for hours in zone.people.hours_table)


# --- requests --------------------------------------------------------------------------------------------------


def _request_submitted(zone: Zone, event: e.RequestSubmitted) -> None:
    command = event.command
    zone.requests[command.request] = Request(
        command=command,
        submitted_at=event.at,
        earliest=event.earliest,
        latest=event.latest,
        needs={need.requirement: Need(requirement=need) for need in command.requirements},
        provisional=event.provisional,
    )
    push(zone, _s(event.latest), Due.WINDOW, command.request)


def _window_moved(zone: Zone, event: e.WindowMoved) -> None:
    request = zone.requests[event.request]
    request.latest, request.provisional = event.latest, event.provisional
    zone.fresh[event.request] = True
    push(zone, _s(event.latest), Due.WINDOW, event.request)


def _request_accepted(zone: Zone, event: e.RequestAccepted) -> None:
    zone.requests[event.request].state = RequestState.ACCEPTED


def _requirement_opened(zone: Zone, event: e.RequirementOpened) -> None:
    need = zone.requests[event.request].needs[event.requirement]
    need.wave, need.filled, need.reason, need.assignments = event.wave, False, None, list(event.kept or ())
    need.area = UNSET
    if event.kept:
        request = zone.requests[event.request]
        request.was_assigned = request.was_assigned or any(status in KEPT for status in zone.statuses(need))
    zone.fresh[event.request] = True
    _restate(zone, event.request)


def _requirement_filled(zone: Zone, event: e.RequirementFilled) -> None:
    need = zone.requests[event.request].needs[event.requirement]
    need.filled, need.reason = True, None
    _restate(zone, event.request)


def _requirement_unfilled(zone: Zone, event: e.RequirementUnfilled) -> None:
    zone.requests[event.request].needs[event.requirement].reason = event.reason
    _restate(zone, event.request)


def _area_widened(zone: Zone, event: e.AreaWidened) -> None:
    zone.requests[event.request].needs[event.requirement].area = Widened(event.area, event.reason)
    zone.fresh[event.request] = True


def _request_changed(zone: Zone, event: e.RequestChanged) -> None:
    request, asked = zone.requests[event.command.request], event.command
    _room_made(zone, request)
    fields = {"duration_minutes": event.duration_minutes, "point": event.point, "place": event.place}
    said = {name: value for name, value in fields.items() if value is not UNSET}
    request.command = msgspec.structs.replace(request.command, **said)
    for requirement, skills in (asked.skills or {}).items():
        need = request.needs[requirement]
        need.requirement = msgspec.structs.replace(need.requirement, skills=skills)
    request.earliest, request.latest = event.earliest, event.latest
    if asked.latest is not UNSET:
        request.provisional = UNSET
    if event.told:
        rows = [zone.people.row_of[person] for person in event.told]
        request.told = list(dict.fromkeys([*(request.told or ()), *rows]))
    request.refused, request.was_assigned = [], False
    push(zone, _s(event.latest), Due.WINDOW, event.command.request)


def _request_reopened(zone: Zone, event: e.RequestReopened) -> None:
    name = event.request
    request = zone.requests[name] = zone.ended.pop(name) if name in zone.ended else zone.requests[name]
    request.earliest, request.latest, request.provisional = event.earliest, event.latest, event.provisional
    request.state, request.reopened = RequestState.REOPENED, request.reopened + 1
    request.refused, request.was_assigned, request.told = [], False, UNSET
    request.completed_at = request.ended_at = request.outcome = None
    push(zone, _s(event.latest), Due.WINDOW, name)


def _request_completed(zone: Zone, event: e.RequestCompleted) -> None:
    request = zone.requests[event.request]
    request.state, request.completed_at = RequestState.COMPLETED, event.at
    zone.seeking.pop(event.request, None)
    push(zone, _s(event.at) + zone.policy.rating_expiry_days * DAY_S, Due.RATING, event.request)


def _rating_submitted(zone: Zone, event: e.RatingSubmitted) -> None:
    zone.requests[event.command.request].state = RequestState.RATED


def _request_closed(zone: Zone, event: e.RequestClosed) -> None:
    zone.requests[event.request].outcome = event.outcome
    _end(zone, event.request, RequestState.CLOSED, event.at)


def _request_cancelled(zone: Zone, event: e.RequestCancelled) -> None:
    _end(zone, event.command.request, RequestState.CANCELLED, event.at)


def _end(zone: Zone, name: str, state: RequestState, at: datetime) -> None:
    request = zone.ended[name] = zone.requests.pop(name)
    request.state, request.ended_at = state, at
    zone.seeking.pop(name, None)
    zone.fresh.pop(name, None)


def _restate(zone: Zone, name: str) -> None:
    """Say the request's state from where its assignments are."""
    request = zone.requests.get(name)
    if request is None or request.state in ENDED | {RequestState.COMPLETED, RequestState.RATED}:
        return
    needs = request.needs.values()
    statuses = [status for need in needs for status in zone.statuses(need)]
    if Status.ON_SITE in statuses or Status.DONE in statuses:
        request.state = RequestState.IN_PROGRESS
    elif all(need.filled for need in needs):
        request.state = RequestState.ASSIGNED
    elif any(status in KEPT for status in statuses):
        request.state = RequestState.PARTIALLY_ASSIGNED
    elif Status.TENTATIVE not in statuses and all(need.filled or need.reason is not None for need in needs):
        request.state = RequestState.UNASSIGNABLE
    else:
        request.state = RequestState.MATCHING
    if any(zone.places_open(need) > 0 for need in needs):
        zone.seeking[name] = True
    else:
        zone.seeking.pop(name, None)


# --- people ----------------------------------------------------------------------------------------------------


def _volunteer_registered(zone: Zone, event: e.VolunteerRegistered | e.VolunteerChanged) -> None:
    row = zone.people.register(event.command)
    zone.freed[row] = True
    if row in zone.people.limits:
        _begin_history(zone)


def _availability_changed(zone: Zone, event: e.AvailabilityChanged) -> None:
    row = zone.people.row_of[event.command.volunteer]
    zone.people.change_hours(row, event.command.hours)
    zone.freed[row] = True


def _volunteer_paused(zone: Zone, event: e.VolunteerPaused) -> None:
    row = zone.people.row_of[event.command.volunteer]
    until = event.command.until
    if until is None:
        zone.people.pause(row, UNTIL_FURTHER_NOTICE)
    elif until <= event.at:
        zone.people.pause(row, NOT_PAUSED)
        zone.freed[row] = True
    else:
        zone.people.pause(row, _s(until))
        push(zone, _s(until), Due.PAUSE, event.command.volunteer)


def _volunteer_left(zone: Zone, event: e.VolunteerLeft) -> None:
    zone.people.remove(zone.people.row_of[event.command.volunteer])


# --- offers and assignments ------------------------------------------------------------------------------------


def _assignment_held(zone: Zone, event: e.AssignmentHeld) -> None:
    row = zone.people.row_of[event.volunteer]
    zone.assignments[event.assignment] = Assignment(
        id=event.assignment,
        request=event.request,
        requirement=event.requirement,
        volunteer=row,
        departure_s=_s(event.departure),
        start_s=_s(event.start),
        end_s=_s(event.end),
    )
    need = zone.requests[event.request].needs[event.requirement]
    need.assignments.append(event.assignment)
    need.reason = None
    zone.engagements.setdefault(row, []).append(event.assignment)
    if need.requirement.people > 1:
        push(zone, _s(event.start), Due.START, event.assignment)
    _restate(zone, event.request)


def _offer_sent(zone: Zone, event: e.OfferSent) -> None:
    if event.plan is not UNSET:
        evolving_weeks.offered(zone, event)
        return
    row = zone.people.row_of[event.volunteer]
    push(zone, _s(event.expires_at), Due.OFFER, event.offer)
    if zone.policy.offers_per_day:
        zone.alerts.setdefault(row, []).append(_s(event.at))
        push(zone, _s(event.at) + DAY_S, Due.BUDGET, event.volunteer)
    if zone.policy.notify:
        issue(zone, f"notify:{event.offer}", 1, event.at)


def _offer_accepted(zone: Zone, event: e.OfferAccepted) -> None:
    zone.assignments[event.command.offer].offer = OfferState.ACCEPTED


def _offer_declined(zone: Zone, event: e.OfferDeclined) -> None:
    _refuse(zone, event.command.offer, OfferState.DECLINED)


def _offer_expired(zone: Zone, event: e.OfferExpired) -> None:
    _refuse(zone, event.offer, OfferState.EXPIRED)


def _offer_superseded(zone: Zone, event: e.OfferSuperseded) -> None:
    assignment = zone.assignments[event.offer]
    assignment.offer = OfferState.SUPERSEDED
    if zone.policy.notify and zone.knows_of(assignment):
        issue(zone, f"notify:{event.offer}:stand-down", 1, event.at)


def _refuse(zone: Zone, offer: str, state: OfferState) -> None:
    assignment = zone.assignments[offer]
    assignment.offer = state
    zone.request(assignment.request).refused.append(assignment.volunteer)


def _assignment_committed(zone: Zone, event: e.AssignmentCommitted) -> None:
    assignment = zone.assignments[event.assignment]
    assignment.status = Status.COMMITTED
    zone.requests[assignment.request].was_assigned = True
    push(zone, assignment.start_s + 60 * zone.policy.no_show_grace_minutes, Due.NO_SHOW, assignment.id)
    zone.freed[assignment.volunteer] = True
    _restate(zone, assignment.request)


def _volunteer_departed(zone: Zone, event: e.VolunteerDeparted) -> None:
    zone.assignments[event.command.assignment].status = Status.EN_ROUTE


def _volunteer_arrived(zone: Zone, event: e.VolunteerArrived) -> None:
    assignment = zone.assignments[event.command.assignment]
    assignment.status = Status.ON_SITE
    push(zone, assignment.end_s + 3600 * zone.policy.overrun_grace_hours, Due.OVERRUN, assignment.id)
    _restate(zone, assignment.request)


def _work_finished(zone: Zone, event: e.WorkFinished) -> None:
    _leave(zone, event.command.assignment, Status.DONE)
    _remember_visit(zone, zone.assignments[event.command.assignment], event.at)


def _begin_history(zone: Zone) -> None:
    """Count visits from now on, and those that can still be seen."""
    if zone.history is UNSET:
        zone.history = History(quarter=zone.quarter().number)
        for assignment in zone.assignments.values():
            if assignment.status is Status.DONE:
                _remember_visit(zone, assignment, zone.now)


def _remember_visit(zone: Zone, assignment: Assignment, at: datetime) -> None:
    if zone.history is UNSET:
        return
    minutes = (assignment.end_s - assignment.start_s) // 60
    zone.history.served(assignment.volunteer, assignment.start_s, minutes, at, zone.policy.timezone)
    requester = zone.request(assignment.request).command.requester
    if requester is not None:
        zone.history.helped(requester, assignment.request, assignment.volunteer, _s(at))


def _assignment_released(zone: Zone, event: e.AssignmentReleased) -> None:
    assignment = zone.assignments[event.assignment]
    if event.reason in {e.ReleaseReason.OVERRUN, e.ReleaseReason.VOLUNTEER_LEFT}:
        zone.request(assignment.request).refused.append(assignment.volunteer)
    _leave(zone, event.assignment, Status.RELEASED)
    if event.stand_down and zone.policy.notify:
        issue(zone, f"notify:{event.assignment}:stand-down", 1, event.at)


def _no_show_recorded(zone: Zone, event: e.NoShowRecorded) -> None:
    assignment = zone.assignments[event.assignment]
    zone.request(assignment.request).refused.append(assignment.volunteer)
    _leave(zone, event.assignment, Status.NO_SHOW)


def _leave(zone: Zone, name: str, status: Status) -> None:
    """The person's time is free again."""
    assignment = zone.assignments[name]
    assignment.status = status
    own = zone.engagements[assignment.volunteer]
    own.remove(name)
    if not own:
        del zone.engagements[assignment.volunteer]
    if status is not Status.DONE:
        zone.request(assignment.request).needs[assignment.requirement].filled = False
        if assignment.request in zone.requests:
            zone.fresh[assignment.request] = True
    zone.freed[assignment.volunteer] = True
    _room_made(zone, zone.request(assignment.request))
    _restate(zone, assignment.request)


def _room_made(zone: Zone, request: Request) -> None:
    """Fewer people may visit the request's compound than before: others may, whoever is free for them."""
    if not zone.policy.tree.visitors_per_hour:
        return
    compound = areas.compound_of(zone, request)
    if compound is not None:
        waiting = (name for name in zone.seeking if areas.compound_of(zone, zone.requests[name]) == compound)
        zone.fresh.update(dict.fromkeys(waiting, True))


# --- time, solves, jobs ----------------------------------------------------------------------------------------


def _time_passed(zone: Zone, event: e.TimePassed) -> None:
    new_day = event.at.date() != zone.now.date()
    zone.now, zone.beat = event.at, event.beat
    zone.considered, zone.freed = zone.freed, {}
    now_s = _s(event.at)
    for _ in range(event.lapsed or len(zone.deadlines)):
        if not zone.deadlines or zone.deadlines[0][0] > now_s:
            break
        _, why, what = heapq.heappop(zone.deadlines)
        if why == Due.PAUSE:
            zone.freed[zone.people.row_of[what]] = True
        elif why == Due.BUDGET:
            _budget_freed(zone, zone.people.row_of[what], now_s)
        elif why == Due.HOLD:
            evolving_weeks.let_go(zone, what)
    if new_day:
        _forget(zone, now_s)


def _budget_freed(zone: Zone, row: int, now_s: int) -> None:
    alerts = zone.alerts.get(row, [])
    fresh = [at_s for at_s in alerts if at_s + DAY_S > now_s]
    if len(alerts) >= zone.policy.offers_per_day > len(fresh):
        zone.freed[row] = True
    if fresh:
        zone.alerts[row] = fresh
    else:
        zone.alerts.pop(row, None)


def _forget(zone: Zone, now_s: int) -> None:
    """Drop what no rule can ask for any more: old command ids, requests too old to be reopened."""
    if zone.history is not UNSET:
        zone.history.forget(now_s)
    zone.remembered = {name: at for name, at in zone.remembered.items() if at[1] + REMEMBERED_S > now_s}
    if zone.known_plans:
        evolving_weeks.forget(zone, now_s)
    kept_s = zone.policy.reopen_days * DAY_S + DAY_S
    ended = {name: r for name, r in zone.ended.items() if r.ended_at and _s(r.ended_at) + kept_s > now_s}
    if len(ended) < len(zone.ended):
        zone.ended = ended
        known = zone.requests.keys() | ended.keys()
        zone.assignments = {name: a for name, a in zone.assignments.items() if a.request in known}


def _match_run_finished(zone: Zone, event: e.MatchRunFinished) -> None:
    zone.fresh = {}
    zone.stale = event.again


def _job_reported(zone: Zone, event: e.JobReported) -> None:
    if event.command.outcome is not JobOutcome.FAILED:
        zone.jobs.pop(event.command.job, None)


def _job_reissued(zone: Zone, event: e.JobReissued) -> None:
    issue(zone, event.job, event.attempt, event.at)


def _job_abandoned(zone: Zone, event: e.JobAbandoned) -> None:
    zone.jobs.pop(event.job, None)


def _s(at: datetime) -> int:
    return int(at.timestamp())


_CHANGES: dict[type[e.Event], Callable[[Zone, Any], None]] = {
    e.PlaceDefined: _place_defined,
    e.UnitDefined: _unit_defined,
    e.UnitLinked: _unit_linked,
    e.SkillDefined: _skill_defined,
    e.TeamDefined: _team_defined,
    e.PostDefined: _post_defined,
    e.PolicySet: _policy_set,
    e.CalendarDaySet: _calendar_day_set,
    e.RequestSubmitted: _request_submitted,
    e.CalendarYearSet: _calendar_year_set,
    e.WindowMoved: _window_moved,
    e.RequestAccepted: _request_accepted,
    e.RequirementOpened: _requirement_opened,
    e.RequirementFilled: _requirement_filled,
    e.RequirementUnfilled: _requirement_unfilled,
    e.AreaWidened: _area_widened,
    e.RequestChanged: _request_changed,
    e.RequestReopened: _request_reopened,
    e.RequestCompleted: _request_completed,
    e.RatingSubmitted: _rating_submitted,
    e.RequestClosed: _request_closed,
    e.RequestCancelled: _request_cancelled,
    e.VolunteerRegistered: _volunteer_registered,
    e.VolunteerChanged: _volunteer_registered,
    e.AvailabilityChanged: _availability_changed,
    e.VolunteerPaused: _volunteer_paused,
    e.VolunteerLeft: _volunteer_left,
    e.AssignmentHeld: _assignment_held,
    e.OfferSent: _offer_sent,
    e.OfferAccepted: _offer_accepted,
    e.OfferDeclined: _offer_declined,
    e.OfferExpired: _offer_expired,
    e.OfferSuperseded: _offer_superseded,
    e.AssignmentCommitted: _assignment_committed,
    e.VolunteerDeparted: _volunteer_departed,
    e.VolunteerArrived: _volunteer_arrived,
    e.WorkFinished: _work_finished,
    e.AssignmentReleased: _assignment_released,
    e.NoShowRecorded: _no_show_recorded,
    e.TimePassed: _time_passed,
    e.MatchRunFinished: _match_run_finished,
    e.JobReported: _job_reported,
    e.JobReissued: _job_reissued,
    e.JobAbandoned: _job_abandoned,
    **evolving_weeks.CHANGES,
}
